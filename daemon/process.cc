// SPDX-License-Identifier: Apache-2.0
#include "daemon/process.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/error.h"
#include "daemon/observe/log.h"

namespace holdfast::daemon {
namespace {

// The leak checker traces the process to do its work.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMayHideFromTracers = false;
#else
constexpr bool kMayHideFromTracers = true;
#endif

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// With a limit, locking all pages to come would make allocations fail once it is reached.
void LockMemory() {
  rlimit limit = {};
  const bool unlimited = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
  const bool locked = unlimited && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
  observe::Info("daemon", "memory_locked", "whether memory can be swapped out",
                {{"locked", locked}});
}

}  // namespace

absl::Status HardenProcess() {
  umask(S_IRWXG | S_IRWXO);
  const rlimit no_core = {0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) {
    return MakeError(Reason::kInternal, "core dumps cannot be switched off");
  }
  if (kMayHideFromTracers && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return MakeError(Reason::kInternal, "the process cannot be made undumpable");
  }
  LockMemory();
  return absl::OkStatus();
}

void BlockSignals() {
  const sigset_t set = OurSignals();
  HF_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  // A peer that goes away is an error of a write, and not the end of the daemon.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  HF_CHECK(sigaction(SIGPIPE, &ignore, nullptr) == 0);
}

std::optional<Signal> WaitForSignal(std::chrono::milliseconds timeout) {
  const sigset_t set = OurSignals();
  timespec wait = {};
  wait.tv_sec = static_cast<time_t>(timeout.count() / 1000);
  wait.tv_nsec = static_cast<long>(timeout.count() % 1000) * 1'000'000;
  switch (sigtimedwait(&set, nullptr, &wait)) {
    case SIGHUP:
      return Signal::kReload;
    case SIGTERM:
    case SIGINT:
      return Signal::kStop;
    default:
      return std::nullopt;
  }
}

}  // namespace holdfast::daemon
