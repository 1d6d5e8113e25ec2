// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/opening.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/sealed_opening.h"
#include "crypto/sha256.h"
#include "crypto/wiped_buffer.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/proto_wire.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

using record::v1::Opening;

std::size_t FieldBytes(const RecordFieldView& field) {
  return TextBytes(field.name) + TextBytes(field.value);
}

}  // namespace

Digest32 OpeningCommitment(ByteSpan opening) {
  return crypto::Sha256Of({AsBytes("holdfast/1/opening-commitment"), opening});
}

bool IsPermitted(const std::vector<std::string>& permitted, std::string_view field) {
  return std::find(permitted.begin(), permitted.end(), field) != permitted.end();
}

OpeningBytes::OpeningBytes(const SubjectAtRestView& subject,
                           std::span<const CandidateView> candidates, OpeningFields fields,
                           const std::vector<std::string>& permitted)
    : commitment_nonce_(subject.commitment_nonce),
      candidates_(candidates),
      fields_(fields),
      permitted_(permitted),
      subject_commitment_(subject.Commitment()) {
  size_ = DelimitedBytes(commitment_nonce_.size()) + DelimitedBytes(subject_commitment_.size()) +
          VarintBytes(policy::kGateVersion);
  for (const CandidateView& candidate : candidates_) {
    size_ += DelimitedBytes(CandidateBytes(candidate));
  }
}

template <typename Visit>
void OpeningBytes::ForEachField(const CandidateView& candidate, Visit visit) const {
  if (fields_ == OpeningFields::kLeftOut) return;
  for (const RecordFieldView& field : candidate.fields) {
    if (IsPermitted(permitted_, field.name)) visit(field);
  }
}

std::size_t OpeningBytes::CandidateBytes(const CandidateView& candidate) const {
  std::size_t size = DelimitedBytes(PersonBytes(candidate.person));
  ForEachField(candidate,
               [&](const RecordFieldView& field) { size += DelimitedBytes(FieldBytes(field)); });
  return size;
}

void OpeningBytes::Write(std::span<std::byte> out) const {
  HF_CHECK(out.size() == size_);
  WireWriter writer(out);
  writer.Bytes(Opening::kCommitmentNonceFieldNumber, AsBytes(commitment_nonce_));
  writer.Bytes(Opening::kSubjectCommitmentFieldNumber, subject_commitment_);
  writer.Number(Opening::kGateVersionFieldNumber, policy::kGateVersion);
  for (const CandidateView& candidate : candidates_) {
    writer.Begin(Opening::kCandidatesFieldNumber, CandidateBytes(candidate));
    WritePerson(v1::Candidate::kPersonFieldNumber, candidate.person, writer);
    ForEachField(candidate, [&](const RecordFieldView& field) {
      writer.Begin(v1::Candidate::kFieldsFieldNumber, FieldBytes(field));
      writer.Text(v1::RecordField::kNameFieldNumber, field.name);
      writer.Text(v1::RecordField::kValueFieldNumber, field.value);
    });
  }
  HF_CHECK(writer.full());
}

absl::StatusOr<OpenedOpening> OpenStoredOpening(const exchange::Published& published,
                                                const TransferFacts& facts,
                                                const OpenedSubject& subject) {
  Bytes stored;
  {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
    HF_ASSIGN_OR_RETURN(stored, reader->ReadChunk({store::ChunkKind::kOpenings, facts.number,
                                                   subject.row() / kRowsPerChunk}));
  }
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> items,
                      ParseChunk(store::ChunkKind::kOpenings, stored));
  for (const ByteSpan item : items) {
    HF_ASSIGN_OR_RETURN(const crypto::SubjectPosition position, crypto::InspectOpening(item));
    if (position.row != subject.row()) continue;
    const absl::StatusOr<crypto::WipedBuffer> plain =
        crypto::OpenOpening(item, subject.name, subject.seed);
    OpenedOpening opened;
    if (!plain.ok() || !opened.opening.ParseFromArray(plain->Reveal().data(),
                                                      static_cast<int>(plain->Reveal().size()))) {
      return MakeError(Reason::kStoreCorrupt, "a stored opening does not open");
    }
    opened.commitment = OpeningCommitment(plain->Reveal());
    return opened;
  }
  return MakeError(Reason::kNotFound, "the row has no opening");
}

}  // namespace holdfast::rpc
