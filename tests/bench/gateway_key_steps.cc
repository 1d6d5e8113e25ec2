// SPDX-License-Identifier: Apache-2.0
// The steps of gateway_steps.h that release keys.
#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "client/ledger_client.h"
#include "client/requester_client.h"
#include "crypto/lease.h"
#include "holdfast/v1/key_service.pb.h"
#include "tests/bench/gateway_steps.h"
#include "tests/bench/require.h"
#include "tests/support/seeded_random.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Rows = std::vector<std::uint32_t>;

constexpr std::size_t kWindow = 32;
constexpr std::uint64_t kSeed = 20260;

// In order a leaf costs a block, since neighbours share all of the path; elsewhere the whole path.
constexpr int kTreeDepth = 16;

// Streams of an open loop: as many as keep a stream's rate far from what one can do.
constexpr std::size_t kPacedStreams = 16;
constexpr std::size_t kPacedWindow = 256;

// How long a request for so many keys is, and its answer.
std::size_t RequestBytes(const Rows& rows) {
  v1::ReleaseKeysRequest request;
  request.mutable_batch()->mutable_rows()->Add(rows.begin(), rows.end());
  request.mutable_batch()->set_chain(std::string(32, 'c'));
  return request.ByteSizeLong();
}
std::size_t ReplyBytes(std::size_t keys) {
  v1::ReleaseKeysResponse reply;
  reply.mutable_batch()->set_sealed_keys(std::string(keys * crypto::kSealedRecordKeyBytes, 'k'));
  reply.mutable_batch()->set_first_ledger_index(1'000'000);
  return reply.ByteSizeLong();
}

void Shuffle(Rows& rows) {
  test::SeededRandom random(kSeed);
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.Below(i)]);
}

// A requester who asks for keys.
class Caller final {
 public:
  explicit Caller(GatewayWorld& world)
      : world_(world),
        client_(Take(world.As("requester-1").channel(), "connecting")),
        exchange_(Take(world.As("requester-1").exchange_id(), "reading the profile")),
        key_(Take(world.As("requester-1").signing_key(), "reading the key")) {}

  // May be called concurrently.
  void Release(const std::string& transfer, const client::RequesterClient::NextRows& next,
               const client::RequesterClient::TakeKeys& take, std::size_t window) {
    crypto::SystemRandom random;
    SystemClock clock;
    const client::KeyRequester requester{exchange_, "requester-1", key_, 0, {}};
    Require(client_.ReleaseKeys(transfer, requester, next, take, clock, random, window),
            "releasing keys");
  }

 private:
  GatewayWorld& world_;
  client::RequesterClient client_;
  const ExchangeId exchange_;
  const crypto::SigningKey key_;
};

}  // namespace

void Steps::ReleaseBatches(const Carried& transfer, Order order) {
  Rows rows = transfer.rows;
  if (order == Order::kRandom) Shuffle(rows);
  constexpr std::size_t kBatch = client::RequesterClient::kMaxKeyBatch;
  const std::size_t batches = (rows.size() + kBatch - 1) / kBatch;
  std::size_t next = 0;
  std::size_t released = 0;
  Caller caller(world_);
  const auto start = SteadyClock::now();
  caller.Release(
      transfer.name,
      [&]() -> absl::StatusOr<std::optional<Rows>> {
        if (next == rows.size()) return std::optional<Rows>();
        const std::size_t first = std::exchange(next, std::min(rows.size(), next + kBatch));
        return std::optional<Rows>(std::in_place, rows.begin() + static_cast<std::ptrdiff_t>(first),
                                   rows.begin() + static_cast<std::ptrdiff_t>(next));
      },
      [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t>) {
        released += keys.size();
        return absl::OkStatus();
      },
      kWindow);
  const double seconds = SecondsSince(start);
  HF_CHECK(released == rows.size());
  Traffic traffic{batches, RequestBytes(rows) / batches, ReplyBytes(rows.size()) / batches, 1,
                  kWindow};
  table_.Add(
      order == Order::kByRow ? "release in order, 1,024 a message"
                             : "release at random, 1,024 a message",
      rows.size(), seconds,
      KeyWrapSeconds(rows.size(), order == Order::kRandom ? kTreeDepth : 1) + peer_.Upload(traffic),
      order == Order::kRandom ? "16 ChaCha20, BLAKE2b and AEAD a key + upload with replies"
                              : "ChaCha20, BLAKE2b and AEAD a key + upload with replies");
}

