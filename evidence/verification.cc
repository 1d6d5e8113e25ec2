// SPDX-License-Identifier: Apache-2.0
#include "evidence/verification.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "evidence/export_folder.h"
#include "evidence/parsed_bundles.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/dsse.h"

namespace holdfast::evidence {
namespace {

constexpr std::string_view kReceiptSuffix = ".tlog-proof";

// Whatever is wrong with the export is a defect that the check found.
absl::Status AsDefect(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (reason != Reason::kStoreCorrupt && reason != Reason::kRequestMalformed &&
      reason != Reason::kSignatureInvalid && reason != Reason::kNotFound) {
    return status;
  }
  absl::Status defect = MakeError(Reason::kLedgerInconsistent, std::string(status.message()));
  bool has_rule = false;
  for (const auto& [key, value] : MetadataOf(status)) {
    has_rule = has_rule || key == "rule";
    defect = AddMetadata(defect, key, value);
  }
  if (has_rule) return defect;
  const char* rule = reason == Reason::kSignatureInvalid ? "CHECKPOINT_SIGNATURE" : "EXPORT";
  return AddMetadata(std::move(defect), "rule", rule);
}

absl::Status StatementDefect(std::string what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent, std::move(what)), "rule", "STATEMENT");
}

// A statement that is held against the ledger.
struct StatementCheck {
  crypto::UnverifiedDsse envelope;
  NonUseSigned said;
  std::unique_ptr<NonUseSearch> search;
};

absl::StatusOr<StatementCheck> OpenStatement(const std::string& text, const ExchangeId& exchange) {
  StatementCheck check;
  auto envelope = crypto::ParseDsse(text);
  if (!envelope.ok()) return StatementDefect("a statement is no signed envelope");
  check.envelope = *std::move(envelope);
  auto said = ParseNonUse(check.envelope.payload);
  if (!said.ok() || check.envelope.payload_type != kNonUsePayloadType) {
    return StatementDefect("a statement is not one of non-use");
  }
  if (said->exchange != exchange) return StatementDefect("a statement is about another exchange");
  check.said = *std::move(said);
  const auto size = ClaimedSize(check.said.checkpoint);
  if (!size.ok()) return StatementDefect("a statement has no checkpoint");
  check.search = std::make_unique<NonUseSearch>(check.said.question, *size);
  return check;
}

// Who signed it, whether the ledger extends the one that it speaks of, and whether that says so.
absl::Status CheckStatement(const StatementCheck& check, const LedgerVerifier& ledger) {
  HF_RETURN_IF_ERROR(ledger.CheckEarlier(check.said.checkpoint).status());
  const policy::Member* member = ledger.state().agreement().FindMember(check.said.by);
  if (member == nullptr) return StatementDefect("nobody is enrolled who signed a statement");
  std::vector<crypto::PublicKey> keys;
  for (const policy::MemberKey& key : member->keys) {
    if (key.ValidAt(check.said.made_at)) keys.push_back(key.public_key);
  }
  const auto opened =
      crypto::VerifyDsse(check.envelope, kNonUsePayloadType, crypto::LookupIn(keys));
  if (!opened.ok()) return StatementDefect("a statement is not signed by " + check.said.by);
  check.search->End(ledger);
  const NonUse& found = check.search->found();
  if (found.answer != NonUseAnswer::kShown) {
    absl::Status defect = StatementDefect("a statement is not true: " + WhyNoStatement(found));
    if (found.left.empty()) return defect;
    return AddMetadata(std::move(defect), "index", std::to_string(found.left.front().index));
  }
  const auto again = RenderNonUse(check.said, found);
  if (!again.ok() || AsText(check.envelope.payload) != *again) {
    return StatementDefect("a statement does not say what the ledger says");
  }
  return absl::OkStatus();
}

policy::Side SideOf(const LedgerVerifier& ledger, const std::string& witness) {
  for (const policy::WitnessTerm& term : ledger.state().agreement().witnesses()) {
    if (term.name == witness) return term.side;
  }
  return agreement::v1::SIDE_UNSPECIFIED;
}

