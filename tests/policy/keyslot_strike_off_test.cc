// SPDX-License-Identifier: Apache-2.0
// Orders to strike a lost member off a mirror: two people, one epoch, every bit.
#include "policy/keyslot_strike_off.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/policy/policy_world.h"
#include "tests/policy/test_agreement.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

class KeyslotStrikeOffTest : public ::testing::Test {
 protected:
  KeyslotStrikeOffTerms Terms() const {
    KeyslotStrikeOffTerms terms;
    terms.exchange = agreement_->exchange_id();
    terms.epoch = 7;
    terms.keyslots = "mirror(file,tpm2,pkcs11)";
    terms.members = {2, 3};
    terms.reason = "the machine burnt down";
    terms.made_at = UnixMillis(test::World::kStart);
    return terms;
  }

  std::string SignedBy(std::string_view first, std::string_view second) const {
    const auto order = SignKeyslotStrikeOff(Terms(), test::KeyOf(first));
    EXPECT_THAT(order, IsOk());
    const auto both = CountersignKeyslotStrikeOff(*order, test::KeyOf(second));
    EXPECT_THAT(both, IsOk());
    return *both;
  }

  absl::StatusOr<std::vector<std::string>> Open(std::string_view order) const {
    const auto read = ReadKeyslotStrikeOff(order);
    if (!read.ok()) return read.status();
    return OpenKeyslotStrikeOff(*read, *agreement_, StruckOff());
  }

  const std::shared_ptr<const OpenedAgreement> agreement_ = test::MakeAgreement();
};

TEST_F(KeyslotStrikeOffTest, SaysWhatIsLeft) {
  const std::string order = SignedBy("pete", "dan");
  const auto read = ReadKeyslotStrikeOff(order);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->terms, Terms());
  EXPECT_EQ(read->left, "file");
  const auto people = Open(order);
  ASSERT_THAT(people, IsOk());
  EXPECT_EQ(*people, (std::vector<std::string>{"dan", "pete"}));
}

TEST_F(KeyslotStrikeOffTest, IsNotSignedWhereItMakesNoSense) {
  const auto refused = [](const KeyslotStrikeOffTerms& terms) {
    EXPECT_THAT(SignKeyslotStrikeOff(terms, test::KeyOf("pete")),
                HasReason(Reason::kRequestMalformed));
  };
  KeyslotStrikeOffTerms terms = Terms();
  terms.members = {};
  refused(terms);
  terms.members = {3, 2};
  refused(terms);
  terms.members = {2, 2};
  refused(terms);
  terms.members = {1, 2, 3};
  refused(terms);
  terms.members = {4};
  refused(terms);
  terms = Terms();
  terms.reason.clear();
  refused(terms);
  terms.reason = "two\nlines";
  refused(terms);
  terms = Terms();
  terms.keyslots = "file";
  terms.members = {1};
  refused(terms);
}

// The text of version 1, as others read it.
TEST_F(KeyslotStrikeOffTest, IsTheTextThatWasFrozen) {
  const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/keyslot_strike_off_v1.json";
  const std::string order = SignedBy("pete", "dan");
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    std::ofstream(path, std::ios::binary) << order;
  }
  std::ostringstream frozen;
  frozen << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(order, frozen.str());
}

TEST_F(KeyslotStrikeOffTest, IsRefusedWithAnyBitFlippedOrCutShort) {
  const std::string order = SignedBy("pete", "dan");
  for (const test::Mutation& damaged : test::BitFlips(AsBytes(order))) {
    EXPECT_FALSE(Open(AsText(damaged.bytes)).ok()) << damaged.description;
  }
  // The line feed at the end says nothing.
  for (std::size_t size = 0; size + 1 < order.size(); ++size) {
    EXPECT_FALSE(Open(order.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace holdfast::policy
