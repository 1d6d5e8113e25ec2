// SPDX-License-Identifier: Apache-2.0
// policy/keyslot_kinds.h: which keyslots may follow which, and what is left of a mirror.
#include "policy/keyslot_kinds.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::policy {
namespace {

TEST(KeyslotKindsTest, OnlyTheSameOnesAndThoseOfAMoveMayFollow) {
  EXPECT_TRUE(KeyslotsMayFollow("file", "file"));
  EXPECT_TRUE(KeyslotsMayFollow("mirror(file,tpm2)", "mirror(file,tpm2)"));
  EXPECT_FALSE(KeyslotsMayFollow("file", "tpm2"));
  EXPECT_FALSE(KeyslotsMayFollow("mirror(file,tpm2)", "file"));
  EXPECT_FALSE(KeyslotsMayFollow("mirror(file,tpm2)", "mirror(tpm2,file)"));
  EXPECT_FALSE(KeyslotsMayFollow("file", "mirror(file,tpm2)"));
  // A move begins from what there is, and ends at either end.
  EXPECT_TRUE(KeyslotsMayFollow("file", "moving(file,mirror(file,tpm2))"));
  EXPECT_FALSE(KeyslotsMayFollow("file", "moving(tpm2,file)"));
  EXPECT_TRUE(KeyslotsMayFollow("moving(file,mirror(file,tpm2))", "mirror(file,tpm2)"));
  EXPECT_TRUE(KeyslotsMayFollow("moving(file,mirror(file,tpm2))", "file"));
  EXPECT_FALSE(KeyslotsMayFollow("moving(file,mirror(file,tpm2))", "tpm2"));
  EXPECT_TRUE(KeyslotsMayFollow("moving(file,tpm2)", "moving(tpm2,pkcs11)"));
  EXPECT_FALSE(KeyslotsMayFollow("moving(mirror(file,tpm2),file)", "moving(tpm2,pkcs11)"));
}

std::optional<std::string> Without(std::string_view keyslots, std::vector<std::uint32_t> members) {
  return KeyslotsWithout(keyslots, members);
}

TEST(KeyslotKindsTest, AMirrorWithoutAMemberIsTheOthers) {
  EXPECT_EQ(Without("mirror(file,tpm2)", {1}), "tpm2");
  EXPECT_EQ(Without("mirror(file,tpm2)", {2}), "file");
  EXPECT_EQ(Without("mirror(file,tpm2,pkcs11)", {2}), "mirror(file,pkcs11)");
  EXPECT_EQ(Without("mirror(file,tpm2,pkcs11)", {1, 3}), "tpm2");
  EXPECT_EQ(Without("moving(mirror(file,tpm2),pkcs11)", {2}), "moving(file,pkcs11)");
  EXPECT_EQ(Without("moving(file,mirror(tpm2,pkcs11))", {2}), "moving(file,pkcs11)");
}

TEST(KeyslotKindsTest, NothingElseIsLeftOut) {
  EXPECT_EQ(Without("file", {1}), std::nullopt);
  EXPECT_EQ(Without("mirror(file,tpm2)", {1, 2}), std::nullopt);
  EXPECT_EQ(Without("mirror(file,tpm2)", {}), std::nullopt);
  EXPECT_EQ(Without("mirror(file,tpm2)", {3}), std::nullopt);
  EXPECT_EQ(Without("mirror(file,tpm2)", {0}), std::nullopt);
  EXPECT_EQ(Without("moving(mirror(file,tpm2),pkcs11)", {3}), std::nullopt);
  for (const char* text : {"", "(", ")", "mirror(", "mirror()", "mirror(,)", "moving(,)", ",", "()",
                           "mirror(file,tpm2))", "mirror((file,tpm2)"}) {
    static_cast<void>(Without(text, {1}));
    static_cast<void>(KeyslotsMayFollow(text, text));
    EXPECT_FALSE(KeyslotsMayFollow(text, "file")) << text;
  }
}

}  // namespace
}  // namespace holdfast::policy