void AddWitnessed(const LedgerVerifier& ledger, const std::string& note, std::uint64_t size,
                  std::vector<WitnessedTime>& out) {
  for (const crypto::NoteSigned& by : ledger.Cosigners(note)) {
    if (!by.at) continue;
    WitnessedTime time;
    time.size = size;
    time.witness = by.key.name();
    time.at = *by.at;
    time.side = SideOf(ledger, time.witness);
    out.push_back(std::move(time));
  }
}

std::uint64_t FactCount(const policy::ReplayReport& report, const char* fact) {
  const auto found = report.facts.find(fact);
  return found == report.facts.end() ? 0 : found->second;
}

// Gives each entry to the readers and to the verifier.
absl::Status ReadAll(FileSystem& files, const std::string& folder, std::uint64_t size,
                     const std::vector<LedgerReader*>& readers,
                     const std::function<void(std::uint64_t)>& progress, LedgerVerifier& verifier,
                     bool& clock_was_untrusted) {
  ParsedBundles bundles(files, folder, size);
  while (true) {
    const ParsedBundle* bundle = bundles.Next();
    if (bundle == nullptr) return absl::OkStatus();
    progress(bundle->first);
    for (std::size_t i = 0; i < bundle->parsed.size(); ++i) {
      const std::uint64_t index = bundle->first + i;
      const ledger::v1::Entry& entry = *bundle->parsed[i];
      for (LedgerReader* reader : readers) {
        reader->Take(index, bundle->entries[i], entry, verifier.state());
      }
      HF_RETURN_IF_ERROR(verifier.Add(entry, bundle->leaves[i]));
      for (LedgerReader* reader : readers) reader->Folded(index, verifier.state());
      if (!verifier.state().now().trusted) clock_was_untrusted = true;
    }
    HF_RETURN_IF_ERROR(bundle->error);
  }
}

std::string Line(std::uint64_t count, const std::string& what) {
  const std::string number = std::to_string(count);
  return "\n  " + std::string(number.size() < 10 ? 10 - number.size() : 0, ' ') + number + " " +
         what;
}

}  // namespace

absl::StatusOr<std::uint64_t> ClaimedExportSize(FileSystem& files, const std::string& folder) {
  // Without a checkpoint it is no export: a mistyped path is not a ledger with a defect.
  HF_ASSIGN_OR_RETURN(const std::string note, ReadExportCheckpoint(files, folder));
  const auto size = ClaimedSize(note);
  if (!size.ok()) return AsDefect(size.status());
  return *size;
}

absl::StatusOr<Verification> VerifyExport(FileSystem& files, const VerificationRequest& request,
                                          const std::function<void(std::uint64_t)>& progress) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t size, ClaimedExportSize(files, request.folder));
  HF_ASSIGN_OR_RETURN(const std::string note, ReadExportCheckpoint(files, request.folder));
  LedgerVerifier verifier(request.exchange);
  Verification result;
  std::vector<LedgerReader*> readers = request.readers;
  std::vector<StatementCheck> statements;
  for (const std::string& text : request.statements) {
    HF_ASSIGN_OR_RETURN(StatementCheck check, OpenStatement(text, request.exchange));
    statements.push_back(std::move(check));
    readers.push_back(statements.back().search.get());
  }
  const absl::Status read =
      ReadAll(files, request.folder, size, readers, progress, verifier, result.clock_was_untrusted);
  if (!read.ok()) return AsDefect(read);
  auto checkpoint = verifier.Check(note);
  if (!checkpoint.ok()) return AsDefect(checkpoint.status());
  for (const std::string& earlier : request.earlier) {
    const auto checked = verifier.CheckEarlier(earlier);
    if (!checked.ok()) return AsDefect(checked.status());
    ++result.earlier;
    AddWitnessed(verifier, earlier, checked->size, result.witnessed);
  }
  for (const crypto::TlogProof& receipt : request.receipts) {
    const absl::Status checked = verifier.CheckReceipt(receipt);
    if (!checked.ok()) return AsDefect(checked);
    ++result.receipts;
  }
  for (const StatementCheck& check : statements) {
    const absl::Status checked = CheckStatement(check, verifier);
    if (!checked.ok()) return AsDefect(checked);
    result.statements.push_back({check.said, check.search->found()});
  }
  for (LedgerReader* reader : request.readers) reader->End(verifier);
  AddWitnessed(verifier, note, checkpoint->size, result.witnessed);
  for (const auto& [witness, cosigned] : verifier.cosigned()) {
    const auto side = SideOf(verifier, witness);
    result.witnessed.push_back({cosigned.first.size, witness, side, cosigned.first.at});
    if (cosigned.second.size != cosigned.first.size) {
      result.witnessed.push_back({cosigned.second.size, witness, side, cosigned.second.at});
    }
  }
  std::stable_sort(result.witnessed.begin(), result.witnessed.end(),
                   [](const WitnessedTime& a, const WitnessedTime& b) { return a.size < b.size; });
  result.checkpoint = *std::move(checkpoint);
  result.report = verifier.report();
  result.records = policy::CountRecords(verifier.state());
  result.verdicts = policy::CountVerdicts(verifier.state());
  result.holds_placed = verifier.state().holds().all().size();
  result.destructions = FactCount(result.report, "records_destroyed");
  return result;
}

