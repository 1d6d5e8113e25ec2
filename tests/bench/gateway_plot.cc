// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "nlohmann/json.hpp"

#include "base/error.h"
#include "base/status_macros.h"
#include "tests/bench/gateway_table.h"

namespace holdfast::bench {
namespace {

constexpr int kColumns = 4;
constexpr double kWidth = 250;
constexpr double kHeight = 170;
constexpr double kLeft = 52;  // Of a panel, where its scale stands.
constexpr double kTop = 26;
constexpr double kRight = 12;
constexpr double kBottom = 24;

// What one item costs, by records.
struct Line {
  std::map<double, double> measured;
  std::map<double, double> baseline;
  bool bytes = false;
};

struct Tables {
  std::vector<std::string> order;  // Of the rows, as the first table has them.
  std::map<std::string, Line> lines;
};

absl::Status ReadTable(const std::string& path, Tables& tables) {
  HF_ASSIGN_OR_RETURN(const nlohmann::json table, ReadKeptTable(path));
  const double records = table.at("records").get<double>();
  for (const nlohmann::json& row : table.at("rows")) {
    const auto name = row.at("name").get<std::string>();
    const bool known = tables.lines.contains(name);
    Line& line = tables.lines[name];
    if (!known) tables.order.push_back(name);
    const double items = row.at("items").get<double>();
    line.bytes = row.at("unit") == "B";
    line.measured[records] = MedianOf(row.at("measured").get<std::vector<double>>()) / items;
    if (row.contains("baselines")) {
      line.baseline[records] = MedianOf(row.at("baselines").get<std::vector<double>>()) / items;
    }
  }
  return absl::OkStatus();
}

// A power of ten in words.
std::string Power(int exponent, bool bytes) {
  if (bytes) return "1e" + std::to_string(exponent) + " B";
  static constexpr std::pair<int, const char*> kUnits[] = {
      {0, " s"}, {-3, " ms"}, {-6, " us"}, {-9, " ns"}};
  for (const auto& [unit, name] : kUnits) {
    if (exponent >= unit) {
      return std::to_string(static_cast<int>(std::pow(10, exponent - unit))) + name;
    }
  }
  return "1e" + std::to_string(exponent) + " s";
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string Text(double x, double y, std::string_view anchor, std::string_view text) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\">" + std::string(text) + "</text>\n";
}

std::string Stroke(double x1, double y1, double x2, double y2) {
  return "<line x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\"" + Number(x2) +
         "\" y2=\"" + Number(y2) + "\" stroke=\"#ddd\"/>\n";
}

class Panel final {
 public:
  Panel(double left, double top, const Line& line) : left_(left), top_(top) {
    double low = std::numeric_limits<double>::max();
    double high = 0;
    for (const auto* points : {&line.measured, &line.baseline}) {
      for (const auto& [records, value] : *points) {
        low = std::min(low, value);
        high = std::max(high, value);
        x_low_ = std::min(x_low_, std::log10(records));
        x_high_ = std::max(x_high_, std::log10(records));
      }
    }
    y_low_ = std::floor(std::log10(low));
    y_high_ = std::max(std::floor(std::log10(high)) + 1, y_low_ + 1);
  }

  std::string Draw(const std::string& name, const Line& line) const {
    std::string svg = Text(left_ + kLeft, top_ + 16, "start", name);
    for (int power = static_cast<int>(y_low_); power <= static_cast<int>(y_high_); ++power) {
      const double y = Y(power);
      svg += Stroke(left_ + kLeft, y, left_ + kWidth - kRight, y);
      svg += Text(left_ + kLeft - 4, y + 4, "end", Power(power, line.bytes));
    }
    for (const auto& [records, value] : line.measured) {
      const double x = X(std::log10(records));
      svg += Stroke(x, top_ + kTop, x, top_ + kHeight - kBottom);
      svg += Text(x, top_ + kHeight - kBottom + 14, "middle", Count(records));
    }
    svg += Curve(line.baseline, "#999");
    svg += Curve(line.measured, "#b30000");
    return svg;
  }

 private:
  static std::string Count(double records) {
    const auto count = static_cast<std::uint64_t>(records);
    if (count >= 1'000'000) return Number(records / 1e6) + "M";
    return count >= 1000 ? std::to_string(count / 1000) + "k" : std::to_string(count);
  }
  double X(double power) const {
    const double span = std::max(x_high_ - x_low_, 1e-9);
    return left_ + kLeft + 8 + (kWidth - kLeft - kRight - 16) * (power - x_low_) / span;
  }
  double Y(double power) const {
    return top_ + kHeight - kBottom -
           (kHeight - kTop - kBottom) * (power - y_low_) / (y_high_ - y_low_);
  }
  std::string Curve(const std::map<double, double>& points, std::string_view colour) const {
    if (points.empty()) return {};
    std::string path;
    std::string marks;
    for (const auto& [records, value] : points) {
      const std::string x = Number(X(std::log10(records)));
      const std::string y = Number(Y(std::log10(value)));
      path += (path.empty() ? "M" : " L") + x + " " + y;
      marks += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"2.5\" fill=\"" + std::string(colour) +
               "\"/>\n";
    }
    return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + std::string(colour) +
           "\" stroke-width=\"1.5\"/>\n" + marks;
  }

  const double left_;
  const double top_;
  double x_low_ = std::numeric_limits<double>::max();
  double x_high_ = 0;
  double y_low_ = 0;
  double y_high_ = 0;
};

// What has a place on a logarithmic scale, at two sizes or more.
bool CanBeDrawn(const Line& line) {
  const auto positive = [](const auto& point) { return point.second > 0; };
  return line.measured.size() > 1 &&
         std::all_of(line.measured.begin(), line.measured.end(), positive) &&
         std::all_of(line.baseline.begin(), line.baseline.end(), positive);
}

}  // namespace

absl::Status DrawGrowth(const std::vector<std::string>& paths, const std::string& path) {
  Tables tables;
  for (const std::string& table : paths) HF_RETURN_IF_ERROR(ReadTable(table, tables));
  std::string panels;
  int drawn = 0;
  for (const std::string& name : tables.order) {
    const Line& line = tables.lines.at(name);
    if (!CanBeDrawn(line)) continue;
    panels +=
        Panel((drawn % kColumns) * kWidth, (drawn / kColumns) * kHeight, line).Draw(name, line);
    ++drawn;
  }
  if (drawn == 0) return MakeError(Reason::kRequestMalformed, "no row is in two of the tables");
  const int lines = (drawn + kColumns - 1) / kColumns;
  const std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + Number(kColumns * kWidth) + " " +
      Number(lines * kHeight) +
      "\" font-family=\"sans-serif\" font-size=\"10\">\n"
      "<title>What one item costs, by records a transfer: measured in red, its baseline in "
      "grey</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
      panels + "</svg>\n";
  return WriteText(path, svg);
}

}  // namespace holdfast::bench
