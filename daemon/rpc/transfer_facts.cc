// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/transfer_facts.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "policy/queries.h"
#include "policy/state.h"

namespace holdfast::rpc {

absl::StatusOr<Viewer> ViewerOf(const Hosted& hosted, const Call& call) {
  const policy::Member* member = hosted.agreement->FindMember(call.member());
  if (member == nullptr) {
    return MakeError(Reason::kPermissionDenied, "the agreement does not name the caller");
  }
  return Viewer{member->id, member->role};
}

absl::StatusOr<const policy::Transfer*> VisibleTransfer(const policy::State& state,
                                                        const std::string& name,
                                                        const Viewer& viewer) {
  const std::optional<TransferId> id = policy::ParseTransferName(name);
  if (!id.has_value()) {
    return MakeError(Reason::kRequestMalformed,
                     "a transfer's name is transfers/ and 32 hexadecimal digits");
  }
  const policy::Transfer* transfer = state.FindTransfer(*id);
  const bool hidden = transfer != nullptr && viewer.role == agreement::v1::ROLE_REQUESTER &&
                      state.agreement().member(transfer->requester).id != viewer.member;
  if (transfer == nullptr || hidden) {
    return MakeError(Reason::kTransferNotFound, "there is no such transfer");
  }
  return transfer;
}

TransferFacts FactsOf(const policy::State& state, const policy::Transfer& transfer) {
  TransferFacts facts;
  facts.number = transfer.number;
  facts.id = transfer.id;
  facts.requester = state.agreement().member(transfer.requester).id;
  facts.state = transfer.state;
  facts.terms = transfer.terms;
  facts.not_before = transfer.not_before;
  facts.not_after = transfer.not_after;
  facts.agreement_digest = transfer.agreement_digest;
  facts.rows = transfer.rows;
  facts.chunks = policy::ChunkCount(transfer);
  facts.late = state.now().late;
  return facts;
}

void FindTransferFacts(
    const Hosted& hosted, std::string name, Viewer viewer,
    std::function<void(absl::StatusOr<std::shared_ptr<const TransferFacts>>)> found) {
  hosted.exchange->Query(
      [name = std::move(name), viewer = std::move(viewer),
       found](const exchange::Core& core) -> exchange::Exchange::QueryReply {
        absl::StatusOr<const policy::Transfer*> transfer =
            VisibleTransfer(core.state, name, viewer);
        if (!transfer.ok()) {
          return
              [found, status = transfer.status()](const exchange::LedgerHead&) { found(status); };
        }
        auto facts = std::make_shared<const TransferFacts>(FactsOf(core.state, **transfer));
        return [found, facts](const exchange::LedgerHead&) { found(facts); };
      },
      [found](const absl::Status& status) { found(status); });
}

}  // namespace holdfast::rpc
