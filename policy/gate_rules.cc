// SPDX-License-Identifier: Apache-2.0
#include "policy/gate_rules.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "policy/facility_addresses.h"
#include "policy/markers.h"
#include "policy/place_table.h"

namespace holdfast::policy {
namespace {

absl::Status CheckRange(const DayRange& range, const char* what) {
  if (range.until && *range.until < range.from) {
    return MakeError(Reason::kAgreementInvalid,
                     std::string("gate: ") + what + " ends before it begins");
  }
  return absl::OkStatus();
}

}  // namespace

GateRules::GateRules(GateConfig config)
    : config_(std::move(config)),
      markers_(std::make_unique<Markers>()),
      facilities_(std::make_unique<FacilityAddresses>()) {}

GateRules::GateRules(GateRules&&) noexcept = default;
GateRules& GateRules::operator=(GateRules&&) noexcept = default;
GateRules::~GateRules() = default;

absl::StatusOr<GateRules> GateRules::Compile(GateConfig config) {
  if (config.scheme == AddressScheme::kUnspecified) {
    return MakeError(Reason::kAgreementInvalid, "gate: no address scheme");
  }
  if (config.tax_number_form == TaxNumberForm::kUnspecified) {
    return MakeError(Reason::kAgreementInvalid, "gate: no form of tax number");
  }
  if (config.scheme == AddressScheme::kUs && config.zip_in_state == ZipInState::kChecked &&
      config.place_table == nullptr) {
    return MakeError(Reason::kAgreementInvalid,
                     "gate: ZIPs are checked, but no place table is given");
  }
  for (const AuthorityTerm& authority : config.authorities) {
    if (authority.id.empty()) {
      return MakeError(Reason::kAgreementInvalid, "gate: an authority has no id");
    }
    HF_RETURN_IF_ERROR(CheckRange(authority.in_force, "an authority"));
  }
  for (const Delegation& delegation : config.delegations) {
    HF_RETURN_IF_ERROR(CheckRange(delegation.in_force, "a delegation"));
  }

  GateRules rules(std::move(config));
  for (const std::string& phrase : rules.config_.placeholder_phrases) {
    HF_RETURN_IF_ERROR(rules.markers_->AddPlaceholder(phrase));
  }
  for (const std::string& phrase : rules.config_.transient_markers) {
    HF_RETURN_IF_ERROR(rules.markers_->AddTransient(phrase));
  }
  for (const std::string& phrase : rules.config_.facility_names) {
    HF_RETURN_IF_ERROR(rules.markers_->AddFacility(phrase));
  }
  for (const std::string& line : rules.config_.facility_addresses) {
    HF_RETURN_IF_ERROR(rules.facilities_->Add(line, rules.config_.scheme));
  }
  return rules;
}

}  // namespace holdfast::policy
