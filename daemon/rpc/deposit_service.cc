// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/deposit_service.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/key_tree.h"
#include "crypto/sha256.h"
#include "crypto/wiped_buffer.h"
#include "daemon/exchange/act_command.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/stream_transfer.h"
#include "daemon/rpc/subject_chunk.h"
#include "holdfast/record/v1/outcome.pb.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

using v1::DepositRecordsRequest;
using v1::DepositRecordsResponse;

struct Prepared {
  DepositRecordsResponse response;
  Bytes chunk;
  std::unique_ptr<exchange::EntryBatch> batch;
};

// Compares every subject with what was found, and seals the outcome, whatever it is.
class Preparer {
 public:
  Preparer(const Hosted& hosted, const exchange::Published& published, const TransferFacts& facts,
           const DepositRecordsRequest& request)
      : hosted_(hosted),
        published_(published),
        facts_(facts),
        request_(request),
        authority_(published.agreement->FindAuthority(facts.terms->authority())) {}

  absl::StatusOr<Prepared> Prepare() {
    HF_ASSIGN_OR_RETURN(
        const std::vector<OpenedSubject> subjects,
        OpenSubjectChunk(published_, hosted_.exchange->id(), facts_, request_.chunk()));
    HF_RETURN_IF_ERROR(CheckRows(subjects));

    const std::size_t count = subjects.size();
    const std::size_t padded = published_.agreement->terms().record_size_bytes;
    const std::size_t envelope_bytes = crypto::EnvelopeBytes(padded);
    HF_ASSIGN_OR_RETURN(const exchange::LeafRun run,
                        published_.allocator->Take(facts_.number, crypto::SegmentKind::kRecord,
                                                   static_cast<std::uint32_t>(count)));
    crypto::Random& random = hosted_.exchange->random();
    const auto salts = crypto::DrawMany<32>(random, count);
    crypto::LeafCursor cursor(*run.tree);

    Prepared prepared;
    prepared.chunk = NewChunk(store::ChunkKind::kEnvelopes, envelope_bytes, count);
    prepared.batch = std::make_unique<exchange::EntryBatch>(count, random);
    prepared.response.set_chunk(request_.chunk());
    for (std::size_t i = 0; i < count; ++i) {
      const record::v1::SubjectAtRest& at_rest = subjects[i].at_rest;
      const v1::Findings& findings = request_.findings(static_cast<int>(i));
      const policy::ReleaseVerdict verdict = Judge(at_rest.subject(), findings);
      const std::uint32_t leaf = run.first + static_cast<std::uint32_t>(i);

      crypto::EnvelopeHeader header = HeaderFor(at_rest.subject(), subjects[i].row);
      header.segment = run.name.segment;
      header.leaf = leaf;
      header.salt = salts[i];
      crypto::LeafSeed seed;
      HF_RETURN_IF_ERROR(cursor.Derive(leaf, seed));
      const crypto::RecordKey key = crypto::DeriveRecordKey(seed, header.segment, leaf);
      const std::span<std::byte> out = ItemOf(prepared.chunk, envelope_bytes, i);
      HF_RETURN_IF_ERROR(
          SealOutcome(header, key, at_rest.subject(), findings, verdict, padded, out));

      const Digest32 digest = crypto::Sha256Of(out);
      ledger::v1::EnvelopeDeposited& fact = *prepared.batch->Add()->mutable_envelope_deposited();
      fact.set_transfer(facts_.number);
      fact.set_row(subjects[i].row);
      fact.set_segment(run.segment);
      fact.set_leaf(leaf);
      fact.set_verdict(static_cast<std::uint32_t>(verdict.reason));
      fact.set_gate_version(policy::kGateVersion);
      fact.set_envelope_digest(ToString(digest));
      fact.set_commitment(ToString(Commit(at_rest, findings)));
      prepared.response.mutable_verdicts()->push_back(static_cast<char>(verdict.reason));
      prepared.response.mutable_envelope_digests()->append(AsText(digest));
    }
    prepared.batch->Seal();
    return prepared;
  }

 private:
  // Every subject of the chunk exactly once, in order: so that nobody can leave one open.
  absl::Status CheckRows(const std::vector<OpenedSubject>& subjects) const {
    const auto findings = static_cast<std::size_t>(request_.findings_size());
    bool same = findings == subjects.size() && !subjects.empty();
    for (std::size_t i = 0; same && i < findings; ++i) {
      same = request_.findings(static_cast<int>(i)).row() == subjects[i].row;
    }
    if (!same) {
      return MakeError(Reason::kRequestMalformed,
                       "a chunk of findings names each accepted row once, in order");
    }
    return absl::OkStatus();
  }

  policy::ReleaseVerdict Judge(const v1::Subject& subject, const v1::Findings& findings) const {
    std::vector<policy::PersonView> candidates;
    candidates.reserve(static_cast<std::size_t>(findings.candidates_size()));
    for (const v1::Candidate& candidate : findings.candidates()) {
      candidates.push_back(ViewOf(candidate.person()));
    }
    return policy::JudgeRelease(*hosted_.rules, ViewOf(subject.person()), candidates);
  }

