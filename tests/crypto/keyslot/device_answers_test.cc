// SPDX-License-Identifier: Apache-2.0
// What a helper, or a vendor's module in it, answers is not believed: whatever bit of an answer is
// wrong, no other key comes out, and no staging or erasure counts that did not happen.
#include <cstddef>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/random.h"
#include "crypto/top_page.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using crypto::SecretBytes;
using crypto::WipedBuffer;
using MakeBench = std::unique_ptr<KeyslotBench> (*)(const Tamper&);

class DeviceAnswers : public ::testing::TestWithParam<MakeBench> {
 protected:
  std::unique_ptr<crypto::Keyslot> MustOpen(KeyslotBench& bench) {
    auto slot = bench.Open(no_faults_);
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  // Calls `act` once to see how many answers it gets, and then with each of them changed in each
  // way. `prepare` has happened before; `check` looks at the slot with honest answers.
  void ChangeEach(const std::function<void(crypto::Keyslot&)>& prepare,
                  const std::function<void(crypto::Keyslot&)>& act,
                  const std::function<void(crypto::Keyslot&)>& check) {
    std::vector<Bytes> answers;
    {
      Tamper note = nullptr;
      const auto bench = GetParam()(note);
      const auto slot = MustOpen(*bench);
      prepare(*slot);
      note = [&answers](WipedBuffer answer) {
        answers.push_back(ToBytes(answer.Reveal()));
        return answer;
      };
      act(*slot);
    }
    ASSERT_FALSE(answers.empty());
    Tamper tamper = nullptr;
    const auto bench = GetParam()(tamper);
    const auto slot = MustOpen(*bench);
    prepare(*slot);
    for (std::size_t which = 0; which < answers.size(); ++which) {
      for (const Mutation& mutation : BitFlipsAndTruncations(answers[which])) {
        SCOPED_TRACE("answer " + std::to_string(which) + ": " + mutation.description);
        std::size_t count = 0;
        tamper = [&](WipedBuffer answer) {
          if (count++ != which) return answer;
          // The same change to what is answered now, which may be encrypted anew.
          Bytes bytes = mutation.bytes;
          const Bytes& was = answers[which];
          for (std::size_t i = 0; i < bytes.size() && i < was.size() && i < answer.size(); ++i) {
            bytes[i] ^= was[i] ^ answer.Reveal()[i];
          }
          return WipedBuffer::TakeFrom(bytes);
        };
        act(*slot);
        tamper = nullptr;
        check(*slot);
        if (HasFailure()) return;
      }
    }
  }

  FaultPlan no_faults_;
  crypto::SystemRandom random_;
  const SecretBytes key_[3] = {crypto::NewRootKey(random_).value(),
                               crypto::NewRootKey(random_).value(),
                               crypto::NewRootKey(random_).value()};
};

TEST_P(DeviceAnswers, NoOtherKeyComesOut) {
  ChangeEach([this](crypto::Keyslot& slot) { ASSERT_THAT(slot.Stage(Epoch(1), key_[1]), IsOk()); },
             [this](crypto::Keyslot& slot) {
               const auto key = slot.Read(Epoch(1));
               if (key.ok()) {
                 EXPECT_TRUE(ConstantTimeEquals(*key, key_[1]));
               }
             },
             [](crypto::Keyslot&) {});
}

TEST_P(DeviceAnswers, AStagingThatCountsCanBeRead) {
  bool staged = false;
  ChangeEach([this](crypto::Keyslot& slot) { ASSERT_THAT(slot.Stage(Epoch(1), key_[1]), IsOk()); },
             [&](crypto::Keyslot& slot) { staged = slot.Stage(Epoch(2), key_[2]).ok(); },
             [&](crypto::Keyslot& slot) {
               const auto key = slot.Read(Epoch(2));
               if (staged) {
                 ASSERT_THAT(key, IsOk());
                 EXPECT_TRUE(ConstantTimeEquals(*key, key_[2]));
               }
               EXPECT_TRUE(ConstantTimeEquals(*slot.Read(Epoch(1)), key_[1]));
               EXPECT_THAT(slot.Erase(Epoch(2)), IsOk());
             });
}

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceAnswers,
                         ::testing::Values(&MakeTamperedPkcs11Bench, &MakeTamperedTpm2Bench));

}  // namespace
}  // namespace holdfast::test
