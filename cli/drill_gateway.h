// SPDX-License-Identifier: Apache-2.0
// A gateway of a drill's own: an exchange that exists for the drill alone, with people and keys of
// its own, in a folder of its own, served by this installation's daemon on loopback.
//
// It cannot touch a live key: it reads no configuration and no profile of anybody's, its exchange
// id is new, and the daemon that it starts knows of nothing but the folder.
//
// When to use  By `holdfast drill`.
// Threads      Not safe for concurrent use, but for As(), in which another thread may be.
// Ownership    Borrows the session. Owns the folder's daemon, which ends with it.
// Errors       Those of the commands that it runs, and kExchangeStopped where the daemon does not
//              serve.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/strict_json.h"
#include "cli/exit_status.h"
#include "cli/session.h"

namespace holdfast::cli {

// Between two looks at another process, which tells nobody when it is done.
void Pause(std::chrono::milliseconds time);

inline constexpr std::uint64_t kDrillSeed = 1;  // Of the people whom a drill makes up.

struct DrillSettings {
  std::string folder;     // Absolute; exists and is empty.
  std::string holdfastd;  // The daemon's path.
  std::uint64_t records = 0;
  std::uint64_t of_one_officer = 0;           // As in SampleWorld.
  std::uint64_t record_lifetime_seconds = 0;  // 0: the sample agreement's.
  std::vector<std::string> keyslots;          // Folders; several mirror each other.
  bool any_file_system = false;               // As in the configuration.
};

// What a command of a drill said.
struct DrillResult {
  ExitStatus exit = ExitStatus::kInternal;
  std::vector<JsonValue> objects;  // What it printed with --json.

  // The last object's member, empty or 0 if it is none.
  std::string Text(std::string_view name) const;
  std::uint64_t Number(std::string_view name) const;
};

class DrillGateway final {
 public:
  // Makes people, certificates, keys, and an agreement that both sides signed.
  static absl::StatusOr<std::unique_ptr<DrillGateway>> Create(Session& session,
                                                              DrillSettings settings);
  DrillGateway(const DrillGateway&) = delete;
  DrillGateway& operator=(const DrillGateway&) = delete;
  ~DrillGateway();

  // Starts the daemon and waits until it serves.
  absl::Status Start();

  // Starts the daemon, which has to refuse to serve. Returns the Reason that it logs.
  absl::StatusOr<std::string> MustRefuse();

  // Ends it in order.
  absl::Status Stop();

  // Runs `arguments` as the member `who`, or as nobody. Paths are relative to the folder where they
  // were made with Path().
  absl::StatusOr<DrillResult> Run(const std::string& who, std::vector<std::string> arguments,
                                  std::vector<ExitStatus> expected = {ExitStatus::kDone});

  // Calls `use` with a session of the member `who`.
  absl::Status As(const std::string& who, const std::function<absl::Status(Session&)>& use);

  // Writes the configuration, with these folders as keyslots.
  absl::Status Configure(const std::vector<std::string>& keyslots);

  std::string Path(const std::string& name) const;
  const ExchangeId& exchange() const { return exchange_; }
  pid_t pid() const { return pid_; }  // Of the daemon; 0 while none runs.

 private:
  DrillGateway(Session& session, DrillSettings settings);

  Environment MakeEnvironment(std::istream& in, std::ostream& out, std::ostream& err);
  absl::Status MakePeople();
  absl::Status MakeAgreement();
  absl::Status Spawn();
  absl::Status WriteProfiles();
  // Waits until `there()`, or until the daemon has ended, which is false.
  bool WaitFor(const std::function<bool()>& there);
  bool HasEnded();

  Session& session_;
  const DrillSettings settings_;
  ExchangeId exchange_;
  pid_t pid_ = 0;
};

}  // namespace holdfast::cli
