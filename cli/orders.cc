// SPDX-License-Identifier: Apache-2.0
#include "cli/orders.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "client/order_client.h"
#include "crypto/dsse.h"
#include "policy/order_json.h"

namespace holdfast::cli {
namespace {

void SetTime(google::protobuf::Timestamp& out, UnixMillis time) {
  // Times of orders are after 1970.
  out.set_seconds(time.value() / 1000);
  out.set_nanos(static_cast<std::int32_t>(time.value() % 1000) * 1'000'000);
}

}  // namespace

void OrderOptions::Declare(Command& command) {
  command.Flag("--yes", yes, "sign without being asked")
      .Optional("--draft", draft, "write the unsigned order to this file and stop")
      .Optional("--valid-for", valid_for, "how long the order may be delivered; default 1h");
}

absl::StatusOr<order::v1::Order> DraftOrder(Session& session, order::v1::Order act,
                                            const std::string& valid_for) {
  HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds validity, ParseDuration(valid_for));
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string person, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::OrderContext context, client::OrderClient(channel).Context(person));
  const UnixMillis now = session.clock().WallNow();
  order::v1::Order order = std::move(act);
  order.set_exchange_id(Hex(BytesOf(exchange)));
  order.set_agreement_version(context.agreement_version());
  order.set_id(Hex(crypto::Draw<16>(session.random())));
  order.set_person(person);
  SetTime(*order.mutable_issued_at(), now);
  SetTime(*order.mutable_void_after(), now + validity);
  order.mutable_head()->set_size(head.checkpoint.size);
  order.mutable_head()->set_root(Hex(head.checkpoint.root));
  order.set_prev(context.prev());
  return order;
}

absl::StatusOr<std::string> SignOrder(Session& session, const order::v1::Order& order) {
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const std::string payload, policy::RenderOrder(order));
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope,
                      crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(payload), key));
  return crypto::RenderDsse(envelope);
}

absl::Status ConfirmOrder(Session& session, const order::v1::Order& order, Consent consent) {
  session.out().Note(policy::DescribeOrder(order));
  if (consent == Consent::kGiven) return absl::OkStatus();
  if (!session.AsksPeople()) {
    return MakeError(Reason::kRequestMalformed,
                     "nobody is there to be asked: give --yes to sign, or --draft FILE");
  }
  if (session.Ask("Sign this order?")) return absl::OkStatus();
  return MakeError(Reason::kRequestMalformed, "the order was not signed");
}

ExitStatus ShowReceipt(Session& session, const order::v1::Order& order,
                       const v1::SubmitOrderResponse& response) {
  const v1::Receipt& receipt = response.receipt();
  JsonObject object("OrderReceipt");
  object.Set("order_id", order.id())
      .Set("ledger_index", receipt.ledger_index())
      .Set("leaf_hash", Hex(AsBytes(receipt.leaf_hash())))
      .Set("ledger_size", receipt.ledger_size())
      .Set("ledger_root", Hex(AsBytes(receipt.ledger_root())));
  std::string text =
      fmt::format("accepted: ledger entry {}, order {}", receipt.ledger_index(), order.id());
  if (order.has_place_hold()) {
    object.Set("anchored", response.anchored());
    JsonArray leases;
    text +=
        fmt::format("\nin force; {} leases were open in its scope", response.open_leases_size());
    for (const v1::OpenLease& lease : response.open_leases()) {
      JsonObject one;
      one.Set("requester", lease.requester())
          .Set("transfer", lease.transfer())
          .Set("records", lease.records())
          .Set("not_after", FormatRfc3339(ToMillis(lease.not_after())));
      leases.AddRaw(one.text());
      text += fmt::format("\n  {} holds keys of {} records of {} until {}", lease.requester(),
                          lease.records(), lease.transfer(),
                          session.out().Time(ToMillis(lease.not_after())));
    }
    object.Set("open_leases", leases);
    if (!response.anchored()) {
      text += "\nits epoch is not made yet: nothing is released or destroyed before it is";
    }
  }
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> CarryOut(Session& session, order::v1::Order act,
                                    const OrderOptions& options) {
  HF_ASSIGN_OR_RETURN(const order::v1::Order order,
                      DraftOrder(session, std::move(act), options.valid_for));
  if (!options.draft.empty()) {
    HF_ASSIGN_OR_RETURN(const std::string text, policy::RenderOrder(order));
    HF_RETURN_IF_ERROR(session.WriteFile(options.draft, AsBytes(text), Overwrite::kRefuse));
    JsonObject object("OrderDraft");
    object.Set("file", options.draft).Set("order_id", order.id());
    session.out().Result(object, "draft " + options.draft + ", not signed");
    return ExitStatus::kDone;
  }
  HF_RETURN_IF_ERROR(ConfirmOrder(session, order, options.yes ? Consent::kGiven : Consent::kAsk));
  HF_ASSIGN_OR_RETURN(const std::string signed_order, SignOrder(session, order));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::SubmitOrderResponse response,
                      client::OrderClient(channel).Submit(AsBytes(signed_order)));
  return ShowReceipt(session, order, response);
}

}  // namespace holdfast::cli
