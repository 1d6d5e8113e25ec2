// SPDX-License-Identifier: Apache-2.0
// The request gate: policy/request_gate.h. What is not all there is not asked.

#include "policy/request_gate.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/policy/gate_data.h"
#include "tests/policy/gate_fixtures.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using ::holdfast::test::Compiled;
using ::holdfast::test::HasReason;
using ::holdfast::test::kToday;
using ::holdfast::test::SomeConfig;
using ::holdfast::test::SomePerson;
using ::holdfast::test::SomeRules;
using ::holdfast::test::SomeSubject;
using ::holdfast::test::SomeTerms;

RequestReason Judge(const TermsView& terms, const SubjectView& subject) {
  return JudgeRequest(SomeRules(), terms, subject, kToday).reason;
}

RequestReason JudgeTermsWith(const std::function<void(TermsView&)>& change) {
  TermsView terms = SomeTerms();
  change(terms);
  return Judge(terms, SomeSubject());
}

RequestReason JudgeSubjectWith(const std::function<void(SubjectView&)>& change) {
  SubjectView subject = SomeSubject();
  change(subject);
  return Judge(SomeTerms(), subject);
}

RequestReason JudgeAddress(const AddressView& address) {
  return JudgeSubjectWith([&](SubjectView& s) { s.person.address = address; });
}

TEST(RequestGate, AcceptsACompleteRequest) {
  EXPECT_EQ(Judge(SomeTerms(), SomeSubject()), RequestReason::kAccepted);
}

// R1: drop each in turn, none is accepted.
TEST(RequestGate, AcceptsNothingWithoutAnyOneOfItsParts) {
  using Reason = RequestReason;
  const auto blank = [](std::string_view& field) { field = " "; };
  EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { blank(t.authority); }), Reason::kAuthorityMissing);
  EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { blank(t.purpose); }), Reason::kPurposeMissing);
  EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { blank(t.requesting_official); }),
            Reason::kOfficialMissing);
  EXPECT_EQ(JudgeTermsWith([](TermsView& t) { t.periods = {}; }), Reason::kPeriodsMissing);
  EXPECT_EQ(JudgeTermsWith([](TermsView& t) { t.attestation_digest = {}; }),
            Reason::kAttestationMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.officer); }), Reason::kOfficerMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.case_number); }), Reason::kCaseMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.person.name); }), Reason::kNameMissing);
  EXPECT_EQ(JudgeSubjectWith([](SubjectView& s) { s.person.address = {}; }),
            Reason::kAddressMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.person.address.line1); }),
            Reason::kDeliveryLineMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.person.address.city); }),
            Reason::kCityMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.person.address.state); }),
            Reason::kStateMissing);
  EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { blank(s.person.address.postal_code); }),
            Reason::kPostalCodeMissing);
}

TEST(RequestGate, AcceptsWithoutTaxNumberAndBirthDateButNotWithBadOnes) {
  using Reason = RequestReason;
  const auto judge = [](std::string_view tax_number, std::string_view birth_date) {
    return JudgeSubjectWith([&](SubjectView& s) {
      s.person.tax_number = tax_number;
      s.person.birth_date = birth_date;
    });
  };
  EXPECT_EQ(judge("", ""), Reason::kAccepted);
  EXPECT_EQ(judge("123-45-67", ""), Reason::kTaxNumberMalformed);
  EXPECT_EQ(judge("unknown", ""), Reason::kTaxNumberMalformed);
  EXPECT_EQ(judge("", "01/31/1970"), Reason::kBirthDateMalformed);
  EXPECT_EQ(judge("", "1970-02-30"), Reason::kBirthDateMalformed);
  EXPECT_EQ(judge("", "2026-11-25"), Reason::kBirthDateImplausible);
  EXPECT_EQ(judge("", "2026-11-24"), Reason::kAccepted);
  EXPECT_EQ(judge("", "1900-12-31"), Reason::kBirthDateImplausible);
}

