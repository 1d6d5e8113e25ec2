// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/ledger_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/merkle_proof.h"
#include "crypto/tiles.h"
#include "daemon/exchange/act_command.h"
#include "daemon/exchange/entry_batch.h"
#include "daemon/exchange/stored_tiles.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/ledger_service.pb.h"
#include "policy/permissions.h"
#include "policy/proto_time.h"
#include "policy/queries.h"
#include "policy/release_gate.h"
#include "store/entry_bundle.h"

namespace holdfast::rpc {
namespace {

using SignedHead = std::shared_ptr<const exchange::SignedHead>;

absl::StatusOr<exchange::ReaderPool::Lease> BorrowReader(const Hosted& hosted) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  return published->readers->Borrow();
}

// Calls `next` on the executor with the newest signed head that has at least `size` entries.
void WithHead(const Hosted& hosted, std::uint64_t size,
              std::function<void(const SignedHead&)> next) {
  hosted.exchange->checkpoints().AtLeast(size, [&hosted, next](const SignedHead& head) {
    hosted.exchange->executor().Post([next, head] { next(head); });
  });
}

void AddWitnesses(const policy::State& state, v1::Exchange& view) {
  const policy::EvidenceRecord& evidence = state.evidence();
  for (std::size_t i = 0; i < evidence.witnesses.size(); ++i) {
    const policy::WitnessTerm& term = state.agreement().witnesses()[i];
    v1::WitnessState& shown = *view.add_witnesses();
    shown.set_name(term.name);
    shown.set_side(std::string(policy::SideName(term.side)));
    shown.set_size(evidence.witnesses[i].size);
    if (evidence.witnesses[i].size > 0) {
      *shown.mutable_signed_at() = policy::ToProto(evidence.witnesses[i].at);
    }
  }
  if (evidence.witnesses.empty()) return;
  if (evidence.quorum_at != kMinTime)
    *view.mutable_quorum_at() = policy::ToProto(evidence.quorum_at);
  view.mutable_witness_max_age()->set_seconds(state.agreement().terms().witness_max_age.count() /
                                              1'000);
}

v1::Limits LimitsOf(const policy::OpenedAgreement& agreement) {
  const policy::Brakes& brakes = agreement.brakes();
  v1::Limits limits;
  limits.set_rows_per_chunk(kRowsPerChunk);
  limits.set_messages_in_flight(static_cast<std::uint32_t>(kMaxMessagesInFlight));
  limits.set_candidates(static_cast<std::uint32_t>(policy::kMaxCandidates));
  limits.set_transfer_subjects(brakes.transfer_subjects);
  limits.set_open_records(brakes.open_records);
  limits.set_open_leases(brakes.open_leases);
  limits.mutable_lease_duration()->set_seconds(agreement.terms().lease_duration.count() / 1'000);
  limits.mutable_lease_duration()->set_nanos(
      static_cast<std::int32_t>(agreement.terms().lease_duration.count() % 1'000) * 1'000'000);
  return limits;
}

void GetExchange(const Hosted& hosted, const Viewer&, const Call&, const v1::GetExchangeRequest&,
                 Responder<v1::Exchange> respond) {
  AnswerFromState<v1::Exchange>(
      hosted, std::move(respond),
      [&hosted](const exchange::Core& core) -> absl::StatusOr<v1::Exchange> {
        const policy::State& state = core.state;
        v1::Exchange view;
        view.set_name(hosted.exchange->name());
        view.set_exchange_id(ToString(BytesOf(hosted.exchange->id())));
        view.set_version(hosted.exchange->options().core.version);
        view.add_suites(state.agreement().message().suite());
        view.set_agreement_version(state.agreement().version());
        view.set_agreement_digest(ToString(state.agreement().digest()));
        view.set_keyslot_kind(std::string(core.keyslot->kind()));
        view.set_erasure_class(
            std::string(crypto::ErasureClassName(core.keyslot->erasure_class())));
        view.set_epoch(core.vault.epoch().value());
        *view.mutable_time() = policy::ToProto(state.now().late);
        view.set_clock_trusted(state.now().trusted);
        view.set_ledger_size(core.tiles.size());
        view.set_freezes(static_cast<std::uint32_t>(state.holds().freezes_in_force()));
        view.set_preserves(static_cast<std::uint32_t>(state.holds().preserves_in_force()));
        const policy::RecordTotals totals = policy::CountRecords(state);
        view.mutable_records()->set_active(totals.active);
        view.mutable_records()->set_expired(totals.expired);
        view.mutable_records()->set_revoked(totals.revoked);
        view.mutable_records()->set_destroyed(totals.destroyed);
        view.set_checkpoint_key(ToString(core.checkpoint_key->public_key().bytes()));
        view.set_serving(!state.epoch_pending());
        view.set_record_size_bytes(state.agreement().terms().record_size_bytes);
        *view.mutable_limits() = LimitsOf(state.agreement());
        for (const crypto::KeyslotPart& part : core.keyslot->parts()) {
          v1::KeyslotPart& shown = *view.add_keyslot_parts();
          shown.set_kind(part.kind);
          shown.set_erasure_class(std::string(crypto::ErasureClassName(part.erasure_class)));
          shown.set_device(part.device);
        }
        view.set_keyslot_moving(core.keyslot->wants_epoch());
        view.set_keyslot_epochs(exchange::KeyslotEpochs(core));
        view.set_keyslot_epoch_budget(core.keyslot->epoch_budget().value_or(0));
        AddWitnesses(state, view);
        view.set_pseudonym_key_destroyed(state.evidence().pseudonym_key_destroyed());
        return view;
      });
}

absl::StatusOr<v1::Checkpoint> MakeCheckpoint(const Hosted& hosted, const SignedHead& head,
                                              std::uint64_t known_size) {
  v1::Checkpoint checkpoint;
  checkpoint.set_note(head->note);
  if (known_size == 0 || known_size == head->head.size) return checkpoint;
  HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, BorrowReader(hosted));
  exchange::StoredTiles tiles(*reader, reader.tile_roots());
  crypto::TileReader nodes(head->head.size, tiles);
  HF_ASSIGN_OR_RETURN(const crypto::MerkleProof proof,
                      crypto::MakeConsistencyProof(known_size, head->head.size, nodes));
  for (const Digest32& hash : proof) checkpoint.add_consistency(ToString(hash));
  return checkpoint;
}

void GetCheckpoint(const Hosted& hosted, const Viewer&, const Call&,
                   const v1::GetCheckpointRequest& request, Responder<v1::Checkpoint> respond) {
  // The committed size is asked first: what is longer than that is not ours to prove.
  hosted.exchange->Query(
      [&hosted, known = request.known_size(),
       respond](const exchange::Core& core) -> exchange::Exchange::QueryReply {
        return [&hosted, known, respond, size = core.tiles.size()](const exchange::LedgerHead&) {
          if (known > size) {
            respond.Fail(MakeError(Reason::kLedgerInconsistent,
                                   "the caller has verified a longer ledger than this one"));
            return;
          }
          WithHead(hosted, size, [&hosted, known, respond](const SignedHead& head) {
            const absl::StatusOr<v1::Checkpoint> checkpoint =
                head == nullptr ? MakeError(Reason::kShuttingDown, "the daemon is about to exit")
                                : MakeCheckpoint(hosted, head, known);
            if (checkpoint.ok()) {
              respond.Reply(*checkpoint);
            } else {
              respond.Fail(checkpoint.status());
            }
          });
        };
      },
      [respond](const absl::Status& status) { respond.Fail(status); });
}

absl::StatusOr<v1::InclusionProof> MakeProof(const Hosted& hosted, const SignedHead& head,
                                             std::uint64_t index, std::uint64_t wanted_size) {
  const std::uint64_t size = wanted_size == 0 ? head->head.size : wanted_size;
  if (size > head->head.size || index >= size) {
    return MakeError(Reason::kRequestMalformed, "the ledger has no such entry at that size");
  }
  HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, BorrowReader(hosted));
  exchange::StoredTiles tiles(*reader, reader.tile_roots());
  crypto::TileReader nodes(size, tiles);
  HF_ASSIGN_OR_RETURN(const crypto::MerkleProof path,
                      crypto::MakeInclusionProof(index, size, nodes));
  HF_ASSIGN_OR_RETURN(const Digest32 leaf, nodes.ReadNode(0, index));
  v1::InclusionProof proof;
  proof.set_tree_size(size);
  for (const Digest32& hash : path) proof.add_path(ToString(hash));
  proof.set_leaf_hash(ToString(leaf));
  if (size == head->head.size) proof.set_checkpoint(head->note);
  return proof;
}

void GetInclusionProof(const Hosted& hosted, const Viewer&, const Call&,
                       const v1::GetInclusionProofRequest& request,
                       Responder<v1::InclusionProof> respond) {
  WithHead(hosted, 0,
           [&hosted, index = request.ledger_index(), size = request.tree_size(),
            respond](const SignedHead& head) {
             const absl::StatusOr<v1::InclusionProof> proof =
                 head == nullptr ? MakeError(Reason::kShuttingDown, "the daemon is about to exit")
                                 : MakeProof(hosted, head, index, size);
             if (proof.ok()) {
               respond.Reply(*proof);
             } else {
               respond.Fail(proof.status());
             }
           });
}

// Sends the entries below one signed head, a stored bundle a message.
class EntryStream final : public std::enable_shared_from_this<EntryStream> {
 public:
  EntryStream(const Hosted& hosted, SignedHead head, std::uint64_t first,
              StreamWriter<v1::EntryBundle> writer)
      : hosted_(hosted), head_(std::move(head)), next_(first), writer_(std::move(writer)) {}

  // What there is, or, if the caller has all of it, the checkpoint alone.
  void Begin() {
    if (next_ > head_->head.size) {
      writer_.Finish(MakeError(Reason::kLedgerInconsistent,
                               "the caller has verified a longer ledger than this one"));
    } else if (next_ == head_->head.size) {
      v1::EntryBundle bundle;
      bundle.set_first(next_);
      bundle.set_checkpoint(head_->note);
      Send(bundle);
    } else {
      Step();
    }
  }

 private:
  void Step() {
    if (next_ >= head_->head.size) {
      writer_.Finish(absl::OkStatus());
      return;
    }
    const absl::StatusOr<v1::EntryBundle> bundle = Build();
    if (!bundle.ok()) {
      writer_.Finish(bundle.status());
      return;
    }
    next_ += static_cast<std::uint64_t>(bundle->entries_size());
    Send(*bundle);
  }

  void Send(const v1::EntryBundle& bundle) {
    writer_.Write(bundle, ReplyToken([self = shared_from_this()](Delivery delivery) {
                    if (delivery == Delivery::kWritten) {
                      self->hosted_.exchange->executor().Post([self] { self->Step(); });
                    }
                  }));
  }

  absl::StatusOr<v1::EntryBundle> Build() {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, BorrowReader(hosted_));
    HF_ASSIGN_OR_RETURN(const Bytes stored, reader->ReadBundle(next_ / store::kEntriesPerBundle));
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, store::ParseBundle(stored));
    const std::uint64_t base = next_ - next_ % store::kEntriesPerBundle;
    v1::EntryBundle bundle;
    bundle.set_first(next_);
    for (std::uint64_t i = next_ - base; i < entries.size() && base + i < head_->head.size; ++i) {
      bundle.add_entries(ToString(entries[i]));
    }
    if (bundle.entries_size() == 0) {
      return MakeError(Reason::kStoreCorrupt, "the ledger is shorter than its checkpoint");
    }
    if (next_ + static_cast<std::uint64_t>(bundle.entries_size()) == head_->head.size) {
      bundle.set_checkpoint(head_->note);
    }
    return bundle;
  }

  const Hosted& hosted_;
  const SignedHead head_;
  std::uint64_t next_;
  const StreamWriter<v1::EntryBundle> writer_;
};

// The reading is in the ledger before an entry leaves, and is one of those that do; unless all that
// would be read are readings, times and cosignatures, so that no reading causes another one.
void ReadEntries(const Hosted& hosted, const Viewer& viewer, const v1::ReadEntriesRequest& request,
                 StreamWriter<v1::EntryBundle> writer) {
  exchange::Act act;
  act.batch = std::make_unique<exchange::EntryBatch>(1, hosted.exchange->random());
  ledger::v1::LedgerRead& fact = *act.batch->Add()->mutable_ledger_read();
  fact.set_member(viewer.member);
  fact.set_first(request.first());
  act.batch->Seal();
  act.refused.set_member(viewer.member);
  act.refused.set_act(ledger::v1::Refused::READ_LEDGER);
  auto size = std::make_shared<std::uint64_t>(0);
  act.already = [first = request.first(), size](const policy::State& state) {
    *size = state.ledger_size();
    return first > state.evidence().newest_act;
  };
  act.applied = [size](const policy::State& state) { *size = state.ledger_size(); };
  act.done = [&hosted, first = request.first(), size, writer](exchange::ActOutcome outcome,
                                                              const std::string& matter) {
    if (const absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      writer.Finish(error);
      return;
    }
    WithHead(hosted, *size, [&hosted, first, writer](const SignedHead& head) {
      if (head == nullptr) {
        writer.Finish(MakeError(Reason::kShuttingDown, "the daemon is about to exit"));
      } else {
        std::make_shared<EntryStream>(hosted, head, first, writer)->Begin();
      }
    });
  };
  hosted.exchange->Submit(exchange::Lane::kNormal, std::make_unique<exchange::ActCommand>(
                                                       std::move(act), hosted.exchange->executor(),
                                                       hosted.exchange->egress()));
}

}  // namespace

