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
using policy::PersonKey;

Bytes TagOf(std::uint32_t address) {
  const Digest32 digest = crypto::Sha256Of(AsBytes("address " + std::to_string(address)));
  return ToBytes(ByteSpan(digest).first(AddressMemory::kTagBytes));
}

TEST(AddressMemoryTest, ASecondAddressIsSeenWithinTheDays) {
  AddressMemory memory;
  const auto note = [&](std::uint32_t person, std::uint32_t address, std::int64_t day) {
    return memory.Note(policy::KeyOf(PseudonymOf(person)), TagOf(address), day, 365);
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

TEST(AddressMemoryTest, AQuestionNotesNothing) {
  AddressMemory memory;
  const PersonKey person = policy::KeyOf(PseudonymOf(1));
  EXPECT_FALSE(memory.Seen(person, TagOf(1), 20'000, 365));
  EXPECT_EQ(memory.size(), 0U);
  EXPECT_FALSE(memory.Note(person, TagOf(1), 20'000, 365));
  EXPECT_TRUE(memory.Seen(person, TagOf(2), 20'365, 365));
  EXPECT_FALSE(memory.Seen(person, TagOf(2), 20'366, 365));
  EXPECT_FALSE(memory.Note(person, TagOf(1), 20'000, 365));
  EXPECT_FALSE(memory.Seen(AddressMemory::KeyWithNumber(person), TagOf(2), 20'000, 365));
  EXPECT_EQ(AddressMemory::KeyWithNumber(AddressMemory::KeyWithNumber(person)), person);
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
    ASSERT_EQ(memory.Seen(policy::KeyOf(PseudonymOf(person)), TagOf(address), day, 30), expected)
        << i;
    if (random.OneIn(5)) continue;
    all[person].emplace_back(address, day);
    ASSERT_EQ(memory.Note(policy::KeyOf(PseudonymOf(person)), TagOf(address), day, 30), expected)
        << i;
  }
}

// Where a pseudonym lies is guessed from its bits. Whatever these are, the answer is right: one
// after the other, all in one place, with the greatest and the least of all.
TEST(AddressMemoryTest, FindsPseudonymsThatAreNoHashes) {
  const auto key_of = [](std::uint64_t bits) {
    PersonKey::value_type key{};
    for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::byte>(bits >> (56 - 8 * i));
    return PersonKey(key);
  };
  // The upper 30 bits tell people of one shard apart.
  const auto person = [&](std::uint64_t number) { return key_of(number << 34); };
  SeededRandom random;
  for (const std::uint64_t step : {1ULL, 3ULL, 1ULL << 10, 1ULL << 19}) {
    for (const std::uint64_t first : {0ULL, 1ULL << 29, (1ULL << 30) - 1 - 999 * step}) {
      AddressMemory memory;
      std::vector<std::uint64_t> numbers;
      for (std::uint64_t i = 0; i < 1'000; ++i) numbers.push_back(first + i * step);
      random.Shuffle(numbers);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        ASSERT_FALSE(memory.Seen(person(numbers[i]), TagOf(2), 20'000, 30));
        ASSERT_FALSE(memory.Note(person(numbers[i]), TagOf(1), 20'000, 30));
        ASSERT_EQ(memory.size(), i + 1);
        ASSERT_TRUE(memory.Seen(person(numbers[random.Below(i + 1)]), TagOf(2), 20'000, 30));
      }
      ASSERT_TRUE(memory.Whole());
    }
  }
}

TEST(AddressMemoryTest, ItsDigestDoesNotDependOnTheOrderOfInsertion) {
  const auto digest = [](bool backwards) {
    AddressMemory memory;
    for (std::uint32_t i = 0; i < 2'000; ++i) {
      const std::uint32_t person = backwards ? 1'999 - i : i;
      memory.Note(policy::KeyOf(PseudonymOf(person)), TagOf(person % 7), 20'000, 365);
    }
    policy::HashWriter hash;
    memory.AddTo(hash);
    return hash.Finish();
  };
  EXPECT_EQ(digest(false), digest(true));
}

// As many as 1.3 million people with two pseudonyms each.
TEST(AddressMemoryTest, APersonWithTwoPseudonymsTakesAtMostSeventeenBytes) {
  constexpr std::uint64_t kPseudonyms = 2'600'000;
  SeededRandom random;
  AddressMemory memory;
  const Bytes tag = TagOf(1);
  for (std::uint64_t i = 0; i < kPseudonyms; ++i) {
    PersonKey::value_type key;
    for (std::byte& byte : key) byte = static_cast<std::byte>(random.Below(256));
    memory.Note(PersonKey(key), tag, 20'000, 365);
  }
  // Few share what counts of theirs.
  EXPECT_GE(memory.size(), kPseudonyms - 5);
  const double bytes = 2.0 * static_cast<double>(memory.MemoryBytes()) / kPseudonyms;
  EXPECT_LE(bytes, 17.0);
  RecordProperty("bytes_a_person", std::to_string(bytes));
}

}  // namespace
}  // namespace holdfast::test
