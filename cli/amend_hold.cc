// SPDX-License-Identifier: Apache-2.0
#include "cli/amend_hold.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/hold_in_force.h"
#include "cli/person_identity.h"
#include "cli/place_hold.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

struct AmendOptions {
  std::string id;
  std::string reason;
  std::string court;
  std::string reference;
  std::string document;
  std::string kind;
  std::string review;
  bool confirm = false;
  ScopeOptions scope;
  OrderOptions order;
};

struct RestoreOptions {
  std::string id;
  std::string reason;
  OrderOptions order;
};

struct AttachOptions {
  std::string id;
  std::string court;
  std::string reference;
  std::string document;
  OrderOptions order;
};

order::v1::HoldBasis BasisOf(v1::Hold::Basis basis) {
  switch (static_cast<int>(basis)) {
    case v1::Hold::ORAL_ORDER:
      return order::v1::ORAL_ORDER;
    case v1::Hold::ANTICIPATED_LITIGATION:
      return order::v1::ANTICIPATED_LITIGATION;
    default:
      return order::v1::WRITTEN_ORDER;
  }
}

// The hold as it stands, as the order that would place it.
order::v1::PlaceHold AsItStands(const v1::Hold& hold) {
  order::v1::PlaceHold order;
  order.set_hold_id(hold.id());
  order.set_matter(hold.matter());
  order.set_court(hold.court());
  order.set_order_reference(hold.order_reference());
  order.set_document_sha256(hold.document_sha256());
  order.set_kind(hold.freezes() && hold.preserves() ? order::v1::FREEZE_AND_PRESERVE
                 : hold.freezes()                   ? order::v1::FREEZE
                                                    : order::v1::PRESERVE);
  *order.mutable_scope() = hold.scope();
  if (hold.has_review_at()) *order.mutable_review_at() = hold.review_at();
  order.set_basis(BasisOf(hold.basis()));
  return order;
}

absl::StatusOr<order::v1::PlaceHold> Changed(Session& session, const v1::Hold& hold,
                                             const AmendOptions& options) {
  order::v1::PlaceHold order = AsItStands(hold);
  if (!options.court.empty()) order.set_court(options.court);
  if (!options.reference.empty()) order.set_order_reference(options.reference);
  if (!options.document.empty()) {
    HF_ASSIGN_OR_RETURN(const std::string digest, HashDocument(session, options.document));
    order.set_document_sha256(digest);
    order.set_basis(order::v1::WRITTEN_ORDER);
  }
  if (!options.kind.empty()) {
    HF_ASSIGN_OR_RETURN(const order::v1::HoldKind kind, ParseHoldKind(options.kind));
    order.set_kind(kind);
  }
  if (options.review == "none") {
    order.clear_review_at();
  } else if (!options.review.empty()) {
    HF_ASSIGN_OR_RETURN(const UnixMillis review, ParseRfc3339(options.review));
    order.mutable_review_at()->set_seconds(review.value() / 1000);
    order.mutable_review_at()->set_nanos(0);
  }
  if (options.scope.given()) {
    HF_ASSIGN_OR_RETURN(*order.mutable_scope(),
                        ScopeWithPerson(session, options.scope, Namesakes::kInclude));
  }
  if (order.SerializeAsString() == AsItStands(hold).SerializeAsString()) {
    return MakeError(Reason::kRequestMalformed, "this amends nothing: say what is to change");
  }
  return order;
}

absl::StatusOr<ExitStatus> Confirm(Session& session, const v1::Hold& hold,
                                   const AmendOptions& options) {
  if (hold.state() != v1::Hold::AMENDMENT_PROPOSED) {
    return MakeError(Reason::kRequestMalformed,
                     "no amendment of the hold " + hold.id() + " waits for a second person");
  }
  order::v1::Order act;
  order::v1::ConfirmAmendment& confirm = *act.mutable_confirm_amendment();
  confirm.set_hold_id(hold.id());
  confirm.set_placed_index(hold.last_placed_index());
  confirm.set_proposal_index(hold.proposal_index());
  HF_ASSIGN_OR_RETURN(const ExitStatus exit,
                      CarryOut(session, std::move(act), options.order,
                               "As it stands, and until the cooling period is over:\n" +
                                   HoldText(session.out(), hold)));
  if (options.order.changes_nothing()) return exit;
  HF_ASSIGN_OR_RETURN(const v1::Hold now, FindHold(session, hold.id()));
  if (now.has_lift_at()) {
    session.out().Note(
        "the hold stays as it is until " + session.out().Time(ToMillis(now.lift_at())) +
        "; any counsel may cancel before that: holdfast hold cancel-lift " + hold.id());
  }
  return exit;
}