  crypto::EnvelopeHeader HeaderFor(const v1::Subject& subject, std::uint32_t row) const {
    crypto::EnvelopeHeader header;
    header.exchange = hosted_.exchange->id();
    header.transfer = facts_.id;
    header.row = row;
    header.not_before = facts_.not_before;
    header.not_after = facts_.not_after;
    header.agreement = facts_.agreement_digest;
    crypto::BindingContext binding;
    const auto copy = [](const std::string& from, Digest32& to) {
      std::copy_n(AsBytes(from).begin(), std::min(from.size(), to.size()), to.begin());
    };
    copy(facts_.terms->binding_nonce(), binding.nonce);
    copy(facts_.terms->attestation_digest(), binding.attestation);
    binding.recipient = facts_.requester;
    binding.officer = facts_.terms->officers(static_cast<int>(subject.officer()));
    binding.case_number = subject.case_number();
    binding.purpose = facts_.terms->purpose();
    binding.authority = facts_.terms->authority();
    header.binding = crypto::ComputeBinding(binding);
    return header;
  }

  // Only what the agreement permits for the authority enters the envelope (R12).
  absl::Status SealOutcome(const crypto::EnvelopeHeader& header, const crypto::RecordKey& key,
                           const v1::Subject& subject, const v1::Findings& findings,
                           const policy::ReleaseVerdict& verdict, std::size_t padded,
                           std::span<std::byte> out) const {
    record::v1::Outcome outcome;
    outcome.set_client_reference(subject.client_reference());
    outcome.set_result(record::v1::Outcome::NOTHING_RELEASED);
    if (verdict.released()) {
      outcome.set_result(record::v1::Outcome::RELEASED);
      const auto& fields = findings.candidates(static_cast<int>(verdict.candidate)).fields();
      for (const v1::RecordField& field : fields) {
        const auto& permitted = authority_->fields;
        if (std::find(permitted.begin(), permitted.end(), field.name()) == permitted.end())
          continue;
        record::v1::Field& kept = *outcome.add_fields();
        kept.set_name(field.name());
        kept.set_value(field.value());
      }
    }
    crypto::WipedBuffer plain(outcome.ByteSizeLong());
    outcome.SerializeWithCachedSizesToArray(
        reinterpret_cast<std::uint8_t*>(plain.Mutable().data()));
    absl::Status sealed = crypto::SealEnvelope(header, key, plain.Reveal(), padded, out);
    if (ReasonOf(sealed) == Reason::kRequestTooLarge) {
      return AddMetadata(MakeError(Reason::kRequestMalformed,
                                   "a record is longer than the agreement's record size"),
                         "row", std::to_string(header.row));
    }
    return sealed;
  }

  // SHA-256 over the domain, the subject's nonce and the findings as they were received.
  static Digest32 Commit(const record::v1::SubjectAtRest& at_rest, const v1::Findings& findings) {
    crypto::WipedBuffer bytes(findings.ByteSizeLong());
    findings.SerializeWithCachedSizesToArray(
        reinterpret_cast<std::uint8_t*>(bytes.Mutable().data()));
    return crypto::Sha256Of({AsBytes("holdfast/1/findings-commitment"),
                             AsBytes(at_rest.commitment_nonce()), bytes.Reveal()});
  }

  const Hosted& hosted_;
  const exchange::Published& published_;
  const TransferFacts& facts_;
  const DepositRecordsRequest& request_;
  const policy::Authority* const authority_;
};

