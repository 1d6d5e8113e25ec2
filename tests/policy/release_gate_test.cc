// SPDX-License-Identifier: Apache-2.0
// The release gate: policy/release_gate.h. One person, identified, or nothing.

#include "policy/release_gate.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/policy/gate_fixtures.h"
#include "tests/support/seeded_random.h"

namespace holdfast::policy {
namespace {

using ::holdfast::test::Compiled;
using ::holdfast::test::SomeConfig;
using ::holdfast::test::SomePerson;
using ::holdfast::test::SomeRules;

ReleaseVerdict Judge(const PersonView& subject, const std::vector<PersonView>& candidates) {
  return JudgeRelease(SomeRules(), subject, candidates);
}

ReleaseReason Reason(const PersonView& subject, const std::vector<PersonView>& candidates) {
  return Judge(subject, candidates).reason;
}

PersonView With(std::string_view name, std::string_view tax_number, std::string_view birth_date) {
  PersonView person = SomePerson();
  person.name = name;
  person.tax_number = tax_number;
  person.birth_date = birth_date;
  return person;
}

PersonView At(std::string_view line1) {
  PersonView person = SomePerson();
  person.address.line1 = line1;
  return person;
}

TEST(ReleaseGate, ReleasesTheOneWhoAgrees) {
  const ReleaseVerdict verdict = Judge(SomePerson(), {SomePerson()});
  EXPECT_TRUE(verdict.released());
  EXPECT_EQ(verdict.address, AddressComparison::kMatched);
  EXPECT_EQ(verdict.candidate, 0u);
}

TEST(ReleaseGate, WritingDoesNotMatter) {
  const PersonView candidate{
      "SMITH, JOHN Q",
      {"123 North Main Street", "#5", "SPRINGFIELD", "Illinois", "62701-0001"},
      "219099998",
      "1970-01-31"};
  EXPECT_EQ(Reason(SomePerson(), {candidate}), ReleaseReason::kReleased);
}

TEST(ReleaseGate, NobodyIsFoundWhereNobodyBearsTheName) {
  EXPECT_EQ(Reason(SomePerson(), {}), ReleaseReason::kNotFound);
  EXPECT_EQ(Reason(SomePerson(), {With("Mary Miller", "312-44-1234", "1980-05-05")}),
            ReleaseReason::kNotFound);
  EXPECT_EQ(Judge(SomePerson(), {}).address, AddressComparison::kUnspecified);
}

// R3, R4.
TEST(ReleaseGate, NothingButAMatchedAddressReleases) {
  const auto moved = Judge(SomePerson(), {At("77 Oak Ave")});
  EXPECT_EQ(moved.reason, ReleaseReason::kAddressMismatched);
  EXPECT_EQ(moved.address, AddressComparison::kMismatched);
  EXPECT_EQ(Reason(SomePerson(), {At("125 N Main St Apt 5")}), ReleaseReason::kAddressMismatched);
  EXPECT_EQ(Reason(SomePerson(), {At("123 N Main St Apt 6")}), ReleaseReason::kAddressMismatched);
  EXPECT_EQ(Reason(SomePerson(), {At("123 N Main St")}), ReleaseReason::kAddressDoubtful);
  const auto none = Judge(SomePerson(), {At("")});
  EXPECT_EQ(none.reason, ReleaseReason::kAddressNotComparable);
  EXPECT_EQ(none.address, AddressComparison::kNotComparable);
  // The same placeholder on both sides is no match.
  EXPECT_EQ(Reason(At("Failed to Provide 90210"), {At("Failed to Provide 90210")}),
            ReleaseReason::kSubjectIncomplete);
  EXPECT_EQ(Reason(At(""), {At("")}), ReleaseReason::kSubjectIncomplete);
}

TEST(ReleaseGate, NameAndAddressAloneAreNotEnough) {
  EXPECT_EQ(Reason(With("John Q Smith", "", ""), {SomePerson()}),
            ReleaseReason::kSecondIdentifierMissing);
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "", "")}),
            ReleaseReason::kSecondIdentifierMissing);
  EXPECT_EQ(
      Reason(With("John Q Smith", "219-09-9998", ""), {With("John Q Smith", "", "1970-01-31")}),
      ReleaseReason::kSecondIdentifierMissing);
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "9998", "31 Jan 1970")}),
            ReleaseReason::kSecondIdentifierMissing);
  // One is enough.
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "219-09-9998", "")}),
            ReleaseReason::kReleased);
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "", "1970-01-31")}),
            ReleaseReason::kReleased);
}

