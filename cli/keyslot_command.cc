// SPDX-License-Identifier: Apache-2.0
// holdfast keyslot: what the root key lies in, and whether it is on its way to somewhere else.
#include <string>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/keyslot_view.h"
#include "client/ledger_client.h"

namespace holdfast::cli {
namespace {

absl::StatusOr<ExitStatus> ShowKeyslot(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, client::LedgerClient(channel).GetExchange());
  JsonArray parts;
  std::string text = fmt::format("{}, erasure class {}, epoch {}", exchange.keyslot_kind(),
                                 exchange.erasure_class(), exchange.epoch());
  for (const v1::KeyslotPart& part : exchange.keyslot_parts()) {
    JsonObject object;
    object.Set("kind", part.kind())
        .Set("erasure_class", part.erasure_class())
        .Set("device", part.device());
    parts.AddRaw(object.text());
    text += fmt::format("\n  {} (erasure class {}){}{}", part.kind(), part.erasure_class(),
                        part.device().empty() ? "" : ": ", part.device());
  }
  if (exchange.keyslot_moving()) {
    text += "\n  moving: the epoch that ends it is still to be made; leave migrate_from in place";
  }
  JsonObject object("Keyslot");
  object.Set("keyslot", exchange.keyslot_kind())
      .Set("erasure_class", exchange.erasure_class())
      .Set("epoch", exchange.epoch())
      .Set("moving", exchange.keyslot_moving())
      .Set("parts", parts);
  session.out().Result(object, text);
  NoteSingleKeyslot(session, exchange);
  return exchange.keyslot_moving() ? ExitStatus::kWaits : ExitStatus::kDone;
}

}  // namespace

void NoteSingleKeyslot(Session& session, const v1::Exchange& exchange) {
  if (exchange.keyslot_parts_size() != 1) return;
  session.out().Note(
      "there is one keyslot only: if it is lost, every key of this exchange is lost, also of what "
      "a "
      "court wants preserved");
}

void DeclareKeyslot(Command root) {
  Command keyslot = root.Sub("keyslot", "where the root key lies, and whether it moves");
  keyslot.Sub("status", "kinds, erasure classes and devices; exit 12 while the key moves")
      .Runs(ShowKeyslot);
}

}  // namespace holdfast::cli
