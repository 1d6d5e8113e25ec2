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
#include <vector>

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

  // The descriptor behind `in`, from which passphrases are read past it; negative for none.
  int in_descriptor = -1;

  // Whether `out` is one, where some words stand out.
  Terminal out_is_terminal = Terminal::kNo;
};

enum class Overwrite { kRefuse = 0, kPermit };

class Session final {
 public:
  Session(Environment& environment, const GlobalOptions& options);

  // A session of another profile that says what it says through `parent`, and must not outlive it.
  Session(Session& parent, const std::string& profile);
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

  // The names in --profile or $HOLDFAST_PROFILE: several, with commas between them, for a command
  // that acts on several exchanges at once.
  std::vector<std::string> profile_names() const;

  // The profile that --profile or $HOLDFAST_PROFILE names.
  // Errors: kConfigInvalid, also if neither is given; kRequestMalformed for several.
  absl::StatusOr<const Profile*> profile();

  // Each returns what the profile says, or kConfigInvalid if it does not say it.
  absl::StatusOr<std::string> ProfileValue(std::string Profile::*field, std::string_view name);
  absl::StatusOr<ExchangeId> exchange_id();

  // The connection to the gateway. Nothing is sent before the first call.
  absl::StatusOr<std::shared_ptr<client::Channel>> channel();

  // The key with which the profile's member signs; asks for the passphrase where it has one.
  absl::StatusOr<crypto::SigningKey> signing_key();

  // The path of a running ssh-agent's socket; empty if there is none.
  std::string agent_socket() const { return environment_.variable("SSH_AUTH_SOCK").value_or(""); }

  // Opens a key file of any kind; the passphrase comes from `passphrase_file`, from the descriptor
  // that --passphrase-fd names, from a prompt on the terminal, or from a line of standard input:
  // never from an argument or the environment, which others can read.
  absl::StatusOr<crypto::SigningKey> ReadSigningKey(const std::string& path,
                                                    const std::string& passphrase_file);

  // Reads a passphrase as above. `prompt` is shown on a terminal, without echo.
  absl::StatusOr<crypto::WipedBuffer> ReadPassphrase(const std::string& passphrase_file,
                                                     const std::string& prompt);

  // The same for a new one. On a terminal it is asked for twice.
  absl::StatusOr<crypto::WipedBuffer> ReadNewPassphrase(const std::string& passphrase_file);

  // Whether a person sits at the terminal, and what they answer to a question: no, unless yes.
  bool AsksPeople() const { return environment_.in_is_terminal == Terminal::kYes; }
  bool Ask(const std::string& question);

  // Reads what they answer to a prompt, as one line.
  std::string AskFor(const std::string& what);

  // Reads a file, or standard input if `path` is "-".
  absl::StatusOr<std::string> ReadText(const std::string& path, std::size_t max_bytes);

  // Writes a file of mode 0600 wholly or not at all.
  // Errors: kAlreadyExists if it is there and may not be overwritten.
  absl::Status WriteFile(const std::string& path, ByteSpan bytes, Overwrite overwrite);

  // Makes a folder and those above it; fine if it exists.
  absl::Status MakeFolder(const std::string& path);

 private:
  absl::StatusOr<crypto::WipedBuffer> PromptForPassphrase(const std::string& prompt);
  void TellOfRetry(const absl::Status& error, std::chrono::milliseconds patience);

  Environment& environment_;
  const GlobalOptions options_;
  std::unique_ptr<Output> own_output_;
  Output& output_;
  std::chrono::milliseconds timeout_{30'000};
  std::optional<int> passphrase_descriptor_;
  std::optional<Profile> profile_;
  std::atomic<bool> told_of_retry_ = false;
  std::shared_ptr<client::Channel> channel_;
};

}  // namespace holdfast::cli
