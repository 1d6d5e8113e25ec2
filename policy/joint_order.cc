// SPDX-License-Identifier: Apache-2.0
#include "policy/joint_order.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMostWords = 1'000;

// The person who may sign orders and has this key, or null.
const Member* PersonOf(const OpenedAgreement& agreement, const crypto::PublicKey& key) {
  for (const Member& member : agreement.members()) {
    const bool has = std::any_of(member.keys.begin(), member.keys.end(),
                                 [&](const MemberKey& of) { return of.public_key == key; });
    if (has && member.signs_orders()) return &member;
  }
  return nullptr;
}

}  // namespace

JointSigners CheckJointSigners(const crypto::UnverifiedDsse& envelope,
                               std::string_view payload_type, UnixMillis made_at,
                               const OpenedAgreement& agreement, const StruckOff& struck_off) {
  std::vector<crypto::PublicKey> keys;
  for (const Member& member : agreement.members()) {
    if (!member.signs_orders() || struck_off.Has(member.number)) continue;
    for (const MemberKey& key : member.keys) {
      if (key.ValidAt(made_at) && !struck_off.Has(key.public_key)) keys.push_back(key.public_key);
    }
  }
  const auto opened = crypto::VerifyDsse(envelope, payload_type, crypto::LookupIn(keys));
  if (!opened.ok()) return {Refusal::kJointOrderUnsigned, {}};
  std::set<std::string> members;
  bool by_requester = true;
  for (const crypto::PublicKey& signer : opened->signers) {
    const Member* member = PersonOf(agreement, signer);
    if (member == nullptr) return {Refusal::kJointOrderUnsigned, {}};
    members.insert(member->id);
    by_requester = by_requester && member->side == agreement::v1::REQUESTER;
  }
  if (members.size() < 2) return {Refusal::kJointOrderUnsigned, {}};
  // The requester's side does not rid itself of what the ledger says of it (R25).
  if (by_requester) return {Refusal::kJointOrderByRequester, {}};
  return {Refusal::kAllowed, {members.begin(), members.end()}};
}

absl::StatusOr<std::string> SignJointOrder(std::string_view payload_type, std::string_view payload,
                                           const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope,
                      crypto::SignDsse(payload_type, AsBytes(payload), key));
  return crypto::RenderDsse(envelope);
}

absl::StatusOr<std::string> CountersignJointOrder(const crypto::UnverifiedDsse& envelope,
                                                  const crypto::SigningKey& key) {
  crypto::UnverifiedDsse both = envelope;
  HF_RETURN_IF_ERROR(crypto::AddDsseSignature(both, key));
  return crypto::RenderDsse(both);
}

std::string RestoreOrderName(std::uint64_t size) {
  return "restored-" + std::to_string(size) + ".json";
}

std::string KeyslotStrikeOffName(std::uint64_t epoch) {
  return std::string(kKeyslotStrikeOffPrefix) + std::to_string(epoch) + ".json";
}

std::string TextIn(const JsonValue& value, std::string_view name) {
  const JsonValue* found = value.Find(name);
  return found != nullptr && found->is_text() ? found->text() : std::string();
}

std::uint64_t NumberIn(const JsonValue& value, std::string_view name) {
  const JsonValue* found = value.Find(name);
  const bool is_number = found != nullptr && found->kind() == JsonValue::Kind::kInteger;
  return is_number && found->integer() > 0 ? static_cast<std::uint64_t>(found->integer()) : 0;
}

JsonValue JsonNumber(std::uint64_t number) {
  return JsonValue::OfInteger(static_cast<std::int64_t>(number));
}

bool IsALine(const std::string& text) {
  return !text.empty() && text.size() <= kMostWords && IsUtf8(text) &&
         !HasDeceptiveCharacter(text) && text.find('\n') == std::string::npos;
}

}  // namespace holdfast::policy
