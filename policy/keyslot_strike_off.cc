// SPDX-License-Identifier: Apache-2.0
#include "policy/keyslot_strike_off.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "policy/joint_order.h"
#include "policy/keyslot_kinds.h"

namespace holdfast::policy {
namespace {

constexpr std::string_view kStatement = "holdfast keyslot strike-off";
constexpr std::int64_t kVersion = 1;

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "not an order to strike off a keyslot, version 1");
}

std::string Render(const KeyslotStrikeOffTerms& terms) {
  JsonValue::Array members;
  for (const std::uint32_t member : terms.members) members.push_back(JsonNumber(member));
  return WriteJson(JsonValue::OfObject({
      {"statement", JsonValue::OfText(std::string(kStatement))},
      {"version", JsonValue::OfInteger(kVersion)},
      {"exchangeId", JsonValue::OfText(Hex(BytesOf(terms.exchange)))},
      {"epoch", JsonNumber(terms.epoch)},
      {"keyslots", JsonValue::OfText(terms.keyslots)},
      {"members", JsonValue::OfArray(std::move(members))},
      {"reason", JsonValue::OfText(terms.reason)},
      {"madeAt", JsonValue::OfText(FormatRfc3339(terms.made_at))},
  }));
}

// What would be left; none if the order makes no sense.
std::optional<std::string> LeftBy(const KeyslotStrikeOffTerms& terms) {
  const bool ascending =
      std::adjacent_find(terms.members.begin(), terms.members.end(),
                         std::greater_equal<std::uint32_t>()) == terms.members.end();
  if (!ascending || !IsALine(terms.reason) || !IsALine(terms.keyslots)) return std::nullopt;
  return KeyslotsWithout(terms.keyslots, terms.members);
}

absl::StatusOr<KeyslotStrikeOffTerms> Parse(ByteSpan payload) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(AsText(payload)));
  KeyslotStrikeOffTerms terms;
  const auto id = FromHex(TextIn(value, "exchangeId"));
  if (!id.ok()) return Malformed();
  HF_ASSIGN_OR_RETURN(terms.exchange, IdFromBytes<ExchangeId>(*id));
  HF_ASSIGN_OR_RETURN(terms.made_at, ParseRfc3339(TextIn(value, "madeAt")));
  terms.epoch = NumberIn(value, "epoch");
  terms.keyslots = TextIn(value, "keyslots");
  terms.reason = TextIn(value, "reason");
  const JsonValue* members = value.Find("members");
  if (members == nullptr || !members->is_array()) return Malformed();
  for (const JsonValue& member : members->array()) {
    const bool number = member.kind() == JsonValue::Kind::kInteger && member.integer() > 0 &&
                        member.integer() <= std::numeric_limits<std::uint32_t>::max();
    if (!number) return Malformed();
    terms.members.push_back(static_cast<std::uint32_t>(member.integer()));
  }
  // One order has one text: what was not understood is not in it.
  if (Render(terms) != AsText(payload)) return Malformed();
  return terms;
}

}  // namespace

absl::StatusOr<std::string> SignKeyslotStrikeOff(const KeyslotStrikeOffTerms& terms,
                                                 const crypto::SigningKey& key) {
  if (!LeftBy(terms)) return Malformed();
  return SignJointOrder(kKeyslotStrikeOffPayloadType, Render(terms), key);
}

absl::StatusOr<std::string> CountersignKeyslotStrikeOff(std::string_view order,
                                                        const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(const UnverifiedKeyslotStrikeOff first, ReadKeyslotStrikeOff(order));
  return CountersignJointOrder(first.envelope, key);
}

absl::StatusOr<UnverifiedKeyslotStrikeOff> ReadKeyslotStrikeOff(std::string_view order) {
  UnverifiedKeyslotStrikeOff read;
  HF_ASSIGN_OR_RETURN(read.envelope, crypto::ParseDsse(order));
  if (read.envelope.payload_type != kKeyslotStrikeOffPayloadType) return Malformed();
  HF_ASSIGN_OR_RETURN(read.terms, Parse(read.envelope.payload));
  auto left = LeftBy(read.terms);
  if (!left) return Malformed();
  read.left = *std::move(left);
  return read;
}

absl::StatusOr<std::vector<std::string>> OpenKeyslotStrikeOff(
    const UnverifiedKeyslotStrikeOff& order, const OpenedAgreement& agreement,
    const StruckOff& struck_off) {
  if (order.terms.exchange != agreement.exchange_id()) {
    return RefusalError(Refusal::kJointOrderVoid);
  }
  JointSigners signers = CheckJointSigners(order.envelope, kKeyslotStrikeOffPayloadType,
                                           order.terms.made_at, agreement, struck_off);
  if (signers.refusal != Refusal::kAllowed) return RefusalError(signers.refusal);
  return std::move(signers.members);
}

}  // namespace holdfast::policy
