// SPDX-License-Identifier: Apache-2.0
// What a drill does: a transfer of made-up people, an order about it, and every way back.
// docs/drills.md
//
// When to use  By `holdfast drill run`.
// Threads      Belongs to one thread.
// Ownership    Borrows the session.
// Errors       None: whatever goes wrong is a check of the report that failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "evidence/drill_report.h"

#include "cli/session.h"

namespace holdfast::cli {

inline constexpr std::string_view kDrillScenarios[] = {"revoke", "hold", "expiry", "rollback",
                                                       "keyslot-loss"};

struct DrillPlan {
  std::string scenario = "revoke";  // One of the above.
  std::uint64_t records = 200;
  std::uint64_t affected = 0;  // Only with `revoke`: one officer's, so many. 0: half, by row.
  std::string folder;          // Absolute; the drill's own.
  std::string keyslots;        // The same, for keyslots on a medium of its own. Empty: in `folder`.
  std::string holdfastd;       // The daemon. Empty: the one beside this program.
};

evidence::DrillReport RunDrillPlan(Session& session, const DrillPlan& plan);

}  // namespace holdfast::cli
