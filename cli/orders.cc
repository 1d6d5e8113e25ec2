// SPDX-License-Identifier: Apache-2.0
#include "cli/orders.h"

#include <memory>

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/signer.h"
#include "client/entry_proof.h"
#include "client/order_client.h"
#include "crypto/dsse.h"
#include "crypto/tlog_proof.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/drill.h"
#include "policy/order_json.h"

namespace holdfast::cli {
namespace {

void SetTime(google::protobuf::Timestamp& out, UnixMillis time) {
  // Times of orders are after 1970.
  out.set_seconds(time.value() / 1000);
  out.set_nanos(static_cast<std::int32_t>(time.value() % 1000) * 1'000'000);
}

// A line of `text` for each.
JsonArray ShowLeases(Session& session,
                     const google::protobuf::RepeatedPtrField<v1::OpenLease>& leases,
                     std::string& text) {
  JsonArray objects;
  for (const v1::OpenLease& lease : leases) {
    JsonObject one;
    one.Set("requester", lease.requester())
        .Set("transfer", lease.transfer())
        .Set("records", lease.records())
        .Set("not_after", FormatRfc3339(ToMillis(lease.not_after())));
    objects.AddRaw(one.text());
    text += fmt::format("\n  {} holds keys of {} records of {} until {}", lease.requester(),
                        lease.records(), lease.transfer(),
                        session.out().Time(ToMillis(lease.not_after())));
  }
  return objects;
}

}  // namespace

void OrderOptions::Declare(Command& command) {
  command.Flag("--yes", yes, "sign without being asked")
      .Flag("--drill", drill, "practise: sign a drill and have it decided; nothing is done")
      .Optional("--draft", draft, "write the unsigned order to this file and stop")
      .Optional("--valid-for", valid_for, "how long the order may be delivered; default 1h");
}

absl::Status OrderOptions::Check() const {
  if (!drill || draft.empty()) return absl::OkStatus();
  return MakeError(Reason::kRequestMalformed,
                   "--drill writes no draft: what is signed later would be an order");
}

absl::StatusOr<order::v1::Order> ContextFromGateway(Session& session) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string person, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::OrderContext context, client::OrderClient(channel).Context(person));
  order::v1::Order order;
  order.set_exchange_id(Hex(BytesOf(exchange)));
  order.set_agreement_version(context.agreement_version());
  order.set_person(person);
  order.mutable_head()->set_size(head.checkpoint.size);
  order.mutable_head()->set_root(Hex(head.checkpoint.root));
  order.set_prev(context.prev());
  return order;
}

absl::StatusOr<order::v1::Order> ContextFromFile(Session& session, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string person, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxOrderBytes));
  HF_ASSIGN_OR_RETURN(const order::v1::Order context, policy::ParseOrder(AsBytes(text)));
  // An order that is whole is none: whoever signed it would sign it twice.
  if (context.act_case() != order::v1::Order::ACT_NOT_SET || !context.id().empty() ||
      context.has_issued_at() || context.has_void_after() || !context.has_head()) {
    return AddMetadata(
        MakeError(Reason::kRequestMalformed,
                  "this is no context: make one with `holdfast order context --out`"),
        "file", path);
  }
  if (context.person() != person) {
    return AddMetadata(
        MakeError(Reason::kRequestMalformed, "the context is of " + context.person()), "file",
        path);
  }
  if (context.exchange_id() != Hex(BytesOf(exchange))) {
    return AddMetadata(MakeError(Reason::kAgreementMismatch, "the context is of another exchange"),
                       "file", path);
  }
  return context;
}

absl::StatusOr<order::v1::Order> DraftOrder(Session& session, order::v1::Order act,
                                            const std::string& valid_for,
                                            const std::string& context_file) {
  HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds validity, ParseDuration(valid_for));
  HF_ASSIGN_OR_RETURN(const order::v1::Order context, context_file.empty()
                                                          ? ContextFromGateway(session)
                                                          : ContextFromFile(session, context_file));
  const UnixMillis now = session.clock().WallNow();
  order::v1::Order order = std::move(act);
  order.MergeFrom(context);
  order.set_id(Hex(crypto::Draw<16>(session.random())));
  SetTime(*order.mutable_issued_at(), now);
  SetTime(*order.mutable_void_after(), now + validity);
  return order;
}

