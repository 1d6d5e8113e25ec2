// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/submit_service.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/pseudonym.h"
#include "crypto/sealed_subject.h"
#include "daemon/exchange/act_command.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/request_views.h"
#include "daemon/rpc/stream_transfer.h"
#include "daemon/rpc/subject_at_rest.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/agreement_gate.h"
#include "policy/canonical_identity.h"
#include "policy/queries.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

using policy::RequestReason;
using v1::SubmitSubjectsResponse;

constexpr std::size_t kNonceBytes = 32;
using Nonce = std::array<std::byte, kNonceBytes>;

constexpr std::size_t kItemBytes = crypto::SealedSubjectBytes(kSubjectPaddedBytes);

// How many more subjects of an officer, by position, the agreement permits.
using Capacity = std::map<std::uint32_t, std::uint32_t>;

// One chunk on its way: judged, sealed, and ready for the writer.
struct Prepared {
  std::string verdicts;
  Bytes chunk;
  std::unique_ptr<exchange::EntryBatch> batch;
};

std::uint32_t RowOf(const SubmitView& request, std::size_t i) {
  return request.chunk() * kRowsPerChunk + static_cast<std::uint32_t>(i);
}

absl::Status RowError(const SubmitView& request, std::size_t i, std::string_view message) {
  return AddMetadata(MakeError(Reason::kRequestMalformed, std::string(message)), "row",
                     std::to_string(RowOf(request, i)));
}

absl::Status CheckShape(const SubmitView& request) {
  const std::size_t count = request.subjects().size();
  if (count < 1 || count > kRowsPerChunk) {
    return MakeError(Reason::kRequestMalformed, "a chunk has 1 to 256 subjects");
  }
  if (request.chunk() >= store::kMaxChunksPerTransfer) {
    return MakeError(Reason::kRequestMalformed, "the chunk's number is too high");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const SubjectView& subject = request.subjects()[i];
    if (subject.client_reference.size() > 64 ||
        subject.bytes.size() + kAroundSubjectBytes > kSubjectPaddedBytes) {
      return RowError(request, i, "a subject is longer than the gateway stores");
    }
  }
  return absl::OkStatus();
}

// A position that is not on the list is no verdict about a person: it cannot enter the ledger.
absl::Status CheckOfficers(const SubmitView& request, const TransferFacts& facts) {
  const auto officers = static_cast<std::uint32_t>(facts.terms->officers_size());
  for (std::size_t i = 0; i < request.subjects().size(); ++i) {
    if (request.subjects()[i].officer >= officers) {
      return RowError(request, i, "a subject names an officer who is not on the transfer's list");
    }
  }
  return absl::OkStatus();
}

// Judges every subject, then seals the accepted ones under leaves of their own.
class Preparer {
 public:
  Preparer(const Hosted& hosted, const exchange::Published& published, const TransferFacts& facts,
           const SubmitView& request)
      : hosted_(hosted), published_(published), facts_(facts), request_(request) {}

  absl::StatusOr<Prepared> Prepare(const std::optional<Capacity>& capacity) {
    HF_RETURN_IF_ERROR(CheckOfficers(request_, facts_));
    const std::size_t count = request_.subjects().size();
    crypto::Random& random = hosted_.exchange->random();
    const policy::CivilDate today =
        policy::DayOf(hosted_.exchange->options().core.clock->WallNow());

    std::optional<Capacity> left = capacity;
    std::vector<Judged> rows(count);
    std::uint32_t accepted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      rows[i] = Judge(request_.subjects()[i], today, left);
      if (rows[i].accepted()) ++accepted;
    }

    Prepared prepared;
    prepared.verdicts.reserve(count);
    prepared.chunk = NewChunk(store::ChunkKind::kSubjects, kItemBytes, accepted);
    prepared.batch = std::make_unique<exchange::EntryBatch>(count, random);
    exchange::LeafRun run;
    std::optional<crypto::LeafCursor> cursor;
    if (accepted > 0) {
      HF_ASSIGN_OR_RETURN(
          run, published_.allocator->Take(facts_.number, crypto::SegmentKind::kSubject, accepted));
      cursor.emplace(*run.tree);
    }
    const std::vector<Nonce> nonces = crypto::DrawMany<kNonceBytes>(random, count);
    const auto seal_nonces = crypto::DrawMany<crypto::kSubjectNonceBytes>(random, accepted);

