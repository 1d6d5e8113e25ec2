// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/deposit_service.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/key_tree.h"
#include "crypto/sealed_opening.h"
#include "crypto/sha256.h"
#include "crypto/wiped_buffer.h"
#include "daemon/exchange/act_command.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/opening.h"
#include "daemon/rpc/outcome_sealer.h"
#include "daemon/rpc/record_act.h"
#include "daemon/rpc/request_views.h"
#include "daemon/rpc/stream_transfer.h"
#include "daemon/rpc/subject_chunk.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

using v1::DepositRecordsResponse;

struct Prepared {
  DepositRecordsResponse response;
  Bytes chunk;
  Bytes openings;
  std::unique_ptr<exchange::EntryBatch> batch;
};

// Compares every subject with what was found, and seals the outcome, whatever it is. A doubtful row
// gets no envelope: its place in the chunk stays free until its case is settled.
class Preparer {
 public:
  Preparer(const Hosted& hosted, const exchange::Published& published, const TransferFacts& facts,
           const DepositView& request)
      : hosted_(hosted),
        published_(published),
        facts_(facts),
        request_(request),
        sealer_(hosted.exchange->id(), *published.agreement, facts) {}

  absl::StatusOr<Prepared> Prepare() {
    HF_ASSIGN_OR_RETURN(
        const std::vector<OpenedSubject> subjects,
        OpenSubjectChunk(published_, hosted_.exchange->id(), facts_, request_.chunk()));
    HF_RETURN_IF_ERROR(CheckRows(subjects));
    HF_RETURN_IF_ERROR(JudgeAll(subjects));
    const std::size_t count = subjects.size();

    Prepared prepared;
    prepared.batch = std::make_unique<exchange::EntryBatch>(count, hosted_.exchange->random());
    prepared.response.set_chunk(request_.chunk());
    HF_RETURN_IF_ERROR(SealOpenings(subjects, prepared));
    HF_RETURN_IF_ERROR(SealEnvelopes(subjects, prepared));
    prepared.batch->Seal();
    return prepared;
  }

 private:
  bool waits(std::size_t i) const { return policy::NeedsReview(verdicts_[i].reason); }
  std::span<const CandidateView> candidates(std::size_t i) const {
    return request_.findings()[i].candidates;
  }

  // Every subject of the chunk exactly once, in order: so that nobody can leave one open.
  absl::Status CheckRows(const std::vector<OpenedSubject>& subjects) const {
    const auto same = [](const FindingsView& findings, const OpenedSubject& subject) {
      return findings.row == subject.row();
    };
    if (subjects.empty() || !std::equal(request_.findings().begin(), request_.findings().end(),
                                        subjects.begin(), subjects.end(), same)) {
      return MakeError(Reason::kRequestMalformed,
                       "a chunk of findings names each accepted row once, in order");
    }
    return absl::OkStatus();
  }

