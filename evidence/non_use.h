// SPDX-License-Identifier: Apache-2.0
// The statement that no key of some records left in some period (R40), and the search of a ledger
// that it rests on. docs/evidence.md#non-use, docs/ledger-format.md#non-use
//
// The statement names the ledger's checkpoint and the two entries between which all of the period
// lies, with their proofs. Whoever checks it has an export that extends the checkpoint, searches
// again, and must come to the same text byte for byte.
//
// When to use  NonUseSearch as a reader of a verification; then RenderNonUse() and SignDsse(). To
//              check one: VerificationRequest::statements (evidence/verification.h).
// Threads      A search as its verification; functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed. That keys left, or that the ledger does not cover the period, is
//              an answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "evidence/ledger_reader.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/merkle_proof.h"
#include "holdfast/v1/scope.pb.h"

namespace holdfast::evidence {

inline constexpr std::string_view kNonUsePayloadType = "application/vnd.holdfast.non-use.v1+json";

// How long after the time of its entry a key may still leave, on its way through the gateway. An
// entry counts for every period that begins within this after it.
inline constexpr std::chrono::minutes kOnTheWay{1};

// So many entries are named where keys left; all are counted.
inline constexpr std::size_t kMostNamed = 1'000;

struct NonUseQuestion {
  v1::Scope scope;
  UnixMillis from;  // The first instant.
  UnixMillis to;    // The first one after it.
};

enum class NonUseAnswer : std::uint8_t {
  kKeysLeft = 0,
  kNotCovered,     // The ledger begins later, or ends earlier, than the period.
  kNoSuchRecords,  // The scope is not valid in this exchange.
  kShown,
};

// A key that left.
struct LeftKey {
  std::uint64_t index = 0;  // Of the KeyReleased.
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;
  UnixMillis at;  // The late time of the entry.
};

// A TimeAdvanced at an end of the period.
struct TimeEntry {
  std::uint64_t index = 0;
  Bytes bytes;
  crypto::MerkleProof path;  // To the root of the searched ledger.
};

struct NonUse {
  NonUseAnswer answer = NonUseAnswer::kKeysLeft;
  std::string gap;                  // Where kNotCovered: what is missing, in a sentence.
  std::uint64_t size = 0;           // Entries of the ledger that was searched.
  std::optional<TimeEntry> opens;   // The last time before the period.
  std::optional<TimeEntry> closes;  // The first time after it.

  // What the scope covers in that ledger, whatever became of it.
  std::uint64_t records = 0;
  Digest32 records_digest{};          // docs/ledger-format.md#lists
  std::uint64_t released_before = 0;  // Of these, those whose key left before the period.

  // Keys that left in the period: of these records, and of others.
  std::vector<LeftKey> left;  // The first kMostNamed.
  std::uint64_t left_count = 0;
  std::uint64_t others = 0;

  bool clock_was_untrusted = false;  // At some time of the period.
};

class NonUseSearch final : public LedgerReader {
 public:
  // Searches the first `size` entries; all of them without one.
  explicit NonUseSearch(NonUseQuestion question, std::optional<std::uint64_t> size = std::nullopt);

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void End(const LedgerVerifier& ledger) override;

  // REQUIRES: the verification held.
  const NonUse& found() const { return found_; }

 private:
  void TakeTime(std::uint64_t index, ByteSpan bytes, const ledger::v1::TimeAdvanced& fact);
  void Finish(const policy::State& state);

  const NonUseQuestion question_;
  const std::optional<std::uint64_t> size_;
  NonUse found_;
  std::vector<LeftKey> released_;  // In the period, of whatever record.
  bool trusted_ = false;
  bool finished_ = false;
};

// What a statement says beyond what anybody finds in the ledger.
struct NonUseSigned {
  ExchangeId exchange;
  std::string by;      // The signer's member id.
  UnixMillis made_at;  // By the signer's clock.
  NonUseQuestion question;
  std::string checkpoint;  // The signed note of the searched ledger.
};

// Returns the payload. One statement has one text. REQUIRES: found.answer is kShown.
// Errors: kRequestMalformed for a scope that JSON cannot say.
absl::StatusOr<std::string> RenderNonUse(const NonUseSigned& statement, const NonUse& found);

// Reads what the signer says. Whether the rest is what the ledger says is not looked at.
// Errors: kRequestMalformed.
absl::StatusOr<NonUseSigned> ParseNonUse(ByteSpan payload);

// The statement for people, without a line break at its end.
std::string DescribeNonUse(const NonUseSigned& statement, const NonUse& found);

// Why there can be no statement, in a sentence. REQUIRES: found.answer is not kShown.
std::string WhyNoStatement(const NonUse& found);

}  // namespace holdfast::evidence