TEST(RequestGate, RefusesTermsThatAreNotWellFormed) {
  using Reason = RequestReason;
  for (const char* purpose : {"n/a", "investigation", "tbd tbd tbd", "a b c d e",
                              "not provided yet", "see file for the reason"}) {
    EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { t.purpose = purpose; }),
              Reason::kPurposeNotSpecific)
        << purpose;
  }
  const std::string endless(1001, 'x');
  EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { t.purpose = endless; }),
            Reason::kPurposeNotSpecific);
  for (const char* official : {"X", "unknown", "N/A", "--- ---"}) {
    EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { t.requesting_official = official; }),
              Reason::kOfficialMalformed)
        << official;
  }
  for (const YearRange range : {YearRange{2022, 2021}, YearRange{0, 0}, YearRange{2027, 2027},
                                YearRange{2020, 2027}, YearRange{1899, 1900}}) {
    const std::vector<YearRange> periods = {{2020, 2020}, range};
    EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { t.periods = periods; }), Reason::kPeriodMalformed);
  }
  const std::vector<std::byte> zero(32);
  EXPECT_EQ(JudgeTermsWith([&](TermsView& t) { t.attestation_digest = zero; }),
            Reason::kAttestationMissing);
  EXPECT_EQ(
      JudgeTermsWith([](TermsView& t) { t.attestation_digest = t.attestation_digest.subspan(1); }),
      Reason::kAttestationMissing);
}

// R5.
TEST(RequestGate, TheAuthorityMustBeListedAndInForce) {
  using Reason = RequestReason;
  const auto judge = [](std::string_view authority) {
    return JudgeTermsWith([&](TermsView& t) { t.authority = authority; });
  };
  EXPECT_EQ(judge("26-usc-6103-x"), Reason::kAuthorityNotDesignated);
  EXPECT_EQ(judge("26-USC-6103-I-2"), Reason::kAuthorityNotDesignated);
  EXPECT_EQ(judge("26-usc-6103-old"), Reason::kAuthorityNotInForce);
  EXPECT_EQ(judge("26-usc-6103-new"), Reason::kAuthorityNotInForce);
  TermsView terms = SomeTerms();
  terms.authority = "26-usc-6103-old";
  // In force on its last day: what is refused then is the delegation, which begins later.
  EXPECT_EQ(JudgeTerms(SomeRules(), terms, {2025, 12, 31}).reason, Reason::kDelegationNotInForce);
}

// R7.
TEST(RequestGate, StaleDocumentsAreRefused) {
  const TermsView terms = SomeTerms();
  EXPECT_EQ(JudgeTerms(SomeRules(), terms, {2026, 12, 31}).reason, RequestReason::kAccepted);
  EXPECT_EQ(JudgeTerms(SomeRules(), terms, {2027, 1, 1}).reason,
            RequestReason::kDelegationNotInForce);
  EXPECT_EQ(JudgeTermsWith([](TermsView& t) { t.requesting_official = "Somebody Else"; }),
            RequestReason::kDelegationNotInForce);
  EXPECT_EQ(
      JudgeTermsWith([](TermsView& t) { t.requesting_official = "director,  FIELD operations"; }),
      RequestReason::kAccepted);

  GateConfig config = SomeConfig();
  config.safeguards.clear();
  EXPECT_EQ(JudgeTerms(Compiled(config), terms, kToday).reason,
            RequestReason::kSafeguardNotInForce);
  config.delegations.clear();
  EXPECT_EQ(JudgeTerms(Compiled(config), terms, kToday).reason,
            RequestReason::kDelegationNotInForce);
  config.delegation_rule = DocumentRule::kNotDemanded;
  config.safeguard_rule = DocumentRule::kNotDemanded;
  EXPECT_EQ(JudgeTerms(Compiled(config), terms, kToday).reason, RequestReason::kAccepted);
}

