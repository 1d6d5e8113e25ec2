// SPDX-License-Identifier: Apache-2.0
// Sha256: the contract in crypto/sha256.h.

#include "crypto/sha256.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "base/bytes.h"
#include "tests/support/seeded_random.h"

namespace holdfast::crypto {
namespace {

TEST(Sha256Test, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(Hex(Sha256Of(AsBytes(""))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256Of(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256Of(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, DoesNotDependOnHowTheBytesArrive) {
  test::SeededRandom random;
  const Bytes bytes = random.MakeBytes(300);
  const Digest32 whole = Sha256Of(bytes);
  Sha256 hash;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const ByteSpan first = ByteSpan(bytes).first(cut);
    const ByteSpan second = ByteSpan(bytes).subspan(cut);
    EXPECT_EQ(Sha256Of({first, second}), whole);
    // The same object again and again: Finish() leaves nothing behind.
    EXPECT_EQ(hash.Update(first).Update(second).Finish(), whole);
  }
}

TEST(Sha256Test, HashesABatchAsOneByOne) {
  test::SeededRandom random;
  std::vector<Bytes> inputs;
  for (std::size_t i = 0; i < 130; ++i) inputs.push_back(random.MakeBytes(i));
  const std::vector<ByteSpan> spans(inputs.begin(), inputs.end());
  std::vector<Digest32> digests(inputs.size());
  Sha256Batch(AsBytes("prefix"), spans, digests);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(digests[i], Sha256Of({AsBytes("prefix"), inputs[i]}));
  }
}

TEST(Sha256Test, MayBeUsedByManyThreads) {
  const Digest32 expected = Sha256Of(AsBytes("abc"));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&count, &expected] {
      for (int i = 0; i < 1000; ++i) count += Sha256Of(AsBytes("abc")) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace holdfast::crypto
