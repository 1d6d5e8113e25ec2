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

std::optional<std::string> CanonicalIdentity(const PersonView& person, TaxNumberForm form) {
  std::string identity(1, kCanonicalIdentityVersion);
  if (const auto number = ParseTaxNumber(person.tax_number, form)) {
    identity += 't';
    identity.append(number->digits.data(), number->size);
    return identity;
  }
  const std::string name = NormalisedNameKey(person.name);
  if (name.empty()) return std::nullopt;
  identity += 'n';
  identity += name;
  identity += '|';
  if (const auto born = ParseCivilDate(person.birth_date)) {
    identity += std::to_string(born->year) + '-' + std::to_string(born->month) + '-' +
                std::to_string(born->day);
  }
  return identity;
}

}  // namespace holdfast::policy
