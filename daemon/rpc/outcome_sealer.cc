// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/outcome_sealer.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/sha256.h"
#include "crypto/wiped_buffer.h"
#include "daemon/rpc/opening.h"
#include "holdfast/record/v1/outcome.pb.h"

namespace holdfast::rpc {
namespace {

crypto::EnvelopeHeader HeaderFor(const ExchangeId& exchange, const TransferFacts& facts,
                                 const v1::Subject& subject, std::uint32_t row) {
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
  binding.officer = facts.terms->officers(static_cast<int>(subject.officer()));
  binding.case_number = subject.case_number();
  binding.purpose = facts.terms->purpose();
  binding.authority = facts.terms->authority();
  header.binding = crypto::ComputeBinding(binding);
  return header;
}

record::v1::Outcome OutcomeOf(const v1::Subject& subject, const v1::Candidate* released,
                              const std::vector<std::string>& permitted) {
  record::v1::Outcome outcome;
  outcome.set_client_reference(subject.client_reference());
  outcome.set_result(record::v1::Outcome::NOTHING_RELEASED);
  if (released == nullptr) return outcome;
  outcome.set_result(record::v1::Outcome::RELEASED);
  for (const v1::RecordField& field : released->fields()) {
    if (!IsPermitted(permitted, field.name())) continue;
    record::v1::Field& kept = *outcome.add_fields();
    kept.set_name(field.name());
    kept.set_value(field.value());
  }
  return outcome;
}

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
      authority_(*agreement.FindAuthority(facts.terms->authority())) {}

std::size_t OutcomeSealer::envelope_bytes() const {
  return crypto::EnvelopeBytes(agreement_.terms().record_size_bytes);
}

absl::Status OutcomeSealer::CheckFits(std::uint32_t row, const v1::Subject& subject,
                                      const v1::Candidate& candidate) const {
  // The four bytes of the length are part of the record's size.
  const std::size_t bytes =
      OutcomeOf(subject, &candidate, authority_.fields).ByteSizeLong() + crypto::kMinPaddedBytes;
  return bytes <= agreement_.terms().record_size_bytes ? absl::OkStatus() : TooLong(row);
}

absl::StatusOr<Digest32> OutcomeSealer::Seal(std::uint32_t row, const v1::Subject& subject,
                                             const v1::Candidate* released,
                                             const SegmentId& segment, std::uint32_t leaf,
                                             const crypto::LeafSeed& seed, const Digest32& salt,
                                             std::span<std::byte> out) const {
  crypto::EnvelopeHeader header = HeaderFor(exchange_, facts_, subject, row);
  header.segment = segment;
  header.leaf = leaf;
  header.salt = salt;
  const crypto::RecordKey key = crypto::DeriveRecordKey(seed, segment, leaf);
  const record::v1::Outcome outcome = OutcomeOf(subject, released, authority_.fields);
  crypto::WipedBuffer plain(outcome.ByteSizeLong());
  outcome.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(plain.Mutable().data()));
  absl::Status sealed =
      crypto::SealEnvelope(header, key, plain.Reveal(), agreement_.terms().record_size_bytes, out);
  if (ReasonOf(sealed) == Reason::kRequestTooLarge) return TooLong(row);
  HF_RETURN_IF_ERROR(sealed);
  return crypto::Sha256Of(out);
}

}  // namespace holdfast::rpc
