// SPDX-License-Identifier: Apache-2.0
// What the gateway costs beside the least that it could cost: a real holdfastd over mutual TLS on
// loopback, with everything durable, against parts of the same work in the same run.
//
//   gateway_bench [--records N] [--runs N] [--binaries FOLDER] [--json FILE] [--compare FILE]
//   gateway_bench --plot FILE.svg TABLE.json...
//
// The second form draws how kept tables grow with the number of records.
//
// docs/performance.md says what each row is. Exit status: 0, 1 if --compare finds a ratio that got
// worse by more than 20 %, 64 for a wrong command line.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "base/freed_memory.h"
#include "tests/bench/gateway_baselines.h"
#include "tests/bench/gateway_plot.h"
#include "tests/bench/gateway_steps.h"
#include "tests/bench/gateway_table.h"
#include "tests/bench/gateway_world.h"

namespace holdfast::bench {
namespace {

constexpr int kUsage = 64;
constexpr std::uint64_t kSmallest = 512;
constexpr int kKeptBytes = 512 << 20;
constexpr std::uint64_t kFew = 1000;
constexpr std::uint64_t kFull = 5000;  // From here on the small calls are made in full number.

struct Options {
  std::uint64_t records = 10'000;
  std::uint64_t runs = 5;
  std::string binaries;
  std::string json;
  std::string compare;
  std::string plot;
  std::vector<std::string> tables;  // To be drawn.
};

bool ReadNumber(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Every option has a value, after a space or `=`. What is none is a table to be drawn.
bool ReadOptions(int argc, char** argv, Options& options) {
  const std::map<std::string_view, std::string*> texts = {{"--binaries", &options.binaries},
                                                          {"--json", &options.json},
                                                          {"--plot", &options.plot},
                                                          {"--compare", &options.compare}};
  const std::map<std::string_view, std::uint64_t*> numbers = {{"--records", &options.records},
                                                              {"--runs", &options.runs}};
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      options.tables.emplace_back(name);
      continue;
    }
    std::string_view value;
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (texts.contains(name)) {
      *texts.at(name) = value;
    } else if (!numbers.contains(name) || !ReadNumber(value, *numbers.at(name))) {
      return false;
    }
  }
  if (options.plot.empty() != options.tables.empty()) return false;
  return options.records >= kSmallest && options.records <= 1'900'000 && options.runs > 0;
}

// The median of placing a hold, and of agreeing to lift one.
struct HoldSeconds {
  double place = 0;
  double lift = 0;
};

HoldSeconds PlaceAndLift(Steps& steps) {
  HoldSeconds seconds;
  seconds.place = steps.PlaceHolds();
  seconds.lift = steps.LiftHolds();
  return seconds;
}

// The same where there are a thousand records.
HoldSeconds HoldAmongFew(const Options& options, const EchoPeer& peer, Sizes sizes) {
  sizes.records = kFew;
  GatewayWorld world(options.binaries, sizes.records);
  world.Start();
  Table unused;
  Steps steps(world, peer, unused, sizes);
  steps.ReleaseBatches(steps.Carry(1), Steps::Order::kByRow);
  return PlaceAndLift(steps);
}

int Draw(const Options& options) {
  const absl::Status drawn = DrawGrowth(options.tables, options.plot);
  if (drawn.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "gateway_bench: %s\n", drawn.ToString().c_str());
  return EXIT_FAILURE;
}

int Run(const Options& options) {
  Sizes sizes;
  sizes.records = options.records;
  if (options.records < kFull) {
    sizes.lone_calls = 20;
    sizes.streams = 16;
    sizes.calls_a_stream = 5;
    sizes.holds = 3;
    sizes.paced_a_second = 500;
    sizes.paced_seconds = 0.2;
    sizes.paced_syncs = 20;
    sizes.idle_streams = 200;
  }
  Table table;
  const EchoPeer peer;
  GatewayWorld world(options.binaries, options.records);
  world.Start();
  world.Stop();
  world.Start();
  const double empty = world.ResidentBytes();
  const double empty_read = world.ReadBytes();
  Carried last;
  std::vector<HoldSeconds> holds;
  {
    Steps steps(world, peer, table, sizes);
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      std::fprintf(stderr, "run %d of %d\n", static_cast<int>(run + 1),
                   static_cast<int>(options.runs));
      steps.Carry(1);
      last = steps.Carry(2);
      steps.ReleaseBatches(last, Steps::Order::kByRow);
      steps.ReleaseBatches(last, Steps::Order::kRandom);
      if (getenv("XONLY")) continue;
      steps.ReleaseLone(last);
      steps.ReleaseFromMany(last);
      steps.ReleaseOnTime(last);
      steps.Destroy(last);
    }
    if (getenv("XONLY")) {
      world.Kill();
      static_cast<void>(table.WriteJson(options.json, options.records));
      return 0;
    }
    for (std::uint64_t run = 0; run < options.runs; ++run) holds.push_back(PlaceAndLift(steps));
    for (std::uint64_t run = 0; run < options.runs; ++run) steps.VerifyLedger();
    // Last: the daemon takes a while to be rid of so many.
    steps.KeepIdleStreams();
  }
  world.Kill();
  table.Add("start after kill -9", 1, world.Start());
  world.Stop();
  for (const HoldSeconds& many : holds) {
    const HoldSeconds few = HoldAmongFew(options, peer, sizes);
    table.Add("place a hold, by 1,000 records", 1, many.place, few.place,
              "the same where there are 1,000 records");
    table.Add("agree to a lift, by 1,000 records", 1, many.lift, few.lift,
              "the same where there are 1,000 records");
  }
  world.Start();
  const std::uint64_t rows = 2 * options.runs * options.records;
  for (std::uint64_t run = 0; run < options.runs; ++run) {
    world.Stop();
    table.Add("start, warm", 1, world.Start());
    table.AddBytes("read at a warm start, a row",
                   (world.ReadBytes() - empty_read) / static_cast<double>(rows));
    table.AddBytes("memory a row", (world.ResidentBytes() - empty) / static_cast<double>(rows));
    world.Stop();
    world.ForgetSnapshot();
    table.Add("start, whole ledger", 1, world.Start());
  }
  std::printf("%d rows a transfer, %d transfers, %d rows in the end\n",
              static_cast<int>(options.records), static_cast<int>(2 * options.runs),
              static_cast<int>(rows));
  std::printf(
      "the agreement's brakes on open cases and open records are let go; destruction waits "
      "1 ms\n");
  table.Print();
  if (!options.json.empty()) {
    const absl::Status written = table.WriteJson(options.json, options.records);
    if (!written.ok()) {
      std::fprintf(stderr, "gateway_bench: %s\n", written.ToString().c_str());
      return EXIT_FAILURE;
    }
  }
  if (options.compare.empty()) return EXIT_SUCCESS;
  const absl::StatusOr<int> worse = table.Compare(options.compare);
  if (!worse.ok()) {
    std::fprintf(stderr, "gateway_bench: %s\n", worse.status().ToString().c_str());
    return EXIT_FAILURE;
  }
  if (*worse == 0)
    std::printf("no ratio is more than 20 %% worse than in %s\n", options.compare.c_str());
  return *worse == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  // As both programs do.
  holdfast::ReuseFreedMemory();
  // The driver's own memory is no part of what is measured: it is kept, and not had again from the
  // kernel page by page within a measurement.
  static_cast<void>(mallopt(M_TRIM_THRESHOLD, holdfast::bench::kKeptBytes));
  holdfast::bench::Options options;
  // holdfastd lies beside the folder of this program.
  const std::string self = argv[0];
  const std::size_t slash = self.rfind('/');
  options.binaries = (slash == std::string::npos ? "." : self.substr(0, slash)) + "/../bin";
  if (!holdfast::bench::ReadOptions(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: gateway_bench [--records N] [--runs N] [--binaries FOLDER] [--json FILE] "
                 "[--compare FILE]\n       gateway_bench --plot FILE.svg TABLE.json...\n"
                 "       N records: 512 to 1,900,000\n");
    return holdfast::bench::kUsage;
  }
  return options.plot.empty() ? holdfast::bench::Run(options) : holdfast::bench::Draw(options);
}
