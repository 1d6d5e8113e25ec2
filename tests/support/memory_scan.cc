// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"

namespace holdfast::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63 | std::uint64_t{1} << 62;  // Or in swap.
constexpr std::size_t kWindow = std::size_t{256} * kPage;

// What a sanitizer sets aside. Nothing of ours is as large.
constexpr std::uint64_t kLargestMapping = std::uint64_t{1} << 32;

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::vector<Range> Mappings() {
  std::vector<Range> ranges;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.ends_with("[vvar]") || line.ends_with("[vsyscall]")) continue;
    Range range;
    char dash = 0;
    std::istringstream fields(line);
    fields >> std::hex >> range.begin >> dash >> range.end;
    HF_CHECK(dash == '-');
    ranges.push_back(range);
  }
  return ranges;
}

class File {
 public:
  explicit File(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC)) { HF_CHECK(fd_ >= 0); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }

  std::size_t Read(std::uint64_t offset, void* out, std::size_t size) const {
    const ssize_t count = ::pread(fd_, out, size, static_cast<off_t>(offset));
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

 private:
  const int fd_;
};

}  // namespace

MemoryScan ScanOwnMemory(const std::vector<MaskedSecret>& secrets) {
  // By their first eight bytes, and those by their lowest sixteen bits.
  std::multimap<std::uint64_t, MaskedSecret> wanted;
  std::vector<bool> maybe(std::size_t{1} << 16);
  std::uint64_t mask = 0;
  std::memset(&mask, kMask, sizeof(mask));
  for (const MaskedSecret& secret : secrets) {
    std::uint64_t begin = 0;
    std::memcpy(&begin, secret.data(), sizeof(begin));
    wanted.emplace(begin, secret);
    maybe[begin & 0xffffU] = true;
  }

  const File memory("/proc/self/mem");
  const File page_map("/proc/self/pagemap");
  MemoryScan scan;
  std::set<MaskedSecret> found;
  std::vector<unsigned char> window(kWindow + sizeof(MaskedSecret));
  std::vector<std::uint64_t> entries(kWindow / kPage);

  const auto search = [&](std::size_t size) {
    for (std::size_t at = 0; at + sizeof(MaskedSecret) <= size; ++at) {
      std::uint64_t begin = 0;
      std::memcpy(&begin, window.data() + at, sizeof(begin));
      begin ^= mask;
      if (!maybe[begin & 0xffffU]) continue;
      const auto [first, last] = wanted.equal_range(begin);
      for (auto it = first; it != last; ++it) {
        const bool same = std::equal(
            it->second.begin(), it->second.end(), window.begin() + static_cast<std::ptrdiff_t>(at),
            [](unsigned char masked, unsigned char byte) { return masked == (byte ^ kMask); });
        if (same) found.insert(it->second);
      }
    }
  };

  for (const Range& range : Mappings()) {
    if (range.end - range.begin > kLargestMapping) continue;
    for (std::uint64_t at = range.begin; at < range.end; at += kWindow) {
      const std::uint64_t end = std::min(range.end, at + kWindow);
      const auto pages = static_cast<std::size_t>((end - at) / kPage);
      const std::size_t known = page_map.Read(at / kPage * 8, entries.data(), pages * 8) / 8;
      // Runs of pages that exist, and a little of what follows, for what crosses the border.
      for (std::size_t page = 0; page < known;) {
        if ((entries[page] & kPresent) == 0) {
          ++page;
          continue;
        }
        std::size_t last = page;
        while (last < known && (entries[last] & kPresent) != 0) ++last;
        const std::size_t count = memory.Read(at + page * kPage, window.data(),
                                              (last - page) * kPage + sizeof(MaskedSecret) - 1);
        search(count);
        scan.bytes += count;
        page = last;
      }
    }
  }
  // The window has seen whatever there was.
  std::fill(window.begin(), window.end(), 0);
  scan.found.assign(found.begin(), found.end());
  return scan;
}

}  // namespace holdfast::test
