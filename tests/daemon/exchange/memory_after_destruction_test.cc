// SPDX-License-Identifier: Apache-2.0
// Once a destruction is answered, the daemon's own memory has nothing of it: no root key of the
// epoch before, no page key, no seed on the way to a destroyed leaf, no record key.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "base/check.h"
#include "store/sqlite_store.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/memory_scan.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {
namespace {

class MemoryAfterDestruction : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_.File("state"));
    world_.seals_envelopes = true;
    world_.open_store = [this] {
      store::SqliteStoreOptions options;
      options.files = &files_;
      options.reserve_bytes = 0;
      return store::OpenSqliteStore(folder_.File("state"), options);
    };
    world_.MustStart();
  }

  std::string LeafArgument(std::uint32_t transfer, std::uint32_t row) {
    return world_.Read<std::string>([&](const exchange::Core& core) {
      const policy::Record& record = *core.state.FindRecord({transfer, row});
      const auto& segments = core.vault.segments();
      const auto name = [&](std::uint16_t segment, std::uint16_t leaf) {
        return " " + Hex(BytesOf(segments[segment].name.segment)) + ":" + std::to_string(leaf);
      };
      return name(record.record_segment, record.record_leaf) +
             name(record.subject_segment, record.subject_leaf);
    });
  }

  // What a program that has today's files finds out, masked.
  std::set<MaskedSecret> AskTheAttacker(const std::string& leaves) {
    const std::string copy = folder_.File("copy");
    std::string command =
        std::string(HF_ATTACKER) + " " + Hex(BytesOf(world_.exchange().id())) + " " + copy + leaves;
    for (const char* name : {"area-0", "area-1"}) {
      const auto area =
          world_.keyslot_files().ReadWhole(std::string("/keyslot/") + name, std::size_t{256} << 10);
      std::ofstream(folder_.File(name), std::ios::binary) << AsText(*area);
      command += " " + folder_.File(name);
    }
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::copy_file(folder_.File("state") + "/database" + suffix, copy + suffix,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    std::set<MaskedSecret> secrets;
    const std::unique_ptr<FILE, int (*)(FILE*)> out(::popen(command.c_str(), "r"), &::pclose);
    HF_CHECK(out != nullptr);
    std::array<char, 128> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), out.get()) != nullptr) {
      const auto bytes = FromHex(std::string(line.data()).substr(0, 64)).value();
      MaskedSecret secret{};
      std::transform(bytes.begin(), bytes.end(), secret.begin(),
                     [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
      secrets.insert(secret);
    }
    std::filesystem::remove(copy + "-shm");
    return secrets;
  }

  const TempDir folder_;
  PosixFileSystem files_;
  ExchangeWorld world_;
};

TEST_F(MemoryAfterDestruction, HoldsNoSeedNoPageKeyAndNoRootKeyOfWhatIsGone) {
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  ASSERT_TRUE(world_.Release(transfer, lease, {2, 3}).decision.allowed());
  const std::uint64_t revocation = world_.Order("paula", world_.RevokeAct(transfer, 2, 4)).index;
  ASSERT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(revocation)).decision.allowed());
  std::string leaves;
  for (std::uint32_t row = 2; row <= 4; ++row) leaves += LeafArgument(transfer, row);
  const std::set<MaskedSecret> before = AskTheAttacker(leaves);

  const auto destroyed = [&] {
    return world_.Read<bool>([&](const exchange::Core& core) {
      return core.state.FindDisposal(revocation)->state == policy::DisposalState::kDestroyed;
    });
  };
  // Until then everything of it is there, and the search finds it: it can.
  ASSERT_FALSE(before.empty());
  const std::vector<MaskedSecret> alive(before.begin(), before.end());
  const MemoryScan first = ScanOwnMemory(alive);
  world_.clock().Advance(std::chrono::hours(100));
  while (!destroyed()) world_.clock().Advance(std::chrono::seconds(2));
  const std::set<MaskedSecret> after = AskTheAttacker(leaves);
  std::vector<MaskedSecret> gone;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(gone));
  // A root key, two page keys, and for each of six leaves a record key and a path, which they share
  // in part.
  EXPECT_GT(gone.size(), 30U);
  EXPECT_LT(gone.size(), before.size());

  const std::set<MaskedSecret> was_there(first.found.begin(), first.found.end());
  EXPECT_GE(std::count_if(gone.begin(), gone.end(),
                          [&](const auto& secret) { return was_there.contains(secret); }),
            5);  // The root key, two page keys, two seeds.

  const MemoryScan scan = ScanOwnMemory(gone);
  EXPECT_EQ(scan.found.size(), 0U);
  EXPECT_GT(scan.bytes, std::size_t{8} << 20);
  // What lives is still there, and so the search still can.
  const MemoryScan of_the_living = ScanOwnMemory({after.begin(), after.end()});
  EXPECT_GT(of_the_living.found.size(), 5U);
}

}  // namespace
}  // namespace holdfast::test
