// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/fetch_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/chunk_stream.h"
#include "daemon/rpc/encoded_message.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/proto_wire.h"
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

absl::StatusOr<EncodedMessage> BuildSubjects(const Hosted& hosted, const TransferFacts& facts,
                                             std::uint32_t chunk) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  HF_ASSIGN_OR_RETURN(const std::vector<OpenedSubject> subjects,
                      OpenSubjectChunk(*published, hosted.exchange->id(), facts, chunk));
  const auto accepted_bytes = [](const OpenedSubject& subject) {
    return VarintBytes(subject.row()) + DelimitedBytes(PersonBytes(subject.at_rest.subject.person));
  };
  std::size_t size = 0;
  for (const OpenedSubject& subject : subjects) size += DelimitedBytes(accepted_bytes(subject));
  Bytes accepted(size);
  WireWriter out(accepted);
  for (const OpenedSubject& subject : subjects) {
    out.Begin(v1::FetchSubjectsResponse::kSubjectsFieldNumber, accepted_bytes(subject));
    out.Number(v1::AcceptedSubject::kRowFieldNumber, subject.row());
    WritePerson(v1::AcceptedSubject::kPersonFieldNumber, subject.at_rest.subject.person, out);
  }
  HF_CHECK(out.full());
  v1::FetchSubjectsResponse before;
  before.set_chunk(chunk);
  v1::FetchSubjectsResponse behind;
  behind.set_last(chunk + 1 == facts.chunks);
  for (const ledger::v1::Period& period : facts.terms->periods()) {
    v1::TaxPeriod& years = *behind.add_periods();
    years.set_first_year(period.first_year());
    years.set_last_year(period.last_year());
  }
  EncodedMessage message;
  message.Append(before);
  message.Append(std::move(accepted));
  message.Append(behind);
  return message;
}

absl::StatusOr<EncodedMessage> BuildEnvelopes(const Hosted& hosted, const TransferFacts& facts,
                                              std::uint32_t chunk, std::uint64_t index) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  v1::CollectEnvelopesResponse before;
  before.set_chunk(chunk);
  v1::CollectEnvelopesResponse behind;
  behind.set_last(chunk + 1 == facts.chunks);
  behind.set_ledger_index(index);
  EncodedMessage message;
  absl::StatusOr<Bytes> stored;
  {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published->readers->Borrow());
    stored = reader->ReadChunk({store::ChunkKind::kEnvelopes, facts.number, chunk});
  }
  // A chunk of which no subject was accepted has no envelopes, and a message all the same.
  if (!stored.ok() && ReasonOf(stored.status()) != Reason::kNotFound) return stored.status();
  std::vector<ByteSpan> items;
  if (stored.ok()) {
    HF_ASSIGN_OR_RETURN(items, ParseChunk(store::ChunkKind::kEnvelopes, *stored));
  }
  for (const ByteSpan item : items) {
    HF_ASSIGN_OR_RETURN(const crypto::EnvelopeHeader header, crypto::InspectEnvelope(item));
    before.add_rows(header.row);
  }
  message.Append(before);
  if (!items.empty()) {
    behind.set_envelope_bytes(static_cast<std::uint32_t>(items.front().size()));
    // They lie one after the other, up to the chunk's end.
    const auto from = static_cast<std::size_t>(items.front().data() - stored->data());
    const std::size_t size = stored->size() - from;
    Bytes head(DelimitedBytes(size) - size);
    WireWriter(head).Begin(v1::CollectEnvelopesResponse::kEnvelopesFieldNumber, size);
    message.Append(std::move(head));
    message.Append(*std::move(stored), from);
  }
  message.Append(behind);
  return message;
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
        typename ChunkStream<Response>::Plan steps = plan(*facts);
        steps.cut = [call] {
          call.Cut(MakeError(Reason::kHeld, "a hold was placed while this was on its way"));
        };
        std::make_shared<ChunkStream<Response>>(*hosted.exchange, writer, *facts, first,
                                                std::move(steps))
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
