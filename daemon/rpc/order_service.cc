// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/order_service.h"

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "crypto/merkle.h"
#include "crypto/tiles.h"
#include "daemon/exchange/stored_tiles.h"
#include "daemon/rpc/settlement.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/hold_service.pb.h"
#include "policy/decide.h"
#include "policy/opened_order.h"
#include "policy/proto_time.h"
#include "store/entry_bundle.h"

namespace holdfast::rpc {
namespace {

// An entry that was committed.
absl::StatusOr<Bytes> EntryAt(const Hosted& hosted, std::uint64_t index) {
  const std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  if (published == nullptr) {
    return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
  }
  HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published->readers->Borrow());
  HF_ASSIGN_OR_RETURN(const Bytes bundle, reader->ReadBundle(index / store::kEntriesPerBundle));
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, store::ParseBundle(bundle));
  const std::size_t position = index % store::kEntriesPerBundle;
  if (position >= entries.size()) {
    return MakeError(Reason::kStoreCorrupt, "an accepted order is not in the ledger");
  }
  return ToBytes(entries[position]);
}

void Answer(const Hosted& hosted, exchange::OrderOutcome outcome,
            const Responder<v1::SubmitOrderResponse>& respond) {
  if (absl::Status error = ErrorOf(outcome); !error.ok()) {
    respond.Fail(std::move(error));
    return;
  }
  if (outcome.already) {
    absl::StatusOr<Bytes> entry = EntryAt(hosted, outcome.index);
    if (!entry.ok()) {
      respond.Fail(entry.status());
      return;
    }
    outcome.entry = *std::move(entry);
    outcome.leaf_hash = crypto::LeafHash(outcome.entry);
  }
  v1::SubmitOrderResponse response;
  v1::Receipt& receipt = *response.mutable_receipt();
  receipt.set_ledger_index(outcome.index);
  receipt.set_leaf_hash(ToString(outcome.leaf_hash));
  receipt.set_ledger_size(outcome.head.size);
  receipt.set_ledger_root(ToString(outcome.head.root));
  for (const exchange::LeaseAtHold& lease : outcome.open_leases) {
    v1::OpenLease& out = *response.add_open_leases();
    out.set_requester(lease.requester);
    out.set_transfer(lease.transfer);
    out.set_records(lease.records);
    *out.mutable_not_after() = policy::ToProto(UnixMillis(lease.not_after_ms));
  }
  response.set_anchored(outcome.anchored);
  response.set_needs_second_person(outcome.needs_second_person);
  response.set_entry(ToString(outcome.entry));
  respond.Reply(response);
}

void HandleSubmit(const Hosted& hosted, const Viewer&, const Call& call,
                  const v1::SubmitOrderRequest& request,
                  Responder<v1::SubmitOrderResponse> respond) {
  const absl::Status submitted = SubmitOrder(
      hosted, ToBytes(request.order_dsse()),
      [&hosted, call, respond](exchange::OrderOutcome outcome) {
        if (!outcome.stops) {
          Answer(hosted, std::move(outcome), respond);
          return;
        }
        // What was let out before is on its way, or waits in a buffer: the answer comes after it.
        auto held = std::make_shared<exchange::OrderOutcome>(std::move(outcome));
        call.WhenSent([&hosted, held, respond] { Answer(hosted, std::move(*held), respond); });
      });
  if (!submitted.ok()) respond.Fail(submitted);
}

void GetOrderContext(const Hosted& hosted, const Viewer&, const Call&,
                     const v1::GetOrderContextRequest& request,
                     Responder<v1::OrderContext> respond) {
  AnswerFromState<v1::OrderContext>(
      hosted, std::move(respond),
      [person = request.person()](const exchange::Core& core) -> absl::StatusOr<v1::OrderContext> {
        const policy::Member* member = core.state.agreement().FindMember(person);
        if (member == nullptr || !member->signs_orders()) {
          return MakeError(Reason::kNotFound, "the agreement names no such signer of orders");
        }
        v1::OrderContext context;
        context.set_agreement_version(core.state.agreement().version());
        context.set_ledger_size(core.tiles.size());
        context.set_ledger_root(ToString(core.tiles.Root()));
        const policy::OrderPrev prev = core.state.LastOrderOf(member->number);
        if (prev.any) context.set_prev(Hex(prev.digest));
        return context;
      });
}

}  // namespace

absl::StatusOr<policy::HeadCheck> CheckHead(const Hosted& hosted,
                                            const exchange::Published& published,
                                            std::uint64_t size, const Digest32& root) {
  if (size == 0) {
    return root == crypto::EmptyRoot() ? policy::HeadCheck::kPrefix
                                       : policy::HeadCheck::kNotAPrefix;
  }
  if (const auto recent = hosted.exchange->checkpoints().RecentRoot(size)) {
    return *recent == root ? policy::HeadCheck::kPrefix : policy::HeadCheck::kNotAPrefix;
  }
  HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
  HF_ASSIGN_OR_RETURN(const store::Head head, reader->ReadHead());
  if (size > head.ledger_size) return policy::HeadCheck::kNotAPrefix;
  exchange::StoredTiles tiles(*reader, reader.tile_roots());
  crypto::TileReader nodes(size, tiles);
  HF_ASSIGN_OR_RETURN(const Digest32 found, crypto::RootAt(size, nodes));
  return found == root ? policy::HeadCheck::kPrefix : policy::HeadCheck::kNotAPrefix;
}

absl::Status ErrorOf(const exchange::OrderOutcome& outcome) {
  if (!outcome.status.ok()) return outcome.status;
  if (outcome.already || outcome.decision.allowed()) return absl::OkStatus();
  absl::Status error = policy::RefusalError(outcome.decision.refusal);
  error = AddMetadata(std::move(error), "ledger_index", std::to_string(outcome.index));
  if (!outcome.matter.empty()) error = AddMetadata(std::move(error), "matter", outcome.matter);
  return error;
}

absl::Status SubmitOrder(const Hosted& hosted, Bytes dsse,
                         exchange::OrderCommand::DoneCallback done) {
  const std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  if (published == nullptr) {
    return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
  }
  HF_ASSIGN_OR_RETURN(policy::OpenedOrder order, policy::OpenOrder(dsse, *published->agreement));
  HF_ASSIGN_OR_RETURN(order.head_check,
                      CheckHead(hosted, *published, order.head_size, order.head_root));
  if (SettlesCases(order)) {
    SettleByOrder(hosted, std::move(dsse),
                  std::make_shared<const policy::OpenedOrder>(std::move(order)), std::move(done));
    return absl::OkStatus();
  }
  const exchange::Lane lane =
      exchange::Restricts(order) ? exchange::Lane::kRestricting : exchange::Lane::kNormal;
  hosted.exchange->Submit(
      lane, std::make_unique<exchange::OrderCommand>(
                std::move(dsse), std::make_shared<const policy::OpenedOrder>(std::move(order)),
                hosted.exchange->executor(), hosted.exchange->egress(), std::move(done)));
  return absl::OkStatus();
}

void RegisterOrders(const Directory& directory, MethodTable& table) {
  RegisterUnary<v1::SubmitOrderRequest, v1::SubmitOrderResponse>(
      directory, table, "/holdfast.v1.OrderService/SubmitOrder", HandleSubmit, Lane::kReserved);
  RegisterUnary<v1::GetOrderContextRequest, v1::OrderContext>(
      directory, table, "/holdfast.v1.OrderService/GetOrderContext", GetOrderContext,
      Lane::kReserved);
}

}  // namespace holdfast::rpc
