// SPDX-License-Identifier: Apache-2.0
#include "cli/ledger_report.h"

#include <string>

#include "base/bytes.h"

namespace holdfast::cli {

JsonObject LedgerVerifiedView(const evidence::Verification& verification) {
  JsonObject facts;
  for (const auto& [name, count] : verification.report.facts) facts.Set(name, count);
  JsonObject refusals;
  for (const auto& [name, count] : verification.report.refusals) refusals.Set(name, count);
  JsonObject records;
  records.Set("active", verification.records.active)
      .Set("expired", verification.records.expired)
      .Set("revoked", verification.records.revoked)
      .Set("destroyed", verification.records.destroyed);
  JsonObject verdicts;
  verdicts.Set("replayable", verification.verdicts.replayable)
      .Set("not_replayable", verification.verdicts.not_replayable);
  JsonArray assumptions;
  for (const std::string& line : evidence::VerificationAssumptions()) assumptions.Add(line);
  JsonObject object("LedgerVerified");
  object.Set("entries", verification.checkpoint.size)
      .Set("root", Hex(verification.checkpoint.root))
      .Set("decided_again", verification.report.decided_again)
      .Set("refusals_decided_again", verification.report.refusals_decided_again)
      .Set("facts", facts)
      .Set("refusals", refusals)
      .Set("records", records)
      .Set("earlier_checkpoints", verification.earlier)
      .Set("receipts", verification.receipts)
      .Set("clock_was_untrusted", verification.clock_was_untrusted)
      .Set("assumptions", assumptions)
      .Set("verdicts", verdicts);
  return object;
}

}  // namespace holdfast::cli
