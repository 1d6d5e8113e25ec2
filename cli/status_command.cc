// SPDX-License-Identifier: Apache-2.0
// holdfast status: is the gateway serving, and what is held.
#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/keyslot_view.h"
#include "cli/version.h"
#include "client/ledger_client.h"
#include "client/order_client.h"
#include "crypto/checkpoint.h"
#include "crypto/ed25519.h"
#include "crypto/signed_note.h"

namespace holdfast::cli {
namespace {

// The ledger's verifier key, as a witness has to know it; empty where the gateway gives none.
std::string LedgerKey(const v1::Exchange& exchange) {
  const auto id = ArrayFromBytes<Digest32>(AsBytes(exchange.exchange_id()));
  const auto bytes = ArrayFromBytes<std::array<std::byte, crypto::PublicKey::kBytes>>(
      AsBytes(exchange.checkpoint_key()));
  if (!id.ok() || !bytes.ok()) return {};
  const auto key = crypto::PublicKey::FromBytes(*bytes);
  if (!key.ok()) return {};
  const auto name = crypto::NoteKey::Make(crypto::LedgerOrigin(ExchangeId(*id)),
                                          crypto::NoteAlgorithm::kEd25519, *key);
  return name.ok() ? name->ToString() : std::string();
}

JsonArray WitnessesJson(const v1::Exchange& exchange) {
  JsonArray witnesses;
  for (const v1::WitnessState& witness : exchange.witnesses()) {
    JsonObject one;
    one.Set("name", witness.name()).Set("side", witness.side()).Set("size", witness.size());
    if (witness.has_signed_at()) one.Set("at", FormatRfc3339(ToMillis(witness.signed_at())));
    witnesses.AddRaw(one.text());
  }
  return witnesses;
}

std::string WitnessesText(const Output& out, const v1::Exchange& exchange) {
  if (exchange.witnesses().empty()) return "\n  no witness is demanded";
  const bool signs =
      exchange.has_quorum_at() && ToMillis(exchange.time()) - ToMillis(exchange.quorum_at()) <=
                                      std::chrono::seconds(exchange.witness_max_age().seconds());
  std::string text = signs ? "\n  witnessed" : "\n  NOT WITNESSED: no key is released";
  for (const v1::WitnessState& witness : exchange.witnesses()) {
    text += fmt::format("\n    {} ({}): ", witness.name(), witness.side());
    text += witness.has_signed_at() ? fmt::format("{} entries at {}", witness.size(),
                                                  out.Time(ToMillis(witness.signed_at())))
                                    : std::string("has signed nothing");
  }
  return text;
}

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
      .Set("limits", limits)
      .Set("ledger_key", LedgerKey(exchange))
      .Set("witnesses", WitnessesJson(exchange))
      .Set("pseudonym_key_destroyed", exchange.pseudonym_key_destroyed());
  if (exchange.has_quorum_at()) {
    object.Set("witnessed_at", FormatRfc3339(ToMillis(exchange.quorum_at())));
  }
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
                  exchange.records().destroyed()) +
          "\n  ledger key " + LedgerKey(exchange) + WitnessesText(session.out(), exchange) +
          (exchange.pseudonym_key_destroyed() ? "\n  the pseudonym key was DESTROYED" : ""));
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
