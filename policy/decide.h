// SPDX-License-Identifier: Apache-2.0
//
// May this fact be written as the next entry of the ledger?
//
//   DecisionBatch batch(state);
//   for (const Entry& entry : entries) if (!batch.Decide({entry}).allowed()) ...refuse the batch;
//   for (const Entry& entry : entries) HF_CHECK(Apply(state, entry, nullptr, index++).ok());
//
// When to use  On the writer's thread, for each fact before it is applied; and in the verifier,
//              which must come to the same answer for each entry of an exported ledger. Only facts
//              that Decide allows may be passed to Apply (policy/apply.h).
// Threads      Reads the state: must not run while Apply does. Any number may run at one time.
// Ownership    Everything is borrowed for the call; a DecisionBatch borrows its state.
// Errors       None: a refusal is an answer. A fact that makes no sense is kMalformed.
//
// Invariants
//   (1) The answer depends on state and proposal alone: no clock, no chance, no order of hashing.
//   (2) No KeyReleased is allowed for a record that a FREEZE covers, that is revoked, destroyed,
//       expired or not yet valid, under a lease that is over, while the clock is not trusted,
//       while a restricting act waits for its epoch, while witnesses have not signed for longer
//       than the agreement allows, or of a transfer that a custodian suspended, ended, or capped at
//       the number of records that were released.
//   (3) No RecordsDestroyed is allowed for a record that a PRESERVE covers, or covered less than
//       the agreement's window ago.
//   (4) A DecisionBatch answers as Decide would if the batch's earlier allowed facts had been
//       applied. So a replay, entry by entry, comes to the same answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/opened_order.h"
#include "policy/refusal.h"
#include "policy/state.h"

namespace holdfast::policy {

// Goes into each entry. Raised by any change that can alter a decision.
inline constexpr std::uint32_t kPolicyVersion = 1;

// An order may be signed at most this far ahead of the gateway's late time.
inline constexpr std::chrono::minutes kMaxOrderLead{5};

struct [[nodiscard]] Decision {
  Refusal refusal = Refusal::kUndecided;

  // Ledger index of the placing of the hold that refused. Only with kFrozen and kPreserved.
  std::uint64_t hold_index = 0;

  bool allowed() const { return refusal == Refusal::kAllowed; }
  friend bool operator==(const Decision&, const Decision&) = default;
};

// What is to be decided. Refused entries are not proposals: nothing refuses a refusal
// (policy/replay.h decides what they say again).
struct Proposal {
  const ledger::v1::Entry& entry;

  // The order of an OrderAccepted, with its `head_check` filled in; else null.
  const OpenedOrder* order = nullptr;

  // The agreement of an ExchangeOpened; else null.
  const OpenedAgreement* agreement = nullptr;
};

// What the allowed facts of a batch would change. Only DecisionBatch fills it.
struct BatchEffects {
  absl::flat_hash_set<std::uint32_t> rows;
  absl::flat_hash_set<std::uint64_t> leaves;                              // Segment and leaf.
  absl::flat_hash_map<std::uint32_t, std::uint32_t> accepted_by_officer;  // By position.
  std::uint32_t newly_open_records = 0;
  absl::flat_hash_set<std::uint32_t> newly_released;  // Only where a transfer has a cap.
};

// Decides one fact.
Decision Decide(const State& state, const Proposal& proposal);

// Decides the facts of one command, none of which has been applied yet. All must be of one kind:
// SubjectJudged, KeyReleased, SubjectsFetched, EnvelopesCollected, or outcomes (EnvelopeDeposited
// and ReviewOpened, mixed), of one transfer or lease (REQUIRES). A subject or an outcome that
// occurs twice is refused the second time; a key may leave twice, and a chunk too.
class DecisionBatch final {
 public:
  explicit DecisionBatch(const State& state) : state_(state) {}

  DecisionBatch(const DecisionBatch&) = delete;
  DecisionBatch& operator=(const DecisionBatch&) = delete;

  // A refused fact leaves no trace in the batch: later ones may be allowed.
  Decision Decide(const Proposal& proposal);

 private:
  const State& state_;
  BatchEffects effects_;

  // The kind and the transfer or lease of the first fact.
  bool begun_ = false;
  ledger::v1::Entry::FactCase fact_ = ledger::v1::Entry::FACT_NOT_SET;
  std::uint32_t common_ = 0;
};

// Decides an order over cases in review together with the envelopes that carry it out, before
// either was applied. Allowed, the order and then each envelope are allowed one by one, with
// nothing between them. kCasesUnsettled says that the order itself is allowed and that these are
// not its envelopes (any more): nothing was refused, and they have to be made anew.
// REQUIRES: the order is a ReleaseCase or RefuseCases; the envelopes are EnvelopeDeposited.
Decision DecideSettlement(const State& state, const Proposal& order,
                          std::span<const ledger::v1::Entry* const> envelopes);

// Returns whether the act must get an epoch of its own (design invariant I10): a hold placed,
// amended, restored or kept, a revocation, a destruction, a transfer suspended, capped or ended, a
// member or key struck off, the pseudonym key destroyed, an exchange restored from a backup, a
// keyslot struck off. Until the EpochAdvanced that follows it is applied, nothing is released,
// collected or destroyed.
bool AdvancesEpoch(const ledger::v1::Entry& entry, const OpenedOrder* order);

}  // namespace holdfast::policy
