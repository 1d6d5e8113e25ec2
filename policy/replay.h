// SPDX-License-Identifier: Apache-2.0
//
// Folds a ledger from its stored bytes, and decides each entry again.
//
//   Replayer replayer(Replayer::Mode::kDecideAgain);
//   for (ByteSpan entry : entries) HF_RETURN_IF_ERROR(replayer.Step(entry));
//
// When to use  kApplyOnly at the daemon's start, where the ledger's own hashes have been checked;
//              kDecideAgain in the offline verifier and in drills.
// Threads      One thread.
// Ownership    Owns its state; Take() gives it away.
// Errors       Step: kLedgerInconsistent, with metadata `index` and `rule`. Nothing can be stepped
//              after an error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/decide.h"
#include "policy/state.h"

namespace holdfast::policy {

// The fact's name in the schema, such as "key_released"; "none" if the entry has none.
std::string FactName(const ledger::v1::Entry& entry);

// What was replayed.
struct ReplayReport {
  std::uint64_t entries = 0;
  std::map<std::string, std::uint64_t> facts;     // By the fact's field name in Entry.
  std::map<std::string, std::uint64_t> refusals;  // Refused entries by RefusalName.
  std::uint64_t decided_again = 0;                // Came to the same answer.
  std::uint64_t refusals_decided_again = 0;       // Those whose inputs are in the ledger.
  std::uint64_t destroyed_by_court_order = 0;     // Destructions under a hold.

  // The same by RefusalName; only those of which there is at least one.
  std::map<std::string, std::uint64_t> refusals_again;
};

class Replayer final {
 public:
  enum class Mode {
    kApplyOnly,    // Parses and folds. Trusts that the entries were decided.
    kDecideAgain,  // Checks signatures and asks Decide for each entry.
  };

  // What other layers know. A check that is missing is taken to hold.
  struct Checks {
    // Whether the ledger of `size` entries had this root. The verifier asks the tree that it
    // builds as it goes.
    std::function<bool(std::uint64_t size, const Digest32& root)> head_is_prefix;

    // Whether a lease's opening says what its entry says: crypto/lease.h reads it.
    std::function<bool(const ledger::v1::LeaseOpened& fact, const State& state)> opening_agrees;

    // Whether the witnesses signed what the entry says: evidence/cosignatures.h reads it.
    std::function<bool(const ledger::v1::CheckpointWitnessed& fact, const State& state)>
        cosignatures_agree;
  };

  explicit Replayer(Mode mode, Checks checks = {});

  // Goes on from `state`: the next entry is the one of its ledger_size().
  Replayer(Mode mode, State state);

  // Folds the next entry.
  // Errors: kLedgerInconsistent.
  [[nodiscard]] absl::Status Step(ByteSpan entry);

  // The same for an entry that ParseEntry() has read.
  [[nodiscard]] absl::Status Step(const ledger::v1::Entry& entry);

  const State& state() const { return state_; }
  ReplayReport report() const;

  // REQUIRES: every Step() has succeeded. The replayer is empty afterwards.
  State Take();

 private:
  absl::Status CheckSignatures(const ledger::v1::Entry& entry) const;
  absl::Status CheckRefused(const ledger::v1::Refused& fact);

  const Mode mode_;
  const Checks checks_;
  State state_;

  // Counted by number; named in report(), once and not for each of millions.
  struct Refusals {
    std::uint64_t all = 0;
    std::uint64_t again = 0;
  };
  std::vector<std::uint64_t> facts_;  // By field number.
  std::map<std::uint32_t, Refusals> refusals_;
  std::uint64_t entries_ = 0;
  std::uint64_t decided_again_ = 0;
  std::uint64_t by_court_order_ = 0;
};

// Reads the bytes of entry `index` as Step() does, on any thread. In kDecideAgain a field that this
// program does not know, and that might say anything, is refused.
// Errors: kLedgerInconsistent, with metadata `index` and `rule`.
absl::Status ParseEntry(ByteSpan bytes, std::uint64_t index, Replayer::Mode mode,
                        ledger::v1::Entry& entry);

}  // namespace holdfast::policy
