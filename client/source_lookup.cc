// SPDX-License-Identifier: Apache-2.0
#include "client/source_lookup.h"

#include <exception>
#include <string>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::client {
namespace {

// What DepositRecords takes (proto/holdfast/v1/transfer_service.proto).
constexpr std::size_t kMaxDepositBytes = std::size_t{4} << 20;

// An exception's text is not shown: nobody knows what a driver puts into it.
absl::StatusOr<std::vector<Candidates>> Ask(SourceLookup& lookup,
                                            const v1::FetchSubjectsResponse& chunk) {
  try {
    return lookup.FindAll(chunk);
  } catch (const std::exception&) {
    return MakeError(Reason::kInternal, "the lookup threw an exception");
  }
}

}  // namespace

absl::StatusOr<std::vector<Candidates>> SourceLookup::FindAll(
    const v1::FetchSubjectsResponse& chunk) {
  std::vector<Candidates> found;
  found.reserve(static_cast<std::size_t>(chunk.subjects_size()));
  for (const v1::AcceptedSubject& subject : chunk.subjects()) {
    absl::StatusOr<Candidates> candidates = Find({subject, chunk.periods()});
    if (!candidates.ok()) {
      return AddMetadata(candidates.status(), "row", std::to_string(subject.row()));
    }
    found.push_back(*std::move(candidates));
  }
  return found;
}

Candidates TooManyCandidates() { return Candidates(kMaxOffered + 1); }

absl::StatusOr<v1::DepositRecordsRequest> LookUpChunk(SourceLookup& lookup,
                                                      const std::string& transfer,
                                                      const v1::FetchSubjectsResponse& chunk) {
  HF_ASSIGN_OR_RETURN(std::vector<Candidates> found, Ask(lookup, chunk));
  if (found.size() != static_cast<std::size_t>(chunk.subjects_size())) {
    return MakeError(Reason::kInternal, "the lookup answered for another number of subjects");
  }
  v1::DepositRecordsRequest request;
  request.set_transfer(transfer);
  request.set_chunk(chunk.chunk());
  for (std::size_t i = 0; i < found.size(); ++i) {
    v1::Findings& findings = *request.add_findings();
    findings.set_row(chunk.subjects(static_cast<int>(i)).row());
    if (found[i].size() > kMaxOffered) found[i] = TooManyCandidates();
    for (v1::Candidate& candidate : found[i]) *findings.add_candidates() = std::move(candidate);
  }
  if (request.ByteSizeLong() > kMaxDepositBytes) {
    return AddMetadata(MakeError(Reason::kRequestTooLarge,
                                 "what was found for one chunk does not fit in a message"),
                       "chunk", std::to_string(chunk.chunk()));
  }
  return request;
}

}  // namespace holdfast::client
