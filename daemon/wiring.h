// SPDX-License-Identifier: Apache-2.0
// The exchanges of this daemon: opened, connected to the services, closed.
//
// When to use  By main, once: Open(), Register(), then the server; Stop() after the server is gone.
// Threads      Open(), Register() and Stop() by the main thread. authority() may be asked
//              concurrently.
// Ownership    Owns the exchanges. Borrows the rest, which must outlive it; must itself outlive the
//              server.
// Errors       Open(): what keeps an exchange from serving, with metadata `exchange`.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "daemon/observe/metrics.h"
#include "daemon/rpc/authority.h"
#include "daemon/rpc/method_table.h"
#include "holdfast/config/v1/config.pb.h"

namespace holdfast::daemon {

class Wiring final {
 public:
  static absl::StatusOr<std::unique_ptr<Wiring>> Open(const config::v1::Config& config,
                                                      const Clock& clock, FileSystem& files,
                                                      observe::Metrics& metrics);
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;
  ~Wiring();

  // Who may do what, by the agreements in force.
  const rpc::Authority& authority() const;

  // Registers the handlers of every service.
  void Register(rpc::MethodTable& table);

  // Whether every exchange serves.
  bool serving() const;

  // Calls `changed` whenever it changes whether every exchange serves. Null: no longer.
  void OnServingChange(std::function<void(bool serving)> changed);

  // Calls `struck` after an exchange's people struck somebody off. Null: no longer.
  void OnStruckOff(std::function<void()> struck);

  // Looks for newer backups, which a program of its own makes, and shows their epochs as a metric.
  void LookForBackups();

  // Lets each exchange finish what it has accepted, and closes it.
  void Stop();

 private:
  class Impl;
  explicit Wiring(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::daemon
