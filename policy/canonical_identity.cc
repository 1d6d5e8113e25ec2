// SPDX-License-Identifier: Apache-2.0
#include "policy/canonical_identity.h"

namespace holdfast::policy {
namespace {

std::optional<std::string> OfKey(const std::string& name_key,
                                 const std::optional<CivilDate>& born) {
  if (name_key.empty()) return std::nullopt;
  std::string identity(1, kCanonicalIdentityVersion);
  identity += 'n';
  identity += name_key;
  identity += '|';
  if (born) {
    identity += std::to_string(born->year) + '-' + std::to_string(born->month) + '-' +
                std::to_string(born->day);
  }
  return identity;
}

std::optional<std::string> OfName(const PersonView& person, const std::optional<CivilDate>& born) {
  return OfKey(NormalisedNameKey(person.name), born);
}

std::string OfNumber(const TaxNumber& number) {
  std::string identity(1, kCanonicalIdentityVersion);
  identity += 't';
  identity.append(number.digits.data(), number.size);
  return identity;
}

}  // namespace

std::optional<std::string> CanonicalIdentity(const PersonView& person, TaxNumberForm form) {
  if (const auto number = ParseTaxNumber(person.tax_number, form)) return OfNumber(*number);
  return OfName(person, ParseCivilDate(person.birth_date));
}

std::optional<std::string> CanonicalAlias(const PersonView& person, TaxNumberForm form) {
  if (!ParseTaxNumber(person.tax_number, form)) return std::nullopt;
  const auto born = ParseCivilDate(person.birth_date);
  return born ? OfName(person, born) : std::nullopt;
}

CanonicalIdentities IdentitiesOf(const PersonView& person, const ParsedName& name,
                                 TaxNumberForm form) {
  const auto number = ParseTaxNumber(person.tax_number, form);
  const auto born = ParseCivilDate(person.birth_date);
  if (!number) return {OfKey(NormalisedNameKey(name), born), std::nullopt};
  return {OfNumber(*number), born ? OfKey(NormalisedNameKey(name), born) : std::nullopt};
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
