// SPDX-License-Identifier: Apache-2.0
// A good request, a good candidate and the agreement's rules for them.
//
// When to use  Tests of the gates that change one thing at a time.
// Threads      The rules may be used concurrently.
// Ownership    The place table and the rules live as long as the process.
// Errors       None.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "policy/gate_rules.h"
#include "policy/place_table.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"

namespace holdfast::test {

inline constexpr policy::CivilDate kToday{2026, 11, 24};

inline const policy::PlaceTable& SomePlaces() {
  static const policy::PlaceTable& places = *[] {
    auto parsed = policy::PlaceTable::Parse(
        "zip,city,state\n"
        "62701,Springfield,IL\n62702,Springfield,IL\n10001,New York,NY\n90210,Beverly Hills,CA\n"
        "12345,Schenectady,NY\n63101,Saint Louis,MO\n");
    HF_CHECK(parsed.ok());
    return new policy::PlaceTable(*std::move(parsed));
  }();
  return places;
}

inline policy::GateConfig SomeConfig() {
  policy::GateConfig config;
  config.scheme = policy::AddressScheme::kUs;
  config.place_table = &SomePlaces();
  config.authorities = {{"26-usc-6103-i-2", {{2020, 1, 1}, std::nullopt}},
                        {"26-usc-6103-old", {{2020, 1, 1}, policy::CivilDate{2026, 1, 1}}},
                        {"26-usc-6103-new", {{2027, 1, 1}, std::nullopt}}};
  config.delegations = {
      {"Director, Field Operations", {{2026, 1, 1}, policy::CivilDate{2027, 1, 1}}}};
  config.safeguards = {{{2026, 1, 1}, policy::CivilDate{2027, 1, 1}}};
  config.facility_names = {"Riverside Staging Annex"};
  config.facility_addresses = {"500 W Monroe St, Springfield, IL 62702"};
  return config;
}

inline policy::GateRules Compiled(policy::GateConfig config) {
  auto rules = policy::GateRules::Compile(std::move(config));
  HF_CHECK(rules.ok());
  return *std::move(rules);
}

inline const policy::GateRules& SomeRules() {
  static const policy::GateRules& rules = *new policy::GateRules(Compiled(SomeConfig()));
  return rules;
}

inline policy::PersonView SomePerson() {
  return {"John Q Smith",
          {"123 N Main St Apt 5", "", "Springfield", "IL", "62701"},
          "219-09-9998",
          "1970-01-31"};
}

inline policy::SubjectView SomeSubject() { return {SomePerson(), "officer-17", "2026-CF-0042"}; }

inline policy::TermsView SomeTerms() {
  static constexpr std::array<policy::YearRange, 2> kPeriods = {{{2020, 2021}, {2023, 2023}}};
  static const std::array<std::byte, 32> kDigest = [] {
    std::array<std::byte, 32> digest;
    digest.fill(std::byte{0x5A});
    return digest;
  }();
  return {"26-usc-6103-i-2", "Whereabouts of a fugitive named in an indictment",
          "Director, Field Operations", kPeriods, kDigest};
}

}  // namespace holdfast::test
