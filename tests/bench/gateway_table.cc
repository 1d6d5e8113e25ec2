// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "nlohmann/json.hpp"

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::bench {
namespace {

constexpr std::string_view kSchema = "holdfast-bench-1";
constexpr double kWorseBy = 1.2;

using OpenFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::string Amount(double value, Unit unit) {
  char text[32];
  if (unit == Unit::kBytes) {
    std::snprintf(text, sizeof text, "%.0f B", value);
  } else if (value < 1e-3) {
    std::snprintf(text, sizeof text, "%.0f us", value * 1e6);
  } else if (value < 1) {
    std::snprintf(text, sizeof text, "%.1f ms", value * 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.2f s", value);
  }
  return text;
}

std::string Spread(const std::vector<double>& values, Unit unit) {
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  return Amount(MedianOf(values), unit) + " [" + Amount(*lowest, unit) + ", " +
         Amount(*highest, unit) + "]";
}

double RatioOf(const Row& row) { return MedianOf(row.measured) / MedianOf(row.baselines); }

}  // namespace

double MedianOf(std::vector<double> values) {
  HF_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double PercentileOf(std::vector<double> values, double percent) {
  HF_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  return values[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

absl::StatusOr<nlohmann::json> ReadKeptTable(const std::string& path) {
  const OpenFile file(std::fopen(path.c_str(), "r"), &std::fclose);
  if (file == nullptr) return MakeError(Reason::kNotFound, "cannot read " + path);
  nlohmann::json kept = nlohmann::json::parse(file.get(), nullptr, false);
  if (!kept.is_object() || kept.value("schema", "") != kSchema || !kept.contains("rows") ||
      !kept["rows"].is_array()) {
    return MakeError(Reason::kRequestMalformed, path + " is not a table that --json wrote");
  }
  return kept;
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  const OpenFile file(std::fopen(path.c_str(), "w"), &std::fclose);
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() ||
      std::fflush(file.get()) != 0) {
    return MakeError(Reason::kUnavailable, "cannot write " + path);
  }
  return absl::OkStatus();
}

Row& Table::Find(const std::string& name, std::uint64_t items) {
  const auto it =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  if (it != rows_.end()) return *it;
  Row& row = rows_.emplace_back();
  row.name = name;
  row.items = items;
  return row;
}

void Table::Add(const std::string& name, std::uint64_t items, double seconds) {
  Find(name, items).measured.push_back(seconds);
}

void Table::Add(const std::string& name, std::uint64_t items, double seconds, double baseline,
                const std::string& baseline_name) {
  std::fprintf(stderr, "%s: %.4g s, baseline %.4g s\n", name.c_str(), seconds, baseline);
  Row& row = Find(name, items);
  row.measured.push_back(seconds);
  row.baselines.push_back(baseline);
  row.baseline_name = baseline_name;
}

void Table::AddBytes(const std::string& name, double bytes) {
  Row& row = Find(name, 1);
  row.unit = Unit::kBytes;
  row.measured.push_back(bytes);
}

void Table::Print() const {
  std::printf("%-34s %-32s %12s  %-32s %6s  %s\n", "what", "median [lowest, highest]", "a second",
              "baseline", "ratio", "the baseline is");
  for (const Row& row : rows_) {
    char rate[32] = "";
    if (row.unit == Unit::kSeconds && row.items > 1) {
      std::snprintf(rate, sizeof rate, "%.0f",
                    static_cast<double>(row.items) / MedianOf(row.measured));
    }
    const bool compared = !row.baselines.empty();
    char ratio[32] = "-";
    if (compared) std::snprintf(ratio, sizeof ratio, "%.2f", RatioOf(row));
    std::printf("%-34s %-32s %12s  %-32s %6s  %s\n", row.name.c_str(),
                Spread(row.measured, row.unit).c_str(), rate,
                compared ? Spread(row.baselines, row.unit).c_str() : "-", ratio,
                row.baseline_name.c_str());
  }
}

absl::Status Table::WriteJson(const std::string& path, std::uint64_t records) const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json one = {{"name", row.name},
                                  {"items", row.items},
                                  {"unit", row.unit == Unit::kBytes ? "B" : "s"},
                                  {"measured", row.measured}};
    if (!row.baselines.empty()) {
      one["baseline"] = row.baseline_name;
      one["baselines"] = row.baselines;
      one["ratio"] = RatioOf(row);
    }
    rows.push_back(std::move(one));
  }
  const nlohmann::ordered_json table = {{"schema", kSchema}, {"records", records}, {"rows", rows}};
  return WriteText(path, table.dump(2) + "\n");
}

absl::StatusOr<int> Table::Compare(const std::string& path) const {
  HF_ASSIGN_OR_RETURN(const nlohmann::json kept, ReadKeptTable(path));
  std::map<std::string, double> before;
  for (const nlohmann::json& row : kept["rows"]) {
    if (row.is_object() && row.contains("ratio") && row["ratio"].is_number()) {
      before[row.value("name", "")] = row["ratio"].get<double>();
    }
  }
  int worse = 0;
  for (const Row& row : rows_) {
    if (row.baselines.empty()) continue;
    const auto it = before.find(row.name);
    if (it == before.end()) {
      std::printf("not in %s: %s\n", path.c_str(), row.name.c_str());
      continue;
    }
    const double now = RatioOf(row);
    if (now > it->second * kWorseBy) {
      std::printf("WORSE: %s: %.2f of its baseline, was %.2f\n", row.name.c_str(), now, it->second);
      ++worse;
    }
    before.erase(it);
  }
  for (const auto& [name, ratio] : before) std::printf("not measured: %s\n", name.c_str());
  return worse;
}

}  // namespace holdfast::bench
