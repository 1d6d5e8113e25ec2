// SPDX-License-Identifier: Apache-2.0
// Searching another process's memory: cli/process_memory.h.
#include "cli/process_memory.h"

#include <array>
#include <csignal>
#include <cstddef>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;

// A process that waits until it is ended, with the memory that this one has now.
class Copy final {
 public:
  Copy() : pid_(fork()) {
    if (pid_ == 0) {
      while (true) pause();
    }
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { End(); }

  void End() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ended_ = pid_;
    pid_ = 0;
  }

  pid_t pid() const { return pid_ != 0 ? pid_ : ended_; }

 private:
  pid_t pid_;
  pid_t ended_ = 0;
};

TEST(SearchMemoryTest, FindsWhatIsThereAndNothingElse) {
  test::SeededRandom random(1);
  // Larger than a block, so that one pattern lies across two of them wherever it begins.
  Bytes large = random.MakeBytes(std::size_t{5} << 20);
  const Bytes first = random.MakeBytes(32);
  const Bytes across = random.MakeBytes(std::size_t{64} << 10);
  std::copy(first.begin(), first.end(), large.begin());
  for (std::size_t at = std::size_t{1} << 20; at + across.size() < large.size();
       at += std::size_t{1} << 20) {
    std::copy(across.begin(), across.end(),
              large.begin() + static_cast<std::ptrdiff_t>(at - across.size() / 2));
  }
  Copy other;
  ASSERT_GT(other.pid(), 0);
  const Bytes later = random.MakeBytes(32);
  const std::array<ByteSpan, 3> patterns = {first, later, across};
  const auto search = SearchMemory(other.pid(), patterns);
  ASSERT_THAT(search, IsOk());
  EXPECT_THAT(search->found, ElementsAre(true, false, true));
  EXPECT_GT(search->bytes_read, large.size());
}

TEST(SearchMemoryTest, SaysThatAProcessIsGone) {
  Copy other;
  other.End();
  const std::array<ByteSpan, 1> patterns = {AsBytes("x")};
  EXPECT_THAT(SearchMemory(other.pid(), patterns), HasReason(Reason::kNotFound));
}

}  // namespace
}  // namespace holdfast::cli
