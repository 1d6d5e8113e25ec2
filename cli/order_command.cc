// SPDX-License-Identifier: Apache-2.0
// holdfast order: signed orders as files, and what waits for a signature.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/orders.h"
#include "client/ledger_client.h"
#include "client/order_client.h"
#include "client/requester_client.h"
#include "crypto/dsse.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "policy/opened_order.h"
#include "policy/order_json.h"

namespace holdfast::cli {
namespace {

struct FileOptions {
  std::string file;
  std::string out;
  bool yes = false;
};

struct DraftOptions {
  std::string act;
  std::string out;
  std::string valid_for = "1h";
  std::string context;
};

struct ContextOptions {
  std::string out;
};

struct TrustOptions {
  std::string reason;
  OrderOptions order;
};

absl::StatusOr<ExitStatus> TrustClock(Session& session, const TrustOptions& options) {
  order::v1::Order act;
  act.mutable_trust_clock()->set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

// An act in the JSON form of an order of which nothing else is set: the rest is filled in.
absl::StatusOr<ExitStatus> Draft(Session& session, const DraftOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(options.act, kMaxOrderBytes));
  HF_ASSIGN_OR_RETURN(order::v1::Order act, policy::ParseOrder(AsBytes(text)));
  order::v1::Order rest = act;
  const auto* oneof = order::v1::Order::descriptor()->FindOneofByName("act");
  rest.GetReflection()->ClearOneof(&rest, oneof);
  if (act.act_case() == order::v1::Order::ACT_NOT_SET || rest.ByteSizeLong() != 0) {
    return MakeError(Reason::kRequestMalformed,
                     "the file must hold one act and nothing else, such as "
                     "{\"cancelLift\": {\"holdId\": \"hold-1\", \"proposalIndex\": 7}}");
  }
  HF_ASSIGN_OR_RETURN(const order::v1::Order order,
                      DraftOrder(session, std::move(act), options.valid_for, options.context));
  session.out().Note(policy::DescribeOrder(order));
  return WriteDraft(session, order, options.out);
}

absl::StatusOr<ExitStatus> ShowContext(Session& session, const ContextOptions& options) {
  HF_ASSIGN_OR_RETURN(const order::v1::Order context, ContextFromGateway(session));
  JsonObject object("OrderContext");
  object.Set("person", context.person())
      .Set("agreement_version", context.agreement_version())
      .Set("ledger_size", context.head().size())
      .Set("ledger_root", context.head().root())
      .Set("prev", context.prev());
  std::string text = fmt::format(
      "the next order of {}: agreement version {}, ledger of {} entries with root {}, "
      "after {}",
      context.person(), context.agreement_version(), context.head().size(), context.head().root(),
      context.prev().empty() ? "no other" : "order " + context.prev());
  if (!options.out.empty()) {
    HF_ASSIGN_OR_RETURN(const std::string kept, policy::RenderOrder(context));
    HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(kept), Overwrite::kRefuse));
    object.Set("file", options.out);
    text += "\nkept in " + options.out + ": one order can be drafted with it, without a gateway";
  }
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

// Shows a draft, or a signed order; the signature is verified where the profile names an agreement.
absl::StatusOr<ExitStatus> Show(Session& session, const FileOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text,
                      session.ReadText(options.file, crypto::kMaxDsseBytes));
  JsonObject object("Order");
  std::string about;
  order::v1::Order order;
  const auto envelope = crypto::ParseDsse(text);
  if (envelope.ok()) {
    HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
    HF_ASSIGN_OR_RETURN(const policy::OpenedOrder opened,
                        policy::OpenOrder(AsBytes(text), agreement));
    order = opened.order;
    about = "signed by " + order.person() + ": the signature verifies";
    object.Set("signed", true).Set("payload_sha256", Hex(opened.payload_digest));
  } else {
    HF_ASSIGN_OR_RETURN(order, policy::ParseOrder(AsBytes(text)));
    about = "a draft: nobody has signed it";
    object.Set("signed", false);
  }
  const std::string described = policy::DescribeOrder(order);
  object.Set("order_id", order.id()).Set("person", order.person()).Set("description", described);
  session.out().Result(object, described + "\n" + about);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Sign(Session& session, const FileOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(options.file, kMaxOrderBytes));
  HF_ASSIGN_OR_RETURN(const order::v1::Order order, policy::ParseOrder(AsBytes(text)));
  HF_ASSIGN_OR_RETURN(const std::string person, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  if (order.person() != person) {
    return MakeError(Reason::kRequestMalformed, "the draft is an order of " + order.person());
  }
  if (order.exchange_id() != Hex(BytesOf(exchange))) {
    return MakeError(Reason::kAgreementMismatch, "the draft is for another exchange");
  }
  HF_RETURN_IF_ERROR(ConfirmOrder(session, order, options.yes ? Consent::kGiven : Consent::kAsk));
  HF_ASSIGN_OR_RETURN(const std::string signed_order, SignOrder(session, order));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(signed_order), Overwrite::kRefuse));
  JsonObject object("OrderSigned");
  object.Set("file", options.out).Set("order_id", order.id());
  session.out().Result(object, "signed: " + options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Submit(Session& session, const FileOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text,
                      session.ReadText(options.file, crypto::kMaxDsseBytes));
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope, crypto::ParseDsse(text));
  HF_ASSIGN_OR_RETURN(const order::v1::Order order, policy::ParseOrder(envelope.payload));
  HF_ASSIGN_OR_RETURN(const AcceptedOrder accepted, Deliver(session, order, text));
  return ShowReceipt(session, order, accepted);
}

