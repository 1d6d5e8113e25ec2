// SPDX-License-Identifier: Apache-2.0
#include "crypto/library.h"

#include <cstddef>

#include <sodium.h>
#include <sys/mman.h>

#include "base/error.h"

namespace holdfast::crypto {
namespace {

// A page of its own, because two locks on one page are one: unlocking would undo somebody else's.
MemoryLocking ProbeMemoryLocking() {
  constexpr std::size_t kProbeBytes = 4096;
  void* page =
      mmap(nullptr, kProbeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return MemoryLocking::kUnavailable;
  const bool locked = mlock(page, kProbeBytes) == 0;
  munmap(page, kProbeBytes);
  return locked ? MemoryLocking::kAvailable : MemoryLocking::kUnavailable;
}

struct Start {
  bool ok = false;
  LibraryState state;
};

Start StartLibrary() {
  Start start;
  start.ok = sodium_init() >= 0;
  if (start.ok) start.state.memory_locking = ProbeMemoryLocking();
  return start;
}

}  // namespace

absl::StatusOr<LibraryState> InitLibrary() {
  static const Start start = StartLibrary();
  if (!start.ok) return MakeError(Reason::kInternal, "libsodium does not start");
  return start.state;
}

}  // namespace holdfast::crypto
