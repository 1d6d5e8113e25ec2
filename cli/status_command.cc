// SPDX-License-Identifier: Apache-2.0
// holdfast status: is the gateway serving, and what is held.
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/keyslot_view.h"
#include "cli/version.h"
#include "client/ledger_client.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

absl::StatusOr<ExitStatus> ShowStatus(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, client::LedgerClient(channel).GetExchange());
  JsonObject records;
  records.Set("active", exchange.records().active())
      .Set("expired", exchange.records().expired())
      .Set("revoked", exchange.records().revoked())
      .Set("destroyed", exchange.records().destroyed());
  const v1::Limits& bounds = exchange.limits();
  JsonObject limits;
  limits.Set("rows_per_chunk", bounds.rows_per_chunk())
      .Set("messages_in_flight", bounds.messages_in_flight())
      .Set("candidates", bounds.candidates())
      .Set("transfer_subjects", bounds.transfer_subjects())
      .Set("open_records", bounds.open_records())
      .Set("open_leases", bounds.open_leases())
      .Set("lease_seconds", bounds.lease_duration().seconds());
  JsonObject object("Status");
  object.Set("exchange", exchange.name())
      .Set("exchange_id", Hex(AsBytes(exchange.exchange_id())))
      .Set("serving", exchange.serving())
      .Set("version", exchange.version())
      .Set("agreement_version", exchange.agreement_version())
      .Set("agreement_sha256", Hex(AsBytes(exchange.agreement_digest())))
      .Set("keyslot", exchange.keyslot_kind())
      .Set("erasure_class", exchange.erasure_class())
      .Set("keyslots", exchange.keyslot_parts_size())
      .Set("epoch", exchange.epoch())
      .Set("time", FormatRfc3339(ToMillis(exchange.time())))
      .Set("clock_trusted", exchange.clock_trusted())
      .Set("ledger_size", exchange.ledger_size())
      .Set("freezes", exchange.freezes())
      .Set("preserves", exchange.preserves())
      .Set("records", records)
      .Set("limits", limits);
  session.out().Result(
      object,
      fmt::format("{} is {}, version {}\n  exchange {}\n  agreement version {}, {}\n  keyslot {} "
                  "(erasure class {}), epoch {}\n  clock {}, {}\n  {} ledger entries\n  {} holds "
                  "freeze, {} preserve\n  records: {} active, {} expired, {} revoked, {} destroyed",
                  exchange.name(), exchange.serving() ? "serving" : "NOT SERVING",
                  exchange.version(), Hex(AsBytes(exchange.exchange_id())),
                  exchange.agreement_version(), Hex(AsBytes(exchange.agreement_digest())),
                  exchange.keyslot_kind(), exchange.erasure_class(), exchange.epoch(),
                  exchange.clock_trusted() ? "trusted" : "NOT TRUSTED",
                  session.out().Time(ToMillis(exchange.time())), exchange.ledger_size(),
                  exchange.freezes(), exchange.preserves(), exchange.records().active(),
                  exchange.records().expired(), exchange.records().revoked(),
                  exchange.records().destroyed()));
  NoteSingleKeyslot(session, exchange);
  if (exchange.version() != kVersion) {
    session.out().Note("this program is of version " + std::string(kVersion));
  }
  return exchange.serving() ? ExitStatus::kDone : ExitStatus::kUnreachable;
}

}  // namespace

void DeclareStatus(Command root) {
  root.Sub("status", "is the gateway serving, and what is held").Runs(ShowStatus);
}

}  // namespace holdfast::cli
