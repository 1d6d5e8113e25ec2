// SPDX-License-Identifier: Apache-2.0
// What a drill found out: how long a key could still leave after an order, how long it took until
// it was gone, and whether any way back led to it (R36). docs/drills.md
//
// When to use  At the end of `holdfast drill run`.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       Those of crypto/dsse.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/time.h"
#include "crypto/ed25519.h"

namespace holdfast::evidence {

inline constexpr std::string_view kDrillReportPayloadType =
    "application/vnd.holdfast.drill-report.v1+json";

// What had to be so.
struct DrillCheck {
  enum class Result {
    kFailed = 0,
    kPassed,
    kNotTried,  // It cannot be tried here; `detail` says why.
  };
  std::string name;
  Result result = Result::kFailed;
  std::string detail;  // What was seen, in a line.
};

// Where the time went.
struct DrillStep {
  std::string name;
  std::chrono::milliseconds took{0};
};

struct DrillReport {
  std::string scenario;
  ExchangeId exchange;  // The drill's own, which exists for nothing else.
  std::string gateway;  // The program and its version.
  std::string keyslot;  // Its kind, and where it lay.
  std::uint64_t records = 0;
  std::uint64_t affected = 0;  // Of these, by the order.
  UnixMillis began;
  UnixMillis ended;
  // From the order, or from the deadline, on.
  std::optional<std::chrono::milliseconds> to_last_release;
  std::optional<std::chrono::milliseconds> to_destruction;
  std::optional<std::chrono::milliseconds> to_certificate;  // Of cryptographic erase.
  std::vector<DrillCheck> checks;
  std::vector<DrillStep> steps;

  // Nothing failed, and something was checked.
  bool passed() const;
};

// Returns the payload. One report has one text.
std::string RenderDrillReport(const DrillReport& report);

// Returns the file.
absl::StatusOr<std::string> SignDrillReport(const DrillReport& report,
                                            const crypto::SigningKey& key);

// For people, without a line break at its end.
std::string DescribeDrillReport(const DrillReport& report);

// For a collector that reads files: the text format of Prometheus.
std::string DrillMetrics(const DrillReport& report);

}  // namespace holdfast::evidence
