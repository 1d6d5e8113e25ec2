// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_requester.h"

#include <span>
#include <utility>

#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/session.h"
#include "client/requester_client.h"

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenKeys{2};

}  // namespace

DrillRequester::DrillRequester(std::string transfer, std::vector<std::uint32_t> rows)
    : transfer_(std::move(transfer)), rows_(std::move(rows)) {}

DrillRequester::~DrillRequester() { static_cast<void>(Stop()); }

void DrillRequester::Start(DrillGateway& gateway) {
  thread_ = std::thread([this, &gateway] {
    absl::Status ended =
        gateway.As("requester-1", [this](Session& session) { return Ask(session); });
    MutexLock lock(mutex_);
    ended_ = std::move(ended);
  });
}

absl::Status DrillRequester::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  return ended_;
}

std::uint64_t DrillRequester::released() const {
  MutexLock lock(mutex_);
  return released_;
}

std::uint64_t DrillRequester::refused() const {
  MutexLock lock(mutex_);
  return refused_;
}

std::optional<DrillRequester::Steady::time_point> DrillRequester::last() const {
  MutexLock lock(mutex_);
  return last_;
}

absl::Status DrillRequester::Ask(Session& session) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  std::size_t next = 0;
  return client::RequesterClient(channel).ReleaseKeys(
      transfer_, {exchange, "requester-1", key, head.checkpoint.size, head.checkpoint.root},
      [&]() -> absl::StatusOr<std::optional<std::vector<std::uint32_t>>> {
        if (stop_) return std::optional<std::vector<std::uint32_t>>();
        Pause(kBetweenKeys);
        return std::optional(std::vector<std::uint32_t>{rows_[next++ % rows_.size()]});
      },
      [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t> not_released) {
        MutexLock lock(mutex_);
        released_ += keys.size();
        refused_ += not_released.size();
        if (!keys.empty()) last_ = Steady::now();
        return absl::OkStatus();
      },
      session.clock(), session.random(), /*window=*/1);
}

}  // namespace holdfast::cli
