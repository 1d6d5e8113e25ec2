// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/limits.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace holdfast::rpc {

Load::Slot::Slot(std::shared_ptr<Load> load, std::string peer, Lane lane)
    : load_(std::move(load)), peer_(std::move(peer)), lane_(lane) {}

Load::Slot::~Slot() {
  if (load_ != nullptr) load_->GiveBackSlot(peer_, lane_);
}

Load::Share::Share(std::shared_ptr<Load> load, std::size_t bytes)
    : load_(std::move(load)), bytes_(bytes) {}

Load::Share::Share(Share&& other) noexcept
    : load_(std::move(other.load_)), bytes_(std::exchange(other.bytes_, 0)) {}

Load::Share& Load::Share::operator=(Share&& other) noexcept {
  if (this != &other) {
    GiveBack();
    load_ = std::move(other.load_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

Load::Share::~Share() { GiveBack(); }

void Load::Share::GiveBack() {
  if (load_ != nullptr) load_->GiveBackBytes(bytes_);
  load_.reset();
  bytes_ = 0;
}

std::shared_ptr<Load> Load::Create(const LoadLimits& limits) {
  return std::shared_ptr<Load>(new Load(limits));
}

absl::StatusOr<Load::Slot> Load::TakeSlot(std::string_view peer, Lane lane) {
  MutexLock lock(mutex_);
  const auto found = by_peer_.find(peer);
  const Count mine = found == by_peer_.end() ? Count() : found->second;
  const bool reserved = lane == Lane::kReserved;
  const bool full =
      reserved ? all_.reserved >= limits_.reserved_calls : all_.ordinary >= limits_.calls_total;
  if (full) return MakeError(Reason::kOverloaded, "the daemon has as many calls as it takes");
  const bool mine_full = reserved ? mine.reserved >= limits_.reserved_calls_per_peer
                                  : mine.ordinary >= limits_.calls_per_peer;
  if (mine_full) return MakeError(Reason::kOverloaded, "the caller has as many calls as it may");
  Count& count = by_peer_[std::string(peer)];
  ++(reserved ? count.reserved : count.ordinary);
  ++(reserved ? all_.reserved : all_.ordinary);
  return Slot(shared_from_this(), std::string(peer), lane);
}

absl::StatusOr<Load::Share> Load::TakeBytes(std::size_t bytes, Lane lane) {
  MutexLock lock(mutex_);
  std::size_t limit = limits_.bytes_in_flight;
  if (lane == Lane::kReserved) limit += limits_.reserved_bytes;
  if (bytes_ > limit || bytes > limit - bytes_) {
    return MakeError(Reason::kOverloaded, "the daemon has as many bytes in flight as it takes");
  }
  bytes_ += bytes;
  return Share(shared_from_this(), bytes);
}

Load::Share Load::CountBytes(std::size_t bytes) {
  MutexLock lock(mutex_);
  bytes_ += bytes;
  return Share(shared_from_this(), bytes);
}

std::size_t Load::calls() const {
  MutexLock lock(mutex_);
  return all_.ordinary + all_.reserved;
}

std::size_t Load::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

void Load::GiveBackSlot(const std::string& peer, Lane lane) {
  MutexLock lock(mutex_);
  const auto found = by_peer_.find(peer);
  HF_CHECK(found != by_peer_.end());
  Count& mine = found->second;
  const bool reserved = lane == Lane::kReserved;
  --(reserved ? mine.reserved : mine.ordinary);
  --(reserved ? all_.reserved : all_.ordinary);
  if (mine.ordinary == 0 && mine.reserved == 0) by_peer_.erase(found);
}

void Load::GiveBackBytes(std::size_t bytes) {
  MutexLock lock(mutex_);
  HF_CHECK(bytes_ >= bytes);
  bytes_ -= bytes;
}

}  // namespace holdfast::rpc
