// SPDX-License-Identifier: Apache-2.0
// Entries in plain words: evidence/explain.h.
#include "evidence/explain.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "policy/replay.h"
#include "tests/evidence/story.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ExplainTest, HasASentenceOfItsOwnForEveryFactThatCanBeWritten) {
  const policy::State nothing;
  const auto* oneof = ledger::v1::Entry::descriptor()->FindOneofByName("fact");
  ASSERT_NE(oneof, nullptr);
  std::set<std::string> sentences;
  for (int i = 0; i < oneof->field_count(); ++i) {
    ledger::v1::Entry entry;
    entry.GetReflection()->MutableMessage(&entry, oneof->field(i));
    EXPECT_EQ(policy::FactName(entry), oneof->field(i)->name());
    const std::string text = ExplainEntry(nothing, entry);
    EXPECT_THAT(text, Not(HasSubstr("A fact of kind"))) << policy::FactName(entry);
    EXPECT_TRUE(sentences.insert(text).second) << text;
  }
  EXPECT_EQ(policy::FactName(ledger::v1::Entry()), "none");
}

TEST(ExplainTest, NamesPeopleTransfersAndMatters) {
  const test::SignedWorld story = test::Story();
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  std::string all;
  for (const std::string& bytes : story.entries) {
    ledger::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(bytes));
    all += ExplainEntry(replayer.state(), entry) + "\n";
    ASSERT_THAT(replayer.Step(AsBytes(bytes)), IsOk());
  }
  EXPECT_THAT(all, HasSubstr("A signed order of paula was accepted"));
  EXPECT_THAT(all, HasSubstr("row 2 of " + story.world.Name(0)));
  EXPECT_THAT(all, HasSubstr("The keys of 3 records were destroyed, on the revocation"));
  EXPECT_THAT(all, HasSubstr("which 1 other person approved"));
}

TEST(ExplainTest, SaysWhatCannotBeRead) {
  ledger::v1::Entry entry;
  entry.mutable_order_accepted()->set_order_dsse("{");
  EXPECT_THAT(ExplainEntry(policy::State(), entry), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace holdfast::evidence
