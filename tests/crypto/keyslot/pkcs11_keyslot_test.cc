// SPDX-License-Identifier: Apache-2.0
// Pkcs11Keyslot with SoftHSM, and with a module that is SoftHSM but for what fails in it. What it
// has in common with the other kinds is in keyslot_contract_test.cc.
#include "crypto/keyslot/pkcs11_keyslot.h"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/internal/secret_access.h"
#include "crypto/keyslot/internal/device_vendors.h"
#include "crypto/top_page.h"
#include "tests/crypto/keyslot/soft_devices.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using test::HasReason;
using test::IsOk;
using test::IsOkAndHolds;
using test::SoftHsm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::chrono::milliseconds kPatience{60'000};

class Pkcs11KeyslotTest : public ::testing::Test {
 protected:
  Pkcs11KeyslotTest() {
    EXPECT_EQ(setenv("HF_TEST_PKCS11_FAULT", folder_.File("fault").c_str(), 1), 0);
    disk_.Preload("/pin", AsBytes("1234\n"));
  }

  void Fail(const char* how) { std::ofstream(folder_.File("fault")) << how; }

  absl::StatusOr<std::unique_ptr<Pkcs11Keyslot>> Open(
      std::chrono::milliseconds patience = kPatience) {
    return Pkcs11Keyslot::Open(
        disk_, random_, std::make_unique<HelperChannel>(test::kKeyslotHelper, patience, clock_),
        {"/slot", HF_FAILING_PKCS11, SoftHsm::kLabel, "/pin", epoch_budget_});
  }

  std::unique_ptr<Pkcs11Keyslot> MustOpen(std::chrono::milliseconds patience = kPatience) {
    auto slot = Open(patience);
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  void ExpectFault(const absl::Status& status, const char* what) {
    EXPECT_THAT(status, HasReason(Reason::kKeyslotFailed));
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }

  std::optional<std::uint64_t> epoch_budget_;
  SoftHsm token_;
  test::TempDir folder_;
  test::MemoryFileSystem disk_;
  test::FakeClock clock_{UnixMillis{0}, std::chrono::hours(1)};
  test::SeededCryptoRandom random_;
  const SecretBytes key_[3] = {NewRootKey(random_).value(), NewRootKey(random_).value(),
                               NewRootKey(random_).value()};
};

TEST_F(Pkcs11KeyslotTest, SaysWhichTokenItIs) {
  const auto slot = MustOpen();
  ASSERT_EQ(slot->parts().size(), 1u);
  EXPECT_THAT(slot->parts()[0].device, HasSubstr("SoftHSM project, SoftHSM v2, serial number "));
  EXPECT_EQ(slot->erasure_class(), ErasureClass::kMedium);
  EXPECT_EQ(slot->erase_interval(), std::chrono::hours(1));
}

TEST_F(Pkcs11KeyslotTest, BearsWhatItsConfigurationSays) {
  EXPECT_EQ(MustOpen()->epoch_budget(), std::nullopt);
  epoch_budget_ = 500;
  EXPECT_EQ(MustOpen()->epoch_budget(), std::optional<std::uint64_t>(500));
}

TEST_F(Pkcs11KeyslotTest, AnOldFileOpensNothingOnceItsKeyIsDestroyed) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  const Bytes old = disk_.ReadWhole("/slot/epoch-1", 4096).value();
  ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  disk_.Preload("/slot/epoch-1", old);
  EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
  EXPECT_THAT(slot->List(), IsOkAndHolds(IsEmpty()));
  // Nor under a key that is new.
  ASSERT_THAT(slot->Stage(Epoch(1), key_[2]), IsOk());
  disk_.Preload("/slot/epoch-1", old);
  EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
}

TEST_F(Pkcs11KeyslotTest, NoFileHoldsTheRootKeyOrThePin) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  const auto key = internal::SecretAccess::Read(key_[1]);
  for (const Bytes& written : disk_.EverythingEverSynced()) {
    EXPECT_EQ(std::search(written.begin(), written.end(), key.begin(), key.end()), written.end());
  }
}

TEST_F(Pkcs11KeyslotTest, AFileThatWasChangedIsNotHeld) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  const Bytes whole = disk_.ReadWhole("/slot/epoch-1", 4096).value();
  for (const test::Mutation& mutation : test::BitFlipsAndTruncations(whole)) {
    SCOPED_TRACE(mutation.description);
    disk_.Preload("/slot/epoch-1", mutation.bytes);
    EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
  }
  disk_.Preload("/slot/epoch-1", whole);
  EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
}

TEST_F(Pkcs11KeyslotTest, ADestroyThatFailsIsNoErasure) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  Fail("destroy");
  ExpectFault(slot->Erase(Epoch(1)), "C_DestroyObject");
  EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
  Fail("nothing");
  EXPECT_THAT(slot->Erase(Epoch(1)), IsOk());
  EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
}

TEST_F(Pkcs11KeyslotTest, ADestroyThatLiesIsFoundByAFreshSearch) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  Fail("destroy-lies");
  ExpectFault(slot->Erase(Epoch(1)), "still has a key that it destroyed");
  EXPECT_THAT(slot->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
}

TEST_F(Pkcs11KeyslotTest, AKeyThatCouldLeaveTheTokenIsNotUsed) {
  const auto slot = MustOpen();
  Fail("leaves");
  ExpectFault(slot->Stage(Epoch(1), key_[1]), "a key that can leave it");
  EXPECT_THAT(slot->List(), IsOkAndHolds(IsEmpty()));
}

