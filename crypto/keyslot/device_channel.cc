// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/device_channel.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "crypto/keyslot/internal/device_messages.h"

namespace holdfast::crypto {
namespace {

using internal::DeviceOutcome;
using internal::DeviceReader;

// The helper's end of the pair.
constexpr int kHelperSocket = 3;

constexpr std::size_t kMaxErrorBytes = 300;

absl::Status Failed(std::string what) { return MakeError(Reason::kKeyslotFailed, std::move(what)); }

// Two connected sockets that are closed unless they are taken.
class SocketPair final {
 public:
  SocketPair() = default;
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }

  bool Open() { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()) == 0; }
  int theirs() const { return ends_[1]; }
  int TakeOurs() { return std::exchange(ends_[0], -1); }

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

}  // namespace

HelperChannel::HelperChannel(std::string program, std::chrono::milliseconds timeout,
                             const Clock& clock)
    : program_(std::move(program)), timeout_(timeout), clock_(clock) {
  HF_CHECK(timeout_.count() > 0);
}

HelperChannel::~HelperChannel() { End(); }

void HelperChannel::End() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  if (pid_ < 0) return;
  // It has nothing to finish: whatever a step did is looked for by the next one.
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

absl::Status HelperChannel::Start() {
  SocketPair pair;
  if (!pair.Open()) return Failed("cannot make a socket pair for the keyslot's helper");
  SpawnSettings settings;
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  // A duplicate onto itself would keep the flag that closes it.
  const bool ready =
      posix_spawn_file_actions_adddup2(&settings.actions, pair.theirs(), kHelperSocket) == 0 &&
      posix_spawn_file_actions_addclosefrom_np(&settings.actions, kHelperSocket + 1) == 0 &&
      posix_spawnattr_setsigmask(&settings.attributes, &none) == 0 &&
      posix_spawnattr_setsigdefault(&settings.attributes, &usual) == 0 &&
      posix_spawnattr_setflags(&settings.attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0;
  if (!ready) return Failed("cannot prepare to start the keyslot's helper");
  std::string name = program_;
  std::array<char*, 2> arguments = {name.data(), nullptr};
  const int error = posix_spawn(&pid_, program_.c_str(), &settings.actions, &settings.attributes,
                                arguments.data(), environ);
  if (error != 0) {
    pid_ = -1;
    return Failed("cannot start the keyslot's helper " + EscapeForLog(program_, 200) + ": " +
                  EscapeForLog(strerrordesc_np(error), 100));
  }
  socket_ = pair.TakeOurs();
  return absl::OkStatus();
}

absl::StatusOr<WipedBuffer> HelperChannel::Exchange(const WipedBuffer& request) {
  const ByteSpan bytes = request.Reveal();
  if (send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    End();
    return Failed("the keyslot's helper has ended");
  }
  pollfd ready{socket_, POLLIN, 0};
  int polled = 0;
  do {
    polled = poll(&ready, 1, static_cast<int>(timeout_.count()));
  } while (polled < 0 && errno == EINTR);
  if (polled <= 0) {
    End();
    // Whoever asks again at once would wait again, and a hold waits for the writer.
    down_until_ = clock_.SinceBoot() + 2 * timeout_;
    return Failed("the device gave no answer in " + std::to_string(timeout_.count()) + " ms");
  }
  WipedBuffer answer(internal::kMaxDeviceMessage);
  const auto space = answer.Mutable();
  const ssize_t count = recv(socket_, space.data(), space.size(), 0);
  if (count <= 0) {
    End();
    return Failed("the keyslot's helper has ended");
  }
  answer.Shrink(static_cast<std::size_t>(count));
  DeviceReader reader(answer.Reveal());
  switch (reader.First<DeviceOutcome>()) {
    case DeviceOutcome::kOk:
      return WipedBuffer::TakeFrom(answer.Mutable().subspan(1));
    case DeviceOutcome::kNotFound:
      return MakeError(Reason::kNotFound, "the device does not hold that");
    case DeviceOutcome::kAlreadyExists:
      return MakeError(Reason::kAlreadyExists, "the device holds that already");
    case DeviceOutcome::kFailed:
      break;
  }
  // A session or a connection may be gone. The next step begins with new ones.
  End();
  return Failed(EscapeForLog(reader.Text(), kMaxErrorBytes));
}

absl::StatusOr<WipedBuffer> HelperChannel::Open() {
  if (clock_.SinceBoot() < down_until_) return Failed("the device gave no answer a moment ago");
  End();
  HF_ASSIGN_OR_RETURN(const WipedBuffer opening, opening_());
  HF_RETURN_IF_ERROR(Start());
  auto answer = Exchange(opening);
  if (!answer.ok()) End();
  return answer;
}

absl::StatusOr<WipedBuffer> HelperChannel::Call(const WipedBuffer& request) {
  if (pid_ < 0) HF_RETURN_IF_ERROR(Open().status());
  return Exchange(request);
}

}  // namespace holdfast::crypto
