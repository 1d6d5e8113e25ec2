// SPDX-License-Identifier: Apache-2.0
//
// Who is the same person, for the ledger's pseudonyms.
//
// When to use  Before crypto::PseudonymOf. Two descriptions of one person have one canonical
// identity
//              if they have the same tax number; without one, the same normalised name and birth
//              date. So a person who is asked about with another address keeps the pseudonym.
// Threads      May be called concurrently.
// Ownership    A value. It is personal data: it goes into the keyed hash and nowhere else.
// Errors       None: nullopt where there is too little to tell people apart.
#pragma once

#include <optional>
#include <string>

#include "policy/gate_config.h"
#include "policy/identity.h"

namespace holdfast::policy {

// Goes into the bytes: a change of this rule is a new version, and other pseudonyms.
inline constexpr char kCanonicalIdentityVersion = '1';

// The address as AddressTagOf takes it: the normal form without ZIP+4, which changes. Empty for an
// address that is not complete.
std::string CanonicalAddress(const AddressView& address, AddressScheme scheme);

std::optional<std::string> CanonicalIdentity(const PersonView& person, TaxNumberForm form);

}  // namespace holdfast::policy
