// SPDX-License-Identifier: Apache-2.0
#include "evidence/verification.h"

#include <utility>

#include "evidence/export_folder.h"

#include "base/error.h"
#include "base/status_macros.h"

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

std::uint64_t FactCount(const policy::ReplayReport& report, const char* fact) {
  const auto found = report.facts.find(fact);
  return found == report.facts.end() ? 0 : found->second;
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
  const absl::Status read =
      ReadExport(files, request.folder, size, [&](std::uint64_t index, ByteSpan entry) {
        progress(index);
        if (request.before) request.before(index, verifier.state(), entry);
        const absl::Status added = verifier.Add(entry);
        if (added.ok() && request.after) request.after(index, verifier.state());
        if (added.ok() && !verifier.state().now().trusted) result.clock_was_untrusted = true;
        return added;
      });
  if (!read.ok()) return AsDefect(read);
  auto checkpoint = verifier.Check(note);
  if (!checkpoint.ok()) return AsDefect(checkpoint.status());
  for (const std::string& earlier : request.earlier) {
    const auto checked = verifier.CheckEarlier(earlier);
    if (!checked.ok()) return AsDefect(checked.status());
    ++result.earlier;
  }
  for (const crypto::TlogProof& receipt : request.receipts) {
    const absl::Status checked = verifier.CheckReceipt(receipt);
    if (!checked.ok()) return AsDefect(checked);
    ++result.receipts;
  }
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
      "all times are those of the gateway's clock; no witness has signed one",
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
  for (const auto& [name, count] : v.report.facts) text += Line(count, name);
  for (const auto& [name, count] : v.report.refusals) text += Line(count, "refused: " + name);
  text += "\nof the refusals " + std::to_string(v.report.refusals_decided_again) +
          " could be decided again from the ledger alone";
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
  text += "\n\nNo key left under a freeze: each of the " +
          std::to_string(FactCount(v.report, "key_released")) +
          " releases was decided again under the " + std::to_string(v.holds_placed) +
          " holds of its time." +
          "\nNo key was destroyed under a preservation hold, and each of the " +
          std::to_string(v.destructions) + " destructions had its window and its people.";
  if (v.clock_was_untrusted) {
    text += "\nThe clock was not trusted for some time; nothing was released or destroyed then.";
  }
  text += "\n\nWhat this does not show. Assumed:";
  for (const std::string& line : VerificationAssumptions()) text += "\n- " + line;
  return text;
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
