// SPDX-License-Identifier: Apache-2.0
// One drill while it runs: its gateway, its transfer, and what was found out so far. The scenarios
// (cli/drill_scenarios.h) are made of these steps.
//
// When to use  By `holdfast drill run`.
// Threads      Belongs to one thread.
// Ownership    Borrows the session and the plan. Owns the gateway.
// Errors       What keeps a drill from going on. What is wrong with the gateway is a check of the
//              report that failed, and no error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evidence/drill_report.h"

#include "cli/drill_gateway.h"
#include "cli/drill_requester.h"
#include "cli/drill_scenarios.h"
#include "cli/session.h"

namespace holdfast::cli {

class DrillRun final {
 public:
  using Steady = std::chrono::steady_clock;
  using Arguments = std::vector<std::string>;

  DrillRun(Session& session, const DrillPlan& plan);

  Session& session() { return session_; }
  const DrillPlan& plan() const { return plan_; }
  DrillGateway& gateway() { return *gateway_; }
  evidence::DrillReport& report() { return report_; }
  const std::string& transfer() const { return transfer_; }
  const Arguments& keyslots() const { return keyslots_; }

  // The rows that have a record, and those of them that the order is about; both ascend.
  const std::vector<std::uint32_t>& rows() const { return rows_; }
  const std::vector<std::uint32_t>& affected() const { return affected_; }

  // The same as the options of an order's scope.
  Arguments Scope() const;

  void Check(std::string name, bool passed, std::string detail);
  void NotTried(std::string name, std::string why);

  // Runs `step`, and says in the report how long it took.
  absl::Status Timed(const std::string& name, const std::function<absl::Status()>& step);

  // Everything before the order: people, keys, an agreement, a gateway, records that are collected.
  absl::Status Prepare();

  // Begins to ask for keys, and waits until they come.
  absl::Status Ask(DrillRequester& asking);

  // What an order stops: the release of rows, one by one, or the whole stream.
  enum class Stops { kRow = 0, kStream };

  // What came of the asking that went on since `order`.
  absl::Status EndAsking(DrillRequester& asking, Steady::time_point order, Stops stops);

  // Opens all records. Returns how many did not open; all of them where nothing was released.
  absl::StatusOr<std::uint64_t> Closed();

  // Keeps the folder of the gateway's state as it is, for TryOldDatabase().
  absl::Status KeepOldDatabase();

  // Whoever has the old database and today's keyslot.
  absl::Status TryOldDatabase();

  // Whoever can read the gateway's memory: a key that `asking` got must not be there.
  void TryMemory(const DrillRequester& asking);

  // Exports the ledger, or goes on with the export.
  absl::Status Export();
  absl::Status VerifyLedger();

  // Waits until `destroyed` says so, and says how long that took since `order`.
  absl::Status WaitUntilDestroyed(const std::function<absl::StatusOr<bool>()>& destroyed,
                                  Steady::time_point order);

  // Ends the gateway, and returns the report of a drill that came to its end, or did not.
  evidence::DrillReport End(const absl::Status& ran);

 private:
  absl::Status Make();
  absl::Status Deliver();
  absl::Status FindRows();

  Session& session_;
  const DrillPlan& plan_;
  Arguments keyslots_;
  std::unique_ptr<DrillGateway> gateway_;
  evidence::DrillReport report_;
  std::string transfer_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint32_t> affected_;
};

// Returns the time since `begin`.
std::chrono::milliseconds Since(DrillRun::Steady::time_point begin);

}  // namespace holdfast::cli
