// SPDX-License-Identifier: Apache-2.0
// policy/state_snapshot.h: what is not the bytes of a state is none. That the bytes are the state
// is shown on random exchanges (decision_model_test.cc).
#include "policy/state_snapshot.h"

#include <cstddef>
#include <utility>

#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/sha256.h"
#include "tests/policy/policy_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

class StateSnapshotTest : public ::testing::Test {
 protected:
  StateSnapshotTest() {
    world_.DoOrder(world_.Order("carol", world_.HoldAct("hold", Everything())));
    bytes_ = policy::SnapshotOf(world_.state());
  }

  absl::Status Read(ByteSpan bytes) const {
    return policy::StateFromSnapshot(bytes, world_.state().shared_agreement()).status();
  }

  World world_;
  Bytes bytes_;
};

TEST_F(StateSnapshotTest, ReadsWhatWasWritten) {
  const auto state = policy::StateFromSnapshot(bytes_, world_.state().shared_agreement());
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->Digest(), world_.state().Digest());
  EXPECT_EQ(state->holds().freezes_in_force(), 1U);
}

// Whatever the room had in it, and however much too small it was.
TEST_F(StateSnapshotTest, TheRoomMakesNoDifference) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20}) {
    Bytes begun = policy::BeginSnapshot(world_.state(), Bytes(size, std::byte{0xaa}));
    EXPECT_EQ(policy::EndSnapshot(std::move(begun)), bytes_) << size;
  }
  EXPECT_GE(policy::SnapshotRoom(world_.state()), bytes_.size());
}

TEST_F(StateSnapshotTest, RefusesEveryFlippedBitEachTruncationAndWhatFollows) {
  Bytes damaged = bytes_;
  for (std::size_t bit = 0; bit < 8 * damaged.size(); ++bit) {
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_THAT(Read(damaged), HasReason(Reason::kStoreCorrupt)) << bit;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    ASSERT_THAT(Read(ByteSpan(bytes_).first(size)), HasReason(Reason::kStoreCorrupt)) << size;
  }
  damaged.push_back(std::byte{0});
  EXPECT_THAT(Read(damaged), HasReason(Reason::kStoreCorrupt));
}

// The digest stops chance, and the signature around it (daemon/exchange/snapshot.h) stops people.
// Behind both the reader still takes no bytes for what they are not.
TEST_F(StateSnapshotTest, ReadsNothingBeyondBytesThatHaveTheRightDigest) {
  const std::size_t body = bytes_.size() - sizeof(Digest32);
  const auto digested = [](ByteSpan bytes) {
    Bytes whole = ToBytes(bytes);
    const Digest32 digest = crypto::Sha256Of(bytes);
    whole.insert(whole.end(), digest.begin(), digest.end());
    return whole;
  };
  for (std::size_t size = 0; size < body; ++size) {
    ASSERT_FALSE(Read(digested(ByteSpan(bytes_).first(size))).ok()) << size;
  }
  Bytes damaged = ToBytes(ByteSpan(bytes_).first(body));
  for (std::byte& byte : damaged) {
    byte ^= std::byte{0xff};
    static_cast<void>(Read(digested(damaged)));
    byte ^= std::byte{0xff};
  }
  damaged.push_back(std::byte{0});
  EXPECT_THAT(Read(digested(damaged)), HasReason(Reason::kStoreCorrupt));
}

TEST_F(StateSnapshotTest, IsOfOneAgreement) {
  AgreementOptions options;
  options.terms = "cooling_period { seconds: 31 }";
  const World other(options);
  EXPECT_THAT(policy::StateFromSnapshot(bytes_, other.state().shared_agreement()),
              HasReason(Reason::kAgreementMismatch));
}

}  // namespace
}  // namespace holdfast::test