TEST(ReleaseGate, NothingThatBothSidesHaveMayContradict) {
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "219-09-9989", "1970-01-31")}),
            ReleaseReason::kTaxNumberContradicts);
  EXPECT_EQ(Reason(SomePerson(), {With("John Q Smith", "219-09-9998", "1970-01-30")}),
            ReleaseReason::kBirthDateContradicts);
  EXPECT_EQ(Reason(SomePerson(), {With("John R Smith", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kMiddleNameContradicts);
  EXPECT_EQ(Reason(With("John Smith Jr", "219-09-9998", "1970-01-31"),
                   {With("John Smith Sr", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kSuffixContradicts);
  EXPECT_EQ(Reason(SomePerson(), {With("Mary Miller", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kNameDiffers);
}

TEST(ReleaseGate, FatherAndSonInOneHouse) {
  const PersonView father = With("John Smith", "219-09-9998", "1970-01-31");
  const PersonView son = With("John Smith", "312-44-1234", "1998-06-02");
  EXPECT_EQ(Judge(father, {son, father}).candidate, 1u);
  EXPECT_EQ(Reason(father, {father, son}), ReleaseReason::kReleased);
  EXPECT_EQ(Reason(son, {father}), ReleaseReason::kTaxNumberContradicts);
  // The request says neither number nor date: which one is meant?
  EXPECT_EQ(Reason(With("John Smith", "", ""), {father, son}),
            ReleaseReason::kSecondIdentifierMissing);
  // The file does not know the son's number nor his date.
  EXPECT_EQ(Reason(father, {father, With("John Smith", "", "")}),
            ReleaseReason::kNamesakeNotExcluded);
  // Jr and Sr.
  const PersonView senior = With("John Smith Sr", "219-09-9998", "1970-01-31");
  const PersonView junior = With("John Smith Jr", "", "");
  EXPECT_EQ(Reason(senior, {senior, junior}), ReleaseReason::kReleased);
  EXPECT_EQ(Reason(With("John Smith", "219-09-9998", ""), {senior, junior}),
            ReleaseReason::kNameDoubtful);
}

TEST(ReleaseGate, ANamesakeWhoMovedInLaterIsNotThePerson) {
  const PersonView namesake = With("John Q Smith", "", "1988-03-03");
  EXPECT_EQ(Reason(SomePerson(), {namesake}), ReleaseReason::kBirthDateContradicts);
  PersonView elsewhere = With("John Q Smith", "", "");
  elsewhere.address.line1 = "900 Oak Ave";
  EXPECT_EQ(Reason(SomePerson(), {SomePerson(), elsewhere}), ReleaseReason::kReleased);
  PersonView nowhere = With("John Q Smith", "", "");
  nowhere.address = {};
  EXPECT_EQ(Reason(SomePerson(), {SomePerson(), nowhere}), ReleaseReason::kNamesakeNotExcluded);
}

TEST(ReleaseGate, TwoRowsOfOnePersonReleaseNothing) {
  EXPECT_EQ(Reason(SomePerson(), {SomePerson(), SomePerson()}), ReleaseReason::kSeveralAgree);
  // One tax number under two names: one of the rows is wrong.
  EXPECT_EQ(Reason(SomePerson(), {SomePerson(), With("Mary Miller", "219-09-9998", "")}),
            ReleaseReason::kNamesakeNotExcluded);
}

TEST(ReleaseGate, NicknamesAndInitialsAreNeverEnough) {
  EXPECT_NE(Reason(SomePerson(), {With("Jack Q Smith", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kReleased);
  EXPECT_EQ(Reason(SomePerson(), {With("J Q Smith", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kNameDoubtful);
  EXPECT_EQ(Reason(With("William Smith", "219-09-9998", "1970-01-31"),
                   {With("Bill Smith", "219-09-9998", "1970-01-31")}),
            ReleaseReason::kNameDiffers);
}

TEST(ReleaseGate, TypingErrorsPassOnlyWhereBothIdentifiersAgree) {
  PersonView typed = SomePerson();
  typed.name = "John Q Smiht";
  EXPECT_EQ(Reason(typed, {SomePerson()}), ReleaseReason::kReleased);
  EXPECT_EQ(Reason(typed, {With("John Q Smith", "219-09-9998", "")}), ReleaseReason::kNameDoubtful);
  typed = At("123 N Mian St Apt 5");
  EXPECT_EQ(Reason(typed, {SomePerson()}), ReleaseReason::kReleased);
  EXPECT_EQ(Reason(typed, {With("John Q Smith", "", "1970-01-31")}),
            ReleaseReason::kAddressDoubtful);
}

TEST(ReleaseGate, WhatCountsIsWrittenInTheAgreement) {
  GateConfig config = SomeConfig();
  config.name_allowed = 0;
  config.name_allowed_with_both = 0;
  config.address_allowed_with_both = 0;
  const GateRules strict = Compiled(config);
  const std::vector<PersonView> longer = {With("John Quincy Smith", "219-09-9998", "1970-01-31")};
  EXPECT_EQ(JudgeRelease(strict, SomePerson(), longer).reason, ReleaseReason::kNameDoubtful);
  EXPECT_EQ(Reason(SomePerson(), longer), ReleaseReason::kReleased);

  config.address_allowed_with_both = kAddressUnitMissing;
  const std::vector<PersonView> without_unit = {At("123 N Main St")};
  EXPECT_EQ(JudgeRelease(Compiled(config), SomePerson(), without_unit).reason,
            ReleaseReason::kReleased);
}

TEST(ReleaseGate, TooManyCandidatesReleaseNothing) {
  std::vector<PersonView> candidates(kMaxCandidates, With("Mary Miller", "", ""));
  candidates[0] = SomePerson();
  EXPECT_EQ(Reason(SomePerson(), candidates), ReleaseReason::kReleased);
  candidates.push_back(With("Mary Miller", "", ""));
  EXPECT_EQ(Reason(SomePerson(), candidates), ReleaseReason::kTooManyCandidates);
}

// People who share parts with each other in every combination.
std::vector<PersonView> Crowd() {
  std::vector<PersonView> people;
  for (const char* name : {"John Q Smith", "John Smith", "John R Smith", "John Q Smith Jr",
                           "Jon Q Smith", "Smith John", "J Smith", "Mary Miller"}) {
    for (const char* line : {"123 N Main St Apt 5", "123 N Main St", "9 Oak Ave", ""}) {
      for (const char* tax_number : {"219-09-9998", "312-44-1234", ""}) {
        for (const char* birth_date : {"1970-01-31", "1998-06-02", ""}) {
          PersonView person = With(name, tax_number, birth_date);
          person.address.line1 = line;
          people.push_back(person);
        }
      }
    }
  }
  return people;
}

// Invariants (1) and (3), and that a release keeps every promise of the header.
TEST(ReleaseGate, OrderDoesNotMatterAndMoreCandidatesNeverReleaseMore) {
  test::SeededRandom random(7);
  const std::vector<PersonView> crowd = Crowd();
  int released = 0;
  for (int round = 0; round < 3000; ++round) {
    const PersonView& subject = random.Pick(crowd);
    std::vector<PersonView> candidates;
    const auto size = random.Below(4);
    for (std::uint64_t i = 0; i < size; ++i) candidates.push_back(random.Pick(crowd));
    const ReleaseVerdict before = Judge(subject, candidates);

    std::vector<PersonView> reversed(candidates.rbegin(), candidates.rend());
    EXPECT_EQ(Judge(subject, reversed).reason, before.reason);

    candidates.push_back(random.Pick(crowd));
    const ReleaseVerdict after = Judge(subject, candidates);
    if (after.released() && !before.released()) {
      EXPECT_EQ(after.candidate, candidates.size() - 1);
    }
    if (!after.released()) continue;
    ++released;
    const PersonView& found = candidates[after.candidate];
    EXPECT_EQ(after.address, AddressComparison::kMatched);
    EXPECT_EQ(found.address.line1, subject.address.line1);
    const bool tax_number = !found.tax_number.empty() && found.tax_number == subject.tax_number;
    const bool birth_date = !found.birth_date.empty() && found.birth_date == subject.birth_date;
    EXPECT_TRUE(tax_number || birth_date);
    EXPECT_TRUE(tax_number || found.tax_number.empty() || subject.tax_number.empty());
    EXPECT_TRUE(birth_date || found.birth_date.empty() || subject.birth_date.empty());
  }
  EXPECT_GT(released, 10);
}

// Invariant (4).
TEST(ReleaseGate, NeverReleasesASubjectThatTheRequestGateRefuses) {
  for (const PersonView& subject : Crowd()) {
    const bool accepted =
        JudgeSubject(SomeRules(), {subject, "officer", "case"}, test::kToday).accepted();
    EXPECT_EQ(accepted, Reason(subject, {subject}) != ReleaseReason::kSubjectIncomplete);
  }
}

// Bit i of what a person may release.
std::uint64_t Releasable(const std::vector<PersonView>& candidates) {
  return Judge(SomePerson(), candidates).releasable;
}

TEST(ReleaseGate, APersonMayJudgeADifferenceAndNoContradiction) {
  const PersonView subject = SomePerson();
  EXPECT_EQ(Releasable({subject}), 0u) << "what the gate has released needs no order";
  EXPECT_EQ(Releasable({}), 0u);
  EXPECT_EQ(Releasable({At("123 N Main St")}), 1u) << "a unit is missing";
  EXPECT_EQ(Releasable({At("Main St somewhere")}), 1u) << "the source's address does not parse";
  EXPECT_EQ(Releasable({subject, subject}), 3u) << "two agree";

  EXPECT_EQ(Releasable({At("9 Elm Rd")}), 0u) << "another address";
  EXPECT_EQ(Releasable({With("John Q Smith", "219-09-9998", "1970-02-01")}), 0u);
  EXPECT_EQ(Releasable({With("John Q Smith", "219-09-9999", "1970-01-31")}), 0u);
  EXPECT_EQ(Releasable({With("John Q Smith Jr", "", "")}), 0u);
  EXPECT_EQ(Releasable({With("John Q Smith", "", "")}), 0u) << "no second identifier";
  EXPECT_EQ(Releasable({With("Mary Jones", "219-09-9998", "1970-01-31")}), 0u) << "another name";
  EXPECT_EQ(Releasable({With("J Smith", "219-09-9998", "1970-01-31")}), 0u) << "an initial";
  EXPECT_EQ(Releasable({At("9 Elm Rd"), At("123 N Main St")}), 2u) << "each by itself";
  EXPECT_EQ(Releasable(std::vector<PersonView>(kMaxCandidates + 1, subject)), 0u);
}

TEST(ReleaseGate, ComparesACandidateFieldByField) {
  const auto same = CompareCandidate(SomeRules(), SomePerson(), SomePerson());
  EXPECT_EQ(same.reason, ReleaseReason::kReleased);
  for (const FieldResult result : {same.name, same.address, same.tax_number, same.birth_date}) {
    EXPECT_EQ(result, FieldResult::kSame);
  }
  const auto unit = CompareCandidate(SomeRules(), SomePerson(), At("123 N Main St"));
  EXPECT_EQ(unit.address, FieldResult::kCompatible);
  EXPECT_EQ(unit.address_differences, std::vector<std::string_view>{"UNIT_MISSING"});
  const auto other =
      CompareCandidate(SomeRules(), SomePerson(), With("Mary Smith", "219-09-9999", ""));
  EXPECT_EQ(other.name, FieldResult::kContradicts);
  EXPECT_EQ(other.name_differences.back(), "GIVEN_NAME");
  EXPECT_EQ(other.tax_number, FieldResult::kContradicts);
  EXPECT_EQ(other.birth_date, FieldResult::kUnknown);
  EXPECT_EQ(CompareCandidate(SomeRules(), With("", "", ""), SomePerson()).reason,
            ReleaseReason::kSubjectIncomplete);
}

TEST(ReleaseGate, EveryReasonHasANameAnOutcomeAndADecisionOnReview) {
  std::set<std::string_view> names;
  std::size_t reasons = 0;
  for (int i = 0; i < 256; ++i) {
    const auto reason = static_cast<ReleaseReason>(i);
    const std::string_view name = ReleaseReasonName(reason);
    if (name.empty()) continue;
    ++reasons;
    names.insert(name);
    EXPECT_EQ(OutcomeOf(reason) == ReleaseOutcome::kReleased,
              reason == ReleaseReason::kReleased || reason == ReleaseReason::kReleasedByReview);
    EXPECT_EQ(OutcomeOf(reason) == ReleaseOutcome::kUnspecified,
              reason == ReleaseReason::kUnspecified);
    EXPECT_EQ(NeedsReview(reason),
              reason != ReleaseReason::kReleased && reason != ReleaseReason::kNotFound &&
                  reason != ReleaseReason::kUnspecified && !IsOfReview(reason));
  }
  EXPECT_EQ(names.size(), reasons);
  EXPECT_FALSE(ReleaseVerdict{}.released());
}

}  // namespace
}  // namespace holdfast::policy
