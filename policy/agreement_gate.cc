// SPDX-License-Identifier: Apache-2.0
#include "policy/agreement_gate.h"

#include <chrono>
#include <utility>

namespace holdfast::policy {
namespace {

using agreement::v1::Gate;

// Wire numbers begin at 1, which is no difference; the bits of gate_config.h begin with the next.
template <typename List>
std::uint32_t BitsOf(const List& list, std::uint32_t otherwise) {
  if (list.empty()) return otherwise;
  std::uint32_t bits = 0;
  for (const int number : list) {
    if (number > 1) bits |= 1U << (number - 2);
  }
  return bits;
}
static_assert(kNameMiddleMissing == 1U << (Gate::NAME_MIDDLE_MISSING - 2));
static_assert(kNameFamilyPart == 1U << (Gate::NAME_FAMILY_PART - 2));
static_assert(kAddressUnitMissing == 1U << (Gate::ADDRESS_UNIT_MISSING - 2));
static_assert(kAddressOnePart == 1U << (Gate::ADDRESS_ONE_PART - 2));

DayRange DaysOf(UnixMillis from, UnixMillis until) {
  DayRange range{DayOf(from), std::nullopt};
  if (until != kMaxTime) range.until = DayOf(until);
  return range;
}

}  // namespace

CivilDate DayOf(UnixMillis time) {
  const std::chrono::sys_days days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.value())));
  const std::chrono::year_month_day date(days);
  return {static_cast<std::int16_t>(static_cast<int>(date.year())),
          static_cast<std::int8_t>(static_cast<unsigned>(date.month())),
          static_cast<std::int8_t>(static_cast<unsigned>(date.day()))};
}

absl::StatusOr<GateRules> GateRulesOf(const OpenedAgreement& agreement, const PlaceTable* places) {
  const Gate& gate = agreement.message().gate();
  GateConfig config;
  const bool generic = gate.address_scheme() == Gate::GENERIC;
  config.scheme = generic ? AddressScheme::kGeneric : AddressScheme::kUs;
  config.tax_number_form = generic ? TaxNumberForm::kDigits : TaxNumberForm::kUs;
  config.place_table = places;
  config.zip_in_state = gate.skip_zip_in_state() ? ZipInState::kNotChecked : ZipInState::kChecked;
  config.placeholder_phrases.assign(gate.placeholder_phrases().begin(),
                                    gate.placeholder_phrases().end());
  config.transient_markers.assign(gate.transient_markers().begin(), gate.transient_markers().end());
  config.facility_addresses.assign(gate.facility_addresses().begin(),
                                   gate.facility_addresses().end());
  config.facility_names.assign(gate.facility_names().begin(), gate.facility_names().end());
  config.city_of_zip = gate.check_city_of_zip() ? CityOfZip::kChecked : CityOfZip::kNotChecked;
  config.name_allowed = BitsOf(gate.name_allowed(), config.name_allowed);
  config.name_allowed_with_both =
      BitsOf(gate.name_allowed_with_both(), config.name_allowed_with_both);
  config.address_allowed = BitsOf(gate.address_allowed(), config.address_allowed);
  config.address_allowed_with_both =
      BitsOf(gate.address_allowed_with_both(), config.address_allowed_with_both);
  for (const Authority& authority : agreement.authorities()) {
    config.authorities.push_back({authority.id, DaysOf(authority.from, authority.until)});
  }
  if (!agreement.demands_delegation()) config.delegation_rule = DocumentRule::kNotDemanded;
  for (const DelegationTerm& term : agreement.delegations()) {
    config.delegations.push_back({term.official, DaysOf(term.document.from, term.document.until)});
  }
  if (!agreement.demands_safeguard()) config.safeguard_rule = DocumentRule::kNotDemanded;
  for (const Document& document : agreement.safeguards()) {
    config.safeguards.push_back(DaysOf(document.from, document.until));
  }
  return GateRules::Compile(std::move(config));
}

}  // namespace holdfast::policy