    std::uint32_t sealed = 0;
    SubjectAtRestBytes at_rest;
    for (std::size_t i = 0; i < count; ++i) {
      const SubjectView& subject = request_.subjects()[i];
      const std::uint32_t row = RowOf(request_, i);
      ledger::v1::SubjectJudged& fact = *prepared.batch->Add()->mutable_subject_judged();
      fact.set_row(row);
      Describe(subject, rows[i], fact);
      prepared.verdicts.push_back(static_cast<char>(rows[i].verdict));
      fact.set_commitment(ToString(SubjectCommitment(nonces[i], AsBytes(subject.bytes))));
      if (!rows[i].accepted()) continue;

      const std::uint32_t leaf = run.first + sealed;
      fact.set_segment(run.segment);
      fact.set_leaf(leaf);
      crypto::LeafSeed seed;
      HF_RETURN_IF_ERROR(cursor->Derive(leaf, seed));
      HF_RETURN_IF_ERROR(
          crypto::SealSubject({run.name.exchange, facts_.id, run.name.segment, leaf, row}, seed,
                              seal_nonces[sealed], at_rest.Write(subject, nonces[i]),
                              kSubjectPaddedBytes, ItemOf(prepared.chunk, kItemBytes, sealed)));
      ++sealed;
    }
    prepared.batch->Seal();
    return prepared;
  }

 private:
  // What the ledger says of one person under one pseudonym: at which address, if accepted.
  struct Known {
    std::optional<Pseudonym> pseudonym;
    std::string address_tag;
  };

  struct Judged {
    RequestReason verdict = RequestReason::kUnspecified;
    Known person;
    Known alias;

    bool accepted() const { return verdict == RequestReason::kAccepted; }
  };

  // Takes from `left` what an accepted subject needs. REQUIRES: CheckOfficers().
  Judged Judge(const SubjectView& subject, policy::CivilDate today,
               std::optional<Capacity>& left) const {
    const policy::SubjectView view{subject.person,
                                   facts_.terms->officers(static_cast<int>(subject.officer)),
                                   subject.case_number};
    policy::SubjectParts parts;
    Judged judged;
    judged.verdict = policy::JudgeSubject(*hosted_.rules, view, today, parts).reason;
    if (judged.accepted() && left.has_value()) {
      std::uint32_t& room = (*left)[subject.officer];
      if (room == 0) {
        judged.verdict = RequestReason::kOfficerLoadExceeded;
      } else {
        --room;
      }
    }
    const policy::TaxNumberForm form = hosted_.rules->config().tax_number_form;
    if (!judged.accepted()) {
      judged.person = Know(policy::CanonicalIdentity(view.person, form), {});
      return judged;
    }
    const policy::CanonicalIdentities identities =
        policy::IdentitiesOf(view.person, parts.name, form);
    const std::string address = policy::ComparableAddressLine(parts.address);
    judged.person = Know(identities.identity, address);
    judged.alias = Know(identities.alias, address);
    return judged;
  }

  // Nothing without the key: then the policy refuses the rows.
  Known Know(const std::optional<std::string>& identity, std::string_view address) const {
    const crypto::SecretBytes* key = published_.vault->pseudonym_key();
    Known known;
    if (!identity.has_value() || key == nullptr) return known;
    known.pseudonym = crypto::PseudonymOf(*key, AsBytes(*identity));
    if (!address.empty()) {
      known.address_tag = ToString(crypto::AddressTagOf(*key, *known.pseudonym, AsBytes(address)));
    }
    return known;
  }

  void Describe(const SubjectView& subject, const Judged& judged,
                ledger::v1::SubjectJudged& fact) const {
    fact.set_transfer(facts_.number);
    fact.set_verdict(static_cast<std::uint32_t>(judged.verdict));
    fact.set_gate_version(policy::kGateVersion);
    fact.set_officer(subject.officer);
    if (!judged.person.pseudonym.has_value()) return;
    fact.set_pseudonym(ToString(BytesOf(*judged.person.pseudonym)));
    fact.set_address_tag(judged.person.address_tag);
    if (!judged.alias.pseudonym.has_value()) return;
    fact.set_alias(ToString(BytesOf(*judged.alias.pseudonym)));
    fact.set_alias_address_tag(judged.alias.address_tag);
  }

  const Hosted& hosted_;
  const exchange::Published& published_;
  const TransferFacts& facts_;
  const SubmitView& request_;
};

// Returns how many more subjects each officer of `batch` may have, if one has too many.
std::optional<Capacity> TooMany(const policy::State& state, std::uint32_t transfer_number,
                                const exchange::EntryBatch& batch) {
  const policy::Transfer* transfer = state.transfer(transfer_number);
  if (transfer == nullptr) return std::nullopt;  // Decide says what is wrong.
  Capacity wanted;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& fact = batch.entry(i).subject_judged();
    if (fact.verdict() == static_cast<std::uint32_t>(RequestReason::kAccepted)) {
      ++wanted[fact.officer()];
    }
  }
  Capacity room;
  bool too_many = false;
  for (const auto& [officer, count] : wanted) {
    std::uint32_t& free = room[officer];
    while (free < count && !policy::OfficerIsFull(state, *transfer, officer, free)) ++free;
    too_many = too_many || free < count;
  }
  if (!too_many) return std::nullopt;
  return room;
}