// R2.
TEST(RequestGate, RefusesWhatIsNoAddress) {
  const char* const lines[] = {"",
                               "12345",
                               "Don't Care 12345",
                               "Failed to Provide 90210",
                               "Unknown Address 10001",
                               "N/A",
                               "Homeless",
                               "transient",
                               "General Delivery",
                               "see file 123456789 thanks",
                               "123456789",
                               "９０２１０",
                               "9\xE2\x80\x8B"
                               "0210",
                               "Ｆａｉｌｄ　ｔｏ　ｐｒｏｖｉｄｅ ９０２１０",
                               "Faild  to provide",
                               "123 Main",
                               "Main Street",
                               "Apt 5",
                               "no fixed address",
                               "XXXXX",
                               "same",
                               "."};
  for (const char* line : lines) {
    // As the whole of the address, and in place of the delivery line of a good one.
    EXPECT_NE(JudgeAddress({line, "", "", "", ""}), RequestReason::kAccepted) << line;
    if (std::string_view(line) == "123 Main") continue;  // A street may have no suffix.
    AddressView address = SomePerson().address;
    address.line1 = line;
    EXPECT_NE(JudgeAddress(address), RequestReason::kAccepted) << line;
    // And with everything on one line.
    const std::string all = std::string(line) + ", Springfield, IL 62701";
    EXPECT_NE(JudgeAddress({all, "", "", "", ""}), RequestReason::kAccepted) << line;
  }
}

TEST(RequestGate, SaysThatAPlaceholderIsOneAlsoWhereItDoesNotParse) {
  using Reason = RequestReason;
  EXPECT_EQ(JudgeAddress({"Failed to Provide 90210", "", "", "", ""}), Reason::kAddressPlaceholder);
  EXPECT_EQ(JudgeAddress({"Ｆａｉｌｄ ｔｏ ｐｒｏｖｉｄｅ", "", "Springfield", "IL", "62701"}),
            Reason::kAddressPlaceholder);
  EXPECT_EQ(JudgeAddress({"1 Main St", "", "Unknown", "IL", "62701"}), Reason::kAddressPlaceholder);
  EXPECT_EQ(JudgeAddress({"1 Main St", "homeless", "Springfield", "IL", "62701"}),
            Reason::kAddressTransient);
  EXPECT_TRUE(IsPlaceholder(Reason::kAddressPlaceholder));
  EXPECT_TRUE(IsPlaceholder(Reason::kAddressTransient));
  EXPECT_TRUE(IsPlaceholder(Reason::kNamePlaceholder));
  EXPECT_FALSE(IsPlaceholder(Reason::kAccepted));
  EXPECT_FALSE(IsPlaceholder(Reason::kCityMissing));
}

TEST(RequestGate, TheZipMustLieInTheState) {
  using Reason = RequestReason;
  EXPECT_EQ(JudgeAddress({"1 Main St", "", "Springfield", "MO", "62701"}),
            Reason::kStateIncoherent);
  EXPECT_EQ(JudgeAddress({"1 Main St", "", "Springfield", "IL", "62709"}),
            Reason::kPostalCodeUnknown);
  EXPECT_EQ(JudgeAddress({"1 Main St", "", "Chatham", "IL", "62701"}), Reason::kAccepted);

  GateConfig config = SomeConfig();
  config.city_of_zip = CityOfZip::kChecked;
  SubjectView subject = SomeSubject();
  subject.person.address.city = "Chatham";
  EXPECT_EQ(JudgeSubject(Compiled(config), subject, kToday).reason, Reason::kCityIncoherent);
  config.zip_in_state = ZipInState::kNotChecked;
  subject.person.address.state = "MO";
  EXPECT_EQ(JudgeSubject(Compiled(config), subject, kToday).reason, Reason::kAccepted);
}

TEST(RequestGate, AFacilityIsNobodysHome) {
  using Reason = RequestReason;
  EXPECT_EQ(JudgeAddress({"Riverside Staging Annex", "5 Main St", "Springfield", "IL", "62701"}),
            Reason::kAddressFacility);
  EXPECT_EQ(JudgeAddress({"500 West Monroe Street Ste 7", "", "SPRINGFIELD", "IL", "62702-0001"}),
            Reason::kAddressFacility);
  EXPECT_EQ(JudgeAddress({"501 West Monroe Street", "", "Springfield", "IL", "62702"}),
            Reason::kAccepted);
}

