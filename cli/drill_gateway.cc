// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_gateway.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cli/run.h"

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds kTick{10};
// A daemon that takes longer to serve an exchange that is new is stuck, also on a machine with
// other work.
constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMaxLogBytes = std::size_t{64} << 20;

constexpr std::string_view kDomain = "drill.invalid";

// As in the sample agreement. A drill may need more: all its records are asked for, and opened, at
// once.
constexpr std::uint64_t kOpenRecords = 10'000;
constexpr std::uint64_t kOfficerCases = 200;
constexpr std::uint64_t kOfficers = 4'000;  // A sample has as many, or a few more.

struct DrillMember {
  std::string_view id;
  std::string_view role;
};
constexpr std::array kMembers = {
    DrillMember{"requester-1", "requester"}, DrillMember{"source-1", "source"},
    DrillMember{"counsel-1", "counsel"},     DrillMember{"counsel-2", "counsel"},
    DrillMember{"custodian-1", "custodian"}, DrillMember{"custodian-2", "custodian"},
    DrillMember{"auditor-1", "auditor"}};
constexpr std::array kSigners = {"principal-source", "principal-requester", "requester-1",
                                 "source-1",         "counsel-1",           "counsel-2",
                                 "counsel-3",        "custodian-1",         "custodian-2"};

absl::Status Unexpected(const std::vector<std::string>& arguments, const DrillResult& result) {
  std::string command;
  for (std::size_t i = 0; i < arguments.size() && i < 3; ++i) {
    command += (i == 0 ? "" : " ") + arguments[i];
  }
  std::string text =
      fmt::format("`{}` of the drill ended with {}", command, static_cast<int>(result.exit));
  const std::string reason = result.Text("reason");
  const std::string message = result.Text("message");
  if (!reason.empty()) text += ": " + reason + ", " + message;
  return MakeError(Reason::kInternal, std::move(text));
}

// Puts `mark` before each value of `field` in the sample agreement.
void Mark(std::string& agreement, std::string_view field, std::string_view mark) {
  const std::string before = std::string(field) + ": \"";
  for (std::size_t at = agreement.find(before); at != std::string::npos;
       at = agreement.find(before, at + before.size())) {
    agreement.insert(at + before.size(), mark);
  }
}

// Says something else in the sample agreement.
absl::Status ReplaceTerm(std::string& agreement, std::string_view term, std::string_view by) {
  const std::size_t at = agreement.find(term);
  if (at == std::string::npos) {
    return MakeError(Reason::kInternal, "the sample agreement does not say " + std::string(term));
  }
  agreement.replace(at, term.size(), by);
  return absl::OkStatus();
}

}  // namespace

void Pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

std::string DrillResult::Text(std::string_view name) const {
  const JsonValue* value = objects.empty() ? nullptr : objects.back().Find(name);
  return value != nullptr && value->is_text() ? value->text() : std::string();
}

std::uint64_t DrillResult::Number(std::string_view name) const {
  const JsonValue* value = objects.empty() ? nullptr : objects.back().Find(name);
  const bool number = value != nullptr && value->kind() == JsonValue::Kind::kInteger;
  return number && value->integer() > 0 ? static_cast<std::uint64_t>(value->integer()) : 0;
}

DrillGateway::DrillGateway(Session& session, DrillSettings settings)
    : session_(session), settings_(std::move(settings)) {}

DrillGateway::~DrillGateway() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::StatusOr<std::unique_ptr<DrillGateway>> DrillGateway::Create(Session& session,
                                                                   DrillSettings settings) {
  std::unique_ptr<DrillGateway> gateway(new DrillGateway(session, std::move(settings)));
  HF_RETURN_IF_ERROR(gateway->MakePeople());
  HF_RETURN_IF_ERROR(gateway->MakeAgreement());
  HF_RETURN_IF_ERROR(session.MakeFolder(gateway->Path("state")));
  for (const std::string& keyslot : gateway->settings_.keyslots) {
    HF_RETURN_IF_ERROR(session.MakeFolder(keyslot));
  }
  HF_RETURN_IF_ERROR(gateway->Configure(gateway->settings_.keyslots));
  return gateway;
}

std::string DrillGateway::Path(const std::string& name) const {
  return JoinPath(settings_.folder, name);
}

absl::Status DrillGateway::MakePeople() {
  HF_RETURN_IF_ERROR(Run("", {"sample", "--records", std::to_string(settings_.records), "--seed",
                              std::to_string(kDrillSeed), "--one-officer",
                              std::to_string(settings_.of_one_officer), "--out", Path("sample")})
                         .status());
  HF_RETURN_IF_ERROR(
      Run("", {"pki", "init", "--domain", std::string(kDomain), "--out", Path("pki")}).status());
  for (const DrillMember& member : kMembers) {
    HF_RETURN_IF_ERROR(Run("", {"pki", "issue", "--ca", Path("pki"), "--role",
                                std::string(member.role), "--id", std::string(member.id)})
                           .status());
  }
  HF_RETURN_IF_ERROR(session_.MakeFolder(Path("keys")));
  for (const char* signer : kSigners) {
    HF_RETURN_IF_ERROR(Run("", {"identity", "create", "--out", Path(std::string("keys/") + signer),
                                "--comment", "DRILL", "--no-passphrase"})
                           .status());
  }
  return absl::OkStatus();
}

