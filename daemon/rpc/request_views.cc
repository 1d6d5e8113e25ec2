// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/request_views.h"

#include <algorithm>

#include "base/limits.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/proto_wire.h"

namespace holdfast::rpc {
namespace {

using v1::Candidate;
using v1::DepositRecordsRequest;
using v1::Findings;
using v1::RecordField;
using v1::SubmitSubjectsRequest;

// Makes room for as many as `bytes` bytes usually have, and no more than so many rows: what a
// message takes must depend on its size, since that is what is counted against its sender.
template <typename T>
void ReserveFor(std::size_t bytes, std::size_t usual_bytes, std::size_t a_row,
                std::vector<T>& items) {
  items.reserve(std::min<std::size_t>(bytes / usual_bytes, kRowsPerChunk * a_row));
}

// What these usually have, and of which there are so many a row.
constexpr std::size_t kSubjectBytes = 64;
constexpr std::size_t kFindingsBytes = 8;
constexpr std::size_t kCandidateBytes = 128;
constexpr std::size_t kCandidates = 4;
constexpr std::size_t kFieldBytes = 16;
constexpr std::size_t kFields = 32;

bool ReadField(std::string_view bytes, RecordFieldView& field) {
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(RecordField::kNameFieldNumber):
        return in.Text(field.name);
      case DelimitedTag(RecordField::kValueFieldNumber):
        return in.Text(field.value);
      default:
        return in.Skip();
    }
  });
}

}  // namespace

const SubmitView* SubmitView::Read(std::string_view bytes, google::protobuf::Arena& arena) {
  auto* view = google::protobuf::Arena::Create<SubmitView>(&arena);
  return view->Parse(bytes) ? view : nullptr;
}

bool SubmitView::Parse(std::string_view bytes) {
  ReserveFor(bytes.size(), kSubjectBytes, 1, subjects_);
  std::string_view subject;
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(SubmitSubjectsRequest::kTransferFieldNumber):
        return in.Text(transfer_);
      case VarintTag(SubmitSubjectsRequest::kChunkFieldNumber):
        return in.Number(chunk_);
      case DelimitedTag(SubmitSubjectsRequest::kSubjectsFieldNumber):
        return subjects_.size() < kMostRows && in.Bytes(subject) &&
               ReadSubject(subject, subjects_.emplace_back());
      default:
        return in.Skip();
    }
  });
}

const DepositView* DepositView::Read(std::string_view bytes, google::protobuf::Arena& arena) {
  auto* view = google::protobuf::Arena::Create<DepositView>(&arena);
  return view->Parse(bytes) ? view : nullptr;
}

bool DepositView::Parse(std::string_view bytes) {
  ReserveFor(bytes.size(), kFindingsBytes, 1, findings_);
  ReserveFor(bytes.size(), kFindingsBytes, 1, candidate_ends_);
  ReserveFor(bytes.size(), kCandidateBytes, kCandidates, candidates_);
  ReserveFor(bytes.size(), kCandidateBytes, kCandidates, field_ends_);
  ReserveFor(bytes.size(), kFieldBytes, kFields, fields_);
  std::string_view findings;
  const bool read = ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(DepositRecordsRequest::kTransferFieldNumber):
        return in.Text(transfer_);
      case VarintTag(DepositRecordsRequest::kChunkFieldNumber):
        return in.Number(chunk_);
      case DelimitedTag(DepositRecordsRequest::kFindingsFieldNumber):
        return findings_.size() < kMostRows && in.Bytes(findings) && ParseFindings(findings);
      default:
        return in.Skip();
    }
  });
  if (read) Connect();
  return read;
}

bool DepositView::ParseFindings(std::string_view bytes) {
  FindingsView& findings = findings_.emplace_back();
  std::string_view candidate;
  const bool read = ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case VarintTag(Findings::kRowFieldNumber):
        return in.Number(findings.row);
      case DelimitedTag(Findings::kCandidatesFieldNumber):
        return in.Bytes(candidate) && ParseCandidate(candidate);
      default:
        return in.Skip();
    }
  });
  candidate_ends_.push_back(candidates_.size());
  return read;
}

bool DepositView::ParseCandidate(std::string_view bytes) {
  if (candidates_.size() == kMostCandidates) return false;
  CandidateView& candidate = candidates_.emplace_back();
  std::string_view part;
  const bool read = ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(Candidate::kPersonFieldNumber):
        return in.Bytes(part) && ReadPerson(part, candidate.person);
      case DelimitedTag(Candidate::kFieldsFieldNumber):
        return in.Bytes(part) && ReadField(part, fields_.emplace_back());
      default:
        return in.Skip();
    }
  });
  field_ends_.push_back(fields_.size());
  return read;
}

// The vectors have grown to what they are: what belongs to what can be said now.
void DepositView::Connect() {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    candidates_[i].fields = std::span(fields_).subspan(begin, field_ends_[i] - begin);
    begin = field_ends_[i];
  }
  begin = 0;
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    findings_[i].candidates = std::span(candidates_).subspan(begin, candidate_ends_[i] - begin);
    begin = candidate_ends_[i];
  }
}

CandidateView ViewOf(const v1::Candidate& candidate, std::vector<RecordFieldView>& fields) {
  fields.clear();
  fields.reserve(static_cast<std::size_t>(candidate.fields_size()));
  for (const RecordField& field : candidate.fields()) {
    fields.push_back({field.name(), field.value()});
  }
  return {ViewOf(candidate.person()), fields};
}

}  // namespace holdfast::rpc
