// SPDX-License-Identifier: Apache-2.0
// What a ledger says about one hold: who placed it on what order, what had left before and what
// left under it, who did what to it since.
//
// When to use  Behind `holdfast hold certificate` and `hold history --export`: one of the readers
// of
//              VerifyExport(), which verifies what is collected here. Record() only where that
//              succeeded.
// Threads      One thread.
// Ownership    Owns what it collects: 24 bytes for each release before the hold.
// Errors       Record(): kNotFound if the ledger has no such hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evidence/ledger_reader.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/state.h"

namespace holdfast::evidence {

// Something that was done to the hold. Without a person time did it.
struct HoldAct {
  std::uint64_t index = 0;
  UnixMillis at;  // The gateway's late time.
  std::string act;
  std::string person;

  friend bool operator==(const HoldAct&, const HoldAct&) = default;
};

// One key that left.
struct HoldRelease {
  std::uint64_t index = 0;
  UnixMillis at;
  std::string transfer;
  std::uint32_t row = 0;
  std::string requester;
};

struct HoldLease {
  std::string requester;
  std::string transfer;
  std::uint32_t records = 0;  // Of the hold's, released under it before.
  std::uint64_t opened_index = 0;
  UnixMillis not_after;
};

// A destruction of what the hold preserved, because a court ordered it.
struct HoldCourtOrder {
  std::uint64_t index = 0;    // Of the destruction.
  std::uint64_t records = 0;  // Of the hold's.
  std::string matter;
  std::string court;
  std::string order_reference;
  std::string document_sha256;
  // The two people's orders that authorised it, and the people.
  std::uint64_t first_index = 0;
  std::string first_by;
  std::uint64_t second_index = 0;
  std::string second_by;
};

struct HoldRecord {
  order::v1::Order order;  // That placed it.
  Digest32 payload_digest{};
  Digest32 leaf_hash{};
  std::uint64_t placed_index = 0;
  UnixMillis placed_at;
  std::string placed_by;                     // With the name that the agreement gives.
  std::optional<std::uint64_t> epoch_index;  // The root key's replacement that anchored it.
  std::uint64_t covered = 0;                 // Records, when it was placed.
  std::uint64_t released_before = 0;         // Of these.
  std::optional<HoldRelease> last_release;   // Before it, of what it covers.
  std::vector<HoldLease> open_leases;        // When it was placed.
  std::uint64_t releases_under = 0;          // Of what it froze, while it was in force.
  std::uint64_t collections_under = 0;       // The same for chunks of envelopes.
  std::uint64_t destructions_under = 0;      // The same for what it preserved.
  std::vector<HoldCourtOrder> court_orders;  // By which some of these were destroyed.
  std::uint64_t refused_under = 0;           // Requests that were refused for it.
  policy::HoldState state = policy::HoldState::kInForce;  // At the end of the ledger.
  UnixMillis lift_at;                                     // Where a lift was confirmed.
  std::vector<HoldAct> acts;
};

class HoldRecorder final : public LedgerReader {
 public:
  explicit HoldRecorder(std::string hold_id) : hold_id_(std::move(hold_id)) {}

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void Folded(std::uint64_t index, const policy::State& after) override;
  void End(const LedgerVerifier&) override {}

  absl::StatusOr<HoldRecord> Record();

 private:
  struct Released {
    std::uint64_t index = 0;
    std::uint32_t transfer = 0;
    std::uint32_t row = 0;
    std::int64_t at_ms = 0;
  };

  const policy::Hold* Find(const policy::State& state) const;
  void CountUnder(const policy::State& state, const policy::Hold& hold,
                  const ledger::v1::Entry& entry);
  void NoteCourtOrder(const policy::State& state, const ledger::v1::RecordsDestroyed& fact,
                      std::uint64_t records);
  void Placed(std::uint64_t index, const policy::State& state, const policy::Hold& hold);

  const std::string hold_id_;
  bool placed_ = false;
  ledger::v1::Entry entry_;
  Digest32 leaf_{};
  policy::HoldState state_before_ = policy::HoldState::kInForce;
  std::vector<Released> released_;
  HoldRecord record_;
};

}  // namespace holdfast::evidence
