// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_requester.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/session.h"
#include "client/requester_client.h"

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenKeys{2};
const std::string kRequester = "requester-1";

absl::Status ReleaseKeys(Session& session, const std::string& transfer,
                         const client::RequesterClient::NextRows& next,
                         const client::RequesterClient::TakeKeys& take, std::size_t window) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  return client::RequesterClient(channel).ReleaseKeys(
      transfer, {exchange, kRequester, key, head.checkpoint.size, head.checkpoint.root}, next, take,
      session.clock(), session.random(), window);
}

}  // namespace

DrillRequester::DrillRequester(std::string transfer, std::vector<std::uint32_t> rows)
    : transfer_(std::move(transfer)), rows_(std::move(rows)) {}

DrillRequester::~DrillRequester() { static_cast<void>(Stop()); }

void DrillRequester::Start(DrillGateway& gateway) {
  thread_ = std::thread([this, &gateway] {
    absl::Status ended = gateway.As(kRequester, [this](Session& session) { return Ask(session); });
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
  std::size_t next = 0;
  return ReleaseKeys(
      session, transfer_,
      [&]() -> absl::StatusOr<std::optional<std::vector<std::uint32_t>>> {
        if (stop_) return std::optional<std::vector<std::uint32_t>>();
        Pause(kBetweenKeys);
        return std::optional(std::vector<std::uint32_t>{rows_[next++ % rows_.size()]});
      },
      [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t> not_released) {
        MutexLock lock(mutex_);
        if (released_ == 0 && !keys.empty()) first_key_ = std::move(keys.front().key);
        released_ += keys.size();
        refused_ += not_released.size();
        if (!keys.empty()) last_ = Steady::now();
        return absl::OkStatus();
      },
      /*window=*/1);
}

absl::StatusOr<std::uint64_t> CountRefused(DrillGateway& gateway, const std::string& transfer,
                                           std::span<const std::uint32_t> rows) {
  std::uint64_t refused = 0;
  HF_RETURN_IF_ERROR(gateway.As(kRequester, [&](Session& session) {
    return ReleaseKeys(
        session, transfer,
        [&]() -> absl::StatusOr<std::optional<std::vector<std::uint32_t>>> {
          if (rows.empty()) return std::optional<std::vector<std::uint32_t>>();
          const auto batch =
              rows.first(std::min(rows.size(), client::RequesterClient::kMaxKeyBatch));
          rows = rows.subspan(batch.size());
          return std::optional(std::vector<std::uint32_t>(batch.begin(), batch.end()));
        },
        [&](const std::vector<client::ReleasedKey>&, std::span<const std::uint32_t> not_released) {
          refused += not_released.size();
          return absl::OkStatus();
        },
        /*window=*/8);
  }));
  return refused;
}

}  // namespace holdfast::cli
