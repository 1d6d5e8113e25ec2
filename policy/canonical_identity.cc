// SPDX-License-Identifier: Apache-2.0
#include "policy/canonical_identity.h"

#include <string_view>

#include "policy/address.h"
#include "policy/name.h"

namespace holdfast::policy {

std::string CanonicalAddress(const AddressView& address, AddressScheme scheme) {
  ParsedAddress parsed;
  ParseAddress(address, scheme, parsed);
  if (!parsed.complete()) return {};
  parsed.zip4 = {};
  // "APT 5" and "# 5" are one unit.
  parsed.unit = parsed.unit_key;
  return NormalAddressLine(parsed);
}

namespace {

std::optional<std::string> OfName(const PersonView& person, const std::optional<CivilDate>& born) {
  const std::string name = NormalisedNameKey(person.name);
  if (name.empty()) return std::nullopt;
  std::string identity(1, kCanonicalIdentityVersion);
  identity += 'n';
  identity += name;
  identity += '|';
  if (born) {
    identity += std::to_string(born->year) + '-' + std::to_string(born->month) + '-' +
                std::to_string(born->day);
  }
  return identity;
}

}  // namespace

std::optional<std::string> CanonicalIdentity(const PersonView& person, TaxNumberForm form) {
  if (const auto number = ParseTaxNumber(person.tax_number, form)) {
    std::string identity(1, kCanonicalIdentityVersion);
    identity += 't';
    identity.append(number->digits.data(), number->size);
    return identity;
  }
  return OfName(person, ParseCivilDate(person.birth_date));
}

std::optional<std::string> CanonicalAlias(const PersonView& person, TaxNumberForm form) {
  if (!ParseTaxNumber(person.tax_number, form)) return std::nullopt;
  const auto born = ParseCivilDate(person.birth_date);
  return born ? OfName(person, born) : std::nullopt;
}

std::vector<BasedIdentity> AllIdentities(const PersonView& person, TaxNumberForm form) {
  std::vector<BasedIdentity> identities;
  const auto add = [&](IdentityBasis basis, std::optional<std::string> identity) {
    if (identity) identities.push_back({basis, *std::move(identity)});
  };
  if (ParseTaxNumber(person.tax_number, form)) {
    add(IdentityBasis::kTaxNumber, CanonicalIdentity(person, form));
  }
  const auto born = ParseCivilDate(person.birth_date);
  if (born) add(IdentityBasis::kNameAndBirthDate, OfName(person, born));
  add(IdentityBasis::kNameAlone, OfName(person, std::nullopt));
  return identities;
}

}  // namespace holdfast::policy