absl::StatusOr<std::string> SignOrder(Session& session, const order::v1::Order& order) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<Signer> signer, OpenSigner(session));
  return SignOrderWith(*signer, order);
}

absl::StatusOr<std::string> SignOrderWith(Signer& signer, const order::v1::Order& order,
                                          SignAs as) {
  HF_ASSIGN_OR_RETURN(const std::string payload, policy::RenderOrder(order));
  crypto::UnverifiedDsse envelope;
  envelope.payload_type =
      std::string(as == SignAs::kDrill ? policy::kDrillPayloadType : crypto::kOrderPayloadType);
  envelope.payload = ToBytes(AsBytes(payload));
  HF_RETURN_IF_ERROR(AddSignature(envelope, signer));
  return crypto::RenderDsse(envelope);
}

absl::StatusOr<ExitStatus> WriteDraft(Session& session, const order::v1::Order& order,
                                      const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::string text, policy::RenderOrder(order));
  HF_RETURN_IF_ERROR(session.WriteFile(path, AsBytes(text), Overwrite::kRefuse));
  JsonObject object("OrderDraft");
  object.Set("file", path).Set("order_id", order.id());
  session.out().Result(object, "draft " + path + ", not signed");
  return ExitStatus::kDone;
}

absl::Status ConfirmOrder(Session& session, const order::v1::Order& order, Consent consent,
                          const std::string& effect, SignAs as) {
  const std::string what = as == SignAs::kDrill ? "drill" : "order";
  if (as == SignAs::kDrill) {
    session.out().Note(
        "DRILL  DRILL  DRILL\nNothing of this will be done. What follows is what the order would "
        "say.");
  }
  session.out().Note(policy::DescribeOrder(order));
  session.out().Note("In your time: signed at " + session.out().Time(ToMillis(order.issued_at())) +
                     ", void from " + session.out().Time(ToMillis(order.void_after())) + " on.");
  if (!effect.empty()) session.out().Note(effect);
  if (consent == Consent::kGiven) return absl::OkStatus();
  if (!session.AsksPeople()) {
    return MakeError(Reason::kRequestMalformed,
                     "nobody is there to be asked: give --yes to sign, or --draft FILE");
  }
  if (session.Ask("Sign this " + what + "?")) return absl::OkStatus();
  return MakeError(Reason::kRequestMalformed, "the " + what + " was not signed");
}

absl::StatusOr<v1::RehearseOrderResponse> Rehearse(Session& session, const std::string& dsse) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  auto response = client::OrderClient(channel).Rehearse(AsBytes(dsse));
  if (!response.ok() && MetadataOf(response.status()).contains("drill")) {
    session.out().Note("DRILL: NOTHING IS IN FORCE. The gateway would refuse the order, because:");
  }
  return response;
}

void ShowDrill(Session& session, const order::v1::Order& order,
               const v1::RehearseOrderResponse& response, const std::string& where) {
  JsonObject object("Drill");
  std::string text = fmt::format(
      "{}DRILL  DRILL  DRILL\n{}NOTHING IS IN FORCE. Nothing was placed, changed or lifted, nobody "
      "gets "
      "notice, and the\nledger has no entry of this.\n"
      "Had it been an order, the gateway would have accepted it at {}, on a ledger of {} "
      "entries{}.",
      where, where, session.out().Time(ToMillis(response.decided_at())), response.ledger_size(),
      response.needs_second_person() ? "; it narrows, and would wait for a second person" : "");
  const JsonArray leases = ShowLeases(session, response.open_leases(), text);
  object.Set("order_id", order.id())
      .Set("in_force", false)
      .Set("would_be_accepted", true)
      .Set("needs_second_person", response.needs_second_person())
      .Set("decided_at", FormatRfc3339(ToMillis(response.decided_at())))
      .Set("ledger_size", response.ledger_size())
      .Set("open_leases", leases);
  session.out().Result(object, text);
}

