// SPDX-License-Identifier: Apache-2.0
// R46, and R44 for its memory.
#include "policy/address_memory.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/sha256.h"
#include "policy/hash_writer.h"
#include "tests/policy/policy_world.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {
namespace {

using policy::AddressMemory;

Bytes TagOf(std::uint32_t address) {
  const Digest32 digest = crypto::Sha256Of(AsBytes("address " + std::to_string(address)));
  return ToBytes(ByteSpan(digest).first(AddressMemory::kTagBytes));
}

TEST(AddressMemoryTest, ASecondAddressIsSeenWithinTheDays) {
  AddressMemory memory;
  const auto note = [&](std::uint32_t person, std::uint32_t address, std::int64_t day) {
    return memory.Note(PseudonymOf(person), TagOf(address), day, 365);
  };
  EXPECT_FALSE(note(1, 1, 20'000));
  EXPECT_FALSE(note(1, 1, 20'300));
  EXPECT_TRUE(note(1, 2, 20'665));  // 365 days after the first was last seen.
  EXPECT_TRUE(note(1, 2, 20'665));
  EXPECT_FALSE(note(1, 2, 20'666));  // 366 days after.
  EXPECT_TRUE(note(1, 1, 21'000));
  EXPECT_FALSE(note(2, 1, 21'000));
  EXPECT_EQ(memory.size(), 2U);
}

// Against all that was ever noted, kept in full.
TEST(AddressMemoryTest, AnswersAsOneThatForgetsNothing) {
  SeededRandom random;
  AddressMemory memory;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::int64_t>>> all;
  std::int64_t day = 19'000;
  for (int i = 0; i < 50'000; ++i) {
    day += random.OneIn(40) ? static_cast<std::int64_t>(random.Below(3)) : 0;
    const auto person = static_cast<std::uint32_t>(random.Below(3'000));
    const auto address = static_cast<std::uint32_t>(random.Below(random.OneIn(8) ? 3 : 1));
    bool expected = false;
    for (const auto& [other, on] : all[person]) {
      expected = expected || (other != address && day - on <= 30);
    }
    all[person].emplace_back(address, day);
    ASSERT_EQ(memory.Note(PseudonymOf(person), TagOf(address), day, 30), expected) << i;
  }
}

TEST(AddressMemoryTest, ItsDigestDoesNotDependOnTheOrderOfInsertion) {
  const auto digest = [](bool backwards) {
    AddressMemory memory;
    for (std::uint32_t i = 0; i < 2'000; ++i) {
      const std::uint32_t person = backwards ? 1'999 - i : i;
      memory.Note(PseudonymOf(person), TagOf(person % 7), 20'000, 365);
    }
    policy::HashWriter hash;
    memory.AddTo(hash);
    return hash.Finish();
  };
  EXPECT_EQ(digest(false), digest(true));
}

TEST(AddressMemoryTest, APersonTakesAtMostSeventeenBytes) {
  AddressMemory memory;
  const Bytes tag = TagOf(1);
  for (std::uint32_t person = 0; person < 200'000; ++person) {
    memory.Note(PseudonymOf(person), tag, 20'000, 365);
    if (person % 10'000 == 9'999) {
      EXPECT_LE(memory.MemoryBytes(), 18U * memory.size() + 256U * 20 * 12);
    }
  }
  EXPECT_LE(static_cast<double>(memory.MemoryBytes()) / 200'000, 17.0);
  RecordProperty("bytes_a_person",
                 std::to_string(static_cast<double>(memory.MemoryBytes()) / 200'000));
}

}  // namespace
}  // namespace holdfast::test
