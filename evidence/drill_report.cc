// SPDX-License-Identifier: Apache-2.0
#include "evidence/drill_report.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "crypto/dsse.h"

namespace holdfast::evidence {
namespace {

constexpr std::string_view kStatement = "holdfast drill";
constexpr std::int64_t kVersion = 1;

using Result = DrillCheck::Result;

std::string_view ResultName(Result result) {
  switch (result) {
    case Result::kFailed:
      return "failed";
    case Result::kPassed:
      return "passed";
    case Result::kNotTried:
      return "not tried";
  }
  return "failed";
}

JsonValue Text(std::string_view text) { return JsonValue::OfText(std::string(text)); }
JsonValue Millis(std::chrono::milliseconds time) { return JsonValue::OfInteger(time.count()); }

// Seconds with three digits behind the point.
std::string Seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count());
  if (text.size() < 4) text.insert(0, 4 - text.size(), '0');
  return text.insert(text.size() - 3, ".");
}

}  // namespace

bool DrillReport::passed() const {
  const auto is = [](Result result) {
    return [result](const DrillCheck& check) { return check.result == result; };
  };
  return std::none_of(checks.begin(), checks.end(), is(Result::kFailed)) &&
         std::any_of(checks.begin(), checks.end(), is(Result::kPassed));
}

std::string RenderDrillReport(const DrillReport& report) {
  JsonValue::Array checks;
  for (const DrillCheck& check : report.checks) {
    checks.push_back(JsonValue::OfObject({{"name", Text(check.name)},
                                          {"result", Text(ResultName(check.result))},
                                          {"detail", Text(check.detail)}}));
  }
  JsonValue::Array steps;
  for (const DrillStep& step : report.steps) {
    steps.push_back(
        JsonValue::OfObject({{"name", Text(step.name)}, {"milliseconds", Millis(step.took)}}));
  }
  JsonValue::Object members = {
      {"statement", Text(kStatement)},
      {"version", JsonValue::OfInteger(kVersion)},
      {"scenario", Text(report.scenario)},
      {"passed", JsonValue::OfBoolean(report.passed())},
      {"exchangeId", Text(Hex(BytesOf(report.exchange)))},
      {"gateway", Text(report.gateway)},
      {"keyslot", Text(report.keyslot)},
      {"records", JsonValue::OfInteger(static_cast<std::int64_t>(report.records))},
      {"affected", JsonValue::OfInteger(static_cast<std::int64_t>(report.affected))},
      {"beganAt", Text(FormatRfc3339(report.began))},
      {"endedAt", Text(FormatRfc3339(report.ended))},
  };
  if (report.to_last_release) {
    members.push_back({"millisecondsToLastRelease", Millis(*report.to_last_release)});
  }
  if (report.to_destruction) {
    members.push_back({"millisecondsToDestruction", Millis(*report.to_destruction)});
  }
  if (report.to_certificate) {
    members.push_back({"millisecondsToCertificate", Millis(*report.to_certificate)});
  }
  members.push_back({"checks", JsonValue::OfArray(std::move(checks))});
  members.push_back({"steps", JsonValue::OfArray(std::move(steps))});
  return WriteJson(JsonValue::OfObject(std::move(members)));
}

absl::StatusOr<std::string> SignDrillReport(const DrillReport& report,
                                            const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(
      const crypto::UnverifiedDsse envelope,
      crypto::SignDsse(kDrillReportPayloadType, AsBytes(RenderDrillReport(report)), key));
  return crypto::RenderDsse(envelope);
}

std::string DescribeDrillReport(const DrillReport& report) {
  std::string text = "DRILL " + report.scenario + ": " + (report.passed() ? "passed" : "FAILED") +
                     ", " + std::to_string(report.affected) + " of " +
                     std::to_string(report.records) + " made-up records, " + report.gateway + ", " +
                     report.keyslot;
  if (report.to_last_release) {
    text += "\nlast key left " + Seconds(*report.to_last_release) + " s after the order";
  }
  if (report.to_destruction) {
    text += "\nkeys gone " + Seconds(*report.to_destruction) + " s after the order";
  }
  if (report.to_certificate) {
    text += "\ncertified " + Seconds(*report.to_certificate) + " s after the order";
  }
  for (const DrillCheck& check : report.checks) {
    text += "\n  " + std::string(ResultName(check.result)) + ": " + check.name;
    if (!check.detail.empty()) text += ": " + check.detail;
  }
  text += "\nwhere the time went";
  for (const DrillStep& step : report.steps) {
    text += "\n  " + Seconds(step.took) + " s " + step.name;
  }
  return text;
}

std::string DrillMetrics(const DrillReport& report) {
  std::string text;
  const auto gauge = [&](std::string_view name, std::string_view help, const std::string& value) {
    const std::string full = "holdfast_drill_" + std::string(name);
    text += "# HELP " + full + " " + std::string(help) + "\n# TYPE " + full + " gauge\n" + full +
            "{scenario=\"" + report.scenario + "\"} " + value + "\n";
  };
  gauge("passed", "Whether the newest drill passed.", report.passed() ? "1" : "0");
  gauge("ended_timestamp_seconds", "When it ended.", std::to_string(report.ended.value() / 1'000));
  if (report.to_last_release) {
    gauge("last_release_seconds", "From the order to the last key that left.",
          Seconds(*report.to_last_release));
  }
  if (report.to_destruction) {
    gauge("destruction_seconds", "From the order until the keys were gone.",
          Seconds(*report.to_destruction));
  }
  if (report.to_certificate) {
    gauge("certificate_seconds", "From the order until the destruction was certified.",
          Seconds(*report.to_certificate));
  }
  return text;
}

}  // namespace holdfast::evidence
