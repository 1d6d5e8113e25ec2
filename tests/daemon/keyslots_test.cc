// SPDX-License-Identifier: Apache-2.0
// Which keyslots a configuration opens, and which it may not leave out.
#include "daemon/keyslots.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/random.h"
#include "crypto/top_page.h"
#include "google/protobuf/text_format.h"
#include "policy/joint_order.h"
#include "policy/keyslot_strike_off.h"
#include "tests/policy/test_agreement.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kOne[] = "keyslot_directory: '/a'";
constexpr char kMirror[] =
    "keyslots { file { directory: '/a' } } keyslots { file { directory: '/b' } }";

class KeyslotConfig : public ::testing::Test {
 protected:
  KeyslotConfig() {
    EXPECT_THAT(disk_.MakeDirectory("/state"), IsOk());
    EXPECT_THAT(disk_.SyncDirectory("/"), IsOk());
  }

  absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(const std::string& text) {
    config::v1::Exchange exchange;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "name: 'tax' state_directory: '" + state_ + "' " + text, &exchange));
    config::v1::Config config;
    config.set_keyslot_helper_path("/no/such/helper");
    return daemon::OpenKeyslots(config, exchange, {&clock_, &disk_, &random_});
  }

  std::unique_ptr<crypto::Keyslot> MustOpen(const std::string& text) {
    auto slot = Open(text);
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  void ExpectFault(const std::string& text, const char* what) {
    const auto slot = Open(text);
    ASSERT_THAT(slot, HasReason(Reason::kKeyslotFailed));
    EXPECT_THAT(std::string(slot.status().message()), HasSubstr(what));
  }

  std::string Note() {
    const auto note = disk_.ReadWhole("/state/keyslots", 4096);
    return note.ok() ? ToString(*note) : "";
  }

  std::string state_ = "/state";
  FakeClock clock_{UnixMillis{0}, std::chrono::hours(1)};
  MemoryFileSystem disk_;
  crypto::SystemRandom random_;
  const crypto::SecretBytes key_ = crypto::NewRootKey(random_).value();
  const crypto::SecretBytes next_ = crypto::NewRootKey(random_).value();
};

TEST_F(KeyslotConfig, OneIsAFileKeyslotByEitherName) {
  EXPECT_EQ(MustOpen(kOne)->kind(), "file");
  EXPECT_EQ(Note(), "file\n");
  EXPECT_EQ(MustOpen("keyslots { file { directory: '/a' } }")->kind(), "file");
}

TEST_F(KeyslotConfig, SeveralAreAMirror) {
  EXPECT_EQ(MustOpen(kMirror)->kind(), "mirror(file,file)");
  EXPECT_EQ(Note(), "mirror(file,file)\n");
}

