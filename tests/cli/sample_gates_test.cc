// SPDX-License-Identifier: Apache-2.0
// The sample's truth, as both gates see it: what the generator says must become of a row does.
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "cli/agreement_sample.h"
#include "cli/sample.h"
#include "policy/agreement_gate.h"
#include "policy/name.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "tests/cli/cli_harness.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kRecords = 10'000;

policy::PersonView ViewOf(const std::string& name, const SampleAddress& address,
                          const std::string& tax_number, const std::string& birth_date) {
  return {name,
          {address.line1, address.line2, address.city, address.state, address.postal_code},
          tax_number,
          birth_date};
}

policy::PersonView ViewOf(const SamplePerson& p) {
  return ViewOf(p.name, p.address, p.tax_number, p.birth_date);
}
policy::PersonView ViewOf(const SampleRequest& r) {
  return ViewOf(r.name, r.address, r.tax_number, r.birth_date);
}

class SampleGatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (const SamplePlace& place : SamplePlaces()) {
      text += std::string(place.zip) + "," + std::string(place.city) + "," +
              std::string(place.state) + "\n";
    }
    auto places = policy::PlaceTable::Parse(text);
    ASSERT_THAT(places, test::IsOk());
    places_ = std::make_unique<policy::PlaceTable>(*std::move(places));
    policy::GateConfig config;
    config.scheme = policy::AddressScheme::kUs;
    config.place_table = places_.get();
    config.delegation_rule = policy::DocumentRule::kNotDemanded;
    config.safeguard_rule = policy::DocumentRule::kNotDemanded;
    auto rules = policy::GateRules::Compile(std::move(config));
    ASSERT_THAT(rules, test::IsOk());
    rules_ = std::make_unique<policy::GateRules>(*std::move(rules));
  }

  std::unique_ptr<policy::PlaceTable> places_;
  std::unique_ptr<policy::GateRules> rules_;
};

TEST_F(SampleGatesTest, ComeToTheSampleOwnTruth) {
  const SampleWorld world(kRecords, 1);
  std::vector<SamplePerson> people;
  std::map<std::string, std::vector<std::size_t>> by_name;
  for (std::uint64_t place = 0; place < kRecords; ++place) {
    for (SamplePerson& person : world.CaseOfPlace(place).people) {
      by_name[policy::NormalisedNameKey(person.name)].push_back(people.size());
      people.push_back(std::move(person));
    }
  }
  const policy::CivilDate today{2026, 11, 24};
  std::map<std::string, int> wrong;
  std::uint64_t refused = 0;
  std::uint64_t placeholders = 0;
  for (std::uint64_t row = 0; row < kRecords; ++row) {
    const SampleCase one = world.CaseOfRow(row);
    const policy::RequestVerdict request = policy::JudgeSubject(
        *rules_, {ViewOf(one.request), one.request.officer, one.request.case_number}, today);
    SampleOutcome outcome = SampleOutcome::kRefused;
    std::string released;
    std::string reason(policy::RequestReasonName(request.reason));
    if (request.accepted()) {
      std::vector<policy::PersonView> candidates;
      const auto& same_name = by_name[policy::NormalisedNameKey(one.request.name)];
      for (const std::size_t i : same_name) candidates.push_back(ViewOf(people[i]));
      const policy::ReleaseVerdict verdict =
          policy::JudgeRelease(*rules_, ViewOf(one.request), candidates);
      outcome = verdict.released() ? SampleOutcome::kReleased : SampleOutcome::kNothing;
      if (verdict.released()) released = people[same_name[verdict.candidate]].id;
      reason = std::string(policy::ReleaseReasonName(verdict.reason));
    } else {
      ++refused;
      if (policy::IsPlaceholder(request.reason)) ++placeholders;
    }
    if (outcome != one.outcome || released != one.released) {
      ++wrong[std::string(one.kind) + ": " + reason];
    }
  }
  EXPECT_THAT(wrong, testing::IsEmpty());
  // And no brake of an agreement's defaults stops the transfer.
  EXPECT_LE(refused * 5, kRecords);
  EXPECT_LE(placeholders * 100, kRecords);
}

}  // namespace
}  // namespace holdfast::cli
