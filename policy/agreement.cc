// SPDX-License-Identifier: Apache-2.0
#include "policy/agreement.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "policy/agreement_compiler.h"
#include "policy/permissions.h"
#include "policy/text.h"

namespace holdfast::policy {
namespace {

// absl's own string_view, which its maps look strings up by.
absl::string_view Key(std::string_view text) { return {text.data(), text.size()}; }

bool HasSigned(const crypto::OpenedDsse& opened, const crypto::PublicKey& key) {
  return std::find(opened.signers.begin(), opened.signers.end(), key) != opened.signers.end();
}

}  // namespace

absl::StatusOr<OpenedAgreement> OpenedAgreement::CompileUnsigned(std::string_view text) {
  return AgreementCompiler::Compile(text);
}

const Member& OpenedAgreement::member(MemberNumber number) const {
  HF_CHECK(number.value() < members_.size());
  return members_[number.value()];
}

const Member* OpenedAgreement::FindMember(std::string_view id) const {
  const auto found = by_id_.find(Key(id));
  return found == by_id_.end() ? nullptr : &members_[found->second.value()];
}

const Member* OpenedAgreement::FindMemberBySpiffeId(std::string_view uri) const {
  const auto found = by_spiffe_id_.find(Key(uri));
  return found == by_spiffe_id_.end() ? nullptr : &members_[found->second.value()];
}

const Authority* OpenedAgreement::FindAuthority(std::string_view id) const {
  const auto found = std::find_if(authorities_.begin(), authorities_.end(),
                                  [&](const Authority& authority) { return authority.id == id; });
  return found == authorities_.end() ? nullptr : &*found;
}

bool OpenedAgreement::IsDelegatedAt(std::string_view official, UnixMillis time) const {
  if (!demands_delegation()) return true;
  return std::any_of(delegations_.begin(), delegations_.end(), [&](const DelegationTerm& term) {
    return term.document.InForceAt(time) && IsSameText(term.official, official);
  });
}

bool OpenedAgreement::IsSafeguardedAt(UnixMillis time) const {
  if (!demands_safeguard()) return true;
  return std::any_of(safeguards_.begin(), safeguards_.end(),
                     [&](const Document& document) { return document.InForceAt(time); });
}

bool OpenedAgreement::Allows(std::string_view spiffe_id, std::string_view permission) const {
  const Member* member = FindMemberBySpiffeId(spiffe_id);
  return member != nullptr && RoleAllows(member->role, permission);
}

absl::StatusOr<OpenedAgreement> OpenAgreement(ByteSpan dsse) {
  auto envelope = crypto::ParseDsse(AsText(dsse));
  if (!envelope.ok()) {
    return MakeError(Reason::kAgreementInvalid, "no DSSE envelope, or one that is too large");
  }
  if (envelope->payload_type != crypto::kAgreementPayloadType) {
    return MakeError(Reason::kAgreementInvalid, "the envelope's payload is no agreement");
  }
  // The text names the keys that must have signed it. Until they have, it is only text.
  auto agreement = OpenedAgreement::CompileUnsigned(AsText(envelope->payload));
  if (!agreement.ok()) return agreement.status();

  std::vector<crypto::PublicKey> keys;
  for (const Principal& principal : agreement->principals()) keys.push_back(principal.public_key);
  const auto opened =
      crypto::VerifyDsse(*envelope, crypto::kAgreementPayloadType, crypto::LookupIn(keys));
  if (!opened.ok()) return opened.status();
  for (const crypto::PublicKey& key : keys) {
    if (!HasSigned(*opened, key)) {
      return MakeError(Reason::kSignatureInvalid, "both principals must sign the agreement");
    }
  }
  return agreement;
}

absl::Status CheckAgreementText(std::string_view text) {
  return OpenedAgreement::CompileUnsigned(text).status();
}

}  // namespace holdfast::policy
