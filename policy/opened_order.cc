// SPDX-License-Identifier: Apache-2.0
#include "policy/opened_order.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/dsse.h"
#include "crypto/sha256.h"
#include "policy/drill.h"
#include "policy/order_json.h"
#include "policy/proto_time.h"

namespace holdfast::policy {
namespace {

absl::Status Malformed(const char* what) { return MakeError(Reason::kRequestMalformed, what); }

template <typename Array>
absl::Status ReadHex(const std::string& text, Array& out) {
  HF_ASSIGN_OR_RETURN(const Bytes bytes, FromHex(text));
  HF_ASSIGN_OR_RETURN(out, ArrayFromBytes<Array>(bytes));
  return absl::OkStatus();
}

absl::StatusOr<OpenedOrder> Open(ByteSpan dsse, const OpenedAgreement& agreement,
                                 std::string_view payload_type) {
  // Base64 makes four bytes of three; the rest is the envelope's own members.
  if (dsse.size() > crypto::kMaxDsseBytes) {
    return MakeError(Reason::kRequestTooLarge, "the order is too large");
  }
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope, crypto::ParseDsse(AsText(dsse)));
  if (envelope.payload.size() > kMaxOrderBytes) {
    return MakeError(Reason::kRequestTooLarge, "the order is too large");
  }
  if (envelope.payload_type != payload_type) {
    return Malformed(payload_type == kDrillPayloadType ? "the envelope's payload is no drill"
                                                       : "the envelope's payload is no order");
  }
  if (envelope.signatures.size() != 1) return Malformed("an order has exactly one signature");

  // The payload says whose key to look for. Nothing else in it is used before it is verified.
  OpenedOrder opened;
  HF_ASSIGN_OR_RETURN(opened.order, ParseOrder(envelope.payload));
  const order::v1::Order& order = opened.order;
  const auto issued_at = order.has_issued_at() ? FromProto(order.issued_at()) : std::nullopt;
  if (!issued_at) return Malformed("issued_at is no time in whole milliseconds");
  const Member* person = agreement.FindMember(order.person());
  if (person == nullptr) {
    return MakeError(Reason::kSignatureInvalid, "nobody of that name may sign orders");
  }
  std::vector<crypto::PublicKey> keys;
  for (const MemberKey& key : person->keys) {
    if (key.ValidAt(*issued_at)) keys.push_back(key.public_key);
  }
  HF_ASSIGN_OR_RETURN(const crypto::OpenedDsse verified,
                      crypto::VerifyDsse(envelope, payload_type, crypto::LookupIn(keys)));
  for (const MemberKey& key : person->keys) {
    if (key.public_key != verified.signers.front()) continue;
    opened.key_valid_until = key.until;
    opened.key = key.public_key.bytes();
  }

  opened.payload_digest = verified.payload_digest;
  opened.envelope_digest = crypto::Sha256Of(dsse);
  opened.person = person->number;
  opened.issued_at = *issued_at;
  const auto void_after = order.has_void_after() ? FromProto(order.void_after()) : std::nullopt;
  if (!void_after) return Malformed("void_after is no time in whole milliseconds");
  opened.void_after = *void_after;
  if (opened.void_after <= opened.issued_at) return Malformed("void_after is not after issued_at");
  HF_RETURN_IF_ERROR(ReadHex(order.exchange_id(), opened.exchange_id));
  std::array<std::byte, 16> id{};
  HF_RETURN_IF_ERROR(ReadHex(order.id(), id));
  opened.id = OrderId(id);
  opened.head_size = order.head().size();
  HF_RETURN_IF_ERROR(ReadHex(order.head().root(), opened.head_root));
  opened.prev.any = !order.prev().empty();
  if (opened.prev.any) HF_RETURN_IF_ERROR(ReadHex(order.prev(), opened.prev.digest));
  if (order.act_case() == order::v1::Order::ACT_NOT_SET) return Malformed("nothing is ordered");
  return opened;
}

}  // namespace

absl::StatusOr<OpenedOrder> OpenOrder(ByteSpan dsse, const OpenedAgreement& agreement) {
  return Open(dsse, agreement, crypto::kOrderPayloadType);
}

absl::StatusOr<OpenedOrder> OpenDrill(ByteSpan dsse, const OpenedAgreement& agreement) {
  return Open(dsse, agreement, kDrillPayloadType);
}

}  // namespace holdfast::policy