// Says what stops a transfer, and what a custodian can do about it. False if nothing does.
template <typename Show>
bool ShowStops(const v1::Transfer& transfer, Show& show) {
  std::string brakes;
  for (const v1::Stop& stop : transfer.stops()) {
    if (stop.reason() == "SUSPENDED") {
      show("suspension", transfer.name() + " is suspended until a custodian resumes it",
           "holdfast transfer resume " + transfer.name() + " --reason REASON");
    } else if (stop.reason() != "ENDED") {
      brakes += (brakes.empty() ? "" : ", ") + stop.reason();
    }
  }
  if (!brakes.empty()) {
    show("brake", transfer.name() + " is stopped by " + brakes + " and waits for a custodian",
         "holdfast transfer let-go-on " + transfer.name() + " --reason REASON");
  }
  return !transfer.stops().empty();
}

// What waits for a person. What the caller may not list is left out.
absl::StatusOr<ExitStatus> Pending(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  const auto may_not = [](const absl::Status& status) {
    return ReasonOf(status) == Reason::kPermissionDenied;
  };
  std::uint64_t count = 0;
  const auto show = [&](std::string_view kind, const std::string& what, const std::string& how) {
    ++count;
    JsonObject object("PendingAct");
    object.Set("kind", kind).Set("what", what).Set("command", how);
    session.out().Result(object, what + "\n  " + how);
  };
  const auto transfers = client::RequesterClient(channel).List();
  if (!transfers.ok() && !may_not(transfers.status())) return transfers.status();
  if (transfers.ok()) {
    for (const v1::Transfer& transfer : *transfers) {
      // What is stopped cannot be approved: first somebody looks at why.
      if (ShowStops(transfer, show)) continue;
      if (transfer.waiting() > 0) {
        show("review",
             fmt::format("{} has {} doubtful cases that wait for a custodian", transfer.name(),
                         transfer.waiting()),
             "holdfast review list --transfer " + transfer.name());
      }
      if (transfer.state() != v1::Transfer::AWAITING_APPROVAL) continue;
      show("approval", transfer.name() + " waits for a custodian's approval",
           "holdfast transfer approve " + transfer.name());
    }
  }
  const auto holds = client::OrderClient(channel).ListHolds(client::LiftedHolds::kLeaveOut);
  if (!holds.ok() && !may_not(holds.status())) return holds.status();
  if (holds.ok()) {
    for (const v1::Hold& hold : *holds) {
      if (hold.state() == v1::Hold::LIFT_PROPOSED) {
        show("lift", "the lift of hold " + hold.id() + " waits for a second person",
             "holdfast hold lift " + hold.id() + " --confirm");
      }
      if (hold.state() == v1::Hold::AMENDMENT_PROPOSED) {
        show("amendment", "hold " + hold.id() + " is to be narrowed, and waits for a second person",
             "holdfast hold amend " + hold.id() + " --confirm");
      }
      if (hold.has_document_due_at()) {
        show("document",
             "hold " + hold.id() + " has no document yet" +
                 (hold.document_overdue() ? ", and it is OVERDUE" : ""),
             "holdfast hold attach " + hold.id() + " --order-reference REFERENCE --document FILE");
      }
      for (const v1::Notice& notice : hold.notices()) {
        if (notice.acknowledged_index() != 0) continue;
        show("notice",
             "the notice of hold " + hold.id() + " to " + notice.requester() +
                 " waits for an acknowledgement" + (notice.overdue() ? ", and is OVERDUE" : ""),
             "holdfast notices acknowledge " + hold.id() + " --requester " + notice.requester());
      }
    }
  }
  const auto disposals = client::OrderClient(channel).ListDisposals();
  if (!disposals.ok() && !may_not(disposals.status())) return disposals.status();
  if (disposals.ok()) {
    for (const v1::Disposal& disposal : *disposals) {
      if (disposal.state() != v1::Disposal::AWAITING_APPROVAL) continue;
      show("destruction",
           fmt::format("the destruction of {} records waits for another custodian",
                       disposal.count()),
           fmt::format("holdfast disposal approve {}", disposal.revocation_index()));
    }
  }
  const auto conflicts = client::OrderClient(channel).ListConflicts();
  if (!conflicts.ok() && !may_not(conflicts.status())) return conflicts.status();
  if (conflicts.ok()) {
    for (const v1::Conflict& conflict : *conflicts) {
      if (conflict.authorisation_first_index() == 0 || conflict.authorisation_index() != 0)
        continue;
      show("authorisation",
           fmt::format("the destruction of {} records under a hold waits for a second person",
                       conflict.count()),
           fmt::format("holdfast disposal authorise {} ...", conflict.revocation_index()));
    }
  }
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, client::LedgerClient(channel).GetExchange());
  if (!exchange.clock_trusted()) {
    show("clock", "the gateway does not trust its clock, and waits for a custodian",
         "holdfast order trust-clock --reason REASON");
  }
  if (count == 0) session.out().Line("nothing waits");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareOrder(Command root) {
  Command order = root.Sub("order", "context, draft, show, sign, submit, trust-clock, pending");
  {
    auto options = std::make_shared<ContextOptions>();
    Command context = order.Sub("context", "what goes into my next order");
    context.Optional("--out", options->out,
                     "keep it in this file, to draft one order where no gateway can be reached");
    context.Runs([options](Session& session) { return ShowContext(session, *options); });
  }
  {
    auto options = std::make_shared<DraftOptions>();
    Command draft = order.Sub("draft", "make an unsigned order of an act that is written as JSON");
    draft.Required("act", options->act, "a file with the act alone, or - for standard input")
        .Required("--out", options->out, "the file to write")
        .Optional("--context", options->context,
                  "a file of `order context --out`: needs no gateway")
        .Optional("--valid-for", options->valid_for, "how long it may be delivered; default 1h");
    draft.Footer(
        "For any act: the command for it (`hold place --draft FILE`) does the same in fewer "
        "words. Signing needs no gateway either: draft, sign, and submit when there is one, or\n"
        "have somebody else submit.");
    draft.Runs([options](Session& session) { return Draft(session, *options); });
  }
  {
    auto options = std::make_shared<FileOptions>();
    Command show = order.Sub("show", "say in plain words what an order does");
    show.Required("file", options->file, "a draft or a signed order");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
  {
    auto options = std::make_shared<FileOptions>();
    Command sign = order.Sub("sign", "sign a draft with the profile's key; needs no network");
    sign.Required("file", options->file, "a draft, from --draft of the command for the act")
        .Required("--out", options->out, "the file to write")
        .Flag("--yes", options->yes, "sign without being asked");
    sign.Runs([options](Session& session) { return Sign(session, *options); });
  }
  {
    auto options = std::make_shared<FileOptions>();
    Command submit = order.Sub("submit", "deliver a signed order; anybody may");
    submit.Required("file", options->file, "a signed order");
    submit.Runs([options](Session& session) { return Submit(session, *options); });
  }
  {
    auto options = std::make_shared<TrustOptions>();
    Command trust = order.Sub("trust-clock", "say that the gateway's clock is right (custodian)");
    trust.Required("--reason", options->reason, "how it was set right; no personal data");
    options->order.Declare(trust);
    trust.Footer("Only while `holdfast status` says that the clock is not trusted.");
    trust.Runs([options](Session& session) { return TrustClock(session, *options); });
  }
  order.Sub("pending", "what waits for a signature").Runs(Pending);
}

}  // namespace holdfast::cli
