// SPDX-License-Identifier: Apache-2.0
#include "policy/restore_order.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "policy/joint_order.h"

namespace holdfast::policy {
namespace {

constexpr std::string_view kStatement = "holdfast restore";
constexpr std::int64_t kVersion = 1;

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "not an order to restore, version 1");
}

std::string Render(const RestoreTerms& terms) {
  return WriteJson(JsonValue::OfObject({
      {"statement", JsonValue::OfText(std::string(kStatement))},
      {"version", JsonValue::OfInteger(kVersion)},
      {"exchangeId", JsonValue::OfText(Hex(BytesOf(terms.exchange)))},
      {"epoch", JsonNumber(terms.epoch)},
      {"ledgerSize", JsonNumber(terms.ledger_size)},
      {"root", JsonValue::OfText(Hex(terms.root))},
      {"newestKnown", JsonNumber(terms.newest_known)},
      {"lost", JsonValue::OfText(terms.lost)},
      {"madeAt", JsonValue::OfText(FormatRfc3339(terms.made_at))},
  }));
}

bool IsPossible(const RestoreTerms& terms) {
  return terms.newest_known >= terms.ledger_size && IsALine(terms.lost);
}

absl::StatusOr<RestoreTerms> Parse(ByteSpan payload) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(AsText(payload)));
  RestoreTerms terms;
  const auto id = FromHex(TextIn(value, "exchangeId"));
  const auto root = FromHex(TextIn(value, "root"));
  if (!id.ok() || !root.ok()) return Malformed();
  HF_ASSIGN_OR_RETURN(terms.exchange, IdFromBytes<ExchangeId>(*id));
  HF_ASSIGN_OR_RETURN(terms.root, ArrayFromBytes<Digest32>(*root));
  HF_ASSIGN_OR_RETURN(terms.made_at, ParseRfc3339(TextIn(value, "madeAt")));
  terms.epoch = NumberIn(value, "epoch");
  terms.ledger_size = NumberIn(value, "ledgerSize");
  terms.newest_known = NumberIn(value, "newestKnown");
  terms.lost = TextIn(value, "lost");
  // One order has one text: what was not understood is not in it.
  if (!IsPossible(terms) || Render(terms) != AsText(payload)) return Malformed();
  return terms;
}

}  // namespace

absl::StatusOr<std::string> SignRestore(const RestoreTerms& terms, const crypto::SigningKey& key) {
  if (!IsPossible(terms)) return Malformed();
  return SignJointOrder(kRestorePayloadType, Render(terms), key);
}

absl::StatusOr<std::string> CountersignRestore(std::string_view order,
                                               const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(const UnverifiedRestore first, ReadRestore(order));
  return CountersignJointOrder(first.envelope, key);
}

absl::StatusOr<UnverifiedRestore> ReadRestore(std::string_view order) {
  UnverifiedRestore restore;
  HF_ASSIGN_OR_RETURN(restore.envelope, crypto::ParseDsse(order));
  if (restore.envelope.payload_type != kRestorePayloadType) return Malformed();
  HF_ASSIGN_OR_RETURN(restore.terms, Parse(restore.envelope.payload));
  return restore;
}

absl::StatusOr<RestoreOrder> OpenRestore(std::string_view order, const OpenedAgreement& agreement,
                                         const StruckOff& struck_off) {
  HF_ASSIGN_OR_RETURN(UnverifiedRestore restore, ReadRestore(order));
  if (restore.terms.exchange != agreement.exchange_id()) {
    return RefusalError(Refusal::kJointOrderVoid);
  }
  JointSigners signers = CheckJointSigners(restore.envelope, kRestorePayloadType,
                                           restore.terms.made_at, agreement, struck_off);
  if (signers.refusal != Refusal::kAllowed) return RefusalError(signers.refusal);
  return RestoreOrder{std::move(restore.terms), std::move(signers.members)};
}

}  // namespace holdfast::policy
