// SPDX-License-Identifier: Apache-2.0
// The TCP connections of this process, as the kernel sees them below gRPC.
//
// gRPC does not say which socket a call uses, and has no call that takes back what was given to a
// socket. The kernel does: it counts what the other side has acknowledged, and it throws the rest
// away when a connection is aborted (RFC 9293, 3.10.5).
//
// When to use  By connections.h only.
// Threads      May be called concurrently. Linux.
// Ownership    None: sockets stay gRPC's, which notices an aborted one and closes it. A number may
//              therefore be another socket's by the time that it is used; Abort() looks again.
// Errors       std::nullopt or false for a number that is no TCP connection (any more).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include <netinet/in.h>

namespace holdfast::rpc::internal {

// The other side of a connection, in the form of IPv6: a mapped address and a plain one are the
// same.
struct Endpoint {
  in6_addr address{};
  in_port_t port = 0;  // In network order.

  friend bool operator==(const Endpoint& a, const Endpoint& b);
  friend bool operator<(const Endpoint& a, const Endpoint& b);
};

// `peer` as grpc::ServerContextBase::peer() says it: "ipv4:192.0.2.1:5000" or
// "ipv6:%5B2001:db8::1%5D:5000".
std::optional<Endpoint> ParsePeer(std::string_view peer);

// Whether `socket` is connected to `peer`.
bool IsConnectedTo(int socket, const Endpoint& peer);

// The sockets of this process that are connected, by their other side. Asks of each descriptor what
// it is.
std::map<Endpoint, int> ConnectedSockets();

// Bytes that were sent and that the other side's machine has not acknowledged.
std::optional<std::uint64_t> Unacknowledged(int socket);
// Bytes that it has acknowledged since the connection began.
std::optional<std::uint64_t> Acknowledged(int socket);

// Resets the connection, if `socket` is still one to `peer`: what waits to be sent is thrown away.
bool Abort(int socket, const Endpoint& peer);

}  // namespace holdfast::rpc::internal