namespace {

absl::Status OtherEntry(const std::string& what) {
  return MakeError(Reason::kLedgerInconsistent, what);
}

// Whether the entry is the acceptance of this order, or of an earlier one that placed the same
// hold: the gateway answers a hold that stands with its first receipt.
absl::Status CheckEntry(ByteSpan bytes, const order::v1::Order& order, const std::string& dsse) {
  ledger::v1::Entry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !entry.has_order_accepted()) {
    return OtherEntry("the entry that the gateway named is not that of an order");
  }
  const std::string& found = entry.order_accepted().order_dsse();
  if (found == dsse) return absl::OkStatus();
  const auto there = crypto::ParseDsse(found);
  const auto ours = crypto::ParseDsse(dsse);
  if (there.ok() && ours.ok()) {
    if (there->payload == ours->payload) return absl::OkStatus();
    const auto earlier = policy::ParseOrder(there->payload);
    if (earlier.ok() && order.has_place_hold() && earlier->has_place_hold() &&
        earlier->place_hold().SerializeAsString() == order.place_hold().SerializeAsString()) {
      return absl::OkStatus();
    }
  }
  return OtherEntry("the entry that the gateway named holds another order");
}

// Keeps a proof where `ledger verify --receipts` finds it. Returns its path, or nothing: the order
// is accepted whether or not this machine's disk is full.
std::string KeepReceipt(Session& session, const crypto::TlogProof& proof) {
  const auto folder = session.ProfileValue(&Profile::state, "state");
  const auto exchange = session.exchange_id();
  if (!folder.ok() || !exchange.ok()) return {};
  const std::string receipts = JoinPath(JoinPath(*folder, "receipts"), Hex(BytesOf(*exchange)));
  const std::string path = JoinPath(receipts, std::to_string(proof.index) + ".tlog-proof");
  absl::Status kept = session.MakeFolder(receipts);
  if (kept.ok()) {
    kept = session.WriteFile(path, AsBytes(crypto::FormatTlogProof(proof)), Overwrite::kPermit);
  }
  if (kept.ok()) return path;
  session.out().Note("the receipt could not be kept: " + std::string(kept.message()));
  return {};
}

