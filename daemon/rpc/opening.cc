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
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

using google::protobuf::io::CodedOutputStream;

// Tags of fields of the wire type "length-delimited", and of one varint.
constexpr std::uint8_t Delimited(int field) { return static_cast<std::uint8_t>(field << 3 | 2); }
constexpr std::uint8_t kNonce = Delimited(record::v1::Opening::kCommitmentNonceFieldNumber);
constexpr std::uint8_t kSubject = Delimited(record::v1::Opening::kSubjectCommitmentFieldNumber);
constexpr std::uint8_t kVersion = record::v1::Opening::kGateVersionFieldNumber << 3;
constexpr std::uint8_t kCandidate = Delimited(record::v1::Opening::kCandidatesFieldNumber);
constexpr std::uint8_t kPerson = Delimited(v1::Candidate::kPersonFieldNumber);
constexpr std::uint8_t kField = Delimited(v1::Candidate::kFieldsFieldNumber);

std::size_t DelimitedBytes(std::size_t size) {
  return 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(size)) + size;
}

class Cursor final {
 public:
  explicit Cursor(std::span<std::byte> out)
      : at_(reinterpret_cast<std::uint8_t*>(out.data())), end_(at_ + out.size()) {}

  void Tag(std::uint8_t tag) { *at_++ = tag; }
  void Varint(std::size_t value) {
    at_ = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(value), at_);
  }
  void Bytes(std::uint8_t tag, ByteSpan bytes) {
    Tag(tag);
    Varint(bytes.size());
    at_ = std::transform(bytes.begin(), bytes.end(), at_,
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  }
  // REQUIRES: ByteSizeLong() was called for it.
  void Message(std::uint8_t tag, const google::protobuf::MessageLite& message) {
    Tag(tag);
    Varint(static_cast<std::size_t>(message.GetCachedSize()));
    at_ = message.SerializeWithCachedSizesToArray(at_);
  }
  bool full() const { return at_ == end_; }

 private:
  std::uint8_t* at_;
  std::uint8_t* const end_;
};

}  // namespace

Digest32 SubjectCommitment(ByteSpan nonce, const v1::Subject& subject) {
  crypto::WipedBuffer bytes(subject.ByteSizeLong());
  subject.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.Mutable().data()));
  return crypto::Sha256Of({AsBytes("holdfast/1/subject-commitment"), nonce, bytes.Reveal()});
}

Digest32 OpeningCommitment(ByteSpan opening) {
  return crypto::Sha256Of({AsBytes("holdfast/1/opening-commitment"), opening});
}

bool IsPermitted(const std::vector<std::string>& permitted, const std::string& field) {
  return std::find(permitted.begin(), permitted.end(), field) != permitted.end();
}

OpeningBytes::OpeningBytes(const record::v1::SubjectAtRest& subject, const v1::Findings& findings,
                           OpeningFields fields, const std::vector<std::string>& permitted)
    : subject_(subject),
      findings_(findings),
      fields_(fields),
      permitted_(permitted),
      subject_commitment_(
          SubjectCommitment(AsBytes(subject.commitment_nonce()), subject.subject())) {
  size_ = DelimitedBytes(subject_.commitment_nonce().size()) +
          DelimitedBytes(subject_commitment_.size()) + 1 +
          CodedOutputStream::VarintSize32(policy::kGateVersion);
  for (const v1::Candidate& candidate : findings_.candidates()) {
    size_ += DelimitedBytes(CandidateBytes(candidate));
  }
}

template <typename Visit>
void OpeningBytes::ForEachField(const v1::Candidate& candidate, Visit visit) const {
  if (fields_ == OpeningFields::kLeftOut) return;
  for (const v1::RecordField& field : candidate.fields()) {
    if (IsPermitted(permitted_, field.name())) visit(field);
  }
}

std::size_t OpeningBytes::CandidateBytes(const v1::Candidate& candidate) const {
  std::size_t size = DelimitedBytes(candidate.person().ByteSizeLong());
  ForEachField(candidate,
               [&](const v1::RecordField& field) { size += DelimitedBytes(field.ByteSizeLong()); });
  return size;
}

void OpeningBytes::Write(std::span<std::byte> out) const {
  HF_CHECK(out.size() == size_);
  Cursor cursor(out);
  cursor.Bytes(kNonce, AsBytes(subject_.commitment_nonce()));
  cursor.Bytes(kSubject, subject_commitment_);
  cursor.Tag(kVersion);
  cursor.Varint(policy::kGateVersion);
  for (const v1::Candidate& candidate : findings_.candidates()) {
    cursor.Tag(kCandidate);
    cursor.Varint(CandidateBytes(candidate));
    cursor.Message(kPerson, candidate.person());
    ForEachField(candidate, [&](const v1::RecordField& field) { cursor.Message(kField, field); });
  }
  HF_CHECK(cursor.full());
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
