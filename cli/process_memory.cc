// SPDX-License-Identifier: Apache-2.0
#include "cli/process_memory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

// More than a machine has: address space that was set aside.
constexpr std::uint64_t kMostMapped = std::uint64_t{64} << 30;

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

absl::Status Failed(int error, const std::string& path) {
  const std::string text = path + ": " + std::generic_category().message(error);
  if (error == EACCES || error == EPERM) return MakeError(Reason::kPermissionDenied, text);
  if (error == ENOENT || error == ESRCH) return MakeError(Reason::kNotFound, text);
  return MakeError(Reason::kStoreFailed, text);
}

// Reads a line of proc_pid_maps(5), which begins with two addresses in hexadecimal and the
// permissions. Returns whether something can lie there.
bool ReadMapping(std::string_view line, Mapping& mapping) {
  const char* const end = line.data() + line.size();
  const auto begin = std::from_chars(line.data(), end, mapping.begin, 16);
  if (begin.ec != std::errc() || begin.ptr == end || *begin.ptr != '-') return false;
  const auto last = std::from_chars(begin.ptr + 1, end, mapping.end, 16);
  if (last.ec != std::errc() || !std::string_view(last.ptr, end).starts_with(" r")) return false;
  return mapping.end - mapping.begin <= kMostMapped;
}

class Searching final {
 public:
  explicit Searching(std::span<const ByteSpan> patterns) : patterns_(patterns) {
    result_.found.resize(patterns.size());
    for (const ByteSpan pattern : patterns) {
      HF_CHECK(!pattern.empty() && pattern.size() < kBlockBytes);
      longest_ = std::max(longest_, pattern.size());
    }
  }

  // Reads one mapping, a block at a time; each block begins with the end of the one before.
  void Read(int memory, const Mapping& mapping) {
    std::size_t kept = 0;
    for (std::uint64_t at = mapping.begin; at < mapping.end;) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes - kept, mapping.end - at));
      const ssize_t got =
          pread(memory, block_.Mutable().data() + kept, want, static_cast<off_t>(at));
      if (got <= 0) return;
      const std::size_t filled = kept + static_cast<std::size_t>(got);
      Look(block_.Reveal().first(filled));
      result_.bytes_read += static_cast<std::uint64_t>(got);
      at += static_cast<std::uint64_t>(got);
      kept = std::min(filled, longest_ - 1);
      std::memmove(block_.Mutable().data(), block_.Reveal().data() + filled - kept, kept);
    }
  }

  MemorySearch result() const { return result_; }

 private:
  void Look(ByteSpan block) {
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (result_.found[i]) continue;
      result_.found[i] =
          memmem(block.data(), block.size(), patterns_[i].data(), patterns_[i].size()) != nullptr;
    }
  }

  const std::span<const ByteSpan> patterns_;
  std::size_t longest_ = 1;
  crypto::WipedBuffer block_{kBlockBytes};
  MemorySearch result_;
};

}  // namespace

absl::StatusOr<MemorySearch> SearchMemory(pid_t process, std::span<const ByteSpan> patterns) {
  const std::string path = fmt::format("/proc/{}/mem", process);
  const int memory = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) return Failed(errno, path);
  Searching searching(patterns);
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    if (ReadMapping(line, mapping)) searching.Read(memory, mapping);
  }
  close(memory);
  MemorySearch result = searching.result();
  if (result.bytes_read == 0) return Failed(EACCES, path);
  return result;
}

}  // namespace holdfast::cli
