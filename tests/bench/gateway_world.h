// SPDX-License-Identifier: Apache-2.0
// An exchange in a folder of its own, a real holdfastd that serves it, and everybody who calls it.
//
// Certificates, keys, agreement and made-up people come from the command line's own code, so that a
// benchmark cannot set up what a person could not.
//
// When to use  gateway_bench. Start() before As().
// Threads      One thread; what As() returns may open channels that others use.
// Ownership    Owns the folder and the process. Sessions live until the next Start() or Stop().
// Errors       Fails the process: a benchmark that is not set up has nothing to say.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/file_system.h"
#include "cli/session.h"
#include "crypto/random.h"
#include "tests/support/temp_dir.h"

namespace holdfast::bench {

class GatewayWorld final {
 public:
  // `binaries` is the folder with holdfastd. Makes a sample of `records` people.
  GatewayWorld(std::string binaries, std::uint64_t records);
  GatewayWorld(const GatewayWorld&) = delete;
  GatewayWorld& operator=(const GatewayWorld&) = delete;
  ~GatewayWorld();

  // Starts the daemon and returns how many seconds passed until it answered a call.
  double Start();

  // Asks it to end, and waits until it has.
  void Stop();

  // Ends it as a loss of power would, but for what the kernel has in memory.
  void Kill();

  // Removes what spares a start the ledger. REQUIRES: the daemon does not run.
  void ForgetSnapshot();

  // What the running daemon has in memory, in bytes.
  double ResidentBytes() const;

  // What the running daemon has read since it started, in bytes: files, pipes and sockets.
  double ReadBytes() const;

  // Runs a command line and returns what it printed on stdout.
  std::string Cli(const std::vector<std::string>& arguments);

  // The session of a member, such as "custodian-1".
  cli::Session& As(const std::string& member);

  // One more session of a member, with a connection of its own.
  cli::Session& Another(const std::string& member);

  std::string File(const std::string& name) const { return folder_.File(name); }

  // A path of that name, with a number, where nothing is yet.
  std::string NewFolder(const std::string& name);
  PosixFileSystem& files() { return files_; }
  Clock& clock() { return clock_; }
  crypto::Random& random() { return random_; }

 private:
  struct Caller;

  void End(int signal);
  void MakeAgreement();
  void WriteConfig() const;
  void WriteProfiles(const std::string& port) const;
  cli::Environment EnvironmentOf(Caller& caller);

  const std::string binaries_;
  const test::TempDir folder_;
  PosixFileSystem files_;
  SystemClock clock_;
  crypto::SystemRandom random_;
  std::string exchange_;
  pid_t daemon_ = -1;
  int folders_ = 0;
  std::vector<std::unique_ptr<Caller>> callers_;
};

// Waits without using the processor, for as long as nothing else says when to go on.
void Pause(int milliseconds);

}  // namespace holdfast::bench