absl::Status Prove(Session& session, const order::v1::Order& order, const std::string& dsse,
                   AcceptedOrder& accepted) {
  const ByteSpan entry = AsBytes(accepted.response.entry());
  HF_ASSIGN_OR_RETURN(const Digest32 leaf,
                      client::CheckReceipt(accepted.response.receipt(), entry));
  HF_RETURN_IF_ERROR(CheckEntry(entry, order, dsse));
  HF_ASSIGN_OR_RETURN(accepted.head, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient ledger(channel);
  HF_ASSIGN_OR_RETURN(
      const crypto::TlogProof proof,
      client::ProveEntry(ledger, accepted.head, accepted.response.receipt().ledger_index(), leaf));
  accepted.receipt_file = KeepReceipt(session, proof);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AcceptedOrder> Deliver(Session& session, const order::v1::Order& order,
                                      const std::string& dsse) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  AcceptedOrder accepted;
  HF_ASSIGN_OR_RETURN(accepted.response, client::OrderClient(channel).Submit(AsBytes(dsse)));
  accepted.proven = Prove(session, order, dsse, accepted);
  return accepted;
}

absl::Status UnprovenOrder(const AcceptedOrder& accepted) {
  const absl::Status& why = accepted.proven;
  absl::Status error = MakeError(
      ReasonOf(why).value_or(Reason::kInternal),
      fmt::format("NOT VERIFIED: the gateway says that it accepted the order as ledger "
                  "entry {}, and this was not proven: {}",
                  accepted.response.receipt().ledger_index(), std::string(why.message())));
  for (const auto& [key, value] : MetadataOf(why))
    error = AddMetadata(std::move(error), key, value);
  return error;
}

ExitStatus ShowReceipt(Session& session, const order::v1::Order& order,
                       const AcceptedOrder& accepted) {
  const v1::SubmitOrderResponse& response = accepted.response;
  const v1::Receipt& receipt = response.receipt();
  JsonObject object("OrderReceipt");
  object.Set("order_id", order.id())
      .Set("ledger_index", receipt.ledger_index())
      .Set("leaf_hash", Hex(AsBytes(receipt.leaf_hash())))
      .Set("ledger_size", receipt.ledger_size())
      .Set("ledger_root", Hex(AsBytes(receipt.ledger_root())));
  std::string text =
      fmt::format("accepted: ledger entry {}, order {}", receipt.ledger_index(), order.id());
  const bool puts_in_force = order.has_place_hold() || order.has_restore_hold() ||
                             (order.has_amend_hold() && !response.needs_second_person());
  if (puts_in_force) {
    object.Set("anchored", response.anchored());
    text += fmt::format("\n{} leases were open in its scope", response.open_leases_size());
    const JsonArray leases = ShowLeases(session, response.open_leases(), text);
    object.Set("open_leases", leases);
    if (!response.anchored()) {
      text += "\nits epoch is not made yet: nothing is released or destroyed before it is";
    }
  }
  object.Set("verified", accepted.proven.ok());
  if (order.has_amend_hold()) {
    object.Set("needs_second_person", response.needs_second_person());
  }
  if (!accepted.proven.ok()) {
    session.out().Result(object, text);
    return session.out().Fail(UnprovenOrder(accepted));
  }
  object.Set("checkpoint_size", accepted.head.checkpoint.size)
      .Set("checkpoint_root", Hex(accepted.head.checkpoint.root))
      .Set("receipt_file", accepted.receipt_file);
  text += fmt::format("\nproven: it is in the ledger of {} entries that the exchange's key signed",
                      accepted.head.checkpoint.size);
  if (!accepted.receipt_file.empty()) text += "\nreceipt: " + accepted.receipt_file;
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

absl::StatusOr<std::optional<CarriedOut>> SignAndDeliver(Session& session, order::v1::Order act,
                                                         const OrderOptions& options,
                                                         const std::string& effect) {
  HF_RETURN_IF_ERROR(options.Check());
  HF_ASSIGN_OR_RETURN(order::v1::Order order,
                      DraftOrder(session, std::move(act), options.valid_for));
  if (!options.draft.empty()) {
    HF_RETURN_IF_ERROR(WriteDraft(session, order, options.draft).status());
    return std::nullopt;
  }
  const SignAs as = options.drill ? SignAs::kDrill : SignAs::kOrder;
  HF_RETURN_IF_ERROR(
      ConfirmOrder(session, order, options.yes ? Consent::kGiven : Consent::kAsk, effect, as));
  if (options.drill) {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<Signer> signer, OpenSigner(session));
    HF_ASSIGN_OR_RETURN(const std::string drill, SignOrderWith(*signer, order, as));
    HF_ASSIGN_OR_RETURN(const v1::RehearseOrderResponse response, Rehearse(session, drill));
    ShowDrill(session, order, response);
    return std::nullopt;
  }
  HF_ASSIGN_OR_RETURN(const std::string signed_order, SignOrder(session, order));
  HF_ASSIGN_OR_RETURN(AcceptedOrder accepted, Deliver(session, order, signed_order));
  return CarriedOut{std::move(order), std::move(accepted)};
}

absl::StatusOr<ExitStatus> CarryOut(Session& session, order::v1::Order act,
                                    const OrderOptions& options, const std::string& effect) {
  HF_ASSIGN_OR_RETURN(const std::optional<CarriedOut> done,
                      SignAndDeliver(session, std::move(act), options, effect));
  return done ? ShowReceipt(session, done->order, done->accepted) : ExitStatus::kDone;
}

}  // namespace holdfast::cli
