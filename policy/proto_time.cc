// SPDX-License-Identifier: Apache-2.0
#include "policy/proto_time.h"

namespace holdfast::policy {
namespace {

constexpr std::int32_t kNanosPerMilli = 1'000'000;
constexpr std::int32_t kNanosPerSecond = 1'000'000'000;

// Protobuf's own bounds.
constexpr std::int64_t kFirstSecond = -62'135'596'800;
constexpr std::int64_t kLastSecond = 253'402'300'799;
constexpr std::int64_t kMaxDurationSeconds = 315'576'000'000;

bool IsWholeMilli(std::int32_t nanos) {
  return nanos >= 0 && nanos < kNanosPerSecond && nanos % kNanosPerMilli == 0;
}

}  // namespace

std::optional<UnixMillis> FromProto(const google::protobuf::Timestamp& time) {
  if (time.seconds() < kFirstSecond || time.seconds() > kLastSecond) return std::nullopt;
  if (!IsWholeMilli(time.nanos())) return std::nullopt;
  return UnixMillis(time.seconds() * 1000 + time.nanos() / kNanosPerMilli);
}

std::optional<std::chrono::milliseconds> FromProto(const google::protobuf::Duration& duration) {
  if (duration.seconds() < 0 || duration.seconds() > kMaxDurationSeconds) return std::nullopt;
  if (!IsWholeMilli(duration.nanos())) return std::nullopt;
  return std::chrono::milliseconds(duration.seconds() * 1000 + duration.nanos() / kNanosPerMilli);
}

google::protobuf::Timestamp ToProto(UnixMillis time) {
  std::int64_t seconds = time.value() / 1000;
  std::int64_t millis = time.value() % 1000;
  if (millis < 0) {
    millis += 1000;
    --seconds;
  }
  google::protobuf::Timestamp proto;
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<std::int32_t>(millis) * kNanosPerMilli);
  return proto;
}

}  // namespace holdfast::policy