  absl::Status JudgeAll(const std::vector<OpenedSubject>& subjects) {
    verdicts_.reserve(subjects.size());
    openings_.reserve(subjects.size());
    std::vector<policy::PersonView> people;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const SubjectAtRestView& at_rest = subjects[i].at_rest;
      people.clear();
      for (const CandidateView& candidate : candidates(i)) people.push_back(candidate.person);
      verdicts_.push_back(policy::JudgeRelease(*hosted_.rules, at_rest.subject.person, people));
      if (waits(i)) {
        // What a person may release later must fit then.
        for (const CandidateView& candidate : candidates(i)) {
          HF_RETURN_IF_ERROR(sealer_.CheckFits(subjects[i].row(), at_rest.subject, candidate));
        }
      }
      openings_.emplace_back(at_rest, candidates(i),
                             waits(i) ? OpeningFields::kPermitted : OpeningFields::kLeftOut,
                             sealer_.permitted());
    }
    return absl::OkStatus();
  }

  absl::Status SealOpenings(const std::vector<OpenedSubject>& subjects, Prepared& prepared) {
    const std::size_t count = subjects.size();
    std::vector<std::size_t> sizes;
    sizes.reserve(count);
    std::size_t largest = 0;
    for (const OpeningBytes& opening : openings_) {
      sizes.push_back(crypto::SealedOpeningBytes(opening.size()));
      largest = std::max(largest, opening.size());
    }
    SizedChunk chunk(store::ChunkKind::kOpenings, sizes);
    // One buffer for all: an allocation a row would cost as much as the sealing.
    crypto::WipedBuffer plain(largest);
    const auto nonces =
        crypto::DrawMany<crypto::kSubjectNonceBytes>(hosted_.exchange->random(), count);
    commitments_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<std::byte> bytes = plain.Mutable().first(openings_[i].size());
      openings_[i].Write(bytes);
      commitments_.push_back(OpeningCommitment(bytes));
      crypto::SealOpening(subjects[i].name, subjects[i].seed, nonces[i], bytes, chunk.Item(i));
    }
    prepared.openings = chunk.Take();
    return absl::OkStatus();
  }

  absl::Status SealEnvelopes(const std::vector<OpenedSubject>& subjects, Prepared& prepared) {
    const std::size_t count = subjects.size();
    // A leaf for each, also for those that wait: an envelope must not tell that it came later.
    HF_ASSIGN_OR_RETURN(const exchange::LeafRun run,
                        published_.allocator->Take(facts_.number, crypto::SegmentKind::kRecord,
                                                   static_cast<std::uint32_t>(count)));
    crypto::LeafCursor cursor(*run.tree);
    const auto salts = crypto::DrawMany<32>(hosted_.exchange->random(), count);
    const std::size_t envelope_bytes = sealer_.envelope_bytes();
    prepared.chunk = NewChunk(store::ChunkKind::kEnvelopes, envelope_bytes, count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t row = subjects[i].row();
      const std::uint32_t leaf = run.first + static_cast<std::uint32_t>(i);
      const policy::ReleaseVerdict& verdict = verdicts_[i];
      const std::span<std::byte> out = ItemOf(prepared.chunk, envelope_bytes, i);
      prepared.response.mutable_verdicts()->push_back(static_cast<char>(verdict.reason));
      ledger::v1::Entry& entry = *prepared.batch->Add();
      if (waits(i)) {
        MarkWaiting(out, row);
        ledger::v1::ReviewOpened& opened = *entry.mutable_review_opened();
        SetCase(row, i, opened);
        opened.set_segment(run.segment);
        opened.set_leaf(leaf);
        prepared.response.mutable_envelope_digests()->append(Digest32{}.size(), '\0');
        prepared.response.set_waiting(prepared.response.waiting() + 1);
        continue;
      }
      const CandidateView* released =
          verdict.released() ? &candidates(i)[verdict.candidate] : nullptr;
      crypto::LeafSeed seed;
      HF_RETURN_IF_ERROR(cursor.Derive(leaf, seed));
      HF_ASSIGN_OR_RETURN(const Digest32 digest,
                          sealer_.Seal(row, subjects[i].at_rest.subject, released, run.name.segment,
                                       leaf, seed, salts[i], out));
      ledger::v1::EnvelopeDeposited& fact = *entry.mutable_envelope_deposited();
      fact.set_transfer(facts_.number);
      fact.set_row(row);
      fact.set_segment(run.segment);
      fact.set_leaf(leaf);
      fact.set_verdict(static_cast<std::uint32_t>(verdict.reason));
      fact.set_envelope_digest(ToString(digest));
      fact.set_commitment(ToString(commitments_[i]));
      fact.set_address(static_cast<std::uint32_t>(verdict.address));
      fact.set_gate_version(policy::kGateVersion);
      prepared.response.mutable_envelope_digests()->append(AsText(digest));
    }
    return absl::OkStatus();
  }

  void SetCase(std::uint32_t row, std::size_t i, ledger::v1::ReviewOpened& fact) const {
    fact.set_transfer(facts_.number);
    fact.set_row(row);
    fact.set_verdict(static_cast<std::uint32_t>(verdicts_[i].reason));
    fact.set_address(static_cast<std::uint32_t>(verdicts_[i].address));
    fact.set_commitment(ToString(commitments_[i]));
    fact.set_gate_version(policy::kGateVersion);
    fact.set_candidates(static_cast<std::uint32_t>(candidates(i).size()));
    fact.set_releasable(verdicts_[i].releasable);
  }

  const Hosted& hosted_;
  const exchange::Published& published_;
  const TransferFacts& facts_;
  const DepositView& request_;
  OutcomeSealer sealer_;

  // By position in the chunk.
  std::vector<policy::ReleaseVerdict> verdicts_;
  std::vector<OpeningBytes> openings_;
  std::vector<Digest32> commitments_;
};

