// SPDX-License-Identifier: Apache-2.0
// Every bit of a signed agreement and of a signed order, flipped; every truncation.
#include <string>

#include "gtest/gtest.h"

#include "crypto/dsse.h"
#include "tests/policy/policy_world.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

// Calls `opens(bytes)` for each mutation that does not say the same as `text`.
template <typename Opens>
void ExpectNoMutationOpens(const std::string& text, Opens opens) {
  const auto whole = crypto::ParseDsse(text);
  ASSERT_THAT(whole, IsOk());
  for (const Mutation& mutation : BitFlipsAndTruncations(AsBytes(text))) {
    const auto parsed = crypto::ParseDsse(AsText(mutation.bytes));
    // White space between members may change without changing what is said.
    if (parsed.ok() && *parsed == *whole) continue;
    EXPECT_FALSE(opens(mutation.bytes)) << mutation.description;
  }
}

TEST(DamageTest, NoMutationOfASignedAgreementOpens) {
  ExpectNoMutationOpens(SignAgreement(AgreementText()),
                        [](ByteSpan bytes) { return policy::OpenAgreement(bytes).ok(); });
}

TEST(DamageTest, NoMutationOfASignedOrderOpens) {
  const World world;
  const auto order = world.Order("carol", world.HoldAct("hold-1", Everything()));
  ExpectNoMutationOpens(SignOrder(order.order, "carol"), [&](ByteSpan bytes) {
    return policy::OpenOrder(bytes, world.agreement()).ok();
  });
}

}  // namespace
}  // namespace holdfast::test
