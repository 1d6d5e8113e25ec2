// SPDX-License-Identifier: Apache-2.0
//
// What the state remembers of each record: 44 bytes, in chunks of 256 rows.
//
// When to use  Inside policy/, and by the daemon to find a record's leaf and verdicts.
// Threads      Const methods may be called concurrently; others not.
// Ownership    A RecordTable owns its chunks. Pointers live until the table changes.
// Errors       None; unknown rows are null.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/time.h"
#include "policy/person_key.h"

namespace holdfast::policy {

// A time of a record in whole seconds since 1970; 0 is never. What lies outside of what fits is
// shown as the nearest that does.
std::uint32_t RecordSeconds(UnixMillis time);

// No segment. Segments are numbered from 0 and there are fewer.
inline constexpr std::uint16_t kNoSegment = 0xffff;

enum RecordFlag : std::uint8_t {
  kRecordIsRevoked = 1U << 0,    // Never released again.
  kRecordIsPending = 1U << 1,    // In a revocation that was neither cancelled nor carried out.
  kRecordIsDestroyed = 1U << 2,  // Its keys are gone.

  // Its person was asked for at another address before (R46).
  kRecordIsSecondAddress = 1U << 3,

  kRecordIsWaiting = 1U << 4,  // For a custodian's review. Has no envelope yet.
};

// Where Record::flags has a number of two bits: what a review came to; 0 where there was none, else
// as in kReviewOutcomes.
inline constexpr unsigned kRecordReviewShift = 5;

// The numbers of the ReleaseReasons RELEASED_BY_REVIEW, REFUSED_BY_REVIEW and REVIEW_EXPIRED.
inline constexpr std::uint8_t kReviewOutcomes[] = {0, 2, 50, 51};

// One row of a transfer. All zero until the request gate has judged it.
struct Record {
  PersonKey person;  // Nobody where the request gate found no identity.

  // The same person by name and birth date, where `person` is by tax number and both were given.
  PersonKey alias;

  std::uint16_t officer = 0;                   // Position in the transfer's list.
  std::uint16_t subject_segment = kNoSegment;  // By number. Set where accepted.
  std::uint16_t subject_leaf = 0;
  std::uint16_t record_segment = kNoSegment;  // By number. Set once deposited.
  std::uint16_t record_leaf = 0;
  std::uint16_t releases = 0;        // How often its key left; stays at 65,535.
  std::uint8_t open_leases = 0;      // Leases that are open and under which its key left.
  std::uint8_t request_verdict = 0;  // A RequestReason; 0 until judged.
  std::uint8_t release_verdict = 0;  // The release gate's ReleaseReason; 0 until it has judged.
  std::uint8_t flags = 0;            // RecordFlag bits; then as kRecordReviewShift says.
  std::uint8_t gate_version = 0;     // Of the release gate that judged it; 0 until then.

  // Late times, as RecordSeconds has them.
  std::uint32_t deposited_at = 0;
  std::uint32_t first_released_at = 0;
  std::uint32_t last_released_at = 0;

  bool judged() const { return request_verdict != 0; }
  bool accepted() const { return request_verdict == 1; }
  bool deposited() const { return release_verdict != 0 && !waiting(); }
  bool revoked() const { return (flags & kRecordIsRevoked) != 0; }
  bool pending() const { return (flags & kRecordIsPending) != 0; }
  bool destroyed() const { return (flags & kRecordIsDestroyed) != 0; }
  bool waiting() const { return (flags & kRecordIsWaiting) != 0; }

  // The ReleaseReason that the envelope follows: the review's where there was one, else the gate's.
  std::uint8_t outcome() const {
    const std::uint8_t review = kReviewOutcomes[flags >> kRecordReviewShift & 3U];
    return review != 0 ? review : release_verdict;
  }

  // Has an envelope or must get one. Those that were destroyed before stay without.
  bool due() const { return accepted() && (!destroyed() || deposited()); }
};
static_assert(sizeof(Record) == 48, "R44: at most 64 bytes a record, all told");

// 256 rows.
struct RecordChunk {
  std::array<Record, kRowsPerChunk> records{};
  std::uint16_t judged = 0;
  std::uint16_t accepted = 0;
  std::uint16_t deposited = 0;
  std::uint16_t destroyed = 0;      // Of the accepted ones.
  std::uint64_t first_outcome = 0;  // Ledger index of the first verdict of the release gate, or 0.
  bool fetched = false;             // By the source, at least once.
  bool collected = false;           // By the requester, at least once.

  // The rest of each row's pseudonym, until the dossier's digest is made of them; then empty.
  std::vector<PseudonymTail> tails;
};

class RecordTable final {
 public:
  RecordTable() = default;
  RecordTable(RecordTable&&) noexcept = default;
  RecordTable& operator=(RecordTable&&) noexcept = default;
  RecordTable(const RecordTable& other);
  RecordTable& operator=(const RecordTable&) = delete;

  // Null if no row of the chunk was judged.
  const RecordChunk* chunk(std::uint32_t number) const {
    return number < chunks_.size() ? chunks_[number].get() : nullptr;
  }
  RecordChunk* chunk(std::uint32_t number) {
    return number < chunks_.size() ? chunks_[number].get() : nullptr;
  }

  // Null if the row was not judged.
  const Record* Find(std::uint32_t row) const {
    const RecordChunk* found = chunk(row / kRowsPerChunk);
    if (found == nullptr) return nullptr;
    const Record& record = found->records[row % kRowsPerChunk];
    return record.judged() ? &record : nullptr;
  }
  Record* Find(std::uint32_t row) {
    return const_cast<Record*>(static_cast<const RecordTable*>(this)->Find(row));
  }

  // Forgets what only the dossier's digest needs.
  void DropTails();

  // Creates the chunk if need be.
  RecordChunk& Obtain(std::uint32_t number);

  // One more than the highest chunk that exists.
  std::uint32_t chunk_count() const { return static_cast<std::uint32_t>(chunks_.size()); }

  std::size_t MemoryBytes() const;

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  std::vector<std::unique_ptr<RecordChunk>> chunks_;
};

}  // namespace holdfast::policy
