// SPDX-License-Identifier: Apache-2.0
// The two times by which an exchange decides, and whether they can be relied on.
//
// `late` is never behind the true time as far as the daemon can know: it decides that a key is too
// old to be released. `early` is never ahead of it: it decides that something may be destroyed or
// that a lift takes effect. Both only ever grow, across restarts too, since they start from the
// ledger's last ones. A clock that is stepped back therefore revives nothing, and one that is
// stepped forth destroys nothing.
//
// A clock is trusted while its steps against the time since boot sum to at most kMaxDrift within
// kDriftWindow, and while it is not behind the ledger by more than that. A suspension is no step,
// since the time since boot goes on; nor is a restart. Untrusted, it stays so until Trust(), over
// restarts too.
//
// When to use  By the writer, once a group.
// Threads      Not safe for concurrent use: it belongs to the writer's thread.
// Ownership    Borrows the clock.
// Errors       None.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "base/clock.h"

namespace holdfast::exchange {

// Milliseconds since 1970 UTC, as in ledger::v1::TimeAdvanced.
struct Times {
  std::int64_t late_ms = 0;
  std::int64_t early_ms = 0;
  bool trusted = false;
  std::int64_t wall_ms = 0;  // What the clock said.

  friend bool operator==(const Times&, const Times&) = default;
};

class TimeKeeper final {
 public:
  static constexpr std::chrono::minutes kMaxDrift{5};
  static constexpr std::chrono::hours kDriftWindow{24};

  // For a new ledger.
  explicit TimeKeeper(const Clock& clock);

  // `last` is the ledger's newest time; `ahead` is how far that may be ahead of the clock, because
  // the clock was set back and Trust() said that it is right so.
  TimeKeeper(const Clock& clock, const Times& last, std::chrono::milliseconds ahead);

  // Reads the clock and returns the present times.
  Times Read();

  // A custodian's order says that the clock is right after all.
  void Trust();

 private:
  struct Step {
    std::int64_t at_boot_ms;
    std::int64_t size_ms;
  };

  bool IsBehind() const;

  const Clock& clock_;
  Times last_;
  std::int64_t ahead_ms_ = 0;    // How far the ledger's time may be ahead of the clock.
  std::int64_t anchor_wall_ms_;  // Wall clock at the start, or at Trust().
  std::int64_t anchor_boot_ms_;
  std::int64_t previous_wall_ms_;
  std::int64_t previous_boot_ms_;
  std::deque<Step> steps_;
  std::int64_t drift_ms_ = 0;    // The sum of steps_.
  std::int64_t residue_ms_ = 0;  // Not yet a step.
  bool trusted_ = true;
};

}  // namespace holdfast::exchange