std::vector<std::string> VerificationAssumptions() {
  return {
      "the gateway's machine ran this protocol and nothing else: what somebody with root on it "
      "took, no ledger shows",
      "the exchange's id came from elsewhere than the gateway and this export",
      "times are those of the gateway's clock, but for those that a witness signed",
      "this is the newest ledger, and the only one: a checkpoint that another party kept, given "
      "with --earlier, shows it up to there",
      "a destroyed key is gone from its medium as far as the keyslot's erasure class says",
  };
}

std::string DescribeVerification(const Verification& v) {
  std::string text = "verified: " + std::to_string(v.checkpoint.size) + " entries, root " +
                     Hex(v.checkpoint.root) +
                     "\nthe agreement is signed by both principals, each order by its person; " +
                     std::to_string(v.report.decided_again) +
                     " entries were decided again and came out the same";
  text += "\n  rule, entries, decided again, different";
  for (const RuleCount& rule : RulesOf(v.report)) {
    text += Line(rule.entries, rule.rule + ", " + std::to_string(rule.again) + ", 0");
  }
  text += "\nof the refusals " + std::to_string(v.report.refusals_decided_again) +
          " could be decided again from the ledger alone; what the others rest on was never in it";
  text += "\nrecords: " + std::to_string(v.records.active) + " can be released but for holds, " +
          std::to_string(v.records.expired) + " expired, " + std::to_string(v.records.revoked) +
          " revoked, " + std::to_string(v.records.destroyed) + " destroyed";
  text += "\nverdicts of the release gate: " + std::to_string(v.verdicts.replayable) +
          " can be run again from their openings, " + std::to_string(v.verdicts.not_replayable) +
          " cannot: the openings were destroyed with the records";
  if (v.earlier > 0) {
    text += "\nit extends " + std::to_string(v.earlier) + " earlier checkpoint" +
            (v.earlier == 1 ? "" : "s");
  }
  if (v.receipts > 0) {
    text += "\nit contains the entries of " + std::to_string(v.receipts) + " receipt" +
            (v.receipts == 1 ? "" : "s");
  }
  for (const VerifiedStatement& statement : v.statements) {
    text += "\n\nThe statement of " + statement.said.by + " of " +
            FormatRfc3339(statement.said.made_at) + " was made again and is the same:\n" +
            DescribeNonUse(statement.said, statement.found);
  }
  const std::uint64_t by_court = v.report.destroyed_by_court_order;
  text += "\n\nNo key left under a freeze: each of the " +
          std::to_string(FactCount(v.report, "key_released")) +
          " releases was decided again under the " + std::to_string(v.holds_placed) +
          " holds of its time." + "\nNo key was destroyed under a preservation hold" +
          (by_court == 0 ? std::string()
                         : ", but for " + std::to_string(by_court) +
                               (by_court == 1 ? " destruction" : " destructions") +
                               " that two people authorised on a court's order which names the "
                               "holds") +
          ", and each of the " + std::to_string(v.destructions) +
          " destructions had its window and its people.";
  if (const std::uint64_t restored = FactCount(v.report, "exchange_restored"); restored > 0) {
    text += "\nThe exchange went on from a backup " + std::to_string(restored) +
            (restored == 1 ? " time" : " times") +
            ": what had followed is lost, and each time two people answered for that.";
  }
  if (const std::uint64_t lost = FactCount(v.report, "keyslot_struck_off"); lost > 0) {
    text += "\nLost keyslots were struck off " + std::to_string(lost) +
            (lost == 1 ? " time" : " times") +
            ", each time by two people: nobody erased what they held.";
  }
  if (v.clock_was_untrusted) {
    text += "\nThe clock was not trusted for some time; nothing was released or destroyed then.";
  }
  text += "\n\nTimes. All that the entries say are the gateway's own.";
  for (const WitnessedTime& time : v.witnessed) {
    text += "\nThe first " + std::to_string(time.size) + " entries existed at " +
            FormatRfc3339(time.at) + ": the witness " + time.witness + " signed them (" +
            agreement::v1::Side_Name(time.side) + ").";
  }
  if (v.witnessed.empty()) text += " No witness has signed one.";
  text += "\n\nWhat this does not show. Assumed:";
  for (const std::string& line : VerificationAssumptions()) text += "\n- " + line;
  return text;
}