class SubmitSession final : public BidiSession<SubmitView, SubmitSubjectsResponse>,
                            public std::enable_shared_from_this<SubmitSession> {
 public:
  SubmitSession(const Hosted& hosted, Viewer viewer, const Call&)
      : hosted_(hosted), viewer_(std::move(viewer)) {}

  void OnRequest(const SubmitView& request, Responder<SubmitSubjectsResponse> respond) override {
    if (absl::Status shape = CheckShape(request); !shape.ok()) {
      respond.Fail(std::move(shape));
      return;
    }
    transfer_->With(
        hosted_, viewer_, request.transfer(),
        [self = shared_from_this(), &request,
         respond](absl::StatusOr<StreamTransfer::Facts> facts) {
          if (facts.ok()) {
            PrepareBeside<SubmitSubjectsResponse>(
                self->hosted_.exchange->chunk_executor(), respond,
                [self, &request, respond, facts = *std::move(facts)] {
                  self->Process(request, respond, facts, std::nullopt);
                });
          } else {
            respond.Fail(facts.status());
          }
        },
        transfer_);
  }

 private:
  void Process(const SubmitView& request, const Responder<SubmitSubjectsResponse>& respond,
               const StreamTransfer::Facts& facts, const std::optional<Capacity>& capacity) {
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    if (published == nullptr) {
      respond.Fail(MakeError(Reason::kExchangeStopped, "the exchange is stopped"));
      return;
    }
    const store::ChunkKey key{store::ChunkKind::kSubjects, facts->number, request.chunk()};
    absl::StatusOr<bool> stored = HasChunk(*published, key);
    if (!stored.ok()) {
      respond.Fail(stored.status());
      return;
    }
    if (*stored) {
      AnswerAgain(request.chunk(), facts->number, respond);
      return;
    }
    absl::StatusOr<Prepared> prepared =
        Preparer(hosted_, *published, *facts, request).Prepare(capacity);
    if (!prepared.ok()) {
      respond.Fail(prepared.status());
      return;
    }
    Submit(request, respond, facts, key, *std::move(prepared));
  }

  static absl::StatusOr<bool> HasChunk(const exchange::Published& published,
                                       const store::ChunkKey& key) {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
    return reader->HasChunk(key);
  }

  void Submit(const SubmitView& request, const Responder<SubmitSubjectsResponse>& respond,
              const StreamTransfer::Facts& facts, const store::ChunkKey& key, Prepared prepared) {
    exchange::Act act;
    act.refused.set_member(viewer_.member);
    act.refused.set_act(ledger::v1::Refused::SUBMIT_SUBJECTS);
    act.refused.set_transfer(facts->number);
    act.refused.set_has_transfer(true);
    act.batch = std::move(prepared.batch);
    act.chunks.emplace_back(key, std::move(prepared.chunk));

    // What the writer found instead of appending.
    struct Found {
      bool stored = false;
      std::optional<Capacity> capacity;
    };
    auto found = std::make_shared<Found>();
    const exchange::EntryBatch* batch = act.batch.get();
    act.already = [found, key, batch](const policy::State& state) {
      const policy::Transfer* transfer = state.transfer(key.transfer);
      found->stored = transfer != nullptr && transfer->records.chunk(key.chunk) != nullptr;
      if (!found->stored) found->capacity = TooMany(state, key.transfer, *batch);
      return found->stored || found->capacity.has_value();
    };
    act.done = [self = shared_from_this(), &request, respond, found, facts,
                verdicts = std::move(prepared.verdicts)](exchange::ActOutcome outcome,
                                                         const std::string& matter) {
      if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
        respond.Fail(std::move(error));
        return;
      }
      if (found->stored) {
        self->AnswerAgain(request.chunk(), facts->number, respond);
        return;
      }
      if (found->capacity.has_value()) {
        // Somebody has more cases than the agreement permits: judged again, with that known.
        self->Process(request, respond, facts, found->capacity);
        return;
      }
      SubmitSubjectsResponse response;
      response.set_chunk(request.chunk());
      response.set_verdicts(verdicts);
      response.set_ledger_index(outcome.index);
      respond.Reply(response);
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ActCommand>(std::move(act), hosted_.exchange->executor(),
                                               hosted_.exchange->egress()));
  }

  // The chunk was judged before: the same answer, whatever was sent now.
  void AnswerAgain(std::uint32_t chunk, std::uint32_t transfer_number,
                   const Responder<SubmitSubjectsResponse>& respond) {
    hosted_.exchange->Query(
        [chunk, transfer_number,
         respond](const exchange::Core& core) -> exchange::Exchange::QueryReply {
          SubmitSubjectsResponse response;
          response.set_chunk(chunk);
          const policy::RecordChunk* records =
              core.state.transfer(transfer_number)->records.chunk(chunk);
          for (const policy::Record& record : records->records) {
            if (record.judged()) {
              response.mutable_verdicts()->push_back(static_cast<char>(record.request_verdict));
            }
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

void RegisterSubmit(const Directory& directory, MethodTable& table) {
  RegisterBidi<SubmitView, SubmitSubjectsResponse, SubmitSession>(
      directory, table, "/holdfast.v1.TransferService/SubmitSubjects");
}

}  // namespace holdfast::rpc
