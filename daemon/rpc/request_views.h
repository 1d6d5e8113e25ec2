// SPDX-License-Identifier: Apache-2.0
// SubmitSubjectsRequest and DepositRecordsRequest in the bytes in which they came: a row of a
// deposit has several candidates and each of them a dozen texts, and a copy of each would cost as
// much as the release gate and the sealing.
//
// When to use  As the requests of these methods; CandidateView also for what a stored opening has.
// Threads      Const: may be read concurrently.
// Ownership    Borrows the bytes. Lives in the request's arena.
// Errors       nullptr for bytes that are no such message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/rpc/subject_at_rest.h"
#include "google/protobuf/arena.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/identity.h"

namespace holdfast::rpc {

// The most of what a message may have: an empty one is two bytes, and a view of it is not. Both are
// well above what a chunk may have.
inline constexpr std::size_t kMostRows = 1'024;
inline constexpr std::size_t kMostCandidates = 32'768;

class SubmitView final {
 public:
  using Message = v1::SubmitSubjectsRequest;

  static const SubmitView* Read(std::string_view bytes, google::protobuf::Arena& arena);

  std::string_view transfer() const { return transfer_; }
  std::uint32_t chunk() const { return chunk_; }
  std::span<const SubjectView> subjects() const { return subjects_; }

 private:
  bool Parse(std::string_view bytes);

  std::string_view transfer_;
  std::uint32_t chunk_ = 0;
  std::vector<SubjectView> subjects_;
};

struct RecordFieldView {
  std::string_view name;
  std::string_view value;
};

struct CandidateView {
  policy::PersonView person;
  std::span<const RecordFieldView> fields;
};

struct FindingsView {
  std::uint32_t row = 0;
  std::span<const CandidateView> candidates;
};

class DepositView final {
 public:
  using Message = v1::DepositRecordsRequest;

  static const DepositView* Read(std::string_view bytes, google::protobuf::Arena& arena);

  std::string_view transfer() const { return transfer_; }
  std::uint32_t chunk() const { return chunk_; }
  std::span<const FindingsView> findings() const { return findings_; }

 private:
  bool Parse(std::string_view bytes);
  bool ParseFindings(std::string_view bytes);
  bool ParseCandidate(std::string_view bytes);
  void Connect();

  std::string_view transfer_;
  std::uint32_t chunk_ = 0;
  std::vector<FindingsView> findings_;
  std::vector<CandidateView> candidates_;
  std::vector<RecordFieldView> fields_;
  // Where those of each of findings_, and of candidates_, end.
  std::vector<std::size_t> candidate_ends_;
  std::vector<std::size_t> field_ends_;
};

// The same of a message, which it borrows. `fields` is where its fields go.
CandidateView ViewOf(const v1::Candidate& candidate, std::vector<RecordFieldView>& fields);

}  // namespace holdfast::rpc
