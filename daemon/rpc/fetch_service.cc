// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/fetch_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/chunk_stream.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/record_act.h"
#include "daemon/rpc/subject_chunk.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::rpc {
namespace {

using Facts = std::shared_ptr<const TransferFacts>;

ledger::v1::Refused RefusedAs(ledger::v1::Refused::Act act, const Viewer& viewer,
                              const TransferFacts& facts) {
  ledger::v1::Refused refused;
  refused.set_member(viewer.member);
  refused.set_act(act);
  refused.set_transfer(facts.number);
  refused.set_has_transfer(true);
  return refused;
}

absl::StatusOr<v1::FetchSubjectsResponse> BuildSubjects(const Hosted& hosted,
                                                        const TransferFacts& facts,
                                                        std::uint32_t chunk) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  HF_ASSIGN_OR_RETURN(std::vector<OpenedSubject> subjects,
                      OpenSubjectChunk(*published, hosted.exchange->id(), facts, chunk));
  v1::FetchSubjectsResponse response;
  response.set_chunk(chunk);
  response.set_last(chunk + 1 == facts.chunks);
  for (const ledger::v1::Period& period : facts.terms->periods()) {
    v1::TaxPeriod& out = *response.add_periods();
    out.set_first_year(period.first_year());
    out.set_last_year(period.last_year());
  }
  for (const OpenedSubject& subject : subjects) {
    v1::AcceptedSubject& out = *response.add_subjects();
    out.set_row(subject.row());
    FillPerson(subject.at_rest.subject.person, *out.mutable_person());
  }
  return response;
}

absl::StatusOr<v1::CollectEnvelopesResponse> BuildEnvelopes(const Hosted& hosted,
                                                            const TransferFacts& facts,
                                                            std::uint32_t chunk,
                                                            std::uint64_t index) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  v1::CollectEnvelopesResponse response;
  response.set_chunk(chunk);
  response.set_last(chunk + 1 == facts.chunks);
  response.set_ledger_index(index);
  Bytes stored;
  {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published->readers->Borrow());
    const store::ChunkKey key{store::ChunkKind::kEnvelopes, facts.number, chunk};
    absl::StatusOr<Bytes> read = reader->ReadChunk(key);
    // A chunk of which no subject was accepted has no envelopes, and a message all the same.
    if (!read.ok() && ReasonOf(read.status()) == Reason::kNotFound) return response;
    HF_RETURN_IF_ERROR(read.status());
    stored = *std::move(read);
  }
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> items,
                      ParseChunk(store::ChunkKind::kEnvelopes, stored));
  if (items.empty()) return response;
  response.set_envelope_bytes(static_cast<std::uint32_t>(items.front().size()));
  response.mutable_envelopes()->reserve(items.size() * items.front().size());
  for (const ByteSpan item : items) {
    HF_ASSIGN_OR_RETURN(const crypto::EnvelopeHeader header, crypto::InspectEnvelope(item));
    response.add_rows(header.row);
    response.mutable_envelopes()->append(AsText(item));
  }
  return response;
}

// Starts `Response`'s stream once the transfer is known. `plan` makes its plan.
template <typename Response, typename MakePlan>
void StartStream(const Hosted& hosted, const Viewer& viewer, const Call& call,
                 StreamWriter<Response> writer, ledger::v1::Refused::Act act,
                 const std::string& transfer, std::uint32_t first, MakePlan plan) {
  FindTransferFacts(
      hosted, transfer, viewer,
      [&hosted, viewer, call, writer, act, first, plan](absl::StatusOr<Facts> facts) {
        if (!facts.ok()) {
          writer.Finish(facts.status());
          return;
        }
        // Submission has not ended: there is no chunk that the policy could be asked about.
        if ((*facts)->chunks == 0) {
          RecordRefusal(hosted, viewer, act, (*facts)->number, policy::Refusal::kTransferState,
                        [writer](absl::Status error) { writer.Finish(std::move(error)); });
          return;
        }
        std::make_shared<ChunkStream<Response>>(hosted, call, writer, *facts, first, plan(*facts))
            ->Start();
      });
}

