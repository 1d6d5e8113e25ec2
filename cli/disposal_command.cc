// SPDX-License-Identifier: Apache-2.0
// holdfast disposal: revocation and destruction.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/destruction_under_hold.h"
#include "cli/erasure_certificate.h"
#include "cli/exchange_view.h"
#include "cli/orders.h"
#include "cli/person_identity.h"
#include "cli/scope_options.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

struct RevokeOptions {
  ScopeOptions scope;
  std::string reason;
  OrderOptions order;
};

struct ActOptions {
  std::uint64_t index = 0;
  std::string reason;
  OrderOptions order;
};

JsonObject PreviewJson(const v1::Scope& scope, const v1::PreviewDisposalResponse& preview) {
  JsonObject object("DisposalPreview");
  object.Set("scope", DescribeScope(scope))
      .Set("count", preview.count())
      .Set("list_digest", preview.list_digest())
      .Set("released", preview.released())
      .Set("preserved", preview.preserved());
  return object;
}

std::string PreviewText(const v1::Scope& scope, const v1::PreviewDisposalResponse& preview) {
  return fmt::format("{}: {} records, list {}; keys of {} have left, {} are preserved now",
                     DescribeScope(scope), preview.count(), preview.list_digest(),
                     preview.released(), preview.preserved());
}

absl::StatusOr<ExitStatus> Preview(Session& session, const ScopeOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Scope scope,
                      ScopeWithPerson(session, options, Namesakes::kLeaveOut));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::PreviewDisposalResponse preview,
                      client::OrderClient(channel).PreviewDisposal(scope));
  session.out().Result(PreviewJson(scope, preview), PreviewText(scope, preview));
  return ExitStatus::kDone;
}

// The order carries count and digest of the preview, so that nothing else can be revoked by it.
absl::StatusOr<ExitStatus> Revoke(Session& session, const RevokeOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Scope scope,
                      ScopeWithPerson(session, options.scope, Namesakes::kLeaveOut));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::PreviewDisposalResponse preview,
                      client::OrderClient(channel).PreviewDisposal(scope));
  session.out().Note(PreviewText(scope, preview));
  if (preview.count() == 0) {
    session.out().Result(PreviewJson(scope, preview), "there is nothing to revoke");
    return ExitStatus::kDone;
  }
  order::v1::Order act;
  order::v1::RevokeRecords& revoke = *act.mutable_revoke_records();
  *revoke.mutable_scope() = scope;
  revoke.set_count(preview.count());
  revoke.set_list_digest(preview.list_digest());
  revoke.set_reason(options.reason);
  HF_ASSIGN_OR_RETURN(const ExitStatus exit, CarryOut(session, std::move(act), options.order));
  if (!options.order.changes_nothing()) {
    session.out().Note(
        "no key of these leaves any more; another custodian approves the destruction:"
        "\n  holdfast disposal approve LEDGER-ENTRY");
  }
  return exit;
}

absl::StatusOr<v1::Disposal> Find(Session& session, std::uint64_t index) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Disposal> disposals,
                      client::OrderClient(channel).ListDisposals());
  const auto it = std::find_if(disposals.begin(), disposals.end(), [&](const v1::Disposal& one) {
    return one.revocation_index() == index;
  });
  if (it == disposals.end()) {
    return MakeError(Reason::kNotFound, fmt::format("ledger entry {} revokes nothing", index));
  }
  return *it;
}

absl::StatusOr<ExitStatus> Approve(Session& session, const ActOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Disposal disposal, Find(session, options.index));
  session.out().Note(DisposalText(session.out(), disposal));
  order::v1::Order act;
  order::v1::ApproveDestruction& approve = *act.mutable_approve_destruction();
  approve.set_revocation_index(disposal.revocation_index());
  approve.set_count(disposal.count());
  approve.set_list_digest(disposal.list_digest());
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> Cancel(Session& session, const ActOptions& options) {
  order::v1::Order act;
  act.mutable_cancel_destruction()->set_revocation_index(options.index);
  act.mutable_cancel_destruction()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

absl::StatusOr<ExitStatus> List(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Disposal> disposals,
                      client::OrderClient(channel).ListDisposals());
  for (const v1::Disposal& disposal : disposals) {
    session.out().Result(DisposalJson(disposal), DisposalText(session.out(), disposal));
  }
  if (disposals.empty()) session.out().Line("nothing was revoked");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareDisposal(Command root) {
  Command disposal = root.Sub(
      "disposal", "preview, revoke, approve, cancel, list, conflicts, authorise, certificate");
  {
    auto options = std::make_shared<ScopeOptions>();
    Command preview = disposal.Sub("preview", "count and digest what a revocation would take");
    options->Declare(preview);
    options->DeclareIdentity(preview);
    preview.Runs([options](Session& session) { return Preview(session, *options); });
  }
  {
    auto options = std::make_shared<RevokeOptions>();
    Command revoke = disposal.Sub("revoke", "stop the release of records for ever");
    options->scope.Declare(revoke);
    options->scope.DeclareIdentity(revoke);
    revoke.Required("--reason", options->reason, "why; no personal data");
    options->order.Declare(revoke);
    revoke.Runs([options](Session& session) { return Revoke(session, *options); });
  }
  {
    auto options = std::make_shared<ActOptions>();
    Command approve = disposal.Sub("approve", "agree to destroy what another custodian revoked");
    approve.RequiredNumber("revocation", options->index, "the revocation's ledger entry");
    options->order.Declare(approve);
    approve.Runs([options](Session& session) { return Approve(session, *options); });
  }
  {
    auto options = std::make_shared<ActOptions>();
    Command cancel = disposal.Sub("cancel", "keep revoked records from being destroyed");
    cancel.RequiredNumber("revocation", options->index, "the revocation's ledger entry")
        .Required("--reason", options->reason, "why; no personal data");
    options->order.Declare(cancel);
    cancel.Runs([options](Session& session) { return Cancel(session, *options); });
  }
  DeclareConflicts(disposal);
  DeclareAuthorise(disposal);
  DeclareErasureCertificate(disposal);
  disposal.Sub("list", "show revocations and what became of them").Runs(List);
}

}  // namespace holdfast::cli
