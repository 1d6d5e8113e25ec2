// SPDX-License-Identifier: Apache-2.0
// The two times by which an exchange decides, and whether they can be relied on.
//
// `late` is never behind the true time as far as the daemon can know: it decides that a key is too
// old to be released. `early` is never ahead of it: it decides that something may be destroyed or
// that a lift takes effect. Both only ever grow, across restarts too, since they start from the
// ledger's last ones. A clock that is stepped back therefore revives nothing, and one that is
// stepped forth destroys nothing.
//
// A clock is trusted while its steps against the time since boot sum to at most kMaxDrift within a
// day, and while it is not behind the ledger by more than that. A suspension is no step, since the
// time since boot goes on. A restart of the daemon forgets nothing: it goes on from what the ledger
// knows, so what was done to the clock meanwhile counts. Untrusted, it stays so until Trust(), over
// restarts too.
//
// How long a machine was off, nothing but its clock can say, and whoever set that can say anything.
// So `late` believes it and `early` does not: it goes on from where it was, with the time since the
// machine started, until Trust().
//
// When to use  By the writer, once a group.
// Threads      Not safe for concurrent use: it belongs to the writer's thread.
// Ownership    Borrows the clock.
// Errors       None.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "policy/clock_record.h"

namespace holdfast::exchange {

// Milliseconds since 1970 UTC, as in ledger::v1::TimeAdvanced.
struct Times {
  std::int64_t late_ms = 0;
  std::int64_t early_ms = 0;
  bool trusted = false;
  std::int64_t wall_ms = 0;  // What the clock said.
  std::int64_t since_boot_ms = 0;
  std::int64_t elapsed_ms = 0;      // The time, had the clock never been set in this run.
  std::int64_t unexplained_ms = 0;  // What `early` stays behind that.

  friend bool operator==(const Times&, const Times&) = default;
};

class TimeKeeper final {
 public:
  static constexpr std::chrono::minutes kMaxDrift{5};

  // For a new ledger.
  explicit TimeKeeper(const Clock& clock);

  // `last` is the ledger's newest time, and `record` what it knows of the clock; `ahead` is how far
  // that time may be ahead of the clock, because the clock was set back and Trust() said that it is
  // right so.
  TimeKeeper(const Clock& clock, const Times& last, const policy::ClockRecord& record,
             std::chrono::milliseconds ahead);

  // Reads the clock and returns the present times.
  Times Read();

  // A custodian's order says that the clock is right after all.
  void Trust();

 private:
  bool IsBehind(std::int64_t wall_ms) const;

  const Clock& clock_;
  Times last_;
  std::int64_t ahead_ms_ = 0;    // How far the ledger's time may be ahead of the clock.
  std::int64_t anchor_wall_ms_;  // Wall clock when the machine's run was first seen, or at Trust().
  std::int64_t anchor_boot_ms_;
  std::int64_t unexplained_ms_ = 0;
  policy::ClockDrift drift_;
  bool trusted_ = true;
};

}  // namespace holdfast::exchange