class DepositSession final : public BidiSession<DepositRecordsRequest, DepositRecordsResponse>,
                             public std::enable_shared_from_this<DepositSession> {
 public:
  DepositSession(const Hosted& hosted, Viewer viewer, const Call&)
      : hosted_(hosted), viewer_(std::move(viewer)) {}

  void OnRequest(const DepositRecordsRequest& request,
                 Responder<DepositRecordsResponse> respond) override {
    if (request.findings_size() < 1 || request.findings_size() > static_cast<int>(kRowsPerChunk) ||
        request.chunk() >= store::kMaxChunksPerTransfer) {
      respond.Fail(MakeError(Reason::kRequestMalformed, "a chunk has 1 to 256 findings"));
      return;
    }
    transfer_->With(
        hosted_, viewer_, request.transfer(),
        [self = shared_from_this(), &request,
         respond](absl::StatusOr<StreamTransfer::Facts> facts) {
          if (facts.ok()) {
            self->Process(request, respond, *facts);
          } else {
            respond.Fail(facts.status());
          }
        },
        transfer_);
  }

 private:
  void Process(const DepositRecordsRequest& request,
               const Responder<DepositRecordsResponse>& respond,
               const StreamTransfer::Facts& facts) {
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    if (published == nullptr) {
      respond.Fail(MakeError(Reason::kExchangeStopped, "the exchange is stopped"));
      return;
    }
    if (facts->state != policy::TransferState::kApproved &&
        facts->state != policy::TransferState::kClosed) {
      respond.Fail(MakeError(Reason::kTransferState, "the transfer is not approved"));
      return;
    }
    const store::ChunkKey key{store::ChunkKind::kEnvelopes, facts->number, request.chunk()};
    absl::StatusOr<Bytes> stored = ReadChunk(*published, key);
    if (stored.ok()) {
      AnswerAgain(*std::move(stored), request.chunk(), facts->number, respond);
      return;
    }
    if (ReasonOf(stored.status()) != Reason::kNotFound) {
      respond.Fail(stored.status());
      return;
    }
    absl::StatusOr<Prepared> prepared = Preparer(hosted_, *published, *facts, request).Prepare();
    if (!prepared.ok()) {
      respond.Fail(prepared.status());
      return;
    }
    Submit(respond, facts, key, *std::move(prepared));
  }

  static absl::StatusOr<Bytes> ReadChunk(const exchange::Published& published,
                                         const store::ChunkKey& key) {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
    return reader->ReadChunk(key);
  }

  void Submit(const Responder<DepositRecordsResponse>& respond, const StreamTransfer::Facts& facts,
              const store::ChunkKey& key, Prepared prepared) {
    exchange::Act act;
    act.refused.set_member(viewer_.member);
    act.refused.set_act(ledger::v1::Refused::DEPOSIT_RECORDS);
    act.refused.set_transfer(facts->number);
    act.refused.set_has_transfer(true);
    act.batch = std::move(prepared.batch);
    act.chunk.emplace(key, std::move(prepared.chunk));
    const std::uint32_t first_row = act.batch->entry(0).envelope_deposited().row();
    act.already = [key, first_row](const policy::State& state) {
      const policy::Record* record = state.FindRecord({key.transfer, first_row});
      return record != nullptr && record->deposited();
    };
    act.done = [self = shared_from_this(), respond, key, response = std::move(prepared.response)](
                   exchange::ActOutcome outcome, const std::string& matter) mutable {
      if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
        respond.Fail(std::move(error));
        return;
      }
      if (outcome.already) {
        self->AnswerFromStore(key, respond);
        return;
      }
      response.set_ledger_index(outcome.index);
      respond.Reply(response);
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ActCommand>(std::move(act), hosted_.exchange->executor(),
                                               hosted_.exchange->egress()));
  }

  void AnswerFromStore(const store::ChunkKey& key,
                       const Responder<DepositRecordsResponse>& respond) {
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    absl::StatusOr<Bytes> stored =
        published == nullptr ? MakeError(Reason::kExchangeStopped, "the exchange is stopped")
                             : ReadChunk(*published, key);
    if (!stored.ok()) {
      respond.Fail(stored.status());
      return;
    }
    AnswerAgain(*std::move(stored), key.chunk, key.transfer, respond);
  }

  // The chunk was deposited before: the same answer, whatever was sent now.
  void AnswerAgain(Bytes stored, std::uint32_t chunk, std::uint32_t transfer_number,
                   const Responder<DepositRecordsResponse>& respond) {
    absl::StatusOr<std::vector<ByteSpan>> items = ParseChunk(store::ChunkKind::kEnvelopes, stored);
    if (!items.ok()) {
      respond.Fail(items.status());
      return;
    }
    DepositRecordsResponse response;
    response.set_chunk(chunk);
    std::vector<std::uint32_t> rows;
    for (const ByteSpan item : *items) {
      const absl::StatusOr<crypto::EnvelopeHeader> header = crypto::InspectEnvelope(item);
      if (!header.ok()) {
        respond.Fail(MakeError(Reason::kStoreCorrupt, "a stored envelope is malformed"));
        return;
      }
      rows.push_back(header->row);
      response.mutable_envelope_digests()->append(AsText(crypto::Sha256Of(item)));
    }
    hosted_.exchange->Query(
        [rows = std::move(rows), response = std::move(response), transfer_number,
         respond](const exchange::Core& core) mutable -> exchange::Exchange::QueryReply {
          for (const std::uint32_t row : rows) {
            const policy::Record* record = core.state.FindRecord({transfer_number, row});
            response.mutable_verdicts()->push_back(
                static_cast<char>(record == nullptr ? 0 : record->release_verdict));
          }
          return [respond, response](const exchange::LedgerHead&) { respond.Reply(response); };
        },
        [respond](const absl::Status& status) { respond.Fail(status); });
  }

  const Hosted& hosted_;
  const Viewer viewer_;
  const std::shared_ptr<StreamTransfer> transfer_ = std::make_shared<StreamTransfer>();
};

}  // namespace

void RegisterDeposit(const Directory& directory, MethodTable& table) {
  RegisterBidi<DepositRecordsRequest, DepositRecordsResponse, DepositSession>(
      directory, table, "/holdfast.v1.TransferService/DepositRecords");
}

}  // namespace holdfast::rpc
