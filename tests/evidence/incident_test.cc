// SPDX-License-Identifier: Apache-2.0
// The report of an incident: evidence/incident.h.
#include "evidence/incident.h"

#include <string>
#include <vector>

#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/strict_json.h"
#include "tests/evidence/story.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr UnixMillis kStart(test::World::kStart);

class IncidentTest : public ::testing::Test {
 protected:
  static IncidentTerms Terms(const v1::Scope& scope) {
    IncidentTerms terms;
    terms.scope = scope;
    terms.what = "Records left <b>\"without\"</b> & before a request";
    terms.how_found = "An auditor's count";
    terms.found_at = kStart + hours(60);
    terms.written_at = kStart + hours(62);
    return terms;
  }

  Incident Search(const IncidentTerms& terms) {
    IncidentSearch search(terms);
    test::MemoryFileSystem files;
    test::WriteExport(files, "/export", story_.entries, story_.Checkpoint());
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    request.readers = {&search};
    EXPECT_THAT(VerifyExport(files, request, [](std::uint64_t) {}), IsOk());
    return search.found();
  }

  const test::SignedWorld story_ = test::Disclosures();
};

TEST_F(IncidentTest, CountsWhatLeftAndToWhom) {
  const Incident found = Search(Terms(test::Everything()));
  ASSERT_TRUE(found.scope_valid);
  EXPECT_EQ(found.covered, 6U);
  EXPECT_EQ(found.records, 4U);
  EXPECT_EQ(found.with_data, 3U);
  EXPECT_EQ(found.persons, 4U);
  EXPECT_EQ(found.disclosures, 5U);
  EXPECT_EQ(found.first, kStart + hours(1));
  EXPECT_EQ(found.last, kStart + hours(48));
  ASSERT_EQ(found.receivers.size(), 1U);
  EXPECT_EQ(found.receivers[0].requester, "ice");
  EXPECT_EQ(found.receivers[0].records, 4U);
  ASSERT_EQ(found.elements.size(), 1U);
  EXPECT_EQ(found.elements[0].authority, "statute");
  EXPECT_FALSE(found.elements[0].fields.empty());
  ASSERT_EQ(found.holds.size(), 1U);
  EXPECT_TRUE(found.holds[0].in_force);
  EXPECT_EQ(found.holds[0].notice_due,
            kStart + hours(60) + story_.world.agreement().terms().notice_deadline);
  EXPECT_FALSE(found.gateways.empty());
  EXPECT_FALSE(found.contacts.empty());
}

TEST_F(IncidentTest, CountsOnlyThePeriodAndTheScope) {
  IncidentTerms terms = Terms(test::Everything());
  terms.from = kStart + hours(40);
  const Incident late = Search(terms);
  EXPECT_EQ(late.records, 1U);
  EXPECT_EQ(late.first, kStart + hours(48));
  const Incident none = Search(Terms(test::OfPerson(3)));
  EXPECT_EQ(none.records, 0U);
  EXPECT_TRUE(none.holds.empty());
  EXPECT_FALSE(Search(Terms(test::OfAuthority("nothing"))).scope_valid);
}

TEST_F(IncidentTest, WritesStrictJsonAndAPageWithoutScripts) {
  const IncidentTerms terms = Terms(test::OfPerson(1));
  const Incident found = Search(terms);
  const auto json = ParseStrictJson(IncidentJson(terms, found, story_.Root()));
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(json->Find("what")->text(), terms.what);
  EXPECT_EQ(json->Find("reportDue")->text(), FormatRfc3339(kStart + hours(84)));
  EXPECT_EQ(json->Find("counts")->Find("recordsDisclosed")->integer(), 1);
  EXPECT_EQ(json->Find("ledger")->Find("root")->text(), Hex(story_.Root()));

  const std::string page = IncidentPage(terms, found, story_.Root());
  const std::vector<std::string> assumptions = VerificationAssumptions();
  ASSERT_EQ(json->Find("assumptions")->array().size(), assumptions.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < assumptions.size(); ++i) {
    EXPECT_EQ(json->Find("assumptions")->array()[i].text(), assumptions[i]);
    at = page.find("Assumed: ", at + 1);
    EXPECT_NE(at, std::string::npos) << assumptions[i];
  }
  EXPECT_THAT(page, HasSubstr("color: #000; background: #fff"));
  EXPECT_THAT(page, HasSubstr("22 h 0 min left"));
  EXPECT_THAT(page, HasSubstr("hold-1: freeze and preserve, in force"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&quot;without&quot;&lt;/b&gt; &amp; before"));
  for (const char* no : {"<script", "<img", "<a ", "http://", "https://", "<b>", "javascript"}) {
    EXPECT_THAT(page, Not(HasSubstr(no)));
  }
  // People who were asked about are not even there as pseudonyms, but for the scope that was given.
  const Incident all = Search(Terms(test::Everything()));
  const std::string about_all = IncidentPage(Terms(test::Everything()), all, story_.Root());
  EXPECT_THAT(about_all, Not(HasSubstr(Hex(BytesOf(test::PseudonymOf(1))))));
}

}  // namespace
}  // namespace holdfast::evidence