class DepositSession final : public BidiSession<DepositView, DepositRecordsResponse>,
                             public std::enable_shared_from_this<DepositSession> {
 public:
  DepositSession(const Hosted& hosted, Viewer viewer, const Call&)
      : hosted_(hosted), viewer_(std::move(viewer)) {}

  void OnRequest(const DepositView& request, Responder<DepositRecordsResponse> respond) override {
    if (request.findings().empty() || request.findings().size() > kRowsPerChunk ||
        request.chunk() >= store::kMaxChunksPerTransfer) {
      respond.Fail(MakeError(Reason::kRequestMalformed, "a chunk has 1 to 256 findings"));
      return;
    }
    transfer_->With(
        hosted_, viewer_, request.transfer(),
        [self = shared_from_this(), &request,
         respond](absl::StatusOr<StreamTransfer::Facts> facts) {
          if (facts.ok()) {
            PrepareBeside<DepositRecordsResponse>(
                self->hosted_.exchange->chunk_executor(), respond,
                [self, &request, respond, facts = *std::move(facts)] {
                  self->Process(request, respond, facts);
                });
          } else {
            respond.Fail(facts.status());
          }
        },
        transfer_);
  }

 private:
  void Process(const DepositView& request, const Responder<DepositRecordsResponse>& respond,
               const StreamTransfer::Facts& facts) {
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    if (published == nullptr) {
      respond.Fail(MakeError(Reason::kExchangeStopped, "the exchange is stopped"));
      return;
    }
    if (facts->state != policy::TransferState::kApproved &&
        facts->state != policy::TransferState::kClosed) {
      RecordRefusal(hosted_, viewer_, ledger::v1::Refused::DEPOSIT_RECORDS, facts->number,
                    policy::Refusal::kTransferState,
                    [respond](absl::Status error) { respond.Fail(std::move(error)); });
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
    act.chunks.emplace_back(key, std::move(prepared.chunk));
    act.chunks.emplace_back(store::ChunkKey{store::ChunkKind::kOpenings, key.transfer, key.chunk},
                            std::move(prepared.openings));
    const ledger::v1::Entry& first = act.batch->entry(0);
    const std::uint32_t first_row =
        first.has_review_opened() ? first.review_opened().row() : first.envelope_deposited().row();
    act.already = [key, first_row](const policy::State& state) {
      const policy::Record* record = state.FindRecord({key.transfer, first_row});
      return record != nullptr && (record->deposited() || record->waiting());
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

  // The chunk was deposited before: what became of it, whatever was sent now.
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
      if (const std::optional<std::uint32_t> row = WaitingRow(item)) {
        rows.push_back(*row);
        response.mutable_envelope_digests()->append(Digest32{}.size(), '\0');
        response.set_waiting(response.waiting() + 1);
        continue;
      }
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
                static_cast<char>(record == nullptr ? 0 : record->outcome()));
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
  RegisterBidi<DepositView, DepositRecordsResponse, DepositSession>(
      directory, table, "/holdfast.v1.TransferService/DepositRecords");
}

}  // namespace holdfast::rpc
