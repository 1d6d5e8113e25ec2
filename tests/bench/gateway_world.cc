// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_world.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nlohmann/json.hpp"

#include "base/check.h"
#include "cli/run.h"
#include "client/ledger_client.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr const char* kMembers[] = {"requester-1", "source-1",    "counsel-1", "counsel-2",
                                    "custodian-1", "custodian-2", "auditor-1"};
constexpr const char* kSigners[] = {"principal-source", "principal-requester", "requester-1",
                                    "source-1",         "counsel-1",           "counsel-2",
                                    "counsel-3",        "custodian-1",         "custodian-2"};
constexpr int kStartSeconds = 600;

// What std::exit() leaves behind would go on running: a step that fails ends the process.
pid_t running_daemon = -1;
void EndDaemon() {
  if (running_daemon > 0) static_cast<void>(::kill(running_daemon, SIGKILL));
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteAll(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  HF_CHECK(file.good());
}

void Replace(std::string& text, std::string_view old_text, std::string_view new_text) {
  const std::size_t at = text.find(old_text);
  if (at == std::string::npos) {
    std::fprintf(stderr, "the sample agreement has no `%s`\n", std::string(old_text).c_str());
    std::exit(EXIT_FAILURE);
  }
  text.replace(at, old_text.size(), new_text);
}

}  // namespace

// What a session borrows.
struct GatewayWorld::Caller {
  std::string member;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::optional<cli::Environment> environment;
  cli::GlobalOptions options;
  std::optional<cli::Session> session;
};

void Pause(int milliseconds) { HF_CHECK(::poll(nullptr, 0, milliseconds) == 0); }

GatewayWorld::GatewayWorld(std::string binaries, std::uint64_t records)
    : binaries_(std::move(binaries)) {
  Cli({"sample", "--records", std::to_string(records), "--seed", "1", "--out", File("sample")});
  Cli({"pki", "init", "--domain", "holdfast.example", "--out", File("pki")});
  for (const std::string member : kMembers) {
    const std::string role = member.substr(0, member.find('-'));
    Cli({"pki", "issue", "--ca", File("pki"), "--role", role, "--id", member});
  }
  for (const std::string signer : kSigners) {
    Cli({"identity", "create", "--out", File("keys/" + signer), "--comment", signer,
         "--no-passphrase"});
  }
  MakeAgreement();
  WriteConfig();
}

GatewayWorld::~GatewayWorld() { Stop(); }

// The brakes are let go: the same people are asked for again in every run. A revoked key waits a
// thousandth of a second, so that it is destruction that is measured and not the wait before it.
void GatewayWorld::MakeAgreement() {
  const std::string text_path = File("agreement.txt");
  const std::string signed_path = File("agreement.dsse");
  Cli({"agreement", "init", "--without-witnesses", "--out", text_path, "--keys", File("keys"),
       "--places", File("sample/places.csv"), "--delegation", File("sample/delegation.txt"),
       "--safeguard", File("sample/safeguard.txt"), "--cooling-period", "1s",
       "--destruction-window", "1s"});
  std::string text = ReadAll(text_path);
  Replace(text, "officer_open_cases: 200", "officer_open_cases: 1000000");
  Replace(text, "officer_share_basis_points: 500", "officer_share_basis_points: 10000");
  Replace(text, "daily_subjects: 2000000", "daily_subjects: 1000000000");
  Replace(text, "total_subjects: 10000000", "total_subjects: 1000000000");
  Replace(text, "open_records: 10000", "open_records: 1000000000");
  Replace(text, "destruction_window { seconds: 1 }", "destruction_window { nanos: 1000000 }");
  Replace(text, File("sample/places.csv"), "sample/places.csv");  // Beside the agreement.
  WriteAll(text_path, text);
  for (const char* side : {"principal-source", "principal-requester"}) {
    Cli({"agreement", "sign", text_path, "--key", File(std::string("keys/") + side), "--out",
         signed_path});
  }
  const auto verified = nlohmann::json::parse(Cli({"agreement", "verify", signed_path, "--json"}));
  exchange_ = verified.at("exchange_id").get<std::string>();
}

void GatewayWorld::WriteConfig() const {
  for (const char* name : {"state", "keyslot"}) {
    HF_CHECK(::mkdir(File(name).c_str(), 0700) == 0);
  }
  WriteAll(File("holdfastd.conf"),
           "listen {\n  address: \"127.0.0.1:0\"\n  key_path: \"" + File("pki/server.key") +
               "\"\n  certificate_path: \"" + File("pki/server.pem") + "\"\n  client_ca_path: \"" +
               File("pki/ca.pem") + "\"\n  port_file: \"" + File("port") +
               "\"\n}\nexchanges {\n  name: \"address-requests\"\n  agreement_path: \"" +
               File("agreement.dsse") + "\"\n  exchange_id: \"" + exchange_ +
               "\"\n  state_directory: \"" + File("state") + "\"\n  keyslot_directory: \"" +
               File("keyslot") +
               "\"\n  keyslot_allow_any_file_system: true\n}\nlimits {\n  calls_per_peer: 20000\n  "
               "calls_total: 20000\n}\n");
}

