// SPDX-License-Identifier: Apache-2.0
// What a certificate's entries show: ReadErasure().
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evidence/cosignatures.h"
#include "evidence/erasure_certificate.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "crypto/signed_note.h"
#include "policy/disposal.h"
#include "policy/keyslot_strike_off.h"
#include "policy/opened_order.h"

namespace holdfast::evidence {
namespace {

using ledger::v1::Entry;
using ledger::v1::RecordsDestroyed;

constexpr std::size_t kMostEntries = 64;

absl::Status Inconsistent(const char* what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent, what), "rule", "CERTIFICATE");
}

bool IsKnown(RecordsDestroyed::Basis basis) {
  return basis == RecordsDestroyed::REVOCATION || basis == RecordsDestroyed::EXPIRY ||
         basis == RecordsDestroyed::COURT_ORDER;
}

// The digest of a list of records: docs/ledger-format.md#lists
class ListDigest {
 public:
  absl::Status Add(const ledger::v1::Rows& runs) {
    const auto rows = policy::ReadRows(runs);
    if (!rows.ok()) return Inconsistent("the list of destroyed records cannot be read");
    if (!list_.empty() && list_.back().transfer >= rows->transfer) {
      return Inconsistent("the list of destroyed records is not in order");
    }
    count_ += rows->size();
    list_.push_back(*rows);
    return absl::OkStatus();
  }
  std::uint64_t count() const { return count_; }
  std::uint64_t transfers() const { return list_.size(); }
  Digest32 Digest() const {
    Bytes bytes;
    const auto put = [&bytes](std::uint32_t number) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        bytes.push_back(std::byte(number >> shift & 0xffU));
      }
    };
    for (const policy::RowRuns& rows : list_) {
      for (const policy::RowRun& run : rows.runs) {
        for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
          put(rows.transfer);
          put(row);
        }
      }
    }
    return crypto::Sha256Of(bytes);
  }

 private:
  std::vector<policy::RowRuns> list_;
  std::uint64_t count_ = 0;
};

// Reads the entries one after the other. Each may come in one place only.
class Reading {
 public:
  explicit Reading(const ExchangeId& exchange) : exchange_(exchange) {}

  absl::Status Open(const ErasureEvidence& evidence) {
    if (evidence.entries.size() < 4 || evidence.entries.size() > kMostEntries ||
        evidence.entries.front().index != 0) {
      return Inconsistent("the entries of a destruction are missing");
    }
    HF_RETURN_IF_ERROR(CheckPaths(evidence));
    HF_ASSIGN_OR_RETURN(const Entry first, Parse(evidence.entries.front()));
    if (!first.has_exchange_opened()) return Inconsistent("the ledger does not begin");
    auto agreement = policy::OpenAgreement(AsBytes(first.exchange_opened().agreement_dsse()));
    HF_RETURN_IF_ERROR(agreement.status());
    if (agreement->exchange_id() != exchange_) {
      return Inconsistent("the certificate is about another exchange");
    }
    events.agreement = std::make_shared<const policy::OpenedAgreement>(*std::move(agreement));
    HF_ASSIGN_OR_RETURN(
        const crypto::PublicKey public_key,
        crypto::PublicKey::FromBytes(AsBytes(first.exchange_opened().checkpoint_key())));
    HF_ASSIGN_OR_RETURN(const crypto::NoteKey note_key,
                        crypto::NoteKey::Make(crypto::LedgerOrigin(exchange_),
                                              crypto::NoteAlgorithm::kEd25519, public_key));
    HF_ASSIGN_OR_RETURN(
        crypto::OpenedCheckpoint opened,
        crypto::OpenCheckpoint(evidence.checkpoint, note_key, WitnessKeys(*events.agreement)));
    events.checkpoint = opened.checkpoint;
    events.cosigned = std::move(opened.witnesses);
    return absl::OkStatus();
  }

  absl::Status Take(const ProvenEntry& proven) {
    if (proven.index == 0) return absl::OkStatus();  // Open() has read it.
    HF_ASSIGN_OR_RETURN(const Entry entry, Parse(proven));
    switch (entry.fact_case()) {
      case Entry::kTimeAdvanced:
        if (events.time_index != 0 || events.destroyed_index != 0) break;
        events.time_index = proven.index;
        events.destroyed_at = UnixMillis(entry.time_advanced().late_ms());
        return absl::OkStatus();
      case Entry::kOrderAccepted:
        if (events.destroyed_index != 0) break;
        return TakeOrder(proven.index, entry.order_accepted());
      case Entry::kRecordsDestroyed:
        if (events.destroyed_index != 0 || events.time_index == 0) break;
        events.destroyed_index = proven.index;
        return TakeDestruction(entry.records_destroyed());
      case Entry::kEpochAdvanced:
        if (events.destroyed_index == 0 || events.epoch_index != 0) break;
        events.epoch_index = proven.index;
        events.epoch = entry.epoch_advanced().epoch();
        return absl::OkStatus();
      case Entry::kEpochErased:
        if (events.epoch_index == 0 || events.erased_index != 0 ||
            entry.epoch_erased().epoch() + 1 != events.epoch) {
          break;
        }
        events.erased_index = proven.index;
        events.keyslot_kind = entry.epoch_erased().keyslot_kind();
        events.erasure_class = entry.epoch_erased().erasure_class();
        for (const ledger::v1::KeyslotPart& part : entry.epoch_erased().parts()) {
          events.media.push_back({part.kind(), part.erasure_class(), part.device()});
        }
        return absl::OkStatus();
      case Entry::kKeyslotStruckOff:
        if (events.erased_index != 0) break;
        return TakeStrikeOff(proven.index, entry.keyslot_struck_off());
      default:
        break;
    }
    return Inconsistent("an entry of the certificate is not one of a destruction");
  }

