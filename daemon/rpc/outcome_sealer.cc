// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/outcome_sealer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/sha256.h"
#include "daemon/rpc/opening.h"
#include "daemon/rpc/proto_wire.h"
#include "holdfast/record/v1/outcome.pb.h"

namespace holdfast::rpc {
namespace {

crypto::EnvelopeHeader HeaderFor(const ExchangeId& exchange, const TransferFacts& facts,
                                 const SubjectView& subject, std::uint32_t row) {
  crypto::EnvelopeHeader header;
  header.exchange = exchange;
  header.transfer = facts.id;
  header.row = row;
  header.not_before = facts.not_before;
  header.not_after = facts.not_after;
  header.agreement = facts.agreement_digest;
  crypto::BindingContext binding;
  const auto copy = [](const std::string& from, Digest32& to) {
    std::copy_n(AsBytes(from).begin(), std::min(from.size(), to.size()), to.begin());
  };
  copy(facts.terms->binding_nonce(), binding.nonce);
  copy(facts.terms->attestation_digest(), binding.attestation);
  binding.recipient = facts.requester;
  binding.officer = facts.terms->officers(static_cast<int>(subject.officer));
  binding.case_number = subject.case_number;
  binding.purpose = facts.terms->purpose();
  binding.authority = facts.terms->authority();
  header.binding = crypto::ComputeBinding(binding);
  return header;
}

using record::v1::Outcome;

// The bytes of a record.v1.Outcome: the permitted fields of `released`, or that there is nothing.
class OutcomeBytes final {
 public:
  OutcomeBytes(std::string_view client_reference, const CandidateView* released,
               const std::vector<std::string>& permitted)
      : client_reference_(client_reference), released_(released), permitted_(permitted) {
    size_ = VarintBytes(result()) + TextBytes(client_reference_);
    ForEachField([&](const RecordFieldView& field) { size_ += DelimitedBytes(BytesOf(field)); });
  }

  std::size_t size() const { return size_; }

  // REQUIRES: out.size() == size().
  void Write(std::span<std::byte> out) const {
    WireWriter writer(out);
    writer.Number(Outcome::kResultFieldNumber, result());
    ForEachField([&](const RecordFieldView& field) {
      writer.Begin(Outcome::kFieldsFieldNumber, BytesOf(field));
      writer.Text(record::v1::Field::kNameFieldNumber, field.name);
      writer.Text(record::v1::Field::kValueFieldNumber, field.value);
    });
    writer.Text(Outcome::kClientReferenceFieldNumber, client_reference_);
    HF_CHECK(writer.full());
  }

 private:
  std::uint32_t result() const {
    return released_ == nullptr ? Outcome::NOTHING_RELEASED : Outcome::RELEASED;
  }
  static std::size_t BytesOf(const RecordFieldView& field) {
    return TextBytes(field.name) + TextBytes(field.value);
  }
  template <typename Visit>
  void ForEachField(Visit visit) const {
    if (released_ == nullptr) return;
    for (const RecordFieldView& field : released_->fields) {
      if (IsPermitted(permitted_, field.name)) visit(field);
    }
  }

  const std::string_view client_reference_;
  const CandidateView* const released_;
  const std::vector<std::string>& permitted_;
  std::size_t size_ = 0;
};

absl::Status TooLong(std::uint32_t row) {
  return AddMetadata(
      MakeError(Reason::kRequestMalformed, "a record is longer than the agreement's record size"),
      "row", std::to_string(row));
}

}  // namespace

OutcomeSealer::OutcomeSealer(const ExchangeId& exchange, const policy::OpenedAgreement& agreement,
                             const TransferFacts& facts)
    : exchange_(exchange),
      agreement_(agreement),
      facts_(facts),
      authority_(*agreement.FindAuthority(facts.terms->authority())),
      plain_(agreement.terms().record_size_bytes) {}

std::size_t OutcomeSealer::envelope_bytes() const {
  return crypto::EnvelopeBytes(agreement_.terms().record_size_bytes);
}

absl::Status OutcomeSealer::CheckFits(std::uint32_t row, const SubjectView& subject,
                                      const CandidateView& candidate) const {
  // The four bytes of the length are part of the record's size.
  const std::size_t bytes =
      OutcomeBytes(subject.client_reference, &candidate, authority_.fields).size() +
      crypto::kMinPaddedBytes;
  return bytes <= agreement_.terms().record_size_bytes ? absl::OkStatus() : TooLong(row);
}

absl::StatusOr<Digest32> OutcomeSealer::Seal(std::uint32_t row, const SubjectView& subject,
                                             const CandidateView* released,
                                             const SegmentId& segment, std::uint32_t leaf,
                                             const crypto::LeafSeed& seed, const Digest32& salt,
                                             std::span<std::byte> out) {
  crypto::EnvelopeHeader header = HeaderFor(exchange_, facts_, subject, row);
  header.segment = segment;
  header.leaf = leaf;
  header.salt = salt;
  const crypto::RecordKey key = crypto::DeriveRecordKey(seed, segment, leaf);
  const OutcomeBytes outcome(subject.client_reference, released, authority_.fields);
  if (outcome.size() > plain_.size()) return TooLong(row);
  const std::span<std::byte> plain = plain_.Mutable().first(outcome.size());
  outcome.Write(plain);
  absl::Status sealed =
      crypto::SealEnvelope(header, key, plain, agreement_.terms().record_size_bytes, out);
  if (ReasonOf(sealed) == Reason::kRequestTooLarge) return TooLong(row);
  HF_RETURN_IF_ERROR(sealed);
  return crypto::Sha256Of(out);
}

}  // namespace holdfast::rpc
