// SPDX-License-Identifier: Apache-2.0
//
// The rules once more, as one would write them without any thought for speed: every question is
// answered by looking at everything. The oracle of decision_model_test.cc.
//
// When to use  In tests only.
// Threads      One thread.
// Ownership    Values.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/order/v1/order.pb.h"
#include "holdfast/v1/scope.pb.h"

namespace holdfast::test {

struct ReferenceTerms {
  std::int64_t record_lifetime = 0;
  std::int64_t cooling_period = 0;
  std::int64_t destruction_window = 0;
  std::int64_t review_window = 0;
  std::int64_t notice_deadline = 0;
  std::size_t transfer_approvals = 1;
  std::size_t destruction_approvals = 1;
  std::size_t open_records = 0;
  std::size_t open_leases = 0;
  std::size_t officer_open_cases = 0;
  std::size_t daily_subjects = 0;
  std::size_t total_subjects = 0;
  std::int64_t address_days = 0;
};

// A person was asked for at an address, on a day.
struct ReferenceAsked {
  std::optional<int> number;
  std::optional<int> name;
  int address = 0;
  std::int64_t day = 0;
};

// Verdicts of the request gate that a brake counts.
inline constexpr int kReferenceLoad = 34;
inline constexpr int kReferencePlaceholder = 61;

struct ReferenceRecord {
  int request_verdict = 0;
  bool accepted = false;
  bool deposited = false;
  bool revoked = false;
  bool pending = false;
  bool destroyed = false;
  int gate_verdict = 0;           // Where it went to review; `verdict` is then what came of that.
  bool waiting = false;           // For a review.
  std::int64_t review_until = 0;  // Set where it waits or waited.
  std::uint64_t releasable = 0;   // The same.
  std::string officer;
  std::set<int> people;  // By each pseudonym.
  int verdict = 0;
  std::int64_t deposited_at = -1;  // Milliseconds; -1 is never.
  std::int64_t first_released_at = -1;
  std::int64_t last_released_at = -1;
};

struct ReferenceTransfer {
  enum State { kSubmitting, kAwaiting, kApproved, kClosed, kDenied };
  State state = kSubmitting;
  std::string name;
  std::string requester;
  std::string authority;
  std::map<std::uint32_t, ReferenceRecord> rows;
  std::set<std::string> approvals;
  std::int64_t created_at = 0;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::int64_t finished_day = -1;
  std::set<int> brakes;  // That stop it now.
  std::set<int> let_go;  // That a custodian let go.
  std::size_t second_addresses = 0;
  std::optional<std::uint64_t> suspended;  // Ledger index.
  std::optional<std::uint64_t> cap;
  std::optional<std::int64_t> ends_at;
  std::set<std::uint32_t> released;  // Rows.
  bool collected = false;

  bool approved() const { return state == kApproved || state == kClosed; }
};

struct ReferenceLease {
  std::uint32_t transfer = 0;
  std::string requester;
  std::int64_t not_after = 0;
  std::set<std::uint32_t> rows;
};

// What a hold says.
struct ReferenceForm {
  v1::Scope scope;
  bool freezes = false;
  bool preserves = false;
};

struct ReferenceNotice {
  std::uint64_t placed_index = 0;
  std::int64_t given_at = 0;
  bool acknowledged = false;
};

struct ReferenceHold : ReferenceForm {
  std::set<std::string> wanted_by;  // Who placed, restored or widened it.
  std::uint64_t placed_index = 0;   // The last one.
  std::string proposed_by;          // Empty: no proposal stands.
  std::string confirmed_by;
  std::uint64_t proposal_index = 0;
  std::optional<ReferenceForm> amendment;  // What was proposed, where it was no lift.
  std::optional<std::int64_t> lift_at;
  bool lifted = false;
  std::map<std::string, ReferenceNotice> notices;

  void Settle() {
    proposed_by.clear();
    confirmed_by.clear();
    amendment.reset();
    lift_at.reset();
  }
};

// A PRESERVE that a hold had, and left.
struct ReferenceLeft {
  std::string hold;
  std::uint64_t placed_index = 0;
  v1::Scope scope;
  std::int64_t since = 0;
};

// Holds by id, as they were last placed.
using ReferenceOver = std::map<std::string, std::uint64_t>;

struct ReferenceDisposal {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> records;
  std::string revoked_by;
  std::int64_t revoked_at = 0;
  std::set<std::string> approvals;
  bool cancelled = false;
  bool destroyed = false;

  // A court's order.
  std::string first_by;
  std::string second_by;
  std::uint64_t first_index = 0;
  std::uint64_t second_index = 0;
  std::int64_t court_due = 0;
  ReferenceOver over;
};

struct ReferencePerson {
  enum Role { kCounsel, kCustodian };
  Role role;
  enum Side { kSource, kRequester, kCourt };
  Side side;
};

class ReferencePolicy final {
 public:
  explicit ReferencePolicy(const ReferenceTerms& reference_terms) : terms(reference_terms) {}

  ReferenceTerms terms;
  std::int64_t late = 0;
  std::int64_t early = 0;
  bool trusted = true;
  bool trust_ordered = false;
  std::int64_t trusted_early = 0;  // The newest early time that was trusted.
  bool order_unanchored = false;
  bool destruction_unanchored = false;
  std::vector<ReferenceTransfer> transfers;
  std::vector<ReferenceLease> leases;
  std::map<std::string, ReferenceHold> holds;
  std::vector<ReferenceLeft> left;
  std::set<std::string> struck;
  std::map<std::uint64_t, ReferenceDisposal> disposals;
  std::map<std::string, ReferencePerson> persons;
  std::vector<ReferenceAsked> asked;