  absl::Status Finish() const {
    if (events.erased_index == 0) return Inconsistent("the old root key's erasure is missing");
    return absl::OkStatus();
  }

  ErasureEvents events;

 private:
  // Whether the entries are those of the checkpoint, whoever signed that: hashes cost less than the
  // signatures that come after them, and refuse nearly every file that is damaged.
  static absl::Status CheckPaths(const ErasureEvidence& evidence) {
    HF_ASSIGN_OR_RETURN(const crypto::UnverifiedNote note, crypto::ParseNote(evidence.checkpoint));
    HF_ASSIGN_OR_RETURN(const crypto::Checkpoint claimed, crypto::ParseCheckpointText(note.text));
    for (const ProvenEntry& entry : evidence.entries) {
      HF_RETURN_IF_ERROR(crypto::VerifyInclusion(
          entry.index, claimed.size, crypto::LeafHash(entry.bytes), entry.path, claimed.root));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<Entry> Parse(const ProvenEntry& proven) {
    Entry entry;
    if (!entry.ParseFromArray(proven.bytes.data(), static_cast<int>(proven.bytes.size()))) {
      return Inconsistent("an entry of the certificate cannot be read");
    }
    return entry;
  }

  absl::Status TakeOrder(std::uint64_t index, const ledger::v1::OrderAccepted& fact) {
    HF_ASSIGN_OR_RETURN(const policy::OpenedOrder opened,
                        policy::OpenOrder(AsBytes(fact.order_dsse()), *events.agreement));
    if (opened.exchange_id != exchange_.value()) {
      return Inconsistent("an order is about another exchange");
    }
    const order::v1::Order& order = opened.order;
    const ErasurePart part{order.person(), index, opened.issued_at};
    if (order.has_revoke_records()) {
      if (!events.performed_by.empty()) return Inconsistent("two people revoked");
      events.performed_by.push_back(part);
      events.reason = order.revoke_records().reason();
      count_ = order.revoke_records().count();
      digest_ = order.revoke_records().list_digest();
      return absl::OkStatus();
    }
    if (events.performed_by.empty()) return Inconsistent("an approval comes before the revocation");
    const std::uint64_t revocation = events.performed_by.front().index;
    if (order.has_approve_destruction()) {
      const auto& approve = order.approve_destruction();
      if (approve.revocation_index() != revocation || approve.count() != count_ ||
          approve.list_digest() != digest_) {
        return Inconsistent("an approval is about other records");
      }
      events.approved_by.push_back(part);
      return absl::OkStatus();
    }
    if (order.has_authorise_destruction()) {
      const auto& authorise = order.authorise_destruction();
      if (authorise.revocation_index() != revocation || authorise.count() != count_ ||
          authorise.list_digest() != digest_) {
        return Inconsistent("an authorisation is about other records");
      }
      events.authorised_by.push_back(part);
      return absl::OkStatus();
    }
    return Inconsistent("an order of the certificate is not about a destruction");
  }

  absl::Status TakeStrikeOff(std::uint64_t index, const ledger::v1::KeyslotStruckOff& fact) {
    HF_ASSIGN_OR_RETURN(policy::UnverifiedKeyslotStrikeOff order,
                        policy::ReadKeyslotStrikeOff(fact.order_dsse()));
    HF_RETURN_IF_ERROR(
        policy::OpenKeyslotStrikeOff(order, *events.agreement, policy::StruckOff()).status());
    policy::KeyslotStrikeOffTerms& terms = order.terms;
    events.lost.push_back(
        {index, terms.epoch, std::move(terms.keyslots), std::move(terms.members)});
    return absl::OkStatus();
  }

  absl::Status TakeDestruction(const RecordsDestroyed& fact) {
    events.basis = fact.basis();
    if (!IsKnown(events.basis)) return Inconsistent("a destruction without a basis");
    ListDigest list;
    for (const ledger::v1::Rows& rows : fact.rows()) HF_RETURN_IF_ERROR(list.Add(rows));
    events.records = list.count();
    events.transfers = list.transfers();
    events.records_digest = list.Digest();
    if (events.records != fact.count()) return Inconsistent("the number of records is wrong");
    if (events.basis == RecordsDestroyed::EXPIRY) {
      return events.performed_by.empty() ? absl::OkStatus()
                                         : Inconsistent("what expires, nobody revokes");
    }
    if (events.performed_by.empty() || events.approved_by.empty() ||
        fact.revocation_index() != events.performed_by.front().index) {
      return Inconsistent("the revocation or its approval is missing");
    }
    if (events.records != count_ || Hex(events.records_digest) != digest_) {
      return Inconsistent("what was destroyed is not what was revoked");
    }
    if (events.basis == RecordsDestroyed::COURT_ORDER && events.authorised_by.size() < 2) {
      return Inconsistent("the court's order is missing");
    }
    return absl::OkStatus();
  }

  const ExchangeId exchange_;
  std::uint64_t count_ = 0;  // As revoked.
  std::string digest_;
};
}  // namespace

absl::StatusOr<ErasureEvents> ReadErasure(const ExchangeId& exchange,
                                          const ErasureEvidence& evidence) {
  Reading reading(exchange);
  HF_RETURN_IF_ERROR(reading.Open(evidence));
  std::optional<std::uint64_t> last;
  for (const ProvenEntry& entry : evidence.entries) {
    if (last && entry.index <= *last) return Inconsistent("the entries are not in order");
    last = entry.index;
    HF_RETURN_IF_ERROR(reading.Take(entry));
  }
  HF_RETURN_IF_ERROR(reading.Finish());
  return std::move(reading.events);
}
}  // namespace holdfast::evidence
