// SPDX-License-Identifier: Apache-2.0
//
// Protobuf's times as ours.
//
// When to use  Where an agreement, an order or a file holds a Timestamp or a Duration.
// Threads      Pure functions.
// Ownership    Values.
// Errors       nullopt for what protobuf does not allow, and for a part of a millisecond: a time
//              that is rounded is not the one that was signed.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace holdfast::policy {

// From year 1 to year 9999.
std::optional<UnixMillis> FromProto(const google::protobuf::Timestamp& time);

// Not negative, at most 10,000 years.
std::optional<std::chrono::milliseconds> FromProto(const google::protobuf::Duration& duration);

// REQUIRES: `time` is within kMinTime and kMaxTime.
google::protobuf::Timestamp ToProto(UnixMillis time);

}  // namespace holdfast::policy
