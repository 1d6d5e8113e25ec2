// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/tcp_sockets.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace holdfast::rpc::internal {
namespace {

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

in6_addr Mapped(const in_addr& address) {
  in6_addr mapped{};
  mapped.s6_addr[10] = 0xff;
  mapped.s6_addr[11] = 0xff;
  std::memcpy(&mapped.s6_addr[12], &address, sizeof(address));
  return mapped;
}

std::optional<Endpoint> PeerOf(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return Endpoint{Mapped(v4.sin_addr), v4.sin_port};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return Endpoint{v6.sin6_addr, v6.sin6_port};
  }
  return std::nullopt;
}

auto KeyOf(const Endpoint& endpoint) {
  return std::tuple(
      std::string_view(reinterpret_cast<const char*>(&endpoint.address), sizeof(endpoint.address)),
      endpoint.port);
}

}  // namespace

bool operator==(const Endpoint& a, const Endpoint& b) { return KeyOf(a) == KeyOf(b); }
bool operator<(const Endpoint& a, const Endpoint& b) { return KeyOf(a) < KeyOf(b); }

std::optional<Endpoint> ParsePeer(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  const std::size_t colon = peer.rfind(':');
  if (scheme == std::string_view::npos || colon <= scheme) return std::nullopt;
  const auto port = ParseNumber<std::uint16_t>(peer.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string host(peer.substr(scheme + 1, colon - scheme - 1));
  Endpoint endpoint;
  endpoint.port = htons(*port);
  if (peer.substr(0, scheme) == "ipv4") {
    in_addr address{};
    if (inet_pton(AF_INET, host.c_str(), &address) != 1) return std::nullopt;
    endpoint.address = Mapped(address);
    return endpoint;
  }
  if (peer.substr(0, scheme) != "ipv6") return std::nullopt;
  for (const std::string_view bracket : {"%5B", "%5D", "[", "]"}) {
    const std::size_t at = host.find(bracket);
    if (at != std::string::npos) host.erase(at, bracket.size());
  }
  host.resize(std::min(host.size(), host.find('%')));  // The scope of a link-local address.
  if (inet_pton(AF_INET6, host.c_str(), &endpoint.address) != 1) return std::nullopt;
  return endpoint;
}

bool IsConnectedTo(int socket, const Endpoint& peer) { return PeerOf(socket) == peer; }

std::map<Endpoint, int> ConnectedSockets() {
  std::map<Endpoint, int> sockets;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  if (folder == nullptr) return sockets;
  while (const dirent* entry = readdir(folder.get())) {
    const auto number = ParseNumber<int>(entry->d_name);
    if (!number) continue;
    if (const auto peer = PeerOf(*number)) sockets.emplace(*peer, *number);
  }
  return sockets;
}

std::optional<std::uint64_t> Unacknowledged(int socket) {
  int bytes = 0;
  if (ioctl(socket, SIOCOUTQ, &bytes) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::optional<std::uint64_t> Acknowledged(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) {
    return std::nullopt;
  }
  return info.tcpi_bytes_acked;
}

bool Abort(int socket, const Endpoint& peer) {
  if (!IsConnectedTo(socket, peer)) return false;
  // On Linux this dissolves the connection at once: a reset is sent, and both queues are emptied.
  const sockaddr nobody{AF_UNSPEC, {}};
  return connect(socket, &nobody, sizeof(nobody)) == 0;
}

}  // namespace holdfast::rpc::internal