TEST_F(KeyslotConfig, AMirrorCannotLoseAMemberByItsConfiguration) {
  ASSERT_THAT(MustOpen(kMirror)->Stage(Epoch(1), key_), IsOk());
  ExpectFault(kOne, "names other keyslots (file)");
  ExpectFault("keyslots { file { directory: '/b' } }", "names other keyslots (file)");
  EXPECT_THAT(MustOpen(kMirror)->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
}

TEST_F(KeyslotConfig, AMirrorLosesAMemberByAnOrderOfTwo) {
  ASSERT_THAT(MustOpen(kMirror)->Stage(Epoch(1), key_), IsOk());
  policy::KeyslotStrikeOffTerms terms;
  terms.epoch = 1;
  terms.keyslots = "mirror(file,file)";
  terms.members = {2};
  terms.reason = "the disk broke";
  const auto order = policy::SignKeyslotStrikeOff(terms, KeyOf("paula"));
  ASSERT_THAT(order, IsOk());
  disk_.Preload("/state/" + policy::KeyslotStrikeOffName(1), AsBytes(*order));
  EXPECT_EQ(MustOpen(kOne)->kind(), "file");
  // Whether it counts, the ledger says; the note follows that.
  EXPECT_EQ(Note(), "mirror(file,file)\n");
  EXPECT_EQ(MustOpen(kMirror)->kind(), "mirror(file,file)");
  config::v1::Exchange exchange;
  exchange.set_name("tax");
  exchange.set_state_directory(state_);
  daemon::NoteKeyslots(exchange, "file", disk_);
  EXPECT_EQ(Note(), "file\n");
  ExpectFault(kMirror, "names other keyslots (mirror(file,file))");
}

TEST_F(KeyslotConfig, AnOrderAboutOtherKeyslotsIsNone) {
  ASSERT_THAT(MustOpen(kMirror)->Stage(Epoch(1), key_), IsOk());
  disk_.Preload("/state/" + policy::KeyslotStrikeOffName(1), AsBytes("{}"));
  ExpectFault(kOne, "names other keyslots (file)");
  policy::KeyslotStrikeOffTerms terms;
  terms.epoch = 1;
  terms.keyslots = "mirror(file,tpm2)";
  terms.members = {2};
  terms.reason = "the disk broke";
  const auto order = policy::SignKeyslotStrikeOff(terms, KeyOf("paula"));
  ASSERT_THAT(order, IsOk());
  disk_.Preload("/state/" + policy::KeyslotStrikeOffName(2), AsBytes(*order));
  ExpectFault(kOne, "names other keyslots (file)");
}

TEST_F(KeyslotConfig, AMemberThatCannotBeOpenedIsNamed) {
  ExpectFault("keyslots { file { directory: '/a' } } keyslots { file { directory: '/no/b' } }",
              "member 2 of the mirror: ");
}

TEST_F(KeyslotConfig, OneIsNotMadeAMirrorBySayingSo) {
  ASSERT_THAT(MustOpen(kOne)->Stage(Epoch(1), key_), IsOk());
  ExpectFault(kMirror, "migrate_from moves from one to another");
}

TEST_F(KeyslotConfig, AMoveIsOverWhenTheOldSlotIsEmpty) {
  ASSERT_THAT(MustOpen(kOne)->Stage(Epoch(1), key_), IsOk());
  const std::string target =
      "keyslots { file { directory: '/c' } } keyslots { file { directory: '/d' } }";
  const std::string moving = target + " migrate_from { file { directory: '/a' } }";
  {
    const auto slot = MustOpen(moving);
    EXPECT_EQ(slot->kind(), "moving(file,mirror(file,file))");
    EXPECT_EQ(Note(), "file\n");
    ASSERT_THAT(slot->List(), IsOk());
    EXPECT_TRUE(slot->wants_epoch());
    EXPECT_EQ(Note(), "file\n");
  }
  ExpectFault(target, "names other keyslots");  // Not yet.
  {
    const auto slot = MustOpen(moving);
    ASSERT_THAT(slot->Stage(Epoch(2), next_), IsOk());
    EXPECT_EQ(Note(), "file\n");
    ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
    EXPECT_EQ(Note(), "mirror(file,file)\n");
  }
  // With the old one still named, and without it.
  EXPECT_THAT(MustOpen(moving)->List(), IsOkAndHolds(ElementsAre(Epoch(2))));
  EXPECT_THAT(MustOpen(target)->List(), IsOkAndHolds(ElementsAre(Epoch(2))));
  ExpectFault(kOne, "names other keyslots");
}

TEST_F(KeyslotConfig, AMoveFromSomethingElseIsRefused) {
  ASSERT_THAT(MustOpen(kMirror)->Stage(Epoch(1), key_), IsOk());
  ExpectFault(
      "keyslots { file { directory: '/c' } } keyslots { file { directory: '/d' } } "
      "keyslots { file { directory: '/e' } } migrate_from { file { directory: '/a' } }",
      "names other keyslots (file)");
}

TEST_F(KeyslotConfig, ANoteThatCannotBeKeptStopsNobody) {
  state_ = "/no/such/folder";
  EXPECT_EQ(MustOpen(kMirror)->kind(), "mirror(file,file)");
}

TEST_F(KeyslotConfig, DevicesGoThroughTheHelper) {
  disk_.Preload("/pin", AsBytes("1234"));
  ExpectFault(
      "keyslots { pkcs11 { directory: '/a' module_path: '/m' token_label: 't' "
      "pin_path: '/pin' } }",
      "cannot start the keyslot's helper /no/such/helper");
  ExpectFault("keyslots { tpm2 { directory: '/b' nv_index: 0x01800100 } }",
              "cannot start the keyslot's helper /no/such/helper");
}

}  // namespace
}  // namespace holdfast::test
