// SPDX-License-Identifier: Apache-2.0
// holdfast hold: a court's holds.
#include <algorithm>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/amend_hold.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/hold_certificate.h"
#include "cli/orders.h"
#include "cli/person_identity.h"
#include "cli/place_hold.h"
#include "cli/scope_options.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

struct LiftOptions {
  std::string id;
  std::string reason;
  bool confirm = false;
  OrderOptions order;
};

struct ListOptions {
  bool all = false;
  bool overdue = false;
};

absl::StatusOr<ExitStatus> Preview(Session& session, const ScopeOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Scope scope,
                      ScopeWithPerson(session, options, Namesakes::kInclude));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::PreviewHoldResponse preview,
                      client::OrderClient(channel).PreviewHold(scope));
  JsonObject object("HoldPreview");
  object.Set("scope", DescribeScope(scope))
      .Set("records", preview.records())
      .Set("released", preview.released())
      .Set("open_leases", preview.open_leases())
      .Set("transfers", preview.transfers())
      .Set("requesters", preview.requesters());
  session.out().Result(object, DescribeScope(scope) + " would touch " + EffectText(preview));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Show(Session& session, const std::string& id) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, id));
  session.out().Result(HoldJson(hold), HoldText(session.out(), hold));
  return ExitStatus::kDone;
}

// As the gateway says it; an export says it so that it can be verified.
absl::StatusOr<ExitStatus> History(Session& session, const CertificateOptions& options) {
  if (!options.folder.empty()) return ShowVerifiedHistory(session, options);
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.hold));
  // It begins with the placing: who may not read it gets none of it.
  if (hold.history().empty()) {
    return MakeError(Reason::kPermissionDenied, "the history of a hold is for counsel");
  }
  for (const v1::HoldEvent& event : hold.history()) {
    const std::string act = EventName(event.kind());
    JsonObject object("HoldAct");
    object.Set("index", event.ledger_index())
        .Set("act", act)
        .Set("person", event.person())
        .Set("at", FormatRfc3339(ToMillis(event.at())))
        .Set("verified", false);
    session.out().Result(object, fmt::format("{:>10}  {}  {}{}", event.ledger_index(),
                                             session.out().Time(ToMillis(event.at())), act,
                                             event.person().empty() ? "" : ", " + event.person()));
  }
  session.out().Note("as the gateway says it; with --export it is verified");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Lift(Session& session, const LiftOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.id));
  order::v1::Order act;
  if (options.confirm) {
    order::v1::ConfirmLift& confirm = *act.mutable_confirm_lift();
    confirm.set_hold_id(hold.id());
    confirm.set_placed_index(hold.last_placed_index());
    confirm.set_proposal_index(hold.proposal_index());
  } else {
    if (options.reason.empty()) {
      return MakeError(Reason::kRequestMalformed, "a proposal needs a --reason");
    }
    order::v1::ProposeLift& propose = *act.mutable_propose_lift();
    propose.set_hold_id(hold.id());
    propose.set_placed_index(hold.last_placed_index());
    propose.set_reason(options.reason);
  }
  HF_ASSIGN_OR_RETURN(const ExitStatus exit, CarryOut(session, std::move(act), options.order));
  if (options.order.changes_nothing()) return exit;
  if (!options.confirm) {
    session.out().Note(
        "the hold stays in force; another person must confirm:\n  holdfast hold lift " +
        options.id + " --confirm");
    return exit;
  }
  HF_ASSIGN_OR_RETURN(const v1::Hold now, FindHold(session, options.id));
  if (now.has_lift_at()) {
    session.out().Note("the hold stays in force until " +
                       session.out().Time(ToMillis(now.lift_at())) +
                       "; any counsel may cancel the lift before that");
  }
  return exit;
}

