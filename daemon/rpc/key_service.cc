// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/key_service.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/key_tree.h"
#include "crypto/lease.h"
#include "daemon/exchange/act_command.h"
#include "daemon/exchange/release_command.h"
#include "daemon/rpc/order_service.h"
#include "daemon/rpc/stream_transfer.h"
#include "holdfast/v1/key_service.pb.h"
#include "policy/proto_time.h"

namespace holdfast::rpc {
namespace {

using v1::ReleaseKeysRequest;
using v1::ReleaseKeysResponse;

constexpr int kMostRows = 1024;

// A lease that has been granted.
struct OpenLease {
  std::shared_ptr<const TransferFacts> transfer;
  crypto::LeaseIssuer issuer;
};

// Checks what a requester signed, but for what only the ledger knows.
absl::StatusOr<crypto::LeaseOpening> CheckOpening(const Hosted& hosted, const Viewer& viewer,
                                                  const TransferFacts& facts,
                                                  const v1::LeaseOpening& message) {
  const UnixMillis now = hosted.exchange->options().core.clock->WallNow();
  const policy::Member* member = hosted.agreement->FindMember(viewer.member);
  absl::StatusOr<crypto::LeaseOpening> opening =
      MakeError(Reason::kSignatureInvalid, "the caller has no signing key that is valid now");
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  for (const policy::MemberKey& key : member->keys) {
    if (!key.ValidAt(now) || published->struck_off.Has(key.public_key)) continue;
    opening = crypto::VerifyLeaseOpening(AsBytes(message.opening()), AsBytes(message.signature()),
                                         key.public_key);
    if (opening.ok()) break;
  }
  HF_RETURN_IF_ERROR(opening.status());
  if (opening->exchange != hosted.exchange->id() || opening->transfer != facts.id ||
      opening->member != viewer.member ||
      AsText(BytesOf(opening->recipient_key)) != message.recipient_key()) {
    return MakeError(Reason::kRequestMalformed,
                     "the signed opening is about another exchange, transfer, member or key");
  }
  // Before the lease is in the ledger: nothing can be granted under it.
  if (!crypto::CanSealTo(opening->recipient_key)) {
    return MakeError(Reason::kRequestMalformed, "nobody can seal to the recipient key");
  }
  return opening;
}

// The ledger that the requester verified last must be a prefix of ours: a gateway whose ledger was
// cut off or replaced serves nobody who knows better.
absl::Status CheckKnownLedger(const Hosted& hosted, const exchange::Published& published,
                              const crypto::LeaseOpening& opening) {
  if (opening.ledger_size == 0) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const policy::HeadCheck check,
                      CheckHead(hosted, published, opening.ledger_size, opening.ledger_root));
  if (check == policy::HeadCheck::kPrefix) return absl::OkStatus();
  return MakeError(Reason::kLedgerInconsistent,
                   "the ledger is not an extension of the one that the requester verified");
}

class ReleaseSession final : public BidiSession<ReleaseKeysRequest, ReleaseKeysResponse>,
                             public std::enable_shared_from_this<ReleaseSession> {
 public:
  ReleaseSession(const Hosted& hosted, Viewer viewer, Call call)
      : hosted_(hosted), viewer_(std::move(viewer)), call_(std::move(call)) {}

  void OnRequest(const ReleaseKeysRequest& request,
                 Responder<ReleaseKeysResponse> respond) override {
    switch (request.message_case()) {
      case ReleaseKeysRequest::kOpening:
        BeginOpening();
        RequestLease(request.opening(), respond);
        return;
      case ReleaseKeysRequest::kBatch:
        if (absl::Status shape = AcceptBatch(request.batch()); !shape.ok()) {
          respond.Fail(std::move(shape));
          return;
        }
        WithLease([self = shared_from_this(), &request,
                   respond](absl::StatusOr<std::shared_ptr<const OpenLease>> lease) {
          if (lease.ok()) {
            self->ReleaseBatch(*lease, request.batch(), respond);
          } else {
            respond.Fail(lease.status());
          }
        });
        return;
      case ReleaseKeysRequest::MESSAGE_NOT_SET:
        respond.Fail(MakeError(Reason::kRequestMalformed, "neither an opening nor a batch"));
        return;
    }
  }

 private:
  using LeaseReady = std::function<void(absl::StatusOr<std::shared_ptr<const OpenLease>>)>;

  // A client may send batches right behind an opening: they wait until the lease is in the ledger.
  void BeginOpening() {
    MutexLock lock(mutex_);
    lease_.reset();
    opening_ = true;
  }

  void WithLease(LeaseReady ready) {
    std::shared_ptr<const OpenLease> lease;
    {
      MutexLock lock(mutex_);
      if (opening_) {
        waiting_.push_back(std::move(ready));
        return;
      }
      lease = lease_;
    }
    if (lease == nullptr) {
      ready(MakeError(Reason::kRequestMalformed, "a stream begins with an opening"));
    } else {
      ready(lease);
    }
  }

  void EndOpening(absl::StatusOr<std::shared_ptr<const OpenLease>> lease) {
    std::deque<LeaseReady> waiting;
    {
      MutexLock lock(mutex_);
      opening_ = false;
      if (lease.ok()) lease_ = *lease;
      waiting.swap(waiting_);
    }
    for (const LeaseReady& ready : waiting) ready(lease);
  }

  void FailOpening(const Responder<ReleaseKeysResponse>& respond, absl::Status status) {
    respond.Fail(status);
    EndOpening(std::move(status));
  }

  void RequestLease(const v1::LeaseOpening& message,
                    const Responder<ReleaseKeysResponse>& respond) {
    // Chained here and not when the lease is granted, because batches are checked as they come.
    {
      MutexLock lock(mutex_);
      chain_.emplace(
          crypto::LeaseOpeningDigest(AsBytes(message.opening()), AsBytes(message.signature())));
    }
    FindTransferFacts(hosted_, message.transfer(), viewer_,
                      [self = shared_from_this(), &message,
                       respond](absl::StatusOr<std::shared_ptr<const TransferFacts>> facts) {
                        absl::Status status = facts.status();
                        if (status.ok()) status = self->SubmitOpening(message, *facts, respond);
                        if (!status.ok()) self->FailOpening(respond, std::move(status));
                      });
  }

  absl::Status SubmitOpening(const v1::LeaseOpening& message,
                             const std::shared_ptr<const TransferFacts>& facts,
                             const Responder<ReleaseKeysResponse>& respond) {
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    if (published == nullptr) {
      return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
    }
    HF_ASSIGN_OR_RETURN(const crypto::LeaseOpening opening,
                        CheckOpening(hosted_, viewer_, *facts, message));
    HF_RETURN_IF_ERROR(CheckKnownLedger(hosted_, *published, opening));

    // The ledger's time may be ahead of a clock that was set back, and decides.
    const UnixMillis now = std::max(hosted_.exchange->options().core.clock->WallNow(), facts->late);
    const UnixMillis not_after = now + published->agreement->terms().lease_duration;
    exchange::Act act;
    act.batch = std::make_unique<exchange::EntryBatch>(1, hosted_.exchange->random());
    ledger::v1::LeaseOpened& fact = *act.batch->Add()->mutable_lease_opened();
    fact.set_transfer(facts->number);
    fact.set_requester(viewer_.member);
    fact.set_recipient_key(message.recipient_key());
    fact.set_opening(message.opening());
    fact.set_signature(message.signature());
    fact.set_not_after_ms(not_after.value());
    act.batch->Seal();
    act.refused.set_member(viewer_.member);
    act.refused.set_act(ledger::v1::Refused::OPEN_LEASE);
    act.refused.set_transfer(facts->number);
    act.refused.set_has_transfer(true);

    auto header = std::make_shared<crypto::LeaseHeader>();
    header->exchange = hosted_.exchange->id();
    header->transfer = facts->id;
    header->opening =
        crypto::LeaseOpeningDigest(AsBytes(message.opening()), AsBytes(message.signature()));
    header->not_after = not_after;
    act.applied = [header](const policy::State& state) { header->lease = state.lease_count() - 1; };
    act.done = [self = shared_from_this(), header, facts, recipient = opening.recipient_key,
                respond](exchange::ActOutcome outcome, const std::string& matter) {
      absl::Status error = ErrorOf(outcome, matter);
      if (error.ok()) {
        header->ledger_index = outcome.index;
        error = self->Grant(*header, facts, recipient, respond);
      }
      if (!error.ok()) self->FailOpening(respond, std::move(error));
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ActCommand>(std::move(act), hosted_.exchange->executor(),
                                               hosted_.exchange->egress()));
    return absl::OkStatus();
  }

  absl::Status Grant(const crypto::LeaseHeader& header,
                     const std::shared_ptr<const TransferFacts>& facts,
                     const crypto::X25519PublicKey& recipient,
                     const Responder<ReleaseKeysResponse>& respond) {
    HF_ASSIGN_OR_RETURN(crypto::LeaseIssuer issuer,
                        crypto::LeaseIssuer::Issue(header, recipient, hosted_.exchange->random()));
    ReleaseKeysResponse response;
    v1::LeaseGranted& granted = *response.mutable_lease();
    granted.set_lease(header.lease);
    granted.set_header(ToString(issuer.header_bytes()));
    granted.set_sealed_lease_key(ToString(issuer.sealed_lease_key()));
    *granted.mutable_not_after() = policy::ToProto(header.not_after);
    granted.set_ledger_index(header.ledger_index);
    respond.Reply(response);
    EndOpening(std::make_shared<const OpenLease>(OpenLease{facts, std::move(issuer)}));
    return absl::OkStatus();
  }

  absl::Status AcceptBatch(const v1::KeyBatch& batch) {
    if (batch.rows_size() < 1 || batch.rows_size() > kMostRows) {
      return MakeError(Reason::kRequestMalformed, "a batch has 1 to 1,024 rows");
    }
    const std::span<const std::uint32_t> rows(batch.rows().data(),
                                              static_cast<std::size_t>(batch.rows_size()));
    std::vector<std::uint32_t> sorted(rows.begin(), rows.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      return MakeError(Reason::kRequestMalformed, "a batch names each row once");
    }
    MutexLock lock(mutex_);
    if (!chain_.has_value()) {
      return MakeError(Reason::kRequestMalformed, "a stream begins with an opening");
    }
    return chain_->Accept(rows, AsBytes(batch.chain()));
  }

  void ReleaseBatch(const std::shared_ptr<const OpenLease>& lease, const v1::KeyBatch& batch,
                    const Responder<ReleaseKeysResponse>& respond) {
    exchange::Release release;
    const auto count = static_cast<std::size_t>(batch.rows_size());
    release.batch = std::make_unique<exchange::EntryBatch>(count, hosted_.exchange->random());
    for (const std::uint32_t row : batch.rows()) {
      ledger::v1::KeyReleased& fact = *release.batch->Add()->mutable_key_released();
      fact.set_lease(lease->issuer.header().lease);
      fact.set_row(row);
    }
    release.batch->Seal();
    release.member = viewer_.member;
    release.transfer = lease->transfer->number;
    release.cut = [call = call_] {
      call.Cut(MakeError(Reason::kHeld, "a hold was placed while this was on its way"));
    };
    release.done = [self = shared_from_this(), lease, respond](exchange::ReleaseOutcome outcome) {
      self->Answer(*lease, std::move(outcome), respond);
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ReleaseCommand>(std::move(release), hosted_.exchange->executor(),
                                                   hosted_.exchange->egress()));
  }

  void Answer(const OpenLease& lease, exchange::ReleaseOutcome outcome,
              const Responder<ReleaseKeysResponse>& respond) {
    if (!outcome.status.ok()) {
      respond.Fail(outcome.status);
      return;
    }
    if (!outcome.decision.allowed()) {
      absl::Status error = policy::RefusalError(outcome.decision.refusal);
      error = AddMetadata(std::move(error), "ledger_index", std::to_string(outcome.refusal_index));
      if (!outcome.matter.empty()) {
        error = AddMetadata(std::move(error), "matter", outcome.matter);
      }
      respond.Fail(std::move(error));
      return;
    }
    const std::shared_ptr<const exchange::Published> published = hosted_.exchange->published();
    if (published == nullptr) {
      respond.Fail(MakeError(Reason::kExchangeStopped, "the exchange is stopped"));
      return;
    }
    ReleaseKeysResponse response;
    v1::KeyBatchResult& result = *response.mutable_batch();
    result.set_first_ledger_index(outcome.released.empty() ? 0 : outcome.first_index);
    result.mutable_refused_rows()->Add(outcome.refused_rows.begin(), outcome.refused_rows.end());
    result.set_refusal_ledger_index(outcome.refusal_index);
    absl::Status wrapped = WrapKeys(*published->vault, lease.issuer, outcome, result);
    if (!wrapped.ok()) {
      respond.Fail(std::move(wrapped));
      return;
    }
    if (hosted_.exchange->options().metrics != nullptr) {
      hosted_.exchange->options().metrics->KeysReleased(hosted_.exchange->name(),
                                                        outcome.released.size());
    }
    auto egress = std::shared_ptr<exchange::Egress::Token>(std::move(outcome.egress));
    respond.Reply(response, ReplyToken([egress](Delivery) mutable { egress.reset(); }));
  }

  // In order of leaf, because neighbours share most of their path; each key goes to its row's
  // place.
  static absl::Status WrapKeys(const exchange::VaultView& vault, const crypto::LeaseIssuer& issuer,
                               const exchange::ReleaseOutcome& outcome,
                               v1::KeyBatchResult& result) {
    const std::vector<exchange::ReleasedRow>& rows = outcome.released;
    std::string& sealed = *result.mutable_sealed_keys();
    sealed.resize(rows.size() * crypto::kSealedRecordKeyBytes);
    const std::span<std::byte> out =
        std::as_writable_bytes(std::span(sealed.data(), sealed.size()));

    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&rows](std::size_t a, std::size_t b) {
      return std::pair(rows[a].leaf.segment, rows[a].leaf.leaf) <
             std::pair(rows[b].leaf.segment, rows[b].leaf.leaf);
    });
    std::optional<crypto::LeafCursor> cursor;
    const exchange::VaultSegment* segment = nullptr;
    for (const std::size_t i : order) {
      const exchange::LeafRef& leaf = rows[i].leaf;
      if (segment == nullptr || segment->number != leaf.segment) {
        segment = &vault.segment(leaf.segment);
        cursor.emplace(*segment->tree);
      }
      crypto::LeafSeed seed;
      // A key that was destroyed between the commit and now does not leave.
      HF_RETURN_IF_ERROR(cursor->Derive(leaf.leaf, seed));
      const crypto::RecordKey key = crypto::DeriveRecordKey(seed, segment->name.segment, leaf.leaf);
      issuer.Wrap(
          key, rows[i].row, outcome.first_index + i,
          out.subspan(i * crypto::kSealedRecordKeyBytes).first<crypto::kSealedRecordKeyBytes>());
    }
    return absl::OkStatus();
  }

  const Hosted& hosted_;
  const Viewer viewer_;
  const Call call_;

  Mutex mutex_;
  std::optional<crypto::BatchChain> chain_ HF_GUARDED_BY(mutex_);
  std::shared_ptr<const OpenLease> lease_ HF_GUARDED_BY(mutex_);
  bool opening_ HF_GUARDED_BY(mutex_) = false;
  std::deque<LeaseReady> waiting_ HF_GUARDED_BY(mutex_);
};

}  // namespace

void RegisterKeys(const Directory& directory, MethodTable& table) {
  RegisterBidi<ReleaseKeysRequest, ReleaseKeysResponse, ReleaseSession>(
      directory, table, "/holdfast.v1.KeyService/ReleaseKeys");
}

}  // namespace holdfast::rpc
