// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/record_act.h"

#include <memory>
#include <string>
#include <utility>

#include "daemon/exchange/act_command.h"

namespace holdfast::rpc {

void RecordAct(const Hosted& hosted, const Viewer& viewer, const ledger::v1::Entry& fact,
               ledger::v1::Refused::Act what, std::optional<std::uint32_t> transfer,
               std::function<void(absl::StatusOr<std::uint64_t>)> done) {
  exchange::Act act;
  act.batch = std::make_unique<exchange::EntryBatch>(1, hosted.exchange->random());
  act.batch->Add()->MergeFrom(fact);
  act.batch->Seal();
  act.refused.set_member(viewer.member);
  act.refused.set_act(what);
  if (transfer.has_value()) {
    act.refused.set_transfer(*transfer);
    act.refused.set_has_transfer(true);
  }
  act.done = [done = std::move(done)](exchange::ActOutcome outcome, const std::string& matter) {
    if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      done(std::move(error));
    } else {
      done(outcome.index);
    }
  };
  hosted.exchange->Submit(exchange::Lane::kNormal, std::make_unique<exchange::ActCommand>(
                                                       std::move(act), hosted.exchange->executor(),
                                                       hosted.exchange->egress()));
}

}  // namespace holdfast::rpc
