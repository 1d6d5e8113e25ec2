// SPDX-License-Identifier: Apache-2.0
#include "evidence/restore_order.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "base/utf8.h"
#include "crypto/dsse.h"

namespace holdfast::evidence {
namespace {

constexpr std::string_view kStatement = "holdfast restore";
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostWords = 1'000;

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "not an order to restore, version 1");
}

JsonValue Number(std::uint64_t number) {
  return JsonValue::OfInteger(static_cast<std::int64_t>(number));
}

bool IsALine(const std::string& text) {
  return !text.empty() && text.size() <= kMostWords && IsUtf8(text) &&
         !HasDeceptiveCharacter(text) && text.find('\n') == std::string::npos;
}

std::string Render(const RestoreTerms& terms) {
  return WriteJson(JsonValue::OfObject({
      {"statement", JsonValue::OfText(std::string(kStatement))},
      {"version", JsonValue::OfInteger(kVersion)},
      {"exchangeId", JsonValue::OfText(Hex(BytesOf(terms.exchange)))},
      {"epoch", Number(terms.epoch)},
      {"ledgerSize", Number(terms.ledger_size)},
      {"root", JsonValue::OfText(Hex(terms.root))},
      {"newestKnown", Number(terms.newest_known)},
      {"lost", JsonValue::OfText(terms.lost)},
      {"madeAt", JsonValue::OfText(FormatRfc3339(terms.made_at))},
  }));
}

absl::StatusOr<RestoreTerms> Parse(ByteSpan payload) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(AsText(payload)));
  const auto text = [&value](std::string_view name) -> std::string {
    const JsonValue* found = value.Find(name);
    return found != nullptr && found->is_text() ? found->text() : std::string();
  };
  const auto number = [&value](std::string_view name) -> std::uint64_t {
    const JsonValue* found = value.Find(name);
    const bool is_number = found != nullptr && found->kind() == JsonValue::Kind::kInteger;
    return is_number && found->integer() > 0 ? static_cast<std::uint64_t>(found->integer()) : 0;
  };
  RestoreTerms terms;
  const auto id = FromHex(text("exchangeId"));
  const auto root = FromHex(text("root"));
  if (!id.ok() || !root.ok()) return Malformed();
  HF_ASSIGN_OR_RETURN(terms.exchange, IdFromBytes<ExchangeId>(*id));
  HF_ASSIGN_OR_RETURN(terms.root, ArrayFromBytes<Digest32>(*root));
  HF_ASSIGN_OR_RETURN(terms.made_at, ParseRfc3339(text("madeAt")));
  terms.epoch = number("epoch");
  terms.ledger_size = number("ledgerSize");
  terms.newest_known = number("newestKnown");
  terms.lost = text("lost");
  // One order has one text: what was not understood is not in it.
  const bool possible = terms.newest_known >= terms.ledger_size && IsALine(terms.lost);
  if (!possible || Render(terms) != AsText(payload)) return Malformed();
  return terms;
}

absl::StatusOr<std::pair<crypto::UnverifiedDsse, RestoreTerms>> ParseBoth(std::string_view order) {
  HF_ASSIGN_OR_RETURN(crypto::UnverifiedDsse envelope, crypto::ParseDsse(order));
  if (envelope.payload_type != kRestorePayloadType) return Malformed();
  HF_ASSIGN_OR_RETURN(RestoreTerms terms, Parse(envelope.payload));
  return std::pair(std::move(envelope), std::move(terms));
}

}  // namespace

absl::StatusOr<std::string> SignRestore(const RestoreTerms& terms, const crypto::SigningKey& key) {
  if (!IsALine(terms.lost) || terms.newest_known < terms.ledger_size) return Malformed();
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope,
                      crypto::SignDsse(kRestorePayloadType, AsBytes(Render(terms)), key));
  return crypto::RenderDsse(envelope);
}

absl::StatusOr<std::string> CountersignRestore(std::string_view order,
                                               const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(auto both, ParseBoth(order));
  HF_RETURN_IF_ERROR(crypto::AddDsseSignature(both.first, key));
  return crypto::RenderDsse(both.first);
}

absl::StatusOr<RestoreTerms> ReadRestore(std::string_view order) {
  HF_ASSIGN_OR_RETURN(auto both, ParseBoth(order));
  return std::move(both.second);
}

absl::StatusOr<RestoreOrder> OpenRestore(std::string_view order,
                                         const policy::OpenedAgreement& agreement) {
  HF_ASSIGN_OR_RETURN(auto both, ParseBoth(order));
  auto& [envelope, terms] = both;
  if (terms.exchange != agreement.exchange_id()) {
    return MakeError(Reason::kSignatureInvalid, "the order is about another exchange");
  }
  std::vector<crypto::PublicKey> keys;
  for (const policy::Member& member : agreement.members()) {
    if (!member.signs_orders()) continue;
    for (const policy::MemberKey& key : member.keys) {
      if (key.ValidAt(terms.made_at)) keys.push_back(key.public_key);
    }
  }
  HF_ASSIGN_OR_RETURN(const crypto::OpenedDsse opened,
                      crypto::VerifyDsse(envelope, kRestorePayloadType, crypto::LookupIn(keys)));
  std::set<std::string> members;
  for (const crypto::PublicKey& signer : opened.signers) {
    for (const policy::Member& member : agreement.members()) {
      const bool has =
          std::any_of(member.keys.begin(), member.keys.end(),
                      [&signer](const policy::MemberKey& key) { return key.public_key == signer; });
      if (has) members.insert(member.id);
    }
  }
  if (members.size() < 2) {
    return MakeError(Reason::kSignatureInvalid,
                     "it takes two people to go on from a backup; the order has one");
  }
  return RestoreOrder{std::move(terms), {members.begin(), members.end()}};
}

}  // namespace holdfast::evidence