absl::StatusOr<ExitStatus> Amend(Session& session, const AmendOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.id));
  if (options.confirm) return Confirm(session, hold, options);
  if (options.reason.empty()) {
    return MakeError(Reason::kRequestMalformed, "an amendment needs a --reason");
  }
  order::v1::Order act;
  order::v1::AmendHold& amend = *act.mutable_amend_hold();
  HF_ASSIGN_OR_RETURN(*amend.mutable_hold(), Changed(session, hold, options));
  amend.set_placed_index(hold.last_placed_index());
  amend.set_reason(options.reason);
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::PreviewHoldResponse before,
                      client::OrderClient(channel).PreviewHold(hold.scope()));
  HF_ASSIGN_OR_RETURN(const v1::PreviewHoldResponse after,
                      client::OrderClient(channel).PreviewHold(amend.hold().scope()));
  const std::string effect =
      "It covers now:  " + EffectText(before) + "\nThen it covers: " + EffectText(after) +
      "\nIf it only widens, it counts at once. If not, another person must confirm, and the\n"
      "cooling period begins; the gateway decides which it is.";
  const bool preserves_more = amend.hold().kind() != order::v1::FREEZE && !hold.preserves();
  HF_ASSIGN_OR_RETURN(const std::optional<CarriedOut> done,
                      SignAndDeliver(session, std::move(act), options.order, effect));
  if (!done) return ExitStatus::kDone;
  if (done->accepted.response.needs_second_person()) {
    const ExitStatus exit = ShowReceipt(session, done->order, done->accepted);
    if (exit != ExitStatus::kDone) return exit;
    session.out().Note(
        "it narrows: the hold stays as it is; another person must confirm:\n"
        "  holdfast hold amend " +
        options.id + " --confirm");
    return ExitStatus::kWaits;
  }
  const ExitStatus exit =
      ShowInForce(session, done->order, done->accepted, hold.id(), "as amended");
  if (exit == ExitStatus::kDone && preserves_more) NoteKeyslots(session);
  return exit;
}

absl::StatusOr<ExitStatus> Restore(Session& session, const RestoreOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.id));
  order::v1::Order act;
  act.mutable_restore_hold()->set_hold_id(hold.id());
  act.mutable_restore_hold()->set_placed_index(hold.last_placed_index());
  act.mutable_restore_hold()->set_reason(options.reason);
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::PreviewHoldResponse preview,
                      client::OrderClient(channel).PreviewHold(hold.scope()));
  HF_ASSIGN_OR_RETURN(
      const std::optional<CarriedOut> done,
      SignAndDeliver(session, std::move(act), options.order,
                     HoldText(session.out(), hold) + "\nIt will touch: " + EffectText(preview)));
  if (!done) return ExitStatus::kDone;
  const ExitStatus exit = ShowInForce(session, done->order, done->accepted, hold.id(), "again");
  if (exit == ExitStatus::kDone && hold.preserves()) NoteKeyslots(session);
  return exit;
}

absl::StatusOr<ExitStatus> Attach(Session& session, const AttachOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Hold hold, FindHold(session, options.id));
  order::v1::Order act;
  order::v1::AttachDocument& attach = *act.mutable_attach_document();
  attach.set_hold_id(hold.id());
  attach.set_court(options.court.empty() ? hold.court() : options.court);
  attach.set_order_reference(options.reference);
  HF_ASSIGN_OR_RETURN(*attach.mutable_document_sha256(), HashDocument(session, options.document));
  return CarryOut(session, std::move(act), options.order, HoldText(session.out(), hold));
}

}  // namespace

absl::StatusOr<v1::Hold> FindHold(Session& session, const std::string& id) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::OrderClient client(channel);
  auto hold = client.GetHold(id);
  if (ReasonOf(hold.status()) != Reason::kPermissionDenied) return hold;
  // A custodian, who may lift a hold, lists holds and reads no history.
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Hold> holds,
                      client.ListHolds(client::LiftedHolds::kInclude));
  const auto it =
      std::find_if(holds.begin(), holds.end(), [&](const v1::Hold& one) { return one.id() == id; });
  if (it == holds.end()) return MakeError(Reason::kNotFound, "there is no hold " + id);
  return *it;
}

void DeclareAmend(Command hold) {
  auto options = std::make_shared<AmendOptions>();
  Command amend = hold.Sub("amend", "change a hold: at once where it only widens, else by two");
  amend.Required("hold", options->id, "the hold's id")
      .Optional("--reason", options->reason, "why; no personal data")
      .Flag("--confirm", options->confirm, "agree to the amendment that waits")
      .Optional("--kind", options->kind, "freeze, preserve or both")
      .Optional("--court", options->court, "another court")
      .Optional("--order-reference", options->reference, "another docket reference")
      .Optional("--document", options->document, "another document; its SHA-256 is recorded")
      .Optional("--review", options->review, "when somebody must look again, or none");
  options->scope.Declare(amend);
  options->scope.DeclareIdentity(amend);
  options->order.Declare(amend);
  amend.Footer("What is not given stays. A scope that is given replaces the whole scope.");
  amend.Runs([options](Session& session) { return Amend(session, *options); });
}

void DeclareRestore(Command hold) {
  auto options = std::make_shared<RestoreOptions>();
  Command restore = hold.Sub("restore", "put a hold in force again that was lifted");
  restore.Required("hold", options->id, "the hold's id")
      .Required("--reason", options->reason, "why; no personal data");
  options->order.Declare(restore);
  restore.Runs([options](Session& session) { return Restore(session, *options); });
}

void DeclareAttach(Command hold) {
  auto options = std::make_shared<AttachOptions>();
  Command attach = hold.Sub("attach", "name the document of a hold that was placed without one");
  attach.Required("hold", options->id, "the hold's id")
      .Optional("--court", options->court, "the court, where it was not named")
      .Required("--order-reference", options->reference, "the docket reference")
      .Required("--document", options->document, "the document; its SHA-256 is recorded");
  options->order.Declare(attach);
  attach.Runs([options](Session& session) { return Attach(session, *options); });
}

}  // namespace holdfast::cli
