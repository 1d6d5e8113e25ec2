// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/internal/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::client::internal {
namespace {

constexpr std::size_t kRead = 0;
constexpr std::size_t kWrite = 1;

// A pipe whose ends are closed unless they are taken.
class Pipe final {
 public:
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }

  // `ours` is the end that this process keeps.
  absl::Status Open(std::size_t ours) {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0 || fcntl(ends_[ours], F_SETFL, O_NONBLOCK) != 0) {
      return MakeError(Reason::kStoreFailed, "cannot make a pipe");
    }
    return absl::OkStatus();
  }

  int end(std::size_t which) const { return ends_[which]; }
  int Take(std::size_t which) { return std::exchange(ends_[which], -1); }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

// What posix_spawn needs, freed at the end.
struct SpawnSettings {
  SpawnSettings() {
    HF_CHECK(posix_spawn_file_actions_init(&actions) == 0);
    HF_CHECK(posix_spawnattr_init(&attributes) == 0);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

Reason ReasonFor(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Reason::kNotFound;
    case EACCES:
    case ENOEXEC:
      return Reason::kPermissionDenied;
    default:
      return Reason::kStoreFailed;
  }
}

std::string Describe(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "an unknown end";
}

// Waits for the end of a process. False if it still runs after `patience`.
bool WaitForEnd(pid_t pid, std::chrono::milliseconds patience) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) return false;
  pollfd ended{descriptor, POLLIN, 0};
  const int ready = poll(&ended, 1, static_cast<int>(patience.count()));
  close(descriptor);
  return ready == 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    std::span<const std::string> command) {
  HF_CHECK(!command.empty());
  Pipe input;
  Pipe output;
  HF_RETURN_IF_ERROR(input.Open(kWrite));
  HF_RETURN_IF_ERROR(output.Open(kRead));

  SpawnSettings settings;
  bool ready =
      posix_spawn_file_actions_adddup2(&settings.actions, input.end(kRead), STDIN_FILENO) == 0 &&
      posix_spawn_file_actions_adddup2(&settings.actions, output.end(kWrite), STDOUT_FILENO) == 0 &&
      posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1) == 0;
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  // Whoever ignores it here must not make the program ignore it.
  sigaddset(&usual, SIGPIPE);
  ready = ready && posix_spawnattr_setsigmask(&settings.attributes, &none) == 0 &&
          posix_spawnattr_setsigdefault(&settings.attributes, &usual) == 0 &&
          posix_spawnattr_setpgroup(&settings.attributes, 0) == 0 &&
          posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETPGROUP |
                                                             POSIX_SPAWN_SETSIGMASK |
                                                             POSIX_SPAWN_SETSIGDEF) == 0;
  if (!ready) return MakeError(Reason::kStoreFailed, "cannot prepare to start a program");

  std::vector<std::string> words(command.begin(), command.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, words.front().c_str(), &settings.actions,
                                &settings.attributes, arguments.data(), environ);
  if (error != 0) {
    return AddMetadata(MakeError(ReasonFor(error), "cannot start the program: " +
                                                       EscapeForLog(strerrordesc_np(error), 120)),
                       "program", EscapeForLog(command.front(), 256));
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(pid, input.Take(kWrite), output.Take(kRead)));
}

ChildProcess::~ChildProcess() { End(std::chrono::milliseconds(0)); }

std::string ChildProcess::End(std::chrono::milliseconds patience) {
  if (pid_ < 0) return ended_;
  close(input_);
  close(output_);
  WaitForEnd(pid_, patience);
  // Also what a program left behind that has ended itself. The group's number is not given to
  // another before the program has been waited for.
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ended_ = Describe(status);
  return ended_;
}

}  // namespace holdfast::client::internal
