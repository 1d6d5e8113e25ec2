// SPDX-License-Identifier: Apache-2.0
#include "cli/ssh_agent_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

absl::Status NoAgent(const std::string& what) {
  return MakeError(Reason::kUnavailable, "the ssh-agent " + what);
}

class Socket final {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(descriptor_); }
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// Waits until the socket can be read from, or written to, without blocking.
absl::Status WaitFor(const Socket& socket, short events, std::chrono::milliseconds patience) {
  pollfd wanted{socket.descriptor(), events, 0};
  int ready = 0;
  do {
    ready = poll(&wanted, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) return absl::OkStatus();
  return NoAgent(ready == 0 ? "does not answer" : "cannot be asked");
}

absl::Status SendAll(const Socket& socket, ByteSpan bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    HF_RETURN_IF_ERROR(WaitFor(socket, POLLOUT, patience));
    const ssize_t sent = send(socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return NoAgent("hung up");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return absl::OkStatus();
}

absl::Status ReceiveAll(const Socket& socket, std::span<std::byte> out,
                        std::chrono::milliseconds patience) {
  while (!out.empty()) {
    HF_RETURN_IF_ERROR(WaitFor(socket, POLLIN, patience));
    const ssize_t got = recv(socket.descriptor(), out.data(), out.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return NoAgent("hung up");
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Bytes> SshAgentSocket::Ask(ByteSpan request) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.empty() || path_.size() >= sizeof(address.sun_path)) {
    return NoAgent("is not running: SSH_AUTH_SOCK does not name its socket");
  }
  std::copy(path_.begin(), path_.end(), std::begin(address.sun_path));
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return NoAgent("cannot be asked: no socket");
  const Socket agent(descriptor);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return NoAgent("cannot be reached at " + path_);
  }
  HF_RETURN_IF_ERROR(SendAll(agent, request, patience_));
  Bytes frame(crypto::kAgentFrameBytes);
  HF_RETURN_IF_ERROR(ReceiveAll(agent, frame, patience_));
  HF_ASSIGN_OR_RETURN(const std::size_t size, crypto::AgentMessageBytes(frame));
  Bytes message(size);
  HF_RETURN_IF_ERROR(ReceiveAll(agent, message, patience_));
  return message;
}

absl::StatusOr<std::vector<crypto::AgentIdentity>> SshAgentSocket::Identities() const {
  HF_ASSIGN_OR_RETURN(const Bytes answer, Ask(crypto::AgentIdentitiesRequest()));
  return crypto::ParseAgentIdentities(answer);
}

absl::StatusOr<crypto::Signature> SshAgentSocket::Sign(const crypto::PublicKey& key,
                                                       ByteSpan message) const {
  HF_ASSIGN_OR_RETURN(const Bytes request, crypto::AgentSignRequest(key, message));
  HF_ASSIGN_OR_RETURN(const Bytes answer, Ask(request));
  HF_ASSIGN_OR_RETURN(const crypto::Signature signature, crypto::ParseAgentSignature(answer));
  HF_RETURN_IF_ERROR(key.Verify(message, signature));
  return signature;
}

}  // namespace holdfast::cli