std::vector<RuleCount> RulesOf(const policy::ReplayReport& report) {
  std::vector<RuleCount> rules;
  for (const auto& [name, count] : report.facts) {
    if (name != "refused") rules.push_back({name, count, count});
  }
  for (const auto& [name, count] : report.refusals) {
    const auto again = report.refusals_again.find(name);
    rules.push_back({name, count, again == report.refusals_again.end() ? 0 : again->second});
  }
  return rules;
}

absl::StatusOr<std::vector<std::string>> ReadStatements(FileSystem& files,
                                                        const std::vector<std::string>& paths) {
  std::vector<std::string> statements;
  for (const std::string& path : paths) {
    HF_ASSIGN_OR_RETURN(const Bytes bytes, files.ReadWhole(path, crypto::kMaxDsseBytes));
    statements.push_back(ToString(bytes));
  }
  return statements;
}

absl::StatusOr<std::vector<std::string>> ReadCheckpointFiles(
    FileSystem& files, const std::vector<std::string>& paths) {
  std::vector<std::string> notes;
  for (const std::string& path : paths) {
    HF_ASSIGN_OR_RETURN(const Bytes bytes, files.ReadWhole(path, crypto::kMaxNoteBytes));
    const std::string note = ToString(bytes);
    const auto size = ClaimedSize(note);
    if (!size.ok()) return AddMetadata(size.status(), "file", path);
    notes.push_back(note);
  }
  return notes;
}

absl::StatusOr<std::vector<crypto::TlogProof>> ReadReceipts(FileSystem& files,
                                                            const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    HF_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
    if (info.kind != FileKind::kDirectory) {
      all.push_back(path);
      continue;
    }
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) {
      if (name.ends_with(kReceiptSuffix)) all.push_back(JoinPath(path, name));
    }
  }
  std::vector<crypto::TlogProof> receipts;
  for (const std::string& path : all) {
    HF_ASSIGN_OR_RETURN(const Bytes bytes, files.ReadWhole(path, crypto::kMaxTlogProofBytes));
    auto receipt = crypto::ParseTlogProof(ToString(bytes));
    if (!receipt.ok()) return AddMetadata(receipt.status(), "file", path);
    receipts.push_back(*std::move(receipt));
  }
  return receipts;
}

}  // namespace holdfast::evidence
