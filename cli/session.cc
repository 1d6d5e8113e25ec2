// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/secret_line.h"
#include "client/channel.h"
#include "crypto/key_file.h"
#include "crypto/text_lines.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxPemBytes = 256 << 10;
constexpr std::uint64_t kMaxDescriptor = 1 << 20;

// Switches a terminal's echo off for as long as it lives.
class EchoOff final {
 public:
  EchoOff() : known_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!known_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (known_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  const bool known_;
};

absl::Status NotSet(const std::string& what) { return MakeError(Reason::kConfigInvalid, what); }

// Takes the first line over into wiped memory, and wipes it where it was.
crypto::WipedBuffer TakeLine(std::string& text) {
  const std::size_t end = text.find_first_of("\r\n");
  crypto::WipedBuffer line = crypto::WipedBuffer::TakeFrom(
      std::as_writable_bytes(std::span(text.data(), std::min(end, text.size()))));
  crypto::Wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  return line;
}

absl::StatusOr<ExchangeId> ParseExchangeId(const std::string& hex) {
  auto bytes = FromHex(hex);
  if (!bytes.ok() || bytes->size() != 32) {
    return MakeError(Reason::kConfigInvalid, "the exchange's id must be 64 hexadecimal digits");
  }
  return IdFromBytes<ExchangeId>(*bytes);
}

}  // namespace

Session::Session(Environment& environment, const GlobalOptions& options)
    : environment_(environment),
      options_(options),
      own_output_(
          std::make_unique<Output>(environment.out, environment.err, environment.err_is_terminal)),
      output_(*own_output_) {
  output_.Configure(options.json ? OutputForm::kJson : OutputForm::kPeople,
                    options.quiet     ? Verbosity::kQuiet
                    : options.verbose ? Verbosity::kVerbose
                                      : Verbosity::kNormal,
                    options.utc ? TimeForm::kUtc : TimeForm::kLocal);
  // https://no-color.org
  const bool wanted = environment.variable("NO_COLOR").value_or("").empty();
  if (environment.out_is_terminal == Terminal::kYes && wanted) output_.UseColours();
}

namespace {

GlobalOptions WithProfile(GlobalOptions options, const std::string& profile) {
  options.profile = profile;
  return options;
}

}  // namespace

Session::Session(Session& parent, const std::string& profile)
    : environment_(parent.environment_),
      options_(WithProfile(parent.options_, profile)),
      output_(parent.output_),
      timeout_(parent.timeout_),
      passphrase_descriptor_(parent.passphrase_descriptor_) {}

Session::~Session() = default;

std::string Session::home() const {
  return HomeFolder(environment_.variable("HOLDFAST_HOME"), environment_.variable("HOME"));
}