  // Questions.
  bool Covers(const v1::Scope& scope, std::uint32_t transfer, std::uint32_t row) const;
  bool Frozen(std::uint32_t transfer, std::uint32_t row) const;
  // Or would be, by a release now.
  bool FrozenForRelease(std::uint32_t transfer, std::uint32_t row) const;
  bool Preserved(std::uint32_t transfer, std::uint32_t row, const ReferenceOver& but = {}) const;
  bool Lingering(std::uint32_t transfer, std::uint32_t row, const ReferenceOver& but = {}) const;
  bool HasCopy(std::uint32_t transfer, std::uint32_t row) const;
  // Holds that preserve one of the revocation's records.
  ReferenceOver Against(std::uint64_t revocation) const;
  std::size_t OverdueNotices() const;
  std::set<std::pair<std::uint32_t, std::uint32_t>> OpenRecords(const std::string& requester) const;
  std::size_t OpenLeases(const std::string& requester) const;
  std::size_t OpenCases(const std::string& officer) const;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> List(const v1::Scope& scope) const;

  // A custodian stopped it: suspended or ended.
  bool Stopped(std::uint32_t transfer) const;
  bool Over(std::uint32_t transfer) const;
  // Notes an accepted subject, asked for by number, by name or by both; whether somebody who may be
  // that person was asked for at another address before.
  bool Ask(std::optional<int> number, std::optional<int> name, int address);
  // The brakes that a transfer trips. Those that count whole submissions need one that has ended.
  std::set<int> Brakes(std::uint32_t transfer) const;

  // May this happen now?
  bool MayJudge(std::uint32_t transfer, std::uint32_t row, bool accepted,
                const std::string& officer) const;
  bool MayFinish(std::uint32_t transfer) const;
  bool MayDeposit(std::uint32_t transfer, std::uint32_t row) const;
  // Null if the row was not judged.
  const ReferenceRecord* Find(std::uint32_t transfer, std::uint32_t row) const;
  bool MayReleaseCase(const std::string& person, std::uint32_t transfer, std::uint32_t row,
                      std::uint32_t candidate) const;
  bool MayRefuseCases(const std::string& person, std::uint32_t transfer, std::uint32_t first,
                      std::uint32_t last) const;
  bool MayExpireCase(std::uint32_t transfer, std::uint32_t row) const;
  bool MayClose(std::uint32_t transfer) const;
  bool MayCollect(std::uint32_t transfer, const std::string& requester) const;
  bool MayLease(std::uint32_t transfer, const std::string& requester) const;
  bool MayRelease(std::uint32_t lease, std::uint32_t row) const;
  bool MayApprove(const std::string& person, std::uint32_t transfer) const;
  bool MayDeny(const std::string& person, std::uint32_t transfer) const;
  bool MaySuspend(const std::string& person, std::uint32_t transfer) const;
  bool MayResume(const std::string& person, std::uint32_t transfer) const;
  bool MayCap(const std::string& person, std::uint32_t transfer, std::uint64_t records) const;
  bool MayEnd(const std::string& person, std::uint32_t transfer, std::int64_t at) const;
  bool MayGoOn(const std::string& person, std::uint32_t transfer) const;
  bool MayPlace(const std::string& person, const std::string& hold) const;
  bool MayPropose(const std::string& person, const std::string& hold) const;
  bool MayConfirm(const std::string& person, const std::string& hold) const;
  bool MayCancelLift(const std::string& person, const std::string& hold) const;
  // `widens`: to something that covers all that it covered.
  bool MayAmend(const std::string& person, const std::string& hold, bool widens) const;
  bool MayConfirmAmendment(const std::string& person, const std::string& hold) const;
  bool MayRestore(const std::string& person, const std::string& hold) const;
  bool MayNotice(const std::string& hold, const std::string& requester, std::uint32_t transfer,
                 std::uint32_t row) const;
  bool MayAcknowledge(const std::string& person, const std::string& hold,
                      const std::string& requester) const;
  // `second`: after the first one's order.
  bool MayAuthorise(const std::string& person, std::uint64_t revocation, bool second) const;
  bool MayStrike(const std::string& person, const std::string& member) const;
  bool MayRevoke(const std::string& person, const v1::Scope& scope) const;
  bool MayApproveDestruction(const std::string& person, std::uint64_t revocation) const;
  bool MayCancelDestruction(const std::string& person, std::uint64_t revocation) const;
  bool MayTrustClock(const std::string& person) const;
  bool MaySetTime(bool is_trusted) const;
  bool MayDestroy(std::uint64_t revocation) const;
  bool MayDestroyByCourt(std::uint64_t revocation) const;
  bool MayExpire(std::uint32_t transfer, const std::vector<std::uint32_t>& rows) const;

  // Time passes.
  void SetTime(std::int64_t new_late, std::int64_t new_early, bool is_trusted);
  // Somebody was struck off.
  void Withdraw(const std::string& person);

 private:
  bool InDates(const v1::DateRange& range, std::uint32_t transfer,
               const ReferenceRecord& record) const;
  bool MayDestroyRow(std::uint32_t transfer, std::uint32_t row,
                     const ReferenceOver& but = {}) const;
  bool MayDestroyList(std::uint64_t revocation, const ReferenceOver& but) const;
  bool IsAPair(const std::string& first, const std::string& second,
               const ReferenceHold& hold) const;
  bool CanLift(ReferencePerson::Side side, const std::set<std::string>& without) const;
  void LeaveForce(const std::string& id);
  bool IsCounsel(const std::string& person) const;
  bool IsCustodian(const std::string& person) const;
  bool MayLiftAtAll(const std::string& person, const ReferenceHold& hold) const;
};

}  // namespace holdfast::test
