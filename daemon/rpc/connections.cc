// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/connections.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "grpc/support/time.h"
#include "grpcpp/alarm.h"

#include "daemon/observe/log.h"

namespace holdfast::rpc::internal {
namespace {

constexpr std::chrono::milliseconds kLookAgain{5};

}  // namespace

void Connection::Written(std::uint64_t begun) {
  std::uint64_t known = flushed_.load();
  while (known < begun && !flushed_.compare_exchange_weak(known, begun)) {
  }
}

void Connection::Abort() {
  if (aborted_.exchange(true)) return;
  const std::map<Endpoint, int> sockets = ConnectedSockets();
  const auto found = sockets.find(peer_);
  if (found != sockets.end()) internal::Abort(found->second, peer_);
}

// One call of WhenSent(), and what it still waits for.
struct Connections::Wait {
  struct Item {
    std::shared_ptr<Connection> connection;
    int socket = -1;
    // What must be acknowledged; none while a part of a message may wait in front of the kernel.
    std::optional<std::uint64_t> target;

    // True once all of it has been acknowledged, or the connection is gone.
    bool IsSent();
  };

  std::vector<Item> items;
  std::int64_t looks_left = 0;
  std::function<void()> done;
  // Its callback holds this wait, so that it has to be given up at the end.
  std::unique_ptr<grpc::Alarm> alarm = std::make_unique<grpc::Alarm>();
};

bool Connections::Wait::Item::IsSent() {
  if (!target && connection->may_hold_a_part()) return false;
  // First what is not acknowledged and then what is: the sum is never less than what was sent.
  const auto waiting = Unacknowledged(socket);
  const auto acknowledged = Acknowledged(socket);
  if (!waiting || !acknowledged || *waiting == 0) return true;
  if (!target) target = *waiting + *acknowledged;
  return *acknowledged >= *target;
}

std::shared_ptr<Connections> Connections::Create() {
  return std::shared_ptr<Connections>(new Connections());
}

std::shared_ptr<Connection> Connections::Of(const std::string& peer) {
  const auto endpoint = ParsePeer(peer);
  if (!endpoint) return nullptr;
  std::shared_ptr<Connection> connection;
  bool many = false;
  {
    MutexLock lock(mutex_);
    std::shared_ptr<Connection>& known = connections_[*endpoint];
    if (known == nullptr) known = std::make_shared<Connection>(*endpoint);
    connection = known;
    many = connections_.size() >= forget_at_;
  }
  if (many) Forget(ConnectedSockets());
  return connection;
}

void Connections::Forget(const std::map<Endpoint, int>& sockets) {
  MutexLock lock(mutex_);
  for (auto item = connections_.begin(); item != connections_.end();) {
    const bool unused = item->second.use_count() == 1 && !sockets.contains(item->first);
    item = unused ? connections_.erase(item) : std::next(item);
  }
  forget_at_ = 2 * connections_.size() + 64;
}

std::map<Endpoint, std::shared_ptr<Connection>> Connections::Known() const {
  MutexLock lock(mutex_);
  return connections_;
}

std::map<Endpoint, int> Connections::Sockets() {
  std::map<Endpoint, int> sockets;
  {
    // A hold waits for this: all descriptors are looked through only if one is not where it was.
    const auto known = Known();
    for (const auto& [peer, connection] : known) {
      if (!IsConnectedTo(connection->last_socket(), peer)) break;
      sockets.emplace(peer, connection->last_socket());
    }
    if (sockets.size() == known.size()) return sockets;
    sockets = ConnectedSockets();
    for (const auto& [peer, connection] : known) {
      const auto socket = sockets.find(peer);
      if (socket != sockets.end()) connection->FoundAt(socket->second);
    }
  }
  Forget(sockets);  // After `known`, which uses them all.
  return sockets;
}

std::size_t Connections::size() const {
  MutexLock lock(mutex_);
  return connections_.size();
}

void Connections::WhenSent(std::chrono::milliseconds patience, std::function<void()> done) {
  auto wait = std::make_shared<Wait>();
  wait->looks_left = patience / kLookAgain;
  wait->done = std::move(done);
  const std::map<Endpoint, int> sockets = Sockets();
  for (const auto& [peer, connection] : Known()) {
    const auto socket = sockets.find(peer);
    if (socket != sockets.end()) {
      wait->items.push_back({connection, socket->second, std::nullopt});
    }
  }
  Look(wait);
}

void Connections::Look(const std::shared_ptr<Wait>& wait) {
  std::vector<Wait::Item>& items = wait->items;
  items.erase(
      std::remove_if(items.begin(), items.end(), [](Wait::Item& item) { return item.IsSent(); }),
      items.end());
  if (!items.empty() && wait->looks_left-- <= 0) {
    for (const Wait::Item& item : items) item.connection->Abort();
    observe::Warning("rpc", "connections_reset",
                     "clients did not take what was on its way, so their connections were reset",
                     {{"connections", items.size()}});
    items.clear();
  }
  if (items.empty()) {
    wait->alarm.reset();
    wait->done();
    return;
  }
  // A clock that nobody sets, since a hold waits for it.
  wait->alarm->Set(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_millis(kLookAgain.count(), GPR_TIMESPAN)),
                   [wait](bool) { Look(wait); });
}

}  // namespace holdfast::rpc::internal
