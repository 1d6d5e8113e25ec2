// SPDX-License-Identifier: Apache-2.0
#include "cli/place_hold.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/hold_in_force.h"
#include "cli/person_identity.h"
#include "cli/signer.h"
#include "client/order_client.h"
#include "crypto/sha256.h"
#include "policy/order_json.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxDocumentBytes = std::size_t{256} << 20;

// What is done about one exchange. `status` is the first thing that went wrong.
struct Placement {
  std::string profile;
  std::unique_ptr<Session> own_session;  // Where there are several.
  Session* session = nullptr;

  absl::Status status;
  order::v1::Order order;
  v1::PreviewHoldResponse preview;
  std::string dsse;
  std::optional<AcceptedOrder> accepted;
  std::optional<v1::RehearseOrderResponse> rehearsed;  // Of a drill.
  std::optional<v1::Hold> hold;  // As the gateway lists it, once it is proven.

  bool in_force() const { return status.ok() && hold.has_value(); }
};

absl::StatusOr<order::v1::HoldBasis> ParseBasis(const std::string& text) {
  if (text.empty() || text == "written") return order::v1::WRITTEN_ORDER;
  if (text == "oral") return order::v1::ORAL_ORDER;
  if (text == "anticipated") return order::v1::ANTICIPATED_LITIGATION;
  return MakeError(Reason::kRequestMalformed, "--basis is written, oral or anticipated");
}

// Says at once what the gateway would refuse, in the words of the options.
absl::Status CheckBasis(const order::v1::PlaceHold& hold) {
  const bool written = hold.basis() == order::v1::WRITTEN_ORDER;
  if (hold.court().empty() && hold.basis() != order::v1::ANTICIPATED_LITIGATION) {
    return MakeError(Reason::kRequestMalformed, "an order is a court's: give --court");
  }
  if (written && (hold.order_reference().empty() || hold.document_sha256().empty())) {
    return MakeError(Reason::kRequestMalformed,
                     "a written order has --order-reference and --document; without them say "
                     "--basis oral or --basis anticipated, and `hold attach` the document later");
  }
  if (!written && !hold.document_sha256().empty()) {
    return MakeError(Reason::kRequestMalformed, "with a document the basis is a written order");
  }
  return absl::OkStatus();
}

absl::StatusOr<order::v1::PlaceHold> HoldOf(Session& session, const PlaceOptions& options) {
  order::v1::PlaceHold hold;
  hold.set_hold_id(options.id.empty() ? "hold-" + Hex(crypto::Draw<6>(session.random()))
                                      : options.id);
  hold.set_matter(options.matter);
  hold.set_court(options.court);
  hold.set_order_reference(options.reference);
  HF_ASSIGN_OR_RETURN(const order::v1::HoldBasis basis, ParseBasis(options.basis));
  hold.set_basis(basis);
  if (!options.document.empty()) {
    HF_ASSIGN_OR_RETURN(*hold.mutable_document_sha256(), HashDocument(session, options.document));
  }
  HF_RETURN_IF_ERROR(CheckBasis(hold));
  HF_ASSIGN_OR_RETURN(const order::v1::HoldKind kind, ParseHoldKind(options.kind));
  hold.set_kind(kind);
  HF_ASSIGN_OR_RETURN(*hold.mutable_scope(), options.scope.ToScope());
  if (!options.review.empty()) {
    HF_ASSIGN_OR_RETURN(const UnixMillis review, ParseRfc3339(options.review));
    hold.mutable_review_at()->set_seconds(review.value() / 1000);
  }
  return hold;
}

// One exchange takes the hold once. A profile that cannot be read is a mistake that is said before
// anything is signed.
absl::Status CheckExchanges(std::vector<Placement>& placements) {
  std::set<std::string> seen;
  for (Placement& placement : placements) {
    HF_ASSIGN_OR_RETURN(const Profile* const profile, placement.session->profile());
    if (!seen.insert(profile->exchange_id).second) {
      return MakeError(Reason::kRequestMalformed,
                       "--profile names one exchange twice: " + placement.profile);
    }
  }
  return absl::OkStatus();
}

// Calls `step` for each placement that is well so far, side by side where there are several.
void ForEach(std::vector<Placement>& placements,
             const std::function<absl::Status(Placement&)>& step) {
  std::vector<std::thread> threads;
  for (Placement& placement : placements) {
    if (!placement.status.ok()) continue;
    const auto run = [&placement, &step] { placement.status = step(placement); };
    if (placements.size() == 1) {
      run();
    } else {
      threads.emplace_back(run);
    }
  }
  for (std::thread& thread : threads) thread.join();
}

