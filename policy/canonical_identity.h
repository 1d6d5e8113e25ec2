// SPDX-License-Identifier: Apache-2.0
//
// Who is the same person, for the ledger's pseudonyms.
//
// When to use  Before crypto::PseudonymOf. Two descriptions of one person have one canonical
//              identity if they have the same tax number; without one, the same normalised name and
//              birth date. So a person who is asked about with another address keeps the pseudonym;
//              and who has both has an alias, so that leaving the number out does not help.
// Threads      May be called concurrently.
// Ownership    A value. It is personal data: it goes into the keyed hash and nowhere else.
// Errors       None: nullopt where there is too little to tell people apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/gate_config.h"
#include "policy/identity.h"
#include "policy/name.h"

namespace holdfast::policy {

// Goes into the bytes: a change of this rule is a new version, and other pseudonyms.
inline constexpr char kCanonicalIdentityVersion = '1';

std::optional<std::string> CanonicalIdentity(const PersonView& person, TaxNumberForm form);

// What the identity would be without the tax number. Nullopt if there is no tax number, and if name
// or birth date is missing: a name alone is many people's.
std::optional<std::string> CanonicalAlias(const PersonView& person, TaxNumberForm form);

// Both, from a name that was read already.
struct CanonicalIdentities {
  std::optional<std::string> identity;
  std::optional<std::string> alias;
};
CanonicalIdentities IdentitiesOf(const PersonView& person, const ParsedName& name,
                                 TaxNumberForm form);

// What an identity is made of.
enum class IdentityBasis : std::uint8_t { kTaxNumber = 1, kNameAndBirthDate, kNameAlone };

struct BasedIdentity {
  IdentityBasis basis;
  std::string bytes;
};

// Every identity that a request about this person may have had, by ascending basis: one that left
// the tax number out, and one that said nothing but the name. Empty if nobody is described.
std::vector<BasedIdentity> AllIdentities(const PersonView& person, TaxNumberForm form);

}  // namespace holdfast::policy
