// SPDX-License-Identifier: Apache-2.0
#include "policy/signatures.h"

#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/closing_statement.h"

namespace holdfast::policy {
namespace {

// Spec: docs/envelope-format.md, "Lease": what stands before an opening when it is signed.
constexpr std::string_view kLeaseLabel = "holdfast/1/lease-opening";

absl::Status CheckSignature(const OpenedAgreement& agreement, const StruckOff& struck_off,
                            std::string_view member_id, UnixMillis at, ByteSpan message,
                            ByteSpan signature) {
  const Member* member = agreement.FindMember(member_id);
  if (member != nullptr && !struck_off.Has(member->number)) {
    for (const MemberKey& key : member->keys) {
      if (key.ValidAt(at) && !struck_off.Has(key.public_key) &&
          key.public_key.Verify(message, signature).ok()) {
        return absl::OkStatus();
      }
    }
  }
  return MakeError(Reason::kSignatureInvalid, "no key of the member that is valid verifies it");
}

}  // namespace

absl::Status CheckClosingSignature(const OpenedAgreement& agreement, const StruckOff& struck_off,
                                   const ExchangeId& exchange, const TransferId& transfer,
                                   const ledger::v1::TransferClosed& fact, UnixMillis at) {
  const auto root = ArrayFromBytes<Digest32>(AsBytes(fact.envelopes_root()));
  if (!root.ok()) {
    return MakeError(Reason::kSignatureInvalid, "the root has the wrong length");
  }
  const Bytes statement = crypto::ClosingStatement(exchange, transfer, fact.envelopes(), *root);
  return CheckSignature(agreement, struck_off, fact.source(), at, statement,
                        AsBytes(fact.signature()));
}

absl::Status CheckLeaseSignature(const OpenedAgreement& agreement, const StruckOff& struck_off,
                                 const ledger::v1::LeaseOpened& fact, UnixMillis at) {
  const std::string message = std::string(kLeaseLabel) + fact.opening();
  return CheckSignature(agreement, struck_off, fact.requester(), at, AsBytes(message),
                        AsBytes(fact.signature()));
}

}  // namespace holdfast::policy
