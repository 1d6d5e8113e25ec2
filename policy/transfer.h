// SPDX-License-Identifier: Apache-2.0
//
// What the state knows of one transfer.
//
// When to use  Through State; read-only outside policy/apply.cc.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Owns its records; the terms are shared and never change.
// Errors       None.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"
#include "policy/envelopes_root.h"
#include "policy/records.h"
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

// Whether a transfer asks for a custodian's special attention (R11). Every transfer waits for a
// custodian; the dossier says which brake is on, so that whoever approves has seen it.
enum class TransferBrake : std::uint8_t {
  kFree = 1,
  kRefusedShare = 2,
  kPlaceholderShare = 3,
};

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
  TransferBrake brake = TransferBrake::kFree;

  // Approval.
  std::vector<MemberNumber> approvals;
  UnixMillis not_before;  // From the last approval on.
  UnixMillis not_after;
  std::uint64_t approved_index = 0;
  Digest32 agreement_digest{};
  std::uint32_t envelopes_due = 0;  // Accepted rows that were not destroyed at the approval.
  EnvelopesRoot envelopes;          // While kApproved.

  // From TransferClosed on.
  Digest32 envelopes_root{};
  std::uint64_t closed_index = 0;
  bool over = false;  // Denied, or past not_after: its cases are no longer open.

  bool approved() const {
    return state == TransferState::kApproved || state == TransferState::kClosed;
  }
  RecordFacts FactsOf(std::uint32_t row, const Record& record) const {
    RecordFacts facts;
    facts.transfer = number;
    facts.row = row;
    facts.officer = officers[record.officer];
    facts.authority = authority;
    facts.pseudonym = record.pseudonym;
    facts.requested_at = RecordSeconds(created_at);
    facts.approved_at = approved() ? RecordSeconds(not_before) : 0;
    facts.deposited_at = record.deposited_at;
    facts.first_released_at = record.first_released_at;
    facts.last_released_at = record.last_released_at;
    facts.release_verdict = record.release_verdict;
    return facts;
  }
  TransferFacts Facts() const {
    return {number, authority, RecordSeconds(created_at),
            approved() ? RecordSeconds(not_before) : 0};
  }
};

}  // namespace holdfast::policy