// Each exchange has pseudonyms of its own.
absl::Status Draft(Placement& placement, order::v1::PlaceHold hold,
                   const std::optional<v1::IdentifyPersonRequest>& person,
                   const PlaceOptions& options) {
  if (person) {
    HF_RETURN_IF_ERROR(
        NamePerson(*placement.session, *person, Namesakes::kInclude, *hold.mutable_scope()));
  }
  order::v1::Order act;
  *act.mutable_place_hold() = hold;
  HF_ASSIGN_OR_RETURN(placement.order, DraftOrder(*placement.session, std::move(act),
                                                  options.order.valid_for, options.context));
  if (!options.order.draft.empty()) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const auto channel, placement.session->channel());
  HF_ASSIGN_OR_RETURN(placement.preview, client::OrderClient(channel).PreviewHold(hold.scope()));
  return absl::OkStatus();
}

absl::Status DeliverAndVerify(Placement& placement) {
  HF_ASSIGN_OR_RETURN(AcceptedOrder accepted,
                      Deliver(*placement.session, placement.order, placement.dsse));
  placement.accepted = std::move(accepted);
  if (!placement.accepted->proven.ok()) return UnprovenOrder(*placement.accepted);
  const std::uint64_t placing = placement.accepted->response.receipt().ledger_index();
  HF_ASSIGN_OR_RETURN(
      v1::Hold hold, Standing(*placement.session, placement.order.place_hold().hold_id(), placing));
  if (hold.placed_index() != placing) {
    return MakeError(Reason::kLedgerInconsistent,
                     "the gateway accepted the hold and lists another one");
  }
  placement.hold = std::move(hold);
  return absl::OkStatus();
}

absl::Status RehearseOne(Placement& placement) {
  HF_ASSIGN_OR_RETURN(placement.rehearsed, Rehearse(*placement.session, placement.dsse));
  return absl::OkStatus();
}

// What each exchange says that the hold will touch.
std::string EffectOf(const std::vector<Placement>& placements) {
  std::string text = "What it touches:";
  for (const Placement& placement : placements) {
    text += "\n  " + (placements.size() > 1 ? placement.profile + ": " : std::string()) +
            (placement.status.ok()
                 ? EffectText(placement.preview)
                 : "CANNOT BE PLACED THERE NOW: " + std::string(placement.status.message()));
  }
  return text;
}

void ShowDryRun(Session& session, const std::vector<Placement>& placements) {
  for (const Placement& placement : placements) {
    if (!placement.status.ok()) {
      session.out().Fail(AddMetadata(placement.status, "profile", placement.profile));
      continue;
    }
    JsonObject object("HoldPreview");
    object.Set("scope", DescribeScope(placement.order.place_hold().scope()))
        .Set("records", placement.preview.records())
        .Set("released", placement.preview.released())
        .Set("open_leases", placement.preview.open_leases())
        .Set("transfers", placement.preview.transfers())
        .Set("profile", placement.profile)
        .Set("requesters", placement.preview.requesters());
    session.out().Result(object,
                         placement.profile + ": would touch " + EffectText(placement.preview));
  }
}

// Signs for each exchange. One key that several profiles share is opened, and asked for, once.
void SignAll(std::vector<Placement>& placements, SignAs as) {
  std::map<std::string, std::unique_ptr<Signer>> signers;
  for (Placement& placement : placements) {
    if (!placement.status.ok()) continue;
    placement.status = [&]() -> absl::Status {
      HF_ASSIGN_OR_RETURN(const Profile* const profile, placement.session->profile());
      std::unique_ptr<Signer>& signer =
          signers[profile->signing_key + "\n" + profile->signing_agent];
      if (signer == nullptr) {
        HF_ASSIGN_OR_RETURN(signer, OpenSigner(*placement.session));
      }
      HF_ASSIGN_OR_RETURN(placement.dsse, SignOrderWith(*signer, placement.order, as));
      return absl::OkStatus();
    }();
  }
}

// Shows one result and returns its own exit status.
ExitStatus ShowPlacement(Session& session, const Placement& placement, bool several) {
  Output& out = session.out();
  const std::string where = several ? placement.profile + ": " : std::string();
  if (placement.rehearsed) {
    ShowDrill(session, placement.order, *placement.rehearsed, where);
    return ExitStatus::kDone;
  }
  if (!placement.in_force()) {
    if (several) out.Line(where + "NOT IN FORCE");
    return out.Fail(several ? AddMetadata(placement.status, "profile", placement.profile)
                            : placement.status);
  }
  out.Line(where + InForceLine(out, *placement.hold, placement.hold->placed_index()));
  const ExitStatus shown = ShowReceipt(session, placement.order, *placement.accepted);
  if (placement.hold->last_placed_index() != placement.hold->placed_index()) {
    out.Note(
        fmt::format("it was placed before, and was amended or restored since (ledger entry {}): "
                    "holdfast hold show {}",
                    placement.hold->last_placed_index(), placement.hold->id()));
  }
  // Afterwards: nothing delays a hold.
  if (placement.hold->preserves()) NoteKeyslots(*placement.session);
  return shown;
}

}  // namespace

