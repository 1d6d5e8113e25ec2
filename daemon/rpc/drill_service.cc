// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/drill_service.h"

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/exchange/drill_command.h"
#include "daemon/rpc/order_service.h"
#include "daemon/rpc/settlement.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/drill_service.pb.h"
#include "policy/drill.h"
#include "policy/proto_time.h"

namespace holdfast::rpc {
namespace {

absl::Status ErrorOf(const exchange::DrillOutcome& outcome) {
  if (!outcome.status.ok()) return outcome.status;
  if (outcome.decision.allowed()) return absl::OkStatus();
  absl::Status error = AddMetadata(policy::RefusalError(outcome.decision.refusal), "drill", "true");
  if (!outcome.matter.empty()) error = AddMetadata(std::move(error), "matter", outcome.matter);
  return error;
}

void Answer(const exchange::DrillOutcome& outcome,
            const Responder<v1::RehearseOrderResponse>& respond) {
  if (absl::Status error = ErrorOf(outcome); !error.ok()) {
    respond.Fail(std::move(error));
    return;
  }
  v1::RehearseOrderResponse response;
  response.set_ledger_size(outcome.ledger_size);
  *response.mutable_decided_at() = policy::ToProto(UnixMillis(outcome.decided_at_ms));
  response.set_needs_second_person(outcome.needs_second_person);
  for (const exchange::LeaseAtHold& lease : outcome.open_leases) {
    v1::OpenLease& out = *response.add_open_leases();
    out.set_requester(lease.requester);
    out.set_transfer(lease.transfer);
    out.set_records(lease.records);
    *out.mutable_not_after() = policy::ToProto(UnixMillis(lease.not_after_ms));
  }
  respond.Reply(response);
}

absl::Status Rehearse(const Hosted& hosted, const std::string& dsse,
                      const Responder<v1::RehearseOrderResponse>& respond) {
  const std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  if (published == nullptr) {
    return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
  }
  HF_ASSIGN_OR_RETURN(policy::OpenedOrder drill,
                      policy::OpenDrill(AsBytes(dsse), *published->agreement));
  if (SettlesCases(drill)) {
    // What it makes is made by workers first, and there is no envelope that is for practice.
    return MakeError(Reason::kRequestMalformed, "a review of cases cannot be rehearsed");
  }
  HF_ASSIGN_OR_RETURN(drill.head_check,
                      CheckHead(hosted, *published, drill.head_size, drill.head_root));
  hosted.exchange->Submit(
      exchange::Lane::kNormal,
      std::make_unique<exchange::DrillCommand>(
          ToBytes(AsBytes(dsse)), std::make_shared<const policy::OpenedOrder>(std::move(drill)),
          hosted.exchange->executor(),
          [respond](const exchange::DrillOutcome& outcome) { Answer(outcome, respond); }));
  return absl::OkStatus();
}

void RehearseOrder(const Hosted& hosted, const Viewer&, const Call&,
                   const v1::RehearseOrderRequest& request,
                   Responder<v1::RehearseOrderResponse> respond) {
  const absl::Status begun = Rehearse(hosted, request.drill_dsse(), respond);
  if (!begun.ok()) respond.Fail(begun);
}

}  // namespace

void RegisterDrills(const Directory& directory, MethodTable& table) {
  RegisterUnary<v1::RehearseOrderRequest, v1::RehearseOrderResponse>(
      directory, table, "/holdfast.v1.DrillService/RehearseOrder", RehearseOrder);
}

}  // namespace holdfast::rpc