void GatewayWorld::WriteProfiles(const std::string& port) const {
  for (const char* folder : {"home", "home/profiles"}) {
    static_cast<void>(::mkdir(File(folder).c_str(), 0700));  // There after the first start.
  }
  for (const std::string member : kMembers) {
    WriteAll(File("home/profiles/" + member),
             "server = 127.0.0.1:" + port + "\nexchange_id = " + exchange_ +
                 "\nagreement = ../../agreement.dsse\nmember = " + member +
                 "\ncertificate = ../../pki/" + member + ".pem\nkey = ../../pki/" + member +
                 ".key\nca = ../../pki/ca.pem\nsigning_key = ../../keys/" + member + "\n");
  }
}

void GatewayWorld::ForgetSnapshot() {
  HF_CHECK(daemon_ < 0);
  static_cast<void>(::unlink(File("state/snapshot").c_str()));  // None of a small ledger.
}

double GatewayWorld::Start() {
  HF_CHECK(daemon_ < 0);
  static_cast<void>(::unlink(File("port").c_str()));
  std::string program = binaries_ + "/holdfastd";
  std::string flag = "--config";
  std::string config = File("holdfastd.conf");
  char* arguments[] = {program.data(), flag.data(), config.data(), nullptr};
  const std::string log = File("daemon.log");
  posix_spawn_file_actions_t actions;
  HF_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
  HF_CHECK(::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                              O_WRONLY | O_CREAT | O_APPEND, 0600) == 0);
  HF_CHECK(::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO) == 0);
  const auto start = SteadyClock::now();
  const int spawned =
      ::posix_spawn(&daemon_, program.c_str(), &actions, nullptr, arguments, environ);
  HF_CHECK(::posix_spawn_file_actions_destroy(&actions) == 0);
  HF_CHECK(spawned == 0);
  if (std::exchange(running_daemon, daemon_) == -1) HF_CHECK(std::atexit(EndDaemon) == 0);
  std::string port;
  while (port.empty() || port.back() != '\n') {
    int status = 0;
    const bool ended = ::waitpid(daemon_, &status, WNOHANG) == daemon_;
    if (ended || SteadyClock::now() - start > std::chrono::seconds(kStartSeconds)) {
      std::fprintf(stderr, "holdfastd does not start:\n%s", ReadAll(log).c_str());
      std::exit(EXIT_FAILURE);
    }
    Pause(1);
    port = ReadAll(File("port"));
  }
  port.pop_back();
  WriteProfiles(port);
  const auto channel = As("custodian-1").channel();
  HF_CHECK(channel.ok());
  HF_CHECK(client::LedgerClient(*channel).GetExchange().ok());
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

void GatewayWorld::Stop() { End(SIGTERM); }

void GatewayWorld::Kill() { End(SIGKILL); }

void GatewayWorld::End(int signal) {
  callers_.clear();
  if (daemon_ < 0) return;
  HF_CHECK(::kill(daemon_, signal) == 0);
  int status = 0;
  HF_CHECK(::waitpid(daemon_, &status, 0) == daemon_);
  daemon_ = -1;
  running_daemon = 0;
}

double GatewayWorld::ResidentBytes() const {
  std::ifstream file("/proc/" + std::to_string(daemon_) + "/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  HF_CHECK(file.good() && resident > 0);
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double GatewayWorld::ReadBytes() const {
  std::ifstream file("/proc/" + std::to_string(daemon_) + "/io");
  std::string name;
  double bytes = 0;
  file >> name >> bytes;
  HF_CHECK(file.good() && name == "rchar:");
  return bytes;
}

std::string GatewayWorld::NewFolder(const std::string& name) {
  return File(name + "-" + std::to_string(++folders_));
}

cli::Environment GatewayWorld::EnvironmentOf(Caller& caller) {
  return {caller.in,
          caller.out,
          caller.err,
          cli::Terminal::kNo,
          cli::Terminal::kNo,
          files_,
          clock_,
          random_,
          [home = File("home")](const std::string& name) -> std::optional<std::string> {
            if (name == "HOLDFAST_HOME") return home;
            return std::nullopt;
          }};
}

std::string GatewayWorld::Cli(const std::vector<std::string>& arguments) {
  Caller caller;
  cli::Environment environment = EnvironmentOf(caller);
  const cli::ExitStatus exit = cli::Run(arguments, environment);
  if (exit != cli::ExitStatus::kDone) {
    std::fprintf(stderr, "exit status %d of: holdfast", static_cast<int>(exit));
    for (const std::string& argument : arguments) std::fprintf(stderr, " %s", argument.c_str());
    std::fprintf(stderr, "\n%s%s", caller.out.str().c_str(), caller.err.str().c_str());
    std::exit(EXIT_FAILURE);
  }
  return caller.out.str();
}

cli::Session& GatewayWorld::As(const std::string& member) {
  for (const std::unique_ptr<Caller>& caller : callers_) {
    if (caller->member == member) return *caller->session;
  }
  return Another(member);
}

cli::Session& GatewayWorld::Another(const std::string& member) {
  Caller& caller = *callers_.emplace_back(std::make_unique<Caller>());
  caller.member = member;
  caller.options.profile = member;
  caller.environment.emplace(EnvironmentOf(caller));
  caller.session.emplace(*caller.environment, caller.options);
  HF_CHECK(caller.session->Prepare().ok());
  return *caller.session;
}

}  // namespace holdfast::bench