void RegisterLedger(const Directory& directory, MethodTable& table) {
  const std::string service = "/holdfast.v1.LedgerService/";
  RegisterUnary<v1::GetExchangeRequest, v1::Exchange>(directory, table, service + "GetExchange",
                                                      GetExchange);
  RegisterUnary<v1::GetCheckpointRequest, v1::Checkpoint>(directory, table,
                                                          service + "GetCheckpoint", GetCheckpoint);
  RegisterUnary<v1::GetInclusionProofRequest, v1::InclusionProof>(
      directory, table, service + "GetInclusionProof", GetInclusionProof);
  table.ServerStream<v1::ReadEntriesRequest, v1::EntryBundle>(
      service + "ReadEntries", [&directory](const v1::ReadEntriesRequest& request, const Call& call,
                                            StreamWriter<v1::EntryBundle> writer) {
        const absl::StatusOr<const Hosted*> hosted = directory.Find(call);
        if (!hosted.ok()) {
          writer.Finish(hosted.status());
          return;
        }
        const absl::StatusOr<Viewer> viewer = ViewerOf(**hosted, call);
        if (viewer.ok()) {
          ReadEntries(**hosted, *viewer, request, std::move(writer));
        } else {
          writer.Finish(viewer.status());
        }
      });
}

}  // namespace holdfast::rpc