void FetchSubjects(const Hosted& hosted, const Viewer& viewer, const Call& call,
                   const v1::FetchSubjectsRequest& request,
                   StreamWriter<v1::FetchSubjectsResponse> writer) {
  StartStream(hosted, viewer, call, std::move(writer), ledger::v1::Refused::FETCH_SUBJECTS,
              request.transfer(), request.first_chunk(), [&hosted, viewer](const Facts& facts) {
                ChunkStream<v1::FetchSubjectsResponse>::Plan plan;
                plan.refused = RefusedAs(ledger::v1::Refused::FETCH_SUBJECTS, viewer, *facts);
                plan.fact = [facts, viewer](std::uint32_t chunk) {
                  ledger::v1::Entry entry;
                  entry.mutable_subjects_fetched()->set_transfer(facts->number);
                  entry.mutable_subjects_fetched()->set_chunk(chunk);
                  entry.mutable_subjects_fetched()->set_source(viewer.member);
                  return entry;
                };
                plan.build = [&hosted, facts](std::uint32_t chunk, std::uint64_t) {
                  return BuildSubjects(hosted, *facts, chunk);
                };
                return plan;
              });
}

void CollectEnvelopes(const Hosted& hosted, const Viewer& viewer, const Call& call,
                      const v1::CollectEnvelopesRequest& request,
                      StreamWriter<v1::CollectEnvelopesResponse> writer) {
  StartStream(hosted, viewer, call, std::move(writer), ledger::v1::Refused::COLLECT_ENVELOPES,
              request.transfer(), request.first_chunk(), [&hosted, viewer](const Facts& facts) {
                ChunkStream<v1::CollectEnvelopesResponse>::Plan plan;
                plan.refused = RefusedAs(ledger::v1::Refused::COLLECT_ENVELOPES, viewer, *facts);
                plan.fact = [facts, viewer](std::uint32_t chunk) {
                  ledger::v1::Entry entry;
                  entry.mutable_envelopes_collected()->set_transfer(facts->number);
                  entry.mutable_envelopes_collected()->set_chunk(chunk);
                  entry.mutable_envelopes_collected()->set_requester(viewer.member);
                  return entry;
                };
                plan.build = [&hosted, facts](std::uint32_t chunk, std::uint64_t index) {
                  return BuildEnvelopes(hosted, *facts, chunk, index);
                };
                return plan;
              });
}

// Registers a server stream whose handler needs an exchange and a viewer.
template <typename Request, typename Response, typename Handler>
void Register(const Directory& directory, MethodTable& table, std::string_view path,
              Handler handler) {
  table.ServerStream<Request, Response>(
      path, [&directory, handler](const Request& request, const Call& call,
                                  StreamWriter<Response> writer) {
        const absl::StatusOr<const Hosted*> hosted = directory.Find(call);
        if (!hosted.ok()) {
          writer.Finish(hosted.status());
          return;
        }
        const absl::StatusOr<Viewer> viewer = ViewerOf(**hosted, call);
        if (!viewer.ok()) {
          writer.Finish(viewer.status());
          return;
        }
        handler(**hosted, *viewer, call, request, std::move(writer));
      });
}

}  // namespace

void RegisterFetch(const Directory& directory, MethodTable& table) {
  Register<v1::FetchSubjectsRequest, v1::FetchSubjectsResponse>(
      directory, table, "/holdfast.v1.TransferService/FetchSubjects", FetchSubjects);
  Register<v1::CollectEnvelopesRequest, v1::CollectEnvelopesResponse>(
      directory, table, "/holdfast.v1.TransferService/CollectEnvelopes", CollectEnvelopes);
}

}  // namespace holdfast::rpc
