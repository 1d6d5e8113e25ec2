// SPDX-License-Identifier: Apache-2.0
// What the services with unary methods share: finding the exchange and the caller, and answering
// from the state.
//
// When to use  RegisterUnary() in place of MethodTable::Unary; AnswerFromState() in its handlers.
// Threads      Handlers run on gRPC's threads; `read` of AnswerFromState() on the writer's.
// Ownership    The directory is borrowed.
// Errors       Those of `read` go to the caller.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "daemon/rpc/method_table.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

// Registers `handler(hosted, viewer, call, request, responder)`.
template <typename Request, typename Response, typename Handler>
void RegisterUnary(const Directory& directory, MethodTable& table, std::string_view path,
                   Handler handler, Lane lane = Lane::kOrdinary) {
  table.Unary<Request, Response>(
      path,
      [&directory, handler](const Request& request, const Call& call, Responder<Response> respond) {
        const absl::StatusOr<const Hosted*> hosted = directory.Find(call);
        if (!hosted.ok()) {
          respond.Fail(hosted.status());
          return;
        }
        const absl::StatusOr<Viewer> viewer = ViewerOf(**hosted, call);
        if (!viewer.ok()) {
          respond.Fail(viewer.status());
          return;
        }
        handler(**hosted, *viewer, call, request, std::move(respond));
      },
      lane);
}

// Answers with what `read` makes of the state, in one moment of the ledger.
template <typename Response>
void AnswerFromState(const Hosted& hosted, Responder<Response> respond,
                     std::function<absl::StatusOr<Response>(const exchange::Core&)> read) {
  hosted.exchange->Query(
      [respond,
       read = std::move(read)](const exchange::Core& core) -> exchange::Exchange::QueryReply {
        auto answer = std::make_shared<const absl::StatusOr<Response>>(read(core));
        return [respond, answer](const exchange::LedgerHead&) {
          if (answer->ok()) {
            respond.Reply(**answer);
          } else {
            respond.Fail(answer->status());
          }
        };
      },
      [respond](const absl::Status& status) { respond.Fail(status); });
}

}  // namespace holdfast::rpc
