// SPDX-License-Identifier: Apache-2.0
// The verification of an export from beginning to end, and what it found, in words.
//
// When to use  Behind `holdfast ledger verify` and `holdfast-verify`.
// Threads      Each call uses one thread.
// Ownership    Values; borrows the file system during the call.
// Errors       kLedgerInconsistent for whatever is wrong with the export, with `rule` and, where
//              one entry is to blame, `index`. Others only where the check could not be made:
//              kNotFound for a folder without a checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evidence/ledger_reader.h"
#include "evidence/ledger_verifier.h"
#include "evidence/non_use.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "crypto/checkpoint.h"
#include "crypto/tlog_proof.h"
#include "policy/queries.h"

namespace holdfast::evidence {

struct VerificationRequest {
  std::string folder;  // An export.
  ExchangeId exchange;
  std::vector<std::string> earlier;  // Signed notes of this ledger that the caller kept.
  std::vector<crypto::TlogProof> receipts;
  std::vector<std::string> statements;  // Of non-use, in DSSE. The ledger must say the same.
  std::vector<LedgerReader*> readers;   // Each is shown the whole ledger. Borrowed.
};

// A time that does not rest on the gateway's clock: a witness saw this ledger then.
struct WitnessedTime {
  std::uint64_t size = 0;  // Every entry below it was written before.
  std::string witness;     // Its name in the agreement.
  policy::Side side = agreement::v1::SIDE_UNSPECIFIED;
  UnixMillis at;
};

// A statement that was made again from the ledger and came out the same.
struct VerifiedStatement {
  NonUseSigned said;
  NonUse found;
};

// What held. There is one only if everything did.
struct Verification {
  crypto::Checkpoint checkpoint;
  policy::ReplayReport report;
  policy::RecordTotals records;
  policy::VerdictTotals verdicts;  // Whose openings are alive, and whose were destroyed.
  std::uint64_t earlier = 0;       // Earlier checkpoints that this ledger extends.
  std::uint64_t receipts = 0;      // Receipts that this ledger contains.
  std::vector<VerifiedStatement> statements;
  // Of all checkpoints that were given, and of what the ledger itself holds the first and the
  // newest of each witness; ascending by size.
  std::vector<WitnessedTime> witnessed;
  std::uint64_t holds_placed = 0;
  std::uint64_t destructions = 0;
  bool clock_was_untrusted = false;  // At some time.
};

// Verifies. `progress` is called with the number of entries read so far.
absl::StatusOr<Verification> VerifyExport(FileSystem& files, const VerificationRequest& request,
                                          const std::function<void(std::uint64_t)>& progress);

// Reads the size that the export's checkpoint claims. Nothing is verified.
absl::StatusOr<std::uint64_t> ClaimedExportSize(FileSystem& files, const std::string& folder);

// The report for people, without a line break at its end: what was counted, what it shows in plain
// words, and what it does not show.
std::string DescribeVerification(const Verification& verification);

// The assumptions that every statement about a ledger rests on, a line each.
std::vector<std::string> VerificationAssumptions();

// What a rule of the verification did.
struct RuleCount {
  std::string rule;           // A fact's field name in Entry, or the name of a refusal.
  std::uint64_t entries = 0;  // That the rule is about.
  std::uint64_t again = 0;    // Decided again, with the same answer. No other answer is possible
                              // in a Verification.
};

// One for each fact that occurs, then one for each reason of a refusal that occurs.
std::vector<RuleCount> RulesOf(const policy::ReplayReport& report);

// Reads files of statements, unverified.
absl::StatusOr<std::vector<std::string>> ReadStatements(FileSystem& files,
                                                        const std::vector<std::string>& paths);

// Reads files of earlier checkpoints and of receipts (C2SP tlog-proof), the latter also whole
// folders of `*.tlog-proof`.
// Errors: the file system's; kRequestMalformed, with metadata `file`.
absl::StatusOr<std::vector<std::string>> ReadCheckpointFiles(FileSystem& files,
                                                             const std::vector<std::string>& paths);
absl::StatusOr<std::vector<crypto::TlogProof>> ReadReceipts(FileSystem& files,
                                                            const std::vector<std::string>& paths);

}  // namespace holdfast::evidence
