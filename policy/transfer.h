// SPDX-License-Identifier: Apache-2.0
//
// What the state knows of one transfer.
//
// When to use  Through State; read-only outside policy/apply.cc.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Owns its records; the terms are shared and never change.
// Errors       None.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/agreement.h"
#include "policy/envelopes_root.h"
#include "policy/records.h"
#include "policy/review.h"
#include "policy/scope.h"

namespace holdfast::policy {

// Wire numbers of holdfast.v1.Transfer.State.
enum class TransferState : std::uint8_t {
  kUnspecified = 0,
  kSubmitting = 1,
  kAwaitingApproval = 2,
  kApproved = 3,
  kClosed = 4,
  kDenied = 5,
};

// Brakes as bits, by their wire numbers in order.v1.Brake (R6, R11, R46).
using BrakeBits = std::uint32_t;
constexpr BrakeBits BrakeBit(order::v1::Brake brake) { return 1U << static_cast<unsigned>(brake); }

// No cap.
inline constexpr std::uint64_t kNoCap = std::numeric_limits<std::uint64_t>::max();

struct Transfer {
  std::uint32_t number = 0;
  TransferId id;
  MemberNumber requester;
  AuthorityNumber authority;
  std::shared_ptr<const ledger::v1::TransferCreated> terms;
  std::uint64_t created_index = 0;
  UnixMillis created_at;  // The late time.

  TransferState state = TransferState::kSubmitting;
  RecordTable records;
  std::vector<OfficerNumber> officers;                     // By position in the terms.
  std::vector<std::uint32_t> accepted_by_officer;          // By the same position.
  std::map<std::uint8_t, std::uint32_t> request_verdicts;  // RequestReason -> rows.
  std::map<std::uint8_t, std::uint32_t> release_verdicts;  // ReleaseReason -> rows.

  std::uint32_t judged = 0;
  std::uint32_t accepted = 0;
  std::uint32_t deposited = 0;
  std::uint32_t released = 0;   // Rows whose key left at least once.
  std::uint32_t revoked = 0;    // Revoked rows that are not destroyed.
  std::uint32_t destroyed = 0;  // Accepted rows whose keys are gone.

  // From SubmissionFinished on.
  std::uint32_t rows = 0;
  Digest32 dossier_digest{};
  Digest32 subjects_digest{};  // What the dossier says of the rows: whom it is about.
  std::vector<std::uint64_t> officer_open_cases;  // By position, when submission ended.

  // Brakes. While submitting, only those that can trip by then.
  BrakeBits brakes = 0;
  BrakeBits let_go = 0;                // Those that a custodian let go.
  std::uint32_t second_addresses = 0;  // Rows whose person was asked for at another address.

  // What custodians ordered.
  std::uint64_t suspended_index = 0;  // Of the suspension in force; 0 is none.
  std::uint64_t record_cap = kNoCap;
  UnixMillis ends_at = kMaxTime;

  // Approval.
  std::vector<MemberNumber> approvals;
  UnixMillis not_before;  // From the last approval on.
  UnixMillis not_after;
  std::uint64_t approved_index = 0;
  Digest32 agreement_digest{};
  std::uint32_t envelopes_due = 0;  // Accepted rows that were not destroyed at the approval.
  EnvelopesRoot envelopes;          // While kApproved.

  // Doubtful rows that wait for a custodian, by row.
  std::map<std::uint32_t, ReviewCase> cases;

  // From TransferClosed on.
  Digest32 envelopes_root{};
  std::uint64_t closed_index = 0;
  bool over = false;  // Denied, ended, or past not_after: its cases are no longer open.

  // The brakes that stop it now.
  BrakeBits stopping() const { return brakes & ~let_go; }
  bool suspended() const { return suspended_index != 0; }

  // When nothing of it moves any more. Its records' time, not_after, is what decides about their
  // destruction: an order that ends a transfer destroys nothing.
  UnixMillis end() const { return std::min(not_after, ends_at); }

  bool approved() const {
    return state == TransferState::kApproved || state == TransferState::kClosed;
  }
  const ReviewCase* FindCase(std::uint32_t row) const {
    const auto found = cases.find(row);
    return found == cases.end() ? nullptr : &found->second;
  }
  RecordFacts FactsOf(std::uint32_t row, const Record& record) const {
    RecordFacts facts;
    facts.transfer = number;
    facts.row = row;
    facts.officer = officers[record.officer];
    facts.authority = authority;
    facts.person = record.person;
    facts.alias = record.alias;
    facts.requested_at = RecordSeconds(created_at);
    facts.approved_at = approved() ? RecordSeconds(not_before) : 0;
    facts.deposited_at = record.deposited_at;
    facts.first_released_at = record.first_released_at;
    facts.last_released_at = record.last_released_at;
    facts.release_verdict = record.release_verdict;
    facts.outcome = record.outcome();
    facts.gate_version = record.gate_version;
    return facts;
  }
  TransferFacts Facts() const {
    return {number, authority, RecordSeconds(created_at),
            approved() ? RecordSeconds(not_before) : 0};
  }
};

}  // namespace holdfast::policy