absl::StatusOr<ExitStatus> Cancel(Session& session, const LiftOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.id));
  order::v1::Order act;
  act.mutable_cancel_lift()->set_hold_id(hold.id());
  act.mutable_cancel_lift()->set_proposal_index(hold.proposal_index());
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> List(Session& session, const ListOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::OrderClient client(channel);
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Hold> holds,
                      options.overdue
                          ? client.ListOverdueHolds()
                          : client.ListHolds(options.all ? client::LiftedHolds::kInclude
                                                         : client::LiftedHolds::kLeaveOut));
  for (const v1::Hold& hold : holds) {
    session.out().Result(HoldJson(hold), HoldText(session.out(), hold));
  }
  if (holds.empty()) {
    session.out().Line(options.overdue ? "nothing is overdue" : "no hold is in force");
  }
  return ExitStatus::kDone;
}

}  // namespace

void DeclareHold(Command root) {
  Command hold =
      root.Sub("hold",
               "preview, place, list, show, amend, attach, lift, cancel-lift, restore, history, "
               "certificate");
  {
    auto options = std::make_shared<ScopeOptions>();
    Command preview = hold.Sub("preview", "count what a hold would cover; places nothing");
    options->Declare(preview);
    options->DeclareIdentity(preview);
    preview.Runs([options](Session& session) { return Preview(session, *options); });
  }
  {
    auto options = std::make_shared<PlaceOptions>();
    Command place = hold.Sub("place", "place a hold: in force when it is answered");
    options->Declare(place);
    place.Runs([options](Session& session) { return PlaceHold(session, *options); });
  }
  {
    auto options = std::make_shared<ListOptions>();
    Command list = hold.Sub("list", "show the holds");
    list.Flag("--all", options->all, "also those that were lifted")
        .Flag("--overdue", options->overdue,
              "only those of which an acknowledgement or a document is overdue");
    list.Runs([options](Session& session) { return List(session, *options); });
  }
  {
    auto options = std::make_shared<LiftOptions>();
    Command lift = hold.Sub("lift", "propose to lift a hold, or confirm another's proposal");
    lift.Required("hold", options->id, "the hold's id")
        .Optional("--reason", options->reason, "why; no personal data")
        .Flag("--confirm", options->confirm, "agree to the newest proposal");
    options->order.Declare(lift);
    lift.Runs([options](Session& session) { return Lift(session, *options); });
  }
  {
    auto options = std::make_shared<LiftOptions>();
    Command cancel = hold.Sub("cancel-lift", "stop a lift before it takes effect");
    cancel.Required("hold", options->id, "the hold's id");
    options->order.Declare(cancel);
    cancel.Runs([options](Session& session) { return Cancel(session, *options); });
  }
  {
    auto id = std::make_shared<std::string>();
    Command show = hold.Sub("show", "show one hold");
    show.Required("hold", *id, "the hold's id");
    show.Runs([id](Session& session) { return Show(session, *id); });
  }
  DeclareAmend(hold);
  DeclareAttach(hold);
  DeclareRestore(hold);
  {
    auto options = std::make_shared<CertificateOptions>();
    Command history = hold.Sub("history", "every act about a hold: what, who, when, which entry");
    history.Required("hold", options->hold, "the hold's id")
        .Optional("--export", options->folder, "a ledger's export, which is verified first")
        .Optional("--exchange-id", options->exchange_id,
                  "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
    history.Runs([options](Session& session) { return History(session, *options); });
  }
  {
    auto options = std::make_shared<CertificateOptions>();
    Command certificate =
        hold.Sub("certificate", "write one page for the docket, from a ledger that is verified");
    certificate.Required("hold", options->hold, "the hold's id")
        .Required("export", options->folder, "a ledger's export, as an auditor makes it")
        .Required("--out", options->out, "the page to write; nothing is replaced")
        .Optional("--exchange-id", options->exchange_id,
                  "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
    certificate.Footer("Needs no network. A ledger that does not verify gives no page.");
    certificate.Runs(
        [options](Session& session) { return WriteHoldCertificate(session, *options); });
  }
}

}  // namespace holdfast::cli
