// SPDX-License-Identifier: Apache-2.0
// What an agency plugs in: given a subject, who in its files may be meant?
//
//   class Registry final : public client::SourceLookup {
//     absl::StatusOr<Candidates> Find(const LookupQuery& query) override { ... }
//   };
//
// The answer is *everybody* who shares the subject's normalised name, and who shares the tax number
// or the postal code and a part of the name (policy/name.h, SourceIndexKeys). The agency does not
// choose: the release gate does, and it has to see the namesakes to know that there is exactly one.
// Rather too many than too few; of more than kMaxOffered nobody is sent, and nothing is released.
//
// When to use  With SourceClient::Serve() (client/source_client.h). Ready-made: a CSV file, a
//              SQLite file and a program of the agency's own, all in client/lookup/.
// Threads      Serve() calls it from several threads at once, one for each stream.
// Ownership    Serve() borrows it. A query is the caller's, and is valid during the call only.
// Errors       Any error stops Serve() before anything of the chunk is deposited; what was
// deposited
//              before stays, and Serve() can be run again. An exception does the same, as
//              kInternal. An error is shown and logged as it is: it must name no field's value.
//              Metadata `row` is added by the library. "Nobody" is a proper answer, and final for
//              that subject: a lookup that is not sure returns an error.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

// The most candidates for one subject that the gateway compares.
inline constexpr std::size_t kMaxOffered = 64;

using Candidates = std::vector<v1::Candidate>;

// What is asked: about whom, and for which taxable years.
struct LookupQuery {
  const v1::AcceptedSubject& subject;
  const google::protobuf::RepeatedPtrField<v1::TaxPeriod>& periods;
};

class SourceLookup {
 public:
  SourceLookup() = default;
  SourceLookup(const SourceLookup&) = delete;
  SourceLookup& operator=(const SourceLookup&) = delete;
  virtual ~SourceLookup() = default;

  // Returns everybody who may be the subject.
  virtual absl::StatusOr<Candidates> Find(const LookupQuery& query) = 0;

  // Returns the same for each subject of a chunk, in order. The default asks Find() one by one;
  // override it where many at once cost less.
  virtual absl::StatusOr<std::vector<Candidates>> FindAll(const v1::FetchSubjectsResponse& chunk);
};

// A lookup that is one function.
class FunctionLookup final : public SourceLookup {
 public:
  using Function = std::function<absl::StatusOr<Candidates>(const LookupQuery&)>;
  explicit FunctionLookup(Function function) : function_(std::move(function)) {}

  absl::StatusOr<Candidates> Find(const LookupQuery& query) override { return function_(query); }

 private:
  const Function function_;
};

// Returns what stands for more than kMaxOffered candidates: one more than are compared, without any
// of their data, since the gateway counts them and looks no further.
Candidates TooManyCandidates();

// Asks `lookup` about a chunk and makes the message that deposits what it found. Catches what the
// lookup throws.
// Errors: the lookup's; kInternal if it threw, or answered for another number of subjects;
//         kRequestTooLarge if all that was found does not fit in one message.
absl::StatusOr<v1::DepositRecordsRequest> LookUpChunk(SourceLookup& lookup,
                                                      const std::string& transfer,
                                                      const v1::FetchSubjectsResponse& chunk);

}  // namespace holdfast::client
