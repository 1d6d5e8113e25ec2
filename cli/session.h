// SPDX-License-Identifier: Apache-2.0
// What a command may use: streams, files, time, the profile, and what the profile leads to.
//
// When to use  Each command's action gets one. Nothing else of the process is touched, so that a
//              test can run any command.
// Threads      Not safe for concurrent use.
// Ownership    Borrows the environment. What it opened is its own, and closed with it.
// Errors       By Reason at each function.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "cli/command_line.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::client {
class Channel;
}  // namespace holdfast::client

namespace holdfast::cli {

// The process around a command.
struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal in_is_terminal = Terminal::kNo;
  Terminal err_is_terminal = Terminal::kNo;
  FileSystem& files;
  Clock& clock;
  crypto::Random& random;
  std::function<std::optional<std::string>(const std::string&)> variable;
};

enum class Overwrite { kRefuse = 0, kPermit };

class Session final {
 public:
  Session(Environment& environment, const GlobalOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  Output& out() { return output_; }
  FileSystem& files() { return environment_.files; }
  Clock& clock() { return environment_.clock; }
  crypto::Random& random() { return environment_.random; }
  std::istream& in() { return environment_.in; }

  // The longest that one call to the gateway may take.
  std::chrono::milliseconds timeout() const { return timeout_; }

  // The folder of profiles and state.
  std::string home() const;

  // Checks the global options. Called once, before the action.
  absl::Status Prepare();

  // The profile that --profile or $HOLDFAST_PROFILE names.
  // Errors: kConfigInvalid, also if neither is given.
  absl::StatusOr<const Profile*> profile();

  // Each returns what the profile says, or kConfigInvalid if it does not say it.
  absl::StatusOr<std::string> ProfileValue(std::string Profile::*field, std::string_view name);
  absl::StatusOr<ExchangeId> exchange_id();

  // The connection to the gateway. Nothing is sent before the first call.
  absl::StatusOr<std::shared_ptr<client::Channel>> channel();

  // The key with which the profile's member signs; asks for the passphrase where it has one.
  absl::StatusOr<crypto::SigningKey> signing_key();

  // Opens a key file of any kind; the passphrase comes from `passphrase_file`, from a prompt on the
  // terminal, or from the first line of standard input.
  absl::StatusOr<crypto::SigningKey> ReadSigningKey(const std::string& path,
                                                    const std::string& passphrase_file);

  // Reads a passphrase as above. `prompt` is shown on a terminal, without echo.
  absl::StatusOr<crypto::WipedBuffer> ReadPassphrase(const std::string& passphrase_file,
                                                     const std::string& prompt);

  // Whether a person sits at the terminal, and what they answer to a question: no, unless yes.
  bool AsksPeople() const { return environment_.in_is_terminal == Terminal::kYes; }
  bool Ask(const std::string& question);

  // Reads a file, or standard input if `path` is "-".
  absl::StatusOr<std::string> ReadText(const std::string& path, std::size_t max_bytes);

  // Writes a file of mode 0600 wholly or not at all.
  // Errors: kAlreadyExists if it is there and may not be overwritten.
  absl::Status WriteFile(const std::string& path, ByteSpan bytes, Overwrite overwrite);

  // Makes a folder and those above it; fine if it exists.
  absl::Status MakeFolder(const std::string& path);

 private:
  void TellOfRetry(const absl::Status& error, std::chrono::milliseconds patience);

  Environment& environment_;
  const GlobalOptions& options_;
  Output output_;
  std::chrono::milliseconds timeout_{30'000};
  std::optional<Profile> profile_;
  std::atomic<bool> told_of_retry_ = false;
  std::shared_ptr<client::Channel> channel_;
};

}  // namespace holdfast::cli
