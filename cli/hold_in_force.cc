// SPDX-License-Identifier: Apache-2.0
#include "cli/hold_in_force.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/amend_hold.h"
#include "cli/exchange_view.h"
#include "cli/keyslot_view.h"
#include "client/ledger_client.h"

namespace holdfast::cli {

absl::StatusOr<v1::Hold> Standing(Session& session, const std::string& id, std::uint64_t placing) {
  const absl::StatusOr<v1::Hold> hold = FindHold(session, id);
  if (!hold.ok() && ReasonOf(hold.status()) != Reason::kNotFound) return hold.status();
  if (!hold.ok() || placing < hold->placed_index() || placing > hold->last_placed_index()) {
    return MakeError(Reason::kLedgerInconsistent,
                     "the gateway accepted the order and does not list the hold so");
  }
  if (hold->state() == v1::Hold::LIFTED) {
    return AddMetadata(
        MakeError(Reason::kOrderRejected, "the hold " + id + " was placed before, and lifted"),
        "hold", id);
  }
  return *hold;
}

std::string InForceLine(const Output& output, const v1::Hold& hold, std::uint64_t placing,
                        const std::string& how) {
  std::string since;
  const auto say_since = [&](UnixMillis at) {
    since = fmt::format(" since {} ({})", output.Time(at), FormatRfc3339(at));
  };
  if (placing == hold.placed_index()) {
    say_since(ToMillis(hold.placed_at()));
  } else {
    const auto event =
        std::find_if(hold.history().begin(), hold.history().end(),
                     [&](const v1::HoldEvent& one) { return one.ledger_index() == placing; });
    if (event != hold.history().end()) say_since(ToMillis(event->at()));
  }
  return fmt::format("IN FORCE  hold {}{}{}, ledger entry {}", hold.id(),
                     how.empty() ? "" : " " + how, since, placing);
}

void NoteKeyslots(Session& session) {
  const auto channel = session.channel();
  if (!channel.ok()) return;
  const auto exchange = client::LedgerClient(*channel).GetExchange();
  if (exchange.ok()) NoteSingleKeyslot(session, *exchange);
}

ExitStatus ShowInForce(Session& session, const order::v1::Order& order,
                       const AcceptedOrder& accepted, const std::string& id,
                       const std::string& how) {
  if (!accepted.proven.ok()) return ShowReceipt(session, order, accepted);
  const std::uint64_t placing = accepted.response.receipt().ledger_index();
  const absl::StatusOr<v1::Hold> hold = Standing(session, id, placing);
  if (!hold.ok()) return session.out().Fail(hold.status());
  session.out().Line(InForceLine(session.out(), *hold, placing, how));
  return ShowReceipt(session, order, accepted);
}

}  // namespace holdfast::cli
