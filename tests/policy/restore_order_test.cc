// SPDX-License-Identifier: Apache-2.0
// Orders to go on from a backup: two people, one backup, every bit.
#include "policy/restore_order.h"

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

class RestoreOrderTest : public ::testing::Test {
 protected:
  RestoreTerms Terms() const {
    RestoreTerms terms;
    terms.exchange = agreement_->exchange_id();
    terms.epoch = 7;
    terms.ledger_size = 1'000;
    terms.root.fill(std::byte{3});
    terms.newest_known = 1'234;
    terms.lost = "releases of the last hour; the requester kept its receipts";
    terms.made_at = UnixMillis(test::World::kStart);
    return terms;
  }

  std::string SignedBy(std::string_view first, std::string_view second) const {
    const auto order = SignRestore(Terms(), test::KeyOf(first));
    EXPECT_THAT(order, IsOk());
    if (second.empty()) return *order;
    const auto both = CountersignRestore(*order, test::KeyOf(second));
    EXPECT_THAT(both, IsOk());
    return *both;
  }

  const std::shared_ptr<const OpenedAgreement> agreement_ = test::MakeAgreement();
};

TEST_F(RestoreOrderTest, IsOpenedWhereTwoPeopleSigned) {
  const auto opened = OpenRestore(SignedBy("paula", "carol"), *agreement_, StruckOff());
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->terms, Terms());
  EXPECT_EQ(opened->members, (std::vector<std::string>{"carol", "paula"}));
}

TEST_F(RestoreOrderTest, TakesTwoPeopleWhoSignOrders) {
  EXPECT_THAT(OpenRestore(SignedBy("paula", ""), *agreement_, StruckOff()),
              HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(OpenRestore(SignedBy("paula", "audra"), *agreement_, StruckOff()),
              HasReason(Reason::kSignatureInvalid));  // An auditor only reads.
  EXPECT_THAT(OpenRestore(SignedBy("paula", "ice"), *agreement_, StruckOff()),
              HasReason(Reason::kSignatureInvalid));  // A machine.
  EXPECT_THAT(OpenRestore(SignedBy("paula", "nobody"), *agreement_, StruckOff()),
              HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(CountersignRestore(SignedBy("paula", ""), test::KeyOf("paula")),
              HasReason(Reason::kAlreadyExists));
}

TEST_F(RestoreOrderTest, SaysWhatIsLost) {
  RestoreTerms terms = Terms();
  terms.lost.clear();
  EXPECT_THAT(SignRestore(terms, test::KeyOf("paula")), HasReason(Reason::kRequestMalformed));
  terms = Terms();
  terms.newest_known = terms.ledger_size - 1;
  EXPECT_THAT(SignRestore(terms, test::KeyOf("paula")), HasReason(Reason::kRequestMalformed));
}

// The text of version 1, as others read it.
TEST_F(RestoreOrderTest, IsTheTextThatWasFrozen) {
  const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/restore_v1.json";
  const std::string order = SignedBy("paula", "carol");
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    std::ofstream(path, std::ios::binary) << order;
  }
  std::ostringstream frozen;
  frozen << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(order, frozen.str());
}

TEST_F(RestoreOrderTest, IsRefusedWithAnyBitFlippedOrCutShort) {
  const std::string order = SignedBy("paula", "carol");
  for (const test::Mutation& damaged : test::BitFlips(AsBytes(order))) {
    EXPECT_FALSE(OpenRestore(AsText(damaged.bytes), *agreement_, StruckOff()).ok())
        << damaged.description;
  }
  // The line feed at the end says nothing.
  for (std::size_t size = 0; size + 1 < order.size(); ++size) {
    EXPECT_FALSE(OpenRestore(order.substr(0, size), *agreement_, StruckOff()).ok()) << size;
  }
}

}  // namespace
}  // namespace holdfast::policy
