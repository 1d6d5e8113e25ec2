// SPDX-License-Identifier: Apache-2.0
#include "daemon/run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"
#include "daemon/observe/notify.h"
#include "daemon/process.h"
#include "daemon/rpc/health.h"
#include "daemon/rpc/server.h"
#include "daemon/wiring.h"

namespace holdfast::daemon {
namespace {

using std::chrono::milliseconds;

// Well below the unit's TimeoutStopSec.
constexpr milliseconds kDrainBound{10'000};
constexpr milliseconds kCredentialsInterval{60'000};

rpc::ServerOptions ServerOptionsOf(const config::v1::Config& config) {
  rpc::ServerOptions options;
  options.address = config.listen().address();
  options.tls = {config.listen().key_path(), config.listen().certificate_path(),
                 config.listen().client_ca_path()};
  options.port_file = config.listen().port_file();
  const auto& limits = config.limits();
  auto& load = options.gate.load;
  if (limits.calls_per_peer() != 0) load.calls_per_peer = limits.calls_per_peer();
  if (limits.calls_total() != 0) load.calls_total = limits.calls_total();
  if (limits.bytes_in_flight() != 0) load.bytes_in_flight = limits.bytes_in_flight();
  if (limits.max_deadline_seconds() != 0) {
    options.gate.max_unary_deadline = std::chrono::seconds(limits.max_deadline_seconds());
  }
  if (limits.max_connection_age_seconds() != 0) {
    options.max_connection_age = std::chrono::seconds(limits.max_connection_age_seconds());
  }
  return options;
}

void ServeUntilStopped(rpc::Server& server, Wiring& wiring) {
  milliseconds tick = kCredentialsInterval;
  if (const auto watchdog = observe::WatchdogInterval()) {
    tick = std::min(tick, std::chrono::duration_cast<milliseconds>(*watchdog / 3));
  }
  auto checked = std::chrono::steady_clock::now();
  for (;;) {
    const auto signal = WaitForSignal(tick);
    if (signal == Signal::kStop) return;
    if (signal == Signal::kReload) {
      observe::NotifyReloading();
      observe::Info("daemon", "reloaded", "the files were looked at again");
      observe::NotifyReady();
    }
    observe::NotifyAlive();
    const auto now = std::chrono::steady_clock::now();
    if (signal == Signal::kReload || now - checked >= kCredentialsInterval) {
      server.CheckCredentials();
      wiring.LookForBackups();
      checked = now;
    }
  }
}

}  // namespace

absl::Status RunDaemon(const config::v1::Config& config, std::string_view boot_id) {
  rpc::RouteLibraryLogs();
  const SystemClock clock(boot_id);
  PosixFileSystem files;
  observe::Metrics metrics(clock, HF_VERSION);
  if (!config.metrics_address().empty()) {
    HF_RETURN_IF_ERROR(metrics.Serve(config.metrics_address()));
  }
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<Wiring> wiring,
                      Wiring::Open(config, clock, files, metrics));
  rpc::Health health;
  rpc::MethodTable table;
  wiring->Register(table);
  health.Register(&table);
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<rpc::Server> server,
                      rpc::Server::Start(ServerOptionsOf(config), std::move(table),
                                         wiring->authority(), clock, files, metrics));
  const auto show_serving = [&health](bool serving) {
    health.SetAll(serving ? rpc::Serving::kYes : rpc::Serving::kNo);
  };
  wiring->OnServingChange(show_serving);
  show_serving(wiring->serving());
  // Whoever is struck off keeps no stream: also none on which nothing happens.
  wiring->OnStruckOff([&server] { server->EndStreamsOfOthers(); });
  observe::Info("daemon", "serving", "clients are served",
                {{"version", HF_VERSION}, {"port", server->port()}});
  observe::NotifyReady();

  wiring->LookForBackups();
  ServeUntilStopped(*server, *wiring);

  observe::NotifyStopping();
  wiring->OnServingChange(nullptr);
  wiring->OnStruckOff(nullptr);
  observe::Info("daemon", "stopping", "no more calls are taken");
  health.SetAll(rpc::Serving::kNo);
  server->Drain(kDrainBound);
  wiring->Stop();
  observe::Info("daemon", "stopped", "every call is over and every exchange is closed");
  return absl::OkStatus();
}

}  // namespace holdfast::daemon
