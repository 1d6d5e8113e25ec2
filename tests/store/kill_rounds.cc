// SPDX-License-Identifier: Apache-2.0
#include "tests/store/kill_rounds.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "tests/store/group_sequence.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::IsOk;

// Kills of one store, after which the next begins: recovery of what was itself recovered matters,
// and comparing a long ledger takes long.
constexpr int kKillsOfOneStore = 5;

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& folder, FileSystem& files) {
  SqliteStoreOptions options;
  options.files = &files;
  options.reserve_bytes = 4096;
  options.checkpoint_pages = 30;
  return OpenSqliteStore(folder, options);
}

// The child: goes on where the store is, and says after each commit which epoch is durable.
[[noreturn]] void CommitForEver(const std::string& folder, std::uint64_t seed, int acknowledge) {
  PosixFileSystem files;
  auto store = OpenStore(folder, files);
  if (!store.ok()) std::_Exit(2);
  const absl::StatusOr<Head> head = (*store)->ReadHead();
  if (!head.ok()) std::_Exit(3);
  GroupSequence sequence(seed);
  for (std::uint64_t i = 0; i < head->epoch; ++i) sequence.Next();
  while (true) {
    const MadeGroup made = sequence.Next();
    if (!(*store)->Commit(made.group).ok()) std::_Exit(4);
    const std::uint64_t epoch = made.group.epoch;
    if (write(acknowledge, &epoch, sizeof(epoch)) != sizeof(epoch)) std::_Exit(5);
  }
}

// Returns the next epoch that the child acknowledges, or nullopt at the end.
std::optional<std::uint64_t> NextAcknowledged(int pipe) {
  std::uint64_t epoch = 0;
  // A write of 8 bytes into a pipe is whole or not at all.
  if (read(pipe, &epoch, sizeof(epoch)) != sizeof(epoch)) return std::nullopt;
  return epoch;
}

// Returns the last acknowledged epoch of a child that was killed at some moment.
std::uint64_t RunAndKill(const std::string& folder, std::uint64_t seed, std::uint64_t epoch,
                         test::SeededRandom& random) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    CommitForEver(folder, seed, ends[1]);
  }
  close(ends[1]);
  for (std::uint64_t i = random.Below(6); i > 0; --i) {
    epoch = NextAcknowledged(ends[0]).value_or(epoch);
  }
  // Not on the beat of the acknowledgements.
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::microseconds(random.Below(15'000));
  while (std::chrono::steady_clock::now() < until) {
  }
  EXPECT_EQ(kill(child, SIGKILL), 0);
  while (const std::optional<std::uint64_t> late = NextAcknowledged(ends[0])) epoch = *late;
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
  return epoch;
}

// Returns the epoch that is there.
std::uint64_t Check(const std::string& folder, std::uint64_t seed, std::uint64_t acknowledged) {
  PosixFileSystem files;
  auto store = OpenStore(folder, files);
  EXPECT_THAT(store, IsOk());
  if (!store.ok()) return acknowledged;
  const Head head = (*store)->ReadHead().value_or(Head());
  EXPECT_GE(head.epoch, acknowledged);
  // It may have been killed between commit and acknowledgement.
  EXPECT_LE(head.epoch, acknowledged + 1);
  EXPECT_TRUE(Dump(**store) == DumpAfter(seed, head.epoch)) << "epoch " << head.epoch;
  const std::optional<LedgerHead> noted = (*store)->NotedHead();
  if (noted.has_value()) {
    EXPECT_LE(noted->size, head.ledger_size);
  }
  return head.epoch;
}

}  // namespace

void KillAndCheck(int kills) {
  test::SeededRandom random;
  while (kills > 0 && !testing::Test::HasFailure()) {
    test::TempDir dir;
    const std::string folder = dir.File("store");
    const std::uint64_t seed = random.Next();
    std::uint64_t epoch = 0;
    for (int i = 0; i < kKillsOfOneStore && kills > 0; ++i, --kills) {
      epoch = Check(folder, seed, RunAndKill(folder, seed, epoch, random));
    }
  }
}

}  // namespace holdfast::store