TEST_F(Pkcs11KeyslotTest, AFullTokenIsAnErrorThatSaysSo) {
  const auto slot = MustOpen();
  Fail("full");
  ExpectFault(slot->Stage(Epoch(1), key_[1]), "the token is full");
  Fail("nothing");
  EXPECT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
}

TEST_F(Pkcs11KeyslotTest, AModuleThatHangsHoldsNobodyUp) {
  {
    const auto slot = MustOpen();
    ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  }
  const auto slot = MustOpen(std::chrono::milliseconds(1500));
  Fail("hang");
  ExpectFault(slot->Stage(Epoch(2), key_[2]), "the device gave no answer in 1500 ms");
  // Nobody waits a second time at once, though all is well again.
  Fail("nothing");
  ExpectFault(slot->Read(Epoch(1)).status(), "gave no answer a moment ago");
  ExpectFault(slot->Erase(Epoch(2)), "gave no answer a moment ago");
  clock_.Advance(std::chrono::seconds(4));
  EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
  EXPECT_THAT(slot->Stage(Epoch(2), key_[2]), IsOk());
}

TEST_F(Pkcs11KeyslotTest, AModuleThatCrashesTakesOnlyTheHelperWithIt) {
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  Fail("crash");
  ExpectFault(slot->Stage(Epoch(2), key_[2]), "helper has ended");
  Fail("nothing");
  EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
  EXPECT_THAT(slot->Stage(Epoch(2), key_[2]), IsOk());
}

TEST_F(Pkcs11KeyslotTest, ATokenThatIsAbsentTwiceThereOrAnotherOneIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  token_.AddToken();
  ExpectFault(Open().status(), "several tokens have that label");
  token_.ReplaceToken();
  ExpectFault(Open().status(), "the token is another one");
  token_.RemoveTokens();
  ExpectFault(Open().status(), "there is no token with that label");
}

TEST_F(Pkcs11KeyslotTest, AWrongPinIsAnErrorAndTheLastOneIsNotTried) {
  disk_.Preload("/pin", AsBytes("4321"));
  ExpectFault(Open().status(), "the PIN is wrong");
  disk_.Preload("/pin", AsBytes("1234"));
  Fail("last-try");
  ExpectFault(Open().status(), "one more wrong PIN would lock the token");
  Fail("locked");
  ExpectFault(Open().status(), "the PIN is locked");
  Fail("nothing");
  EXPECT_THAT(Open(), IsOk());
  disk_.Preload("/pin", AsBytes("\n"));
  ExpectFault(Open().status(), "the PIN's file is empty");
}

TEST_F(Pkcs11KeyslotTest, AModuleOrHelperThatIsNotThereIsAnError) {
  const auto open = [&](const char* helper, const char* module) {
    return Pkcs11Keyslot::Open(disk_, random_,
                               std::make_unique<HelperChannel>(helper, kPatience, clock_),
                               {"/slot", module, SoftHsm::kLabel, "/pin"})
        .status();
  };
  ExpectFault(open(test::kKeyslotHelper, "/no/such/module.so"), "module cannot be loaded");
  ExpectFault(open("/no/such/helper", HF_FAILING_PKCS11), "cannot start the keyslot's helper");
  ExpectFault(open("/bin/true", HF_FAILING_PKCS11), "helper has ended");
}

TEST_F(Pkcs11KeyslotTest, ANoteThatIsDamagedOrMissingIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  const Bytes note = disk_.ReadWhole("/slot/token", 4096).value();
  disk_.Preload("/slot/token", ByteSpan(note).first(5));
  ExpectFault(Open().status(), "note of its token is damaged");
  ASSERT_THAT(disk_.Remove("/slot/token"), IsOk());
  ExpectFault(Open().status(), "does not say which token");
  disk_.Preload("/slot/token", note);
  EXPECT_THAT(Open(), IsOk());
}

TEST(DeviceVendors, OnlyKnownHardwareErasesLikeADevice) {
  using internal::ErasureClassOfToken;
  using internal::ErasureClassOfTpm;
  EXPECT_EQ(ErasureClassOfToken("SoftHSM project", "SoftHSM v2", "1"), ErasureClass::kMedium);
  EXPECT_EQ(ErasureClassOfToken("", "", ""), ErasureClass::kMedium);
  EXPECT_EQ(ErasureClassOfToken("Yubico (www.yubico.com)", "YubiHSM", "0123"),
            ErasureClass::kDevice);
  EXPECT_EQ(ErasureClassOfToken("Yubico (www.yubico.com)", "YubiHSM", ""), ErasureClass::kMedium);
  EXPECT_EQ(ErasureClassOfToken("SafeNet", "Protect", "1"), ErasureClass::kMedium);
  EXPECT_EQ(ErasureClassOfTpm("IBM"), ErasureClass::kMedium);   // swtpm
  EXPECT_EQ(ErasureClassOfTpm("INTC"), ErasureClass::kMedium);  // In firmware.
  EXPECT_EQ(ErasureClassOfTpm("IFX"), ErasureClass::kDevice);
  EXPECT_EQ(ErasureClassOfTpm("IFX "), ErasureClass::kDevice);
}

}  // namespace
}  // namespace holdfast::crypto