void Steps::ReleaseLone(const Carried& transfer) {
  std::vector<double> seconds;
  SteadyClock::time_point asked;
  int left = sizes_.lone_calls + 1;  // The first one opens the lease.
  std::size_t at = 0;
  Caller(world_).Release(
      transfer.name,
      [&]() -> absl::StatusOr<std::optional<Rows>> {
        if (left-- == 0) return std::optional<Rows>();
        asked = SteadyClock::now();
        return std::optional<Rows>(Rows{transfer.rows[at++ % transfer.rows.size()]});
      },
      [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t>) {
        HF_CHECK(keys.size() == 1);
        seconds.push_back(SecondsSince(asked));
        return absl::OkStatus();
      },
      1);
  seconds.erase(seconds.begin());
  table_.Add("release one key, one caller, p50", 1, MedianOf(std::move(seconds)),
             peer_.PingPong(sizes_.lone_calls, RequestBytes({1000}), ReplyBytes(1)) + SyncNow(),
             "p50 ping-pong + p50 fdatasync");
}

void Steps::ReleaseOnTime(const Carried& transfer) {
  Caller caller(world_);
  Mutex mutex;
  CondVar changed;
  std::size_t ready = 0;
  std::optional<Pace> pace;
  const auto wait_for_all = [&] {
    const MutexLock lock(mutex);
    if (++ready == kPacedStreams) {
      pace.emplace(SteadyClock::now(), sizes_.paced_a_second, kPacedStreams);
      changed.NotifyAll();
    }
    while (ready < kPacedStreams) changed.Wait(mutex);
  };
  const auto each =
      static_cast<std::size_t>(sizes_.paced_a_second * sizes_.paced_seconds) / kPacedStreams;
  std::vector<std::vector<double>> seconds(kPacedStreams);
  std::vector<std::thread> threads;
  for (std::size_t stream = 0; stream < kPacedStreams; ++stream) {
    threads.emplace_back([&, stream] {
      std::size_t asked = 0;  // The first one opens the lease.
      std::size_t answered = 0;
      caller.Release(
          transfer.name,
          [&]() -> absl::StatusOr<std::optional<Rows>> {
            if (asked == 1) wait_for_all();
            if (asked > each) return std::optional<Rows>();
            if (asked > 0) pace->WaitUntilDue(stream, asked - 1);
            const std::size_t at = stream + asked * kPacedStreams;
            ++asked;
            return std::optional<Rows>(Rows{transfer.rows[at % transfer.rows.size()]});
          },
          [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t>) {
            HF_CHECK(keys.size() == 1);
            if (answered++ > 0) {
              seconds[stream].push_back(SecondsSince(pace->DueAt(stream, answered - 2)));
            }
            return absl::OkStatus();
          },
          kPacedWindow);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const std::vector<double>& of : seconds) all.insert(all.end(), of.begin(), of.end());
  const Traffic traffic{each * kPacedStreams, RequestBytes({1000}), ReplyBytes(1), kPacedStreams,
                        kPacedWindow};
  const std::vector<double> echoes = peer_.OpenLoop(traffic, sizes_.paced_a_second);
  const std::vector<double> syncs = SyncTimes(world_.File("sync"), sizes_.paced_syncs);
  constexpr double kTail = 99;
  table_.Add("release on time, p99", 1, PercentileOf(all, kTail),
             PercentileOf(echoes, kTail) + PercentileOf(syncs, kTail),
             "p99 of the same messages with an echo + p99 fdatasync");
}

void Steps::ReleaseFromMany(const Carried& transfer) {
  Caller caller(world_);
  Mutex mutex;
  CondVar changed;
  std::size_t ready = 0;
  SteadyClock::time_point start;
  // Every stream has its lease before the first call that counts.
  const auto wait_for_all = [&] {
    const MutexLock lock(mutex);
    if (++ready == sizes_.streams) {
      start = SteadyClock::now();
      changed.NotifyAll();
    }
    while (ready < sizes_.streams) changed.Wait(mutex);
  };
  std::vector<std::thread> threads;
  for (std::size_t stream = 0; stream < sizes_.streams; ++stream) {
    threads.emplace_back([&, stream] {
      int asked = 0;
      caller.Release(
          transfer.name,
          [&]() -> absl::StatusOr<std::optional<Rows>> {
            if (asked == 1) wait_for_all();
            if (asked > sizes_.calls_a_stream) return std::optional<Rows>();
            const std::size_t at = stream + static_cast<std::size_t>(asked) * sizes_.streams;
            ++asked;
            return std::optional<Rows>(Rows{transfer.rows[at % transfer.rows.size()]});
          },
          [](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t>) {
            HF_CHECK(keys.size() == 1);
            return absl::OkStatus();
          },
          1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = SecondsSince(start);
  const std::uint64_t calls = sizes_.streams * static_cast<std::uint64_t>(sizes_.calls_a_stream);
  const Traffic traffic{calls, RequestBytes({1000}), ReplyBytes(1), sizes_.streams, 1};
  table_.Add("release single keys, " + std::to_string(sizes_.streams) + " streams", calls, seconds,
             peer_.Upload(traffic), "ping-pong on as many streams");
}

}  // namespace holdfast::bench
