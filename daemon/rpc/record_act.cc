// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/record_act.h"

#include <memory>
#include <string>
#include <utility>

#include "daemon/exchange/act_command.h"

namespace holdfast::rpc {
namespace {

exchange::Act ActOf(const Viewer& viewer, ledger::v1::Refused::Act what,
                    std::optional<std::uint32_t> transfer) {
  exchange::Act act;
  act.refused.set_member(viewer.member);
  act.refused.set_act(what);
  if (transfer.has_value()) {
    act.refused.set_transfer(*transfer);
    act.refused.set_has_transfer(true);
  }
  return act;
}

void Submit(const Hosted& hosted, exchange::Act act) {
  hosted.exchange->Submit(exchange::Lane::kNormal, std::make_unique<exchange::ActCommand>(
                                                       std::move(act), hosted.exchange->executor(),
                                                       hosted.exchange->egress()));
}

}  // namespace

void RecordAct(const Hosted& hosted, const Viewer& viewer, const ledger::v1::Entry& fact,
               ledger::v1::Refused::Act what, std::optional<std::uint32_t> transfer,
               std::function<void(absl::StatusOr<std::uint64_t>)> done) {
  exchange::Act act = ActOf(viewer, what, transfer);
  act.batch = std::make_unique<exchange::EntryBatch>(1, hosted.exchange->random());
  act.batch->Add()->MergeFrom(fact);
  act.batch->Seal();
  act.done = [done = std::move(done)](exchange::ActOutcome outcome, const std::string& matter) {
    if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      done(std::move(error));
    } else {
      done(outcome.index);
    }
  };
  Submit(hosted, std::move(act));
}

void RecordRefusal(const Hosted& hosted, const Viewer& viewer, ledger::v1::Refused::Act what,
                   std::optional<std::uint32_t> transfer, policy::Refusal why,
                   std::function<void(absl::Status)> done) {
  exchange::Act act = ActOf(viewer, what, transfer);
  act.declined = why;
  act.done = [done = std::move(done)](exchange::ActOutcome outcome, const std::string& matter) {
    done(ErrorOf(outcome, matter));
  };
  Submit(hosted, std::move(act));
}

}  // namespace holdfast::rpc
