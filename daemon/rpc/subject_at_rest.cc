// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/subject_at_rest.h"

#include "base/check.h"
#include "crypto/sha256.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/proto_wire.h"
#include "holdfast/record/v1/subject_at_rest.pb.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {

using record::v1::SubjectAtRest;
using v1::Subject;

bool ReadSubject(std::string_view bytes, SubjectView& view) {
  view.bytes = bytes;
  std::string_view person;
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(Subject::kPersonFieldNumber):
        return in.Bytes(person) && ReadPerson(person, view.person);
      case VarintTag(Subject::kOfficerFieldNumber):
        return in.Number(view.officer);
      case DelimitedTag(Subject::kCaseNumberFieldNumber):
        return in.Text(view.case_number);
      case DelimitedTag(Subject::kClientReferenceFieldNumber):
        return in.Text(view.client_reference);
      default:
        return in.Skip();
    }
  });
}

Digest32 SubjectCommitment(ByteSpan nonce, ByteSpan subject) {
  return crypto::Sha256Of({AsBytes("holdfast/1/subject-commitment"), nonce, subject});
}

bool ReadSubjectAtRest(std::string_view bytes, SubjectAtRestView& view) {
  std::string_view subject;
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(SubjectAtRest::kSubjectFieldNumber):
        return in.Bytes(subject) && ReadSubject(subject, view.subject);
      case DelimitedTag(SubjectAtRest::kCommitmentNonceFieldNumber):
        return in.Bytes(view.commitment_nonce);
      default:
        return in.Skip();
    }
  });
}

ByteSpan SubjectAtRestBytes::Write(const SubjectView& subject, ByteSpan nonce) {
  const std::size_t size = DelimitedBytes(subject.bytes.size()) + DelimitedBytes(nonce.size()) +
                           VarintBytes(policy::kGateVersion);
  HF_CHECK(size <= buffer_.size());
  const std::span<std::byte> bytes = buffer_.Mutable().first(size);
  WireWriter out(bytes);
  out.Bytes(SubjectAtRest::kSubjectFieldNumber, AsBytes(subject.bytes));
  out.Bytes(SubjectAtRest::kCommitmentNonceFieldNumber, nonce);
  out.Number(SubjectAtRest::kGateVersionFieldNumber, policy::kGateVersion);
  HF_CHECK(out.full());
  return bytes;
}

}  // namespace holdfast::rpc
