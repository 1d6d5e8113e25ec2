// SPDX-License-Identifier: Apache-2.0
// The table that gateway_bench prints: what was measured, beside what it is measured against.
//
// When to use  One object a run of the program. Add a time and its baseline's once a repetition.
// Threads      One thread.
// Ownership    Values.
// Errors       Those of files, at WriteJson() and Compare().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace holdfast::bench {

// What the numbers of a row are.
enum class Unit { kSeconds = 0, kBytes };

struct Row {
  std::string name;
  std::uint64_t items = 1;  // How many things one measurement did.
  Unit unit = Unit::kSeconds;
  std::vector<double> measured;   // One a run.
  std::vector<double> baselines;  // As many; or none where there is nothing to compare with.
  std::string baseline_name;
};

// The middle one, or the mean of the two in the middle. REQUIRES: not empty.
double MedianOf(std::vector<double> values);

// The smallest value that so many of a hundred do not exceed. REQUIRES: not empty.
double PercentileOf(std::vector<double> values, double percent);

// Returns a table that Table::WriteJson() wrote, of whose form no more is known than that.
// Errors: kNotFound; kRequestMalformed if `path` is no table of this program.
absl::StatusOr<nlohmann::json> ReadKeptTable(const std::string& path);

// Errors: kUnavailable.
absl::Status WriteText(const std::string& path, const std::string& text);

class Table final {
 public:
  // Adds to the row of that name, which is made when it is first seen.
  void Add(const std::string& name, std::uint64_t items, double seconds);
  void Add(const std::string& name, std::uint64_t items, double seconds, double baseline,
           const std::string& baseline_name);
  void AddBytes(const std::string& name, double bytes);

  // Prints every row, in the order in which they came: median, lowest and highest of both sides.
  void Print() const;

  // Writes what Compare() reads.
  absl::Status WriteJson(const std::string& path, std::uint64_t records) const;

  // Prints every row whose ratio, cost over baseline, is more than 20 % above the kept one's, and
  // returns how many there are. Rows that only one side has are named and do not count.
  // Errors: kRequestMalformed if `path` is no table of this program.
  absl::StatusOr<int> Compare(const std::string& path) const;

 private:
  Row& Find(const std::string& name, std::uint64_t items);

  std::vector<Row> rows_;
};

}  // namespace holdfast::bench
