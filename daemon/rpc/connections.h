// SPDX-License-Identifier: Apache-2.0
// What of the keys and envelopes that were written may not have left this machine yet.
//
// gRPC says when it has given a message to the kernel, which sends it when the network takes it:
// that may be long after a hold was answered. And a message whose stream is reset while it is being
// given comes back as dropped, although a part of it still waits in gRPC's transport. So before a
// hold is answered, whatever was on its way on these connections is either acknowledged by the
// other machine, or thrown away with its connection.
//
// When to use  Connection: by the reactor, for each message with a token. Connections: by Call.
// Threads      All functions may be called concurrently; no callback runs under a lock.
// Ownership    A Connection lives as long as a call uses it or its socket is open. Callbacks keep
//              the Connections alive.
// Errors       None.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "daemon/rpc/tcp_sockets.h"

namespace holdfast::rpc::internal {

// A client's connection that carries keys or envelopes.
class Connection final {
 public:
  explicit Connection(const Endpoint& peer) : peer_(peer) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A message is given to gRPC. Returns what Written() wants to know later.
  std::uint64_t Begin() const { return dropped_.load(); }
  // The kernel has it, and with it whatever was given before.
  void Written(std::uint64_t begun);
  // It was not given whole; how much of it still waits in gRPC's transport is not known.
  void Dropped() { dropped_.fetch_add(1); }
  // Whether a part of a dropped message may wait in gRPC's transport.
  bool may_hold_a_part() const { return flushed_.load() < dropped_.load(); }

  // Resets the connection: nothing more leaves over it. The second time it does nothing.
  void Abort();

  const Endpoint& peer() const { return peer_; }

  // Its socket, where it was found last; -1 before that. Another's, perhaps, by now.
  int last_socket() const { return last_socket_.load(); }
  void FoundAt(int socket) { last_socket_.store(socket); }

 private:
  const Endpoint peer_;
  std::atomic<std::uint64_t> dropped_{0};
  // So many of the dropped ones were given away before a later message was.
  std::atomic<std::uint64_t> flushed_{0};
  std::atomic<bool> aborted_{false};
  std::atomic<int> last_socket_{-1};
};

class Connections final : public std::enable_shared_from_this<Connections> {
 public:
  static std::shared_ptr<Connections> Create();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // `peer` as gRPC says it. Null for a peer that has no such address, which no test of ours and no
  // listener of the daemon makes.
  std::shared_ptr<Connection> Of(const std::string& peer);

  // Calls `done` when every byte that these connections had to send when this was called is
  // acknowledged by the other machine: usually at once, else soon after and on a thread of gRPC.
  // Connections of which it is not after `patience` are reset first, with all of their calls.
  void WhenSent(std::chrono::milliseconds patience, std::function<void()> done);

  std::size_t size() const;

 private:
  struct Wait;

  Connections() = default;
  std::map<Endpoint, std::shared_ptr<Connection>> Known() const;
  // The sockets of all that are known, others perhaps among them. Forgets what has none.
  std::map<Endpoint, int> Sockets();
  // Forgets those that have no socket and no call. Called when there are many, and by WhenSent().
  void Forget(const std::map<Endpoint, int>& sockets);
  static void Look(const std::shared_ptr<Wait>& wait);

  mutable Mutex mutex_;
  std::map<Endpoint, std::shared_ptr<Connection>> connections_ HF_GUARDED_BY(mutex_);
  std::size_t forget_at_ HF_GUARDED_BY(mutex_) = 64;
};

}  // namespace holdfast::rpc::internal