absl::Status DrillGateway::MakeAgreement() {
  HF_ASSIGN_OR_RETURN(const Bytes places,
                      session_.files().ReadWhole(Path("sample/places.csv"), kMaxLogBytes));
  HF_RETURN_IF_ERROR(session_.WriteFile(Path("places.csv"), places, Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(Run("", {"agreement",
                              "init",
                              "--out",
                              Path("agreement.txt"),
                              "--keys",
                              Path("keys"),
                              "--name",
                              "drill",
                              "--domain",
                              std::string(kDomain),
                              "--places",
                              Path("places.csv"),
                              "--delegation",
                              Path("sample/delegation.txt"),
                              "--safeguard",
                              Path("sample/safeguard.txt"),
                              "--cooling-period",
                              "1s",
                              "--destruction-window",
                              "1s",
                              "--without-witnesses"})
                         .status());
  HF_ASSIGN_OR_RETURN(std::string text, session_.ReadText(Path("agreement.txt"), kMaxLogBytes));
  Mark(text, "display_name", "DRILL: ");
  HF_RETURN_IF_ERROR(
      ReplaceTerm(text, fmt::format("open_records: {} ", kOpenRecords),
                  fmt::format("open_records: {} ", std::max(settings_.records, kOpenRecords))));
  const std::uint64_t cases =
      std::max({kOfficerCases, settings_.of_one_officer, settings_.records / kOfficers + 1});
  HF_RETURN_IF_ERROR(ReplaceTerm(text, fmt::format("officer_open_cases: {}\n", kOfficerCases),
                                 fmt::format("officer_open_cases: {}\n", cases)));
  if (settings_.record_lifetime_seconds != 0) {
    HF_RETURN_IF_ERROR(
        ReplaceTerm(text, "record_lifetime { seconds: 2592000 }",
                    fmt::format("destroy_on_expiry: true\n  record_lifetime {{ seconds: {} }}",
                                settings_.record_lifetime_seconds)));
  }
  HF_RETURN_IF_ERROR(session_.WriteFile(Path("agreement.txt"), AsBytes(text), Overwrite::kPermit));
  for (const char* principal : {"principal-source", "principal-requester"}) {
    HF_ASSIGN_OR_RETURN(
        const DrillResult signed_by,
        Run("", {"agreement", "sign", Path("agreement.txt"), "--key",
                 Path(std::string("keys/") + principal), "--out", Path("agreement.dsse")}));
    HF_ASSIGN_OR_RETURN(const Bytes id, FromHex(signed_by.Text("sha256")));
    HF_ASSIGN_OR_RETURN(exchange_, IdFromBytes<ExchangeId>(id));
  }
  return absl::OkStatus();
}

absl::Status DrillGateway::Configure(const std::vector<std::string>& keyslots) {
  std::string slots;
  for (const std::string& keyslot : keyslots) {
    slots +=
        fmt::format("  keyslots {{ file {{ directory: \"{}\" allow_any_file_system: {} }} }}\n",
                    keyslot, settings_.any_file_system);
  }
  const std::string text = fmt::format(
      "listen {{\n  address: \"127.0.0.1:0\"\n  key_path: \"{0}/pki/server.key\"\n"
      "  certificate_path: \"{0}/pki/server.pem\"\n  client_ca_path: \"{0}/pki/ca.pem\"\n"
      "  port_file: \"{0}/port\"\n}}\nexchanges {{\n  name: \"drill\"\n"
      "  agreement_path: \"{0}/agreement.dsse\"\n  exchange_id: \"{1}\"\n"
      "  state_directory: \"{0}/state\"\n{2}}}\nlog {{ format: JSON }}\n",
      settings_.folder, Hex(BytesOf(exchange_)), slots);
  return session_.WriteFile(Path("holdfastd.conf"), AsBytes(text), Overwrite::kPermit);
}

absl::Status DrillGateway::Spawn() {
  for (const char* name : {"port", "daemon.log"}) {
    const absl::Status removed = session_.files().Remove(Path(name));
    if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, Path("daemon.log").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, S_IRUSR | S_IWUSR);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::string program = settings_.holdfastd;
  std::string flag = "--config";
  std::string config = Path("holdfastd.conf");
  char* const arguments[] = {program.data(), flag.data(), config.data(), nullptr};
  const int failed =
      posix_spawn(&pid_, program.c_str(), &actions, /*attrp=*/nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return absl::OkStatus();
  pid_ = 0;
  return MakeError(Reason::kNotFound, "the daemon " + settings_.holdfastd + " cannot be started");
}

bool DrillGateway::HasEnded() {
  if (pid_ == 0) return true;
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

bool DrillGateway::WaitFor(const std::function<bool()>& there) {
  const auto end = session_.clock().SinceBoot() + kPatience;
  while (!there()) {
    if (HasEnded() || session_.clock().SinceBoot() > end) return there();
    Pause(kTick);
  }
  return true;
}

absl::Status DrillGateway::Start() {
  HF_RETURN_IF_ERROR(Spawn());
  const bool serves = WaitFor([this] {
    const auto port = session_.files().ReadWhole(Path("port"), 16);
    return port.ok() && !port->empty();
  });
  if (!serves || pid_ == 0) {
    return MakeError(Reason::kExchangeStopped,
                     "the drill's gateway does not serve; see its log, " + Path("daemon.log"));
  }
  return WriteProfiles();
}

absl::Status DrillGateway::WriteProfiles() {
  HF_ASSIGN_OR_RETURN(std::string port, session_.ReadText(Path("port"), 16));
  while (port.ends_with('\n')) port.pop_back();
  HF_RETURN_IF_ERROR(session_.MakeFolder(Path("home/profiles")));
  for (const DrillMember& member : kMembers) {
    std::string text = fmt::format(
        "server = 127.0.0.1:{0}\nexchange_id = {1}\nagreement = {2}/agreement.dsse\n"
        "member = {3}\ncertificate = {2}/pki/{3}.pem\nkey = {2}/pki/{3}.key\nca = {2}/pki/ca.pem\n",
        port, Hex(BytesOf(exchange_)), settings_.folder, member.id);
    if (std::find(kSigners.begin(), kSigners.end(), member.id) != kSigners.end()) {
      text += fmt::format("signing_key = {}/keys/{}\n", settings_.folder, member.id);
    }
    HF_RETURN_IF_ERROR(session_.WriteFile(Path("home/profiles/" + std::string(member.id)),
                                          AsBytes(text), Overwrite::kPermit));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DrillGateway::MustRefuse() {
  HF_RETURN_IF_ERROR(Spawn());
  const bool serves = WaitFor([this] {
    const auto port = session_.files().ReadWhole(Path("port"), 16);
    return port.ok() && !port->empty();
  });
  if (serves) {
    HF_RETURN_IF_ERROR(Stop());
    return std::string();
  }
  if (pid_ != 0) {
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
    return MakeError(Reason::kExchangeStopped, "the drill's gateway neither serves nor ends");
  }
  HF_ASSIGN_OR_RETURN(const Bytes log,
                      session_.files().ReadWhole(Path("daemon.log"), kMaxLogBytes));
  std::istringstream lines(ToString(log));
  std::string reason = "UNKNOWN";
  JsonLimits limits;
  limits.names = JsonNames::kAny;
  for (std::string line; std::getline(lines, line);) {
    const auto value = ParseStrictJson(line, limits);
    if (!value.ok()) continue;
    const JsonValue* event = value->Find("event");
    const JsonValue* said = value->Find("reason");
    if (event != nullptr && event->is_text() && event->text() == "start_failed" &&
        said != nullptr && said->is_text()) {
      reason = said->text();
    }
  }
  return reason;
}

absl::Status DrillGateway::Stop() {
  if (pid_ == 0) return absl::OkStatus();
  kill(pid_, SIGTERM);
  if (WaitFor([this] { return HasEnded(); })) return absl::OkStatus();
  return MakeError(Reason::kExchangeStopped, "the drill's gateway does not end");
}

// Nothing of whoever runs the drill: no profile, no agent, no passphrase.
Environment DrillGateway::MakeEnvironment(std::istream& in, std::ostream& out, std::ostream& err) {
  return {in,
          out,
          err,
          Terminal::kNo,
          Terminal::kNo,
          session_.files(),
          session_.clock(),
          session_.random(),
          [this](const std::string& name) -> std::optional<std::string> {
            if (name == "HOLDFAST_HOME") return Path("home");
            return std::nullopt;
          }};
}

absl::StatusOr<DrillResult> DrillGateway::Run(const std::string& who,
                                              std::vector<std::string> arguments,
                                              std::vector<ExitStatus> expected) {
  std::vector<std::string> line = {"--json", "--quiet"};
  if (!who.empty()) line.insert(line.end(), {"--profile", who});
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Environment environment = MakeEnvironment(in, out, err);
  DrillResult result;
  result.exit = cli::Run(line, environment);
  std::istringstream printed(out.str());
  JsonLimits limits;
  limits.names = JsonNames::kAny;
  limits.max_bytes = kMaxLogBytes;
  for (std::string text; std::getline(printed, text);) {
    HF_ASSIGN_OR_RETURN(result.objects.emplace_back(), ParseStrictJson(text, limits));
  }
  if (std::find(expected.begin(), expected.end(), result.exit) != expected.end()) return result;
  return Unexpected(arguments, result);
}

absl::Status DrillGateway::As(const std::string& who,
                              const std::function<absl::Status(Session&)>& use) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Environment environment = MakeEnvironment(in, out, err);
  GlobalOptions options;
  options.profile = who;
  options.quiet = true;
  Session session(environment, options);
  HF_RETURN_IF_ERROR(session.Prepare());
  return use(session);
}

}  // namespace holdfast::cli
