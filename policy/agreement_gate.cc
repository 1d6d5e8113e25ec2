// SPDX-License-Identifier: Apache-2.0
#include "policy/agreement_gate.h"

#include <chrono>
#include <utility>

namespace holdfast::policy {
CivilDate DayOf(UnixMillis time) {
  const std::chrono::sys_days days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.value())));
  const std::chrono::year_month_day date(days);
  return {static_cast<std::int16_t>(static_cast<int>(date.year())),
          static_cast<std::int8_t>(static_cast<unsigned>(date.month())),
          static_cast<std::int8_t>(static_cast<unsigned>(date.day()))};
}

absl::StatusOr<GateRules> GateRulesOf(const OpenedAgreement& agreement, const PlaceTable* places) {
  const agreement::v1::Gate& gate = agreement.message().gate();
  GateConfig config;
  const bool generic = gate.address_scheme() == agreement::v1::Gate::GENERIC;
  config.scheme = generic ? AddressScheme::kGeneric : AddressScheme::kUs;
  config.tax_number_form = generic ? TaxNumberForm::kDigits : TaxNumberForm::kUs;
  config.place_table = places;
  config.zip_in_state = gate.skip_zip_in_state() ? ZipInState::kNotChecked : ZipInState::kChecked;
  config.placeholder_phrases.assign(gate.placeholder_phrases().begin(),
                                    gate.placeholder_phrases().end());
  config.transient_markers.assign(gate.transient_markers().begin(), gate.transient_markers().end());
  config.facility_addresses.assign(gate.facility_addresses().begin(),
                                   gate.facility_addresses().end());
  for (const Authority& authority : agreement.authorities()) {
    AuthorityTerm term{authority.id, {DayOf(authority.from), std::nullopt}};
    if (authority.until != kMaxTime) term.in_force.until = DayOf(authority.until);
    config.authorities.push_back(std::move(term));
  }
  // This version of the agreement names no delegations and no safeguard status.
  config.delegation_rule = DocumentRule::kNotDemanded;
  config.safeguard_rule = DocumentRule::kNotDemanded;
  return GateRules::Compile(std::move(config));
}

}  // namespace holdfast::policy