// R3: a good tax number does not waive the address.
TEST(RequestGate, ATaxNumberNeverWaivesTheAddress) {
  for (const char* line : {"", "Failed to Provide 90210", "12345", "Unknown", "Main St"}) {
    const auto reason = JudgeSubjectWith([&](SubjectView& s) {
      s.person.address.line1 = line;
      s.person.tax_number = "219-09-9998";
      s.person.birth_date = "1970-01-31";
    });
    EXPECT_NE(reason, RequestReason::kAccepted) << line;
  }
}

TEST(RequestGate, RefusesNamesThatNameNobody) {
  using Reason = RequestReason;
  const auto judge = [](std::string_view name) {
    return JudgeSubjectWith([&](SubjectView& s) { s.person.name = name; });
  };
  EXPECT_EQ(judge("Smith"), Reason::kNameIncomplete);
  EXPECT_EQ(judge("J Smith"), Reason::kNameIncomplete);
  EXPECT_EQ(judge("J0hn Smith"), Reason::kNameMalformed);
  EXPECT_EQ(judge("John and Mary Smith"), Reason::kNameMalformed);
  EXPECT_EQ(judge("Unknown Unknown"), Reason::kNamePlaceholder);
  EXPECT_EQ(judge("FNU LNU"), Reason::kNamePlaceholder);
  EXPECT_EQ(judge("John Doe"), Reason::kNamePlaceholder);
  EXPECT_EQ(judge("José Núñez"), Reason::kAccepted);
}

TEST(RequestGate, RefusesOfficersAndCasesThatNameNone) {
  using Reason = RequestReason;
  for (const char* text : {"unknown", "N/A", "---", "TBD", "\x01"}) {
    EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { s.officer = text; }),
              Reason::kOfficerMalformed)
        << text;
    EXPECT_EQ(JudgeSubjectWith([&](SubjectView& s) { s.case_number = text; }),
              Reason::kCaseMalformed)
        << text;
  }
}

TEST(RequestGate, ACompiledAgreementHasASchemeAndItsTables) {
  const auto compile = [](const std::function<void(GateConfig&)>& change) {
    GateConfig config = SomeConfig();
    change(config);
    return GateRules::Compile(config).status();
  };
  EXPECT_TRUE(compile([](GateConfig&) {}).ok());
  EXPECT_THAT(GateRules::Compile(GateConfig{}), HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.place_table = nullptr; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.tax_number_form = TaxNumberForm::kUnspecified; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.placeholder_phrases = {"--"}; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.transient_markers = {""}; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.facility_names = {"\x01"}; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) { c.facility_addresses = {"500 W Monroe St"}; }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) {
                c.authorities.push_back({"", {{2020, 1, 1}, {}}});
              }),
              HasReason(Reason::kAgreementInvalid));
  EXPECT_THAT(compile([](GateConfig& c) {
                c.delegations.push_back({"X", {{2020, 1, 1}, CivilDate{2019, 1, 1}}});
              }),
              HasReason(Reason::kAgreementInvalid));
}

TEST(RequestGate, EveryReasonHasItsOwnNameAndNumber) {
  std::set<std::string_view> names;
  std::size_t reasons = 0;
  for (int i = 0; i < 256; ++i) {
    const std::string_view name = RequestReasonName(static_cast<RequestReason>(i));
    if (name.empty()) continue;
    ++reasons;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), reasons);
  EXPECT_EQ(RequestReasonName(RequestReason::kUnspecified), "UNSPECIFIED");
  EXPECT_EQ(RequestReasonName(RequestReason::kAccepted), "ACCEPTED");
  EXPECT_EQ(RequestReasonName(RequestReason::kAddressPlaceholder), "ADDRESS_PLACEHOLDER");
  EXPECT_FALSE(RequestVerdict{}.accepted());
}

TEST(RequestGate, DamagedRequestsAreJudgedTheSameTwice) {
  const std::string line = "123 N Main St Apt 5";
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(line))) {
    SCOPED_TRACE(mutation.description);
    const std::string damaged(ToString(mutation.bytes));
    AddressView address = SomePerson().address;
    address.line1 = damaged;
    EXPECT_EQ(JudgeAddress(address), JudgeAddress(address));
  }
}

}  // namespace
}  // namespace holdfast::policy
