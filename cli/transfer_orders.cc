// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer_orders.h"

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/dossier_view.h"
#include "cli/exchange_view.h"
#include "cli/orders.h"
#include "client/requester_client.h"
#include "policy/proto_time.h"

namespace holdfast::cli {
namespace {

struct ActOptions {
  std::string transfer;
  std::string reason;
  std::string at;
  std::uint64_t records = 0;
  OrderOptions order;
};

absl::StatusOr<v1::Transfer> GetTransfer(Session& session, const std::string& name) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  return client::RequesterClient(channel).Get(name);
}

absl::StatusOr<ExitStatus> ShowDossier(Session& session, const ActOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer, GetTransfer(session, options.transfer));
  HF_ASSIGN_OR_RETURN(const policy::Dossier dossier, OpenDossier(transfer));
  session.out().Result(DossierJson(dossier), DossierText(dossier));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Approve(Session& session, const ActOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer, GetTransfer(session, options.transfer));
  HF_ASSIGN_OR_RETURN(const policy::Dossier dossier, OpenDossier(transfer));
  session.out().Note(DossierText(dossier));
  for (const v1::Stop& stop : transfer.stops()) {
    session.out().Note("it is stopped: " + stop.reason());
  }
  order::v1::Order act;
  act.mutable_approve_transfer()->set_transfer(transfer.name());
  act.mutable_approve_transfer()->set_dossier_digest(Hex(policy::DossierDigest(dossier)));
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> LetGoOn(Session& session, const ActOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer, GetTransfer(session, options.transfer));
  order::v1::Order order;
  order::v1::LetTransferGoOn& act = *order.mutable_let_transfer_go_on();
  act.set_transfer(transfer.name());
  act.set_reason(options.reason);
  for (const v1::Stop& stop : transfer.stops()) {
    order::v1::Brake brake = order::v1::BRAKE_UNSPECIFIED;
    if (order::v1::Brake_Parse(stop.reason(), &brake)) act.add_brakes(brake);
  }
  if (act.brakes().empty()) {
    return MakeError(Reason::kTransferState, "no brake stops " + transfer.name());
  }
  if (transfer.has_dossier()) {
    HF_ASSIGN_OR_RETURN(const policy::Dossier dossier, OpenDossier(transfer));
    session.out().Note(DossierText(dossier));
    act.set_dossier_digest(Hex(policy::DossierDigest(dossier)));
  } else {
    session.out().Note(TransferText(session.out(), transfer));
  }
  return CarryOut(session, std::move(order), options.order);
}

absl::StatusOr<ExitStatus> Deny(Session& session, const ActOptions& options) {
  order::v1::Order act;
  act.mutable_deny_transfer()->set_transfer(options.transfer);
  act.mutable_deny_transfer()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> Suspend(Session& session, const ActOptions& options) {
  order::v1::Order act;
  act.mutable_suspend_transfer()->set_transfer(options.transfer);
  act.mutable_suspend_transfer()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> Resume(Session& session, const ActOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer, GetTransfer(session, options.transfer));
  order::v1::Order order;
  order::v1::ResumeTransfer& act = *order.mutable_resume_transfer();
  act.set_transfer(transfer.name());
  act.set_reason(options.reason);
  for (const v1::Stop& stop : transfer.stops()) {
    if (stop.reason() == "SUSPENDED") act.set_suspension_index(stop.ledger_index());
  }
  if (act.suspension_index() == 0) {
    return MakeError(Reason::kTransferState, transfer.name() + " is not suspended");
  }
  session.out().Note(TransferText(session.out(), transfer));
  return CarryOut(session, std::move(order), options.order);
}

absl::StatusOr<ExitStatus> Cap(Session& session, const ActOptions& options) {
  order::v1::Order act;
  act.mutable_cap_transfer()->set_transfer(options.transfer);
  act.mutable_cap_transfer()->set_records(options.records);
  act.mutable_cap_transfer()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> End(Session& session, const ActOptions& options) {
  UnixMillis at = session.clock().WallNow();
  if (options.at != "now") {
    HF_ASSIGN_OR_RETURN(at, ParseRfc3339(options.at));
  }
  order::v1::Order act;
  act.mutable_end_transfer()->set_transfer(options.transfer);
  *act.mutable_end_transfer()->mutable_end_at() = policy::ToProto(at);
  act.mutable_end_transfer()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

using Function = absl::StatusOr<ExitStatus> (*)(Session&, const ActOptions&);

// An act with a reason. `more` declares what else it takes.
template <typename More>
void DeclareAct(Command& transfer, const char* name, const char* help, Function function,
                More more) {
  auto options = std::make_shared<ActOptions>();
  Command command = transfer.Sub(name, help);
  command.Required("transfer", options->transfer, "transfers/ID")
      .Required("--reason", options->reason, "why; no personal data");
  more(command, *options);
  options->order.Declare(command);
  command.Runs([options, function](Session& session) { return function(session, *options); });
}

}  // namespace

void DeclareTransferOrders(Command& transfer) {
  {
    auto options = std::make_shared<ActOptions>();
    Command dossier = transfer.Sub("dossier", "show what a custodian approves, and its digest");
    dossier.Required("transfer", options->transfer, "transfers/ID");
    dossier.Runs([options](Session& session) { return ShowDossier(session, *options); });
  }
  {
    auto options = std::make_shared<ActOptions>();
    Command approve = transfer.Sub("approve", "let its subjects go to the source (custodian)");
    approve.Required("transfer", options->transfer, "transfers/ID");
    options->order.Declare(approve);
    approve.Runs([options](Session& session) { return Approve(session, *options); });
  }
  const auto nothing = [](Command&, ActOptions&) {};
  DeclareAct(transfer, "deny", "end a transfer that was not approved (custodian)", Deny, nothing);
  DeclareAct(transfer, "suspend", "stop it, until it is resumed (custodian)", Suspend, nothing);
  DeclareAct(transfer, "resume", "end a suspension (custodian)", Resume, nothing);
  DeclareAct(transfer, "cap", "limit the records whose keys leave (custodian)", Cap,
             [](Command& command, ActOptions& options) {
               command.RequiredNumber("--records", options.records,
                                      "the most, those that left before included; only lower");
             });
  DeclareAct(transfer, "end", "end it earlier than agreed; destroys nothing (custodian)", End,
             [](Command& command, ActOptions& options) {
               command.Required("--at", options.at, "when: a time in RFC 3339, or now");
             });
  DeclareAct(transfer, "let-go-on", "let it go on although brakes stopped it (custodian)", LetGoOn,
             nothing);
}

}  // namespace holdfast::cli
