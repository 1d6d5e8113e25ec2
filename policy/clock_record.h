// SPDX-License-Identifier: Apache-2.0
//
// What the ledger knows of the machine's clock: how it went against the time since the machine
// started, so that a restart of the daemon forgets nothing of it (R17).
//
// When to use  Through State, which keeps one; by the daemon's TimeKeeper, which goes on from it.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace holdfast::policy {

// Steps of the clock against the time since boot that count: their sum over a day decides whether
// the clock is trusted.
class ClockDrift final {
 public:
  static constexpr std::chrono::hours kWindow{24};

  // Differences are summed up to this before they count: two clocks that are read one after the
  // other always differ a little, and that cancels out, while a slow drift does not.
  static constexpr std::int64_t kJitterMs = 100;

  // What both clocks say, in milliseconds; the first reading only begins.
  void Note(std::int64_t wall_ms, std::int64_t boot_ms);

  // The machine has started anew: what was counted stays counted for a day from its start on.
  void StartRun();

  // The clock is right as it is: nothing is counted any more, and the next reading only begins.
  void Forget() { *this = ClockDrift(); }

  std::int64_t sum_ms() const { return sum_ms_; }

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  struct Step {
    std::int64_t at_boot_ms = 0;
    std::int64_t size_ms = 0;
  };
  struct Reading {
    std::int64_t wall_ms = 0;
    std::int64_t boot_ms = 0;
  };

  std::optional<Reading> last_;
  std::deque<Step> steps_;
  std::int64_t sum_ms_ = 0;      // Of steps_.
  std::int64_t residue_ms_ = 0;  // Not yet a step.
};

struct ClockRecord {
  std::string boot;  // Names the machine's run: 16 bytes, or empty where that is not known.

  // As in the newest ledger::v1::TimeAdvanced. The first is 0 before there was one.
  std::int64_t since_boot_ms = 0;
  std::int64_t elapsed_ms = 0;
  std::int64_t unexplained_ms = 0;

  // Ledger index of the entry with which some of it became unexplained. 0 while nothing is.
  std::uint64_t unexplained_since = 0;

  ClockDrift drift;
};

}  // namespace holdfast::policy
