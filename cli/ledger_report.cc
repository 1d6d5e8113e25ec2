// SPDX-License-Identifier: Apache-2.0
#include "cli/ledger_report.h"

#include <string>

#include "base/bytes.h"
#include "base/time.h"

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
  JsonObject rules;
  for (const evidence::RuleCount& rule : evidence::RulesOf(verification.report)) {
    JsonObject one;
    one.Set("entries", rule.entries).Set("decided_again", rule.again).Set("differ", 0);
    rules.Set(rule.rule, one);
  }
  JsonArray statements;
  for (const evidence::VerifiedStatement& statement : verification.statements) {
    JsonObject one;
    one.Set("by", statement.said.by)
        .Set("made_at", FormatRfc3339(statement.said.made_at))
        .Set("from", FormatRfc3339(statement.said.question.from))
        .Set("to", FormatRfc3339(statement.said.question.to))
        .Set("records", statement.found.records)
        .Set("records_digest", Hex(statement.found.records_digest))
        .Set("released_before", statement.found.released_before);
    statements.AddRaw(one.text());
  }
  JsonArray witnessed;
  for (const evidence::WitnessedTime& time : verification.witnessed) {
    JsonObject one;
    one.Set("entries", time.size)
        .Set("witness", time.witness)
        .Set("side", agreement::v1::Side_Name(time.side))
        .Set("time", FormatRfc3339(time.at));
    witnessed.AddRaw(one.text());
  }
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
      .Set("verdicts", verdicts)
      .Set("rules", rules)
      .Set("statements", statements)
      .Set("witnessed_times", witnessed);
  return object;
}

}  // namespace holdfast::cli