absl::StatusOr<order::v1::HoldKind> ParseHoldKind(const std::string& text) {
  if (text == "freeze") return order::v1::FREEZE;
  if (text == "preserve") return order::v1::PRESERVE;
  if (text.empty() || text == "both") return order::v1::FREEZE_AND_PRESERVE;
  return MakeError(Reason::kRequestMalformed, "--kind is freeze, preserve or both");
}

absl::StatusOr<std::string> HashDocument(Session& session, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::string document, session.ReadText(path, kMaxDocumentBytes));
  if (document.empty()) {
    return AddMetadata(MakeError(Reason::kRequestMalformed, "the document is empty"), "file", path);
  }
  return Hex(crypto::Sha256Of(AsBytes(document)));
}

std::string EffectText(const v1::PreviewHoldResponse& preview) {
  return fmt::format(
      "{} records of {} transfers now; keys of {} have left; {} leases are open; {} requesters get "
      "notice",
      preview.records(), preview.transfers(), preview.released(), preview.open_leases(),
      preview.requesters());
}

void PlaceOptions::Declare(Command& command) {
  command.Required("--matter", matter, "the matter, such as 1:26-cv-00001")
      .Optional("--court", court, "the court")
      .Optional("--order-reference", reference, "the order's docket reference")
      .Optional("--document", document, "the order's document; its SHA-256 is recorded")
      .Optional(
          "--basis", basis,
          "written, oral or anticipated: on what it is placed; default written. The last two\n"
          "have no document yet: `hold attach` names it")
      .Optional("--id", id, "the hold's id; made up if it is left out")
      .Optional("--kind", kind, "freeze, preserve or both; default both")
      .Optional("--review", review, "when somebody must look again, in RFC 3339")
      .Flag("--dry-run", dry_run, "show what it would touch, and place nothing");
  scope.Declare(command);
  scope.DeclareIdentity(command);
  order.Declare(command);
  command.Optional("--context", context,
                   "with --draft: a file of `order context --out`, and no gateway is needed");
  command.Footer(
      "On a terminal it shows what it will do and asks before it signs. Several exchanges:\n"
      "--profile ONE,TWO; a line for each, and 13 unless it is in force at all of them.");
}

absl::StatusOr<ExitStatus> PlaceHold(Session& session, const PlaceOptions& options) {
  HF_RETURN_IF_ERROR(options.order.Check());
  HF_ASSIGN_OR_RETURN(const order::v1::PlaceHold hold, HoldOf(session, options));
  const SignAs as = options.order.drill ? SignAs::kDrill : SignAs::kOrder;
  const std::vector<std::string> profiles = session.profile_names();
  const bool several = profiles.size() > 1;
  if (several && !options.order.draft.empty()) {
    return MakeError(Reason::kRequestMalformed, "--draft is for one profile at a time");
  }
  if (!options.context.empty() && options.order.draft.empty()) {
    return MakeError(Reason::kRequestMalformed,
                     "--context is for --draft: nothing else works alone");
  }
  std::vector<Placement> placements(std::max<std::size_t>(profiles.size(), 1));
  for (std::size_t i = 0; i < placements.size(); ++i) {
    Placement& placement = placements[i];
    if (i < profiles.size()) placement.profile = profiles[i];
    if (several) placement.own_session = std::make_unique<Session>(session, profiles[i]);
    placement.session = several ? placement.own_session.get() : &session;
  }

  if (several) HF_RETURN_IF_ERROR(CheckExchanges(placements));
  std::optional<v1::IdentifyPersonRequest> person;
  if (!options.scope.identity.empty()) {
    if (!options.context.empty()) {
      return MakeError(Reason::kRequestMalformed,
                       "the gateway makes pseudonyms: without it say --person, not --identity");
    }
    HF_ASSIGN_OR_RETURN(person, ReadIdentity(session, options.scope.identity));
  }
  ForEach(placements,
          [&](Placement& placement) { return Draft(placement, hold, person, options); });
  if (!several && !placements[0].status.ok()) return placements[0].status;
  const auto drafted = std::find_if(placements.begin(), placements.end(),
                                    [](const Placement& p) { return p.status.ok(); });
  if (!options.order.draft.empty()) {
    return WriteDraft(session, drafted->order, options.order.draft);
  }
  if (options.dry_run) {
    if (drafted != placements.end()) session.out().Note(policy::DescribeOrder(drafted->order));
    ShowDryRun(session, placements);
  } else if (drafted != placements.end()) {
    HF_RETURN_IF_ERROR(ConfirmOrder(session, drafted->order,
                                    options.order.yes ? Consent::kGiven : Consent::kAsk,
                                    EffectOf(placements), as));
    SignAll(placements, as);
    ForEach(placements, as == SignAs::kDrill ? RehearseOne : DeliverAndVerify);
  }

  bool all = true;
  ExitStatus last = ExitStatus::kDone;
  for (const Placement& placement : placements) {
    if (!options.dry_run) last = ShowPlacement(session, placement, several);
    all = all && placement.status.ok();
  }
  if (several && !all) return ExitStatus::kPartlyDone;
  return last;
}

}  // namespace holdfast::cli