absl::Status Session::Prepare() {
  if (options_.quiet && options_.verbose) {
    return MakeError(Reason::kRequestMalformed, "--quiet and --verbose exclude each other");
  }
  if (!options_.passphrase_fd.empty()) {
    const auto descriptor = crypto::ParseDecimal(options_.passphrase_fd);
    if (!descriptor || *descriptor > kMaxDescriptor) {
      return MakeError(Reason::kRequestMalformed, "--passphrase-fd is the number of a descriptor");
    }
    passphrase_descriptor_ = static_cast<int>(*descriptor);
  }
  if (!options_.timeout.empty()) {
    HF_ASSIGN_OR_RETURN(timeout_, ParseDuration(options_.timeout));
    if (timeout_.count() == 0) {
      return MakeError(Reason::kRequestMalformed, "--timeout must be longer than nothing");
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> Session::profile_names() const {
  std::string text = options_.profile;
  if (text.empty()) text = environment_.variable("HOLDFAST_PROFILE").value_or("");
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

absl::StatusOr<const Profile*> Session::profile() {
  if (!profile_) {
    const std::vector<std::string> names = profile_names();
    if (names.size() > 1) {
      return MakeError(Reason::kRequestMalformed,
                       "this command takes one profile; several are for `hold place`");
    }
    const std::string name = names.empty() ? std::string() : names.front();
    if (name.empty()) {
      return NotSet("no profile: give --profile NAME or set HOLDFAST_PROFILE (profiles lie in " +
                    JoinPath(home(), "profiles") + ")");
    }
    HF_ASSIGN_OR_RETURN(profile_, LoadProfile(files(), home(), name));
    if (!options_.server.empty()) profile_->server = options_.server;
    if (!options_.exchange.empty()) profile_->exchange = options_.exchange;
  }
  return &*profile_;
}

absl::StatusOr<std::string> Session::ProfileValue(std::string Profile::*field,
                                                  std::string_view name) {
  HF_ASSIGN_OR_RETURN(const Profile* const who, profile());
  const std::string& value = who->*field;
  if (value.empty()) {
    return AddMetadata(NotSet("the profile " + who->path + " does not set " + std::string(name)),
                       "file", who->path);
  }
  return value;
}

absl::StatusOr<ExchangeId> Session::exchange_id() {
  HF_ASSIGN_OR_RETURN(const std::string hex, ProfileValue(&Profile::exchange_id, "exchange_id"));
  return ParseExchangeId(hex);
}

absl::StatusOr<std::shared_ptr<client::Channel>> Session::channel() {
  if (channel_ != nullptr) return channel_;
  client::ChannelOptions options;
  HF_ASSIGN_OR_RETURN(options.server, ProfileValue(&Profile::server, "server"));
  HF_ASSIGN_OR_RETURN(options.server_name, ProfileValue(&Profile::server_name, "server_name"));
  HF_ASSIGN_OR_RETURN(const std::string certificate,
                      ProfileValue(&Profile::certificate, "certificate"));
  HF_ASSIGN_OR_RETURN(const std::string key, ProfileValue(&Profile::key, "key"));
  HF_ASSIGN_OR_RETURN(const std::string ca, ProfileValue(&Profile::ca, "ca"));
  HF_ASSIGN_OR_RETURN(options.certificate_pem, ReadText(certificate, kMaxPemBytes));
  HF_ASSIGN_OR_RETURN(options.key_pem, ReadText(key, kMaxPemBytes));
  HF_ASSIGN_OR_RETURN(options.ca_pem, ReadText(ca, kMaxPemBytes));
  HF_ASSIGN_OR_RETURN(const Profile* const who, profile());
  options.exchange = who->exchange;
  options.timeout = timeout_;
  // Who says how long a call may take does not want to wait longer for one that fails.
  if (!options_.timeout.empty()) options.retry_for = std::min(options.retry_for, timeout_);
  options.on_retry = [this, patience = options.retry_for](const absl::Status& error) {
    TellOfRetry(error, patience);
  };
  HF_ASSIGN_OR_RETURN(channel_, client::Channel::Open(std::move(options)));
  return channel_;
}

// Once a command: nobody should take a client that is patient for one that hangs.
void Session::TellOfRetry(const absl::Status& error, std::chrono::milliseconds patience) {
  if (told_of_retry_.exchange(true)) return;
  output_.Note(fmt::format(
      "{} ({}); trying again for up to {} s without an answer", std::string(error.message()),
      ReasonName(ReasonOf(error).value_or(Reason::kInternal)), (patience.count() + 999) / 1000));
}

absl::StatusOr<crypto::SigningKey> Session::signing_key() {
  HF_ASSIGN_OR_RETURN(const std::string path, ProfileValue(&Profile::signing_key, "signing_key"));
  return ReadSigningKey(path, "");
}

absl::StatusOr<crypto::SigningKey> Session::ReadSigningKey(const std::string& path,
                                                           const std::string& passphrase_file) {
  HF_ASSIGN_OR_RETURN(Bytes text, files().ReadWhole(path, crypto::kMaxKeyFileBytes));
  const auto read = [&]() -> absl::StatusOr<crypto::SigningKey> {
    HF_ASSIGN_OR_RETURN(const crypto::KeyFileProtection protection,
                        crypto::KeyFileProtectionOf(text));
    crypto::WipedBuffer passphrase;
    if (protection == crypto::KeyFileProtection::kPassphrase) {
      HF_ASSIGN_OR_RETURN(passphrase, ReadPassphrase(passphrase_file, "Passphrase of " + path));
    }
    return crypto::ReadKeyFile(text, passphrase);
  };
  absl::StatusOr<crypto::SigningKey> key = read();
  crypto::Wipe(text);
  if (!key.ok()) return AddMetadata(key.status(), "file", path);
  return key;
}

absl::StatusOr<crypto::WipedBuffer> Session::ReadPassphrase(const std::string& passphrase_file,
                                                            const std::string& prompt) {
  if (!passphrase_file.empty()) {
    HF_ASSIGN_OR_RETURN(std::string text,
                        ReadText(passphrase_file, crypto::kMaxPassphraseBytes + 2));
    return TakeLine(text);
  }
  if (passphrase_descriptor_) return ReadSecretLine(*passphrase_descriptor_);
  return PromptForPassphrase(prompt);
}

absl::StatusOr<crypto::WipedBuffer> Session::PromptForPassphrase(const std::string& prompt) {
  if (environment_.in_is_terminal == Terminal::kYes) {
    const EchoOff silent;  // Before anybody is told to type.
    environment_.err << prompt << ": " << std::flush;
    auto typed = ReadSecretLine(STDIN_FILENO);
    environment_.err << '\n';
    return typed;
  }
  if (environment_.in_descriptor >= 0) return ReadSecretLine(environment_.in_descriptor);
  std::string line;
  std::getline(environment_.in, line);
  if (line.empty()) return MakeError(Reason::kRequestMalformed, "no passphrase was given");
  return TakeLine(line);
}

absl::StatusOr<crypto::WipedBuffer> Session::ReadNewPassphrase(const std::string& passphrase_file) {
  HF_ASSIGN_OR_RETURN(crypto::WipedBuffer passphrase,
                      ReadPassphrase(passphrase_file, "New passphrase"));
  const bool typed = passphrase_file.empty() && !passphrase_descriptor_ && AsksPeople();
  if (!typed) return passphrase;
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer again,
                      PromptForPassphrase("The new passphrase again"));
  if (AsText(passphrase.Reveal()) == AsText(again.Reveal())) return passphrase;
  return MakeError(Reason::kRequestMalformed, "the two passphrases differ");
}

bool Session::Ask(const std::string& question) {
  environment_.err << question << " [y/N] " << std::flush;
  std::string line;
  std::getline(environment_.in, line);
  return line == "y" || line == "yes";
}

std::string Session::AskFor(const std::string& what) {
  environment_.err << what << ": " << std::flush;
  std::string line;
  std::getline(environment_.in, line);
  return line;
}

absl::StatusOr<std::string> Session::ReadText(const std::string& path, std::size_t max_bytes) {
  if (path != "-") {
    HF_ASSIGN_OR_RETURN(const Bytes bytes, files().ReadWhole(path, max_bytes));
    return ToString(bytes);
  }
  std::string text;
  std::array<char, 4096> block{};
  while (environment_.in.read(block.data(), block.size()) || environment_.in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(environment_.in.gcount()));
    if (text.size() > max_bytes) {
      return MakeError(Reason::kRequestTooLarge,
                       "standard input is over " + std::to_string(max_bytes) + " bytes");
    }
  }
  return text;
}

absl::Status Session::WriteFile(const std::string& path, ByteSpan bytes, Overwrite overwrite) {
  if (overwrite == Overwrite::kRefuse) {
    const auto info = files().Stat(path);
    if (info.ok()) {
      return AddMetadata(MakeError(Reason::kAlreadyExists, path + " exists already"), "file", path);
    }
    if (ReasonOf(info.status()) != Reason::kNotFound) return info.status();
  }
  return ReplaceFile(files(), path, bytes);
}

absl::Status Session::MakeFolder(const std::string& path) {
  const auto info = files().Stat(path);
  if (info.ok()) {
    if (info->kind == FileKind::kDirectory) return absl::OkStatus();
    return MakeError(Reason::kAlreadyExists, path + " exists and is no folder");
  }
  if (ReasonOf(info.status()) != Reason::kNotFound) return info.status();
  const std::string parent = ParentPath(path);
  if (parent != path && parent != "." && parent != "/") HF_RETURN_IF_ERROR(MakeFolder(parent));
  const absl::Status made = files().MakeDirectory(path);
  // Somebody else may have made it in between.
  if (ReasonOf(made) == Reason::kAlreadyExists) return absl::OkStatus();
  HF_RETURN_IF_ERROR(made);
  return files().SyncDirectory(parent);
}

}  // namespace holdfast::cli
