// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/request_views.h"

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

// What rows usually have: room for them is made at once.
constexpr std::size_t kUsualCandidates = 4;
constexpr std::size_t kUsualFields = 8;

bool ReadField(std::string_view bytes, RecordFieldView& field) {
  WireReader in(bytes);
  while (in.Next()) {
    bool read = false;
    switch (in.tag()) {
      case DelimitedTag(RecordField::kNameFieldNumber):
        read = in.Text(field.name);
        break;
      case DelimitedTag(RecordField::kValueFieldNumber):
        read = in.Text(field.value);
        break;
      default:
        read = in.Skip();
    }
    if (!read) return false;
  }
  return in.done();
}

}  // namespace

const SubmitView* SubmitView::Read(std::string_view bytes, google::protobuf::Arena& arena) {
  auto* view = google::protobuf::Arena::Create<SubmitView>(&arena);
  return view->Parse(bytes) ? view : nullptr;
}

bool SubmitView::Parse(std::string_view bytes) {
  subjects_.reserve(kRowsPerChunk);
  WireReader in(bytes);
  std::string_view subject;
  while (in.Next()) {
    bool read = false;
    switch (in.tag()) {
      case DelimitedTag(SubmitSubjectsRequest::kTransferFieldNumber):
        read = in.Text(transfer_);
        break;
      case VarintTag(SubmitSubjectsRequest::kChunkFieldNumber):
        read = in.Number(chunk_);
        break;
      case DelimitedTag(SubmitSubjectsRequest::kSubjectsFieldNumber):
        read = subjects_.size() < kMostSubjects && in.Bytes(subject) &&
               ReadSubject(subject, subjects_.emplace_back());
        break;
      default:
        read = in.Skip();
    }
    if (!read) return false;
  }
  return in.done();
}

const DepositView* DepositView::Read(std::string_view bytes, google::protobuf::Arena& arena) {
  auto* view = google::protobuf::Arena::Create<DepositView>(&arena);
  return view->Parse(bytes) ? view : nullptr;
}

bool DepositView::Parse(std::string_view bytes) {
  findings_.reserve(kRowsPerChunk);
  candidate_ends_.reserve(kRowsPerChunk);
  candidates_.reserve(kRowsPerChunk * kUsualCandidates);
  field_ends_.reserve(kRowsPerChunk * kUsualCandidates);
  fields_.reserve(kRowsPerChunk * kUsualCandidates * kUsualFields);
  WireReader in(bytes);
  std::string_view findings;
  while (in.Next()) {
    bool read = false;
    switch (in.tag()) {
      case DelimitedTag(DepositRecordsRequest::kTransferFieldNumber):
        read = in.Text(transfer_);
        break;
      case VarintTag(DepositRecordsRequest::kChunkFieldNumber):
        read = in.Number(chunk_);
        break;
      case DelimitedTag(DepositRecordsRequest::kFindingsFieldNumber):
        read = in.Bytes(findings) && ParseFindings(findings);
        break;
      default:
        read = in.Skip();
    }
    if (!read) return false;
  }
  Connect();
  return in.done();
}

bool DepositView::ParseFindings(std::string_view bytes) {
  FindingsView& findings = findings_.emplace_back();
  WireReader in(bytes);
  std::string_view candidate;
  while (in.Next()) {
    bool read = false;
    switch (in.tag()) {
      case VarintTag(Findings::kRowFieldNumber):
        read = in.Number(findings.row);
        break;
      case DelimitedTag(Findings::kCandidatesFieldNumber):
        read = in.Bytes(candidate) && ParseCandidate(candidate);
        break;
      default:
        read = in.Skip();
    }
    if (!read) return false;
  }
  candidate_ends_.push_back(candidates_.size());
  return in.done();
}

bool DepositView::ParseCandidate(std::string_view bytes) {
  if (candidates_.size() == kMostCandidates) return false;
  CandidateView& candidate = candidates_.emplace_back();
  WireReader in(bytes);
  std::string_view part;
  while (in.Next()) {
    bool read = false;
    switch (in.tag()) {
      case DelimitedTag(Candidate::kPersonFieldNumber):
        read = in.Bytes(part) && ReadPerson(part, candidate.person);
        break;
      case DelimitedTag(Candidate::kFieldsFieldNumber):
        read = in.Bytes(part) && ReadField(part, fields_.emplace_back());
        break;
      default:
        read = in.Skip();
    }
    if (!read) return false;
  }
  field_ends_.push_back(fields_.size());
  return in.done();
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
