// SPDX-License-Identifier: Apache-2.0
// What lies beside the log in an export: evidence/companions.h.
#include "evidence/companions.h"

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "tests/evidence/story.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using ::testing::HasSubstr;

constexpr std::size_t kMaxBytes = std::size_t{1} << 24;

class CompanionsTest : public ::testing::Test {
 protected:
  CompanionsTest() { test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint()); }

  absl::Status Write(FileSystem& files) {
    return WriteCompanions(files, "/export", story_.entries.size(), [](std::uint64_t) {});
  }

  std::string Read(const std::string& name) {
    const auto bytes = files_.ReadWhole("/export/" + name, kMaxBytes);
    EXPECT_THAT(bytes, IsOk()) << name;
    return bytes.ok() ? ToString(*bytes) : std::string();
  }

  const test::SignedWorld story_ = test::Story();
  test::MemoryFileSystem files_;
};

TEST_F(CompanionsTest, HasOneLineOfJsonForEachEntry) {
  ASSERT_THAT(Write(files_), IsOk());
  std::istringstream lines(Read("events.jsonl"));
  std::string line;
  std::size_t index = 0;
  while (std::getline(lines, line)) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(event.at("index"), index);
    EXPECT_EQ(event.at("leaf_hash"), Hex(crypto::LeafHash(AsBytes(story_.entries[index]))));
    EXPECT_TRUE(event.at("entry").contains(event.at("fact").get<std::string>()));
    ++index;
  }
  EXPECT_EQ(index, story_.entries.size());
}

TEST_F(CompanionsTest, HasTheAgreementTheKeysAndEachOrder) {
  ASSERT_THAT(Write(files_), IsOk());
  EXPECT_EQ(Read("agreement.textproto"), story_.world.agreement().text());
  EXPECT_THAT(Read("keys.txt"), HasSubstr("member carol ROLE_COUNSEL "));
  const auto orders = files_.List("/export/orders");
  ASSERT_THAT(orders, IsOk());
  EXPECT_EQ(orders->size(), 6U);
  EXPECT_THAT(Read("orders/" + orders->front()), HasSubstr("\"payloadType\""));
  EXPECT_THAT(Read("README.md"), HasSubstr("holdfast-verify . --exchange-id ID"));
}

TEST_F(CompanionsTest, SumsEveryFileOnce) {
  ASSERT_THAT(Write(files_), IsOk());
  std::istringstream lines(Read("SHA256SUMS"));
  std::map<std::string, std::string> sums;
  std::string digest;
  std::string path;
  while (lines >> digest >> path) {
    EXPECT_TRUE(sums.emplace(path, digest).second) << path;
    EXPECT_EQ(digest, Hex(crypto::Sha256Of(AsBytes(Read(path))))) << path;
  }
  for (const char* name : {"checkpoint", "events.jsonl", "README.md", "keys.txt"}) {
    EXPECT_TRUE(sums.contains(name)) << name;
  }
  EXPECT_FALSE(sums.contains("SHA256SUMS"));
}

TEST_F(CompanionsTest, AreRemovedAndLeaveTheLog) {
  const auto log = files_.List("/export");
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(RemoveCompanions(files_, "/export"), IsOk()) << "none is there";
  ASSERT_THAT(Write(files_), IsOk());
  EXPECT_GT(files_.List("/export")->size(), log->size() + 5);
  ASSERT_THAT(RemoveCompanions(files_, "/export"), IsOk());
  EXPECT_EQ(*files_.List("/export"), *log);

  // Nobody else's file is theirs to remove.
  ASSERT_THAT(Write(files_), IsOk());
  ASSERT_THAT(ReplaceFile(files_, "/export/orders/my notes", AsBytes("mine")), IsOk());
  ASSERT_THAT(RemoveCompanions(files_, "/export"), IsOk());
  EXPECT_THAT(*files_.List("/export/orders"), testing::ElementsAre("my notes"));
}

TEST_F(CompanionsTest, ComesToTheSameAfterWhateverOperationFailed) {
  // Up to and with the first order: nothing comes later that is written in another way.
  std::vector<std::string> entries;
  for (const std::string& bytes : story_.entries) {
    entries.push_back(bytes);
    ledger::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(bytes));
    if (entry.has_order_accepted()) break;
  }
  const auto write = [&](FileSystem& files) {
    return WriteCompanions(files, "/export", entries.size(), [](std::uint64_t) {});
  };
  const auto sums_of = [](FileSystem& files) {
    const auto sums = files.ReadWhole("/export/SHA256SUMS", kMaxBytes);
    EXPECT_THAT(sums, IsOk());
    return sums.ok() ? ToString(*sums) : std::string();
  };
  test::MemoryFileSystem whole;
  test::WriteExport(whole, "/export", entries, story_.Checkpoint());
  ASSERT_THAT(write(whole), IsOk());
  test::FaultSweep([&](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    test::WriteExport(disk, "/export", entries, story_.Checkpoint());
    test::FaultyFileSystem flaky(disk, plan);
    const bool failed = !write(flaky).ok();
    EXPECT_TRUE(plan.fired() || !failed);
    ASSERT_THAT(write(disk), IsOk());
    EXPECT_EQ(sums_of(disk), sums_of(whole));
  });
}

}  // namespace
}  // namespace holdfast::evidence
