// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <string>

#include <getopt.h>

#include "base/error.h"
#include "base/file_system.h"
#include "base/freed_memory.h"
#include "daemon/config.h"
#include "daemon/observe/log.h"
#include "daemon/process.h"
#include "daemon/run.h"

namespace holdfast::daemon {
namespace {

// See sysexits.h; the same numbers as the command line's.
enum class Exit { kOk = 0, kUsage = 64, kSoftware = 70, kConfig = 78 };

constexpr char kUsage[] =
    "holdfastd: the gateway daemon of Holdfast\n"
    "\n"
    "Usage: holdfastd --config FILE [--check-config] [--boot-id ID]\n"
    "       holdfastd --print-config-reference | --version | --help\n"
    "\n"
    "  --config FILE             the configuration, protobuf text\n"
    "  --check-config            check it, say what is wrong with it, and exit\n"
    "  --boot-id ID              names this run of the machine, where /proc does not show it\n"
    "  --print-config-reference  print every field of it, with what it means\n"
    "  --version                 print the version\n"
    "  --help                    print this text\n"
    "\n"
    "Exit status: 0 stopped by a signal, or the configuration is good; 64 usage;\n"
    "70 internal error; 78 the configuration, or what it names, cannot be used.\n";

enum class Act { kRun, kCheck, kReference, kVersion, kHelp, kMisuse };

struct CommandLine {
  Act act = Act::kRun;
  std::string config_path;
  std::string boot_id;
};

CommandLine ReadCommandLine(int argc, char** argv) {
  constexpr int kConfig = 1;
  constexpr int kCheck = 2;
  constexpr int kReference = 3;
  constexpr int kVersion = 4;
  constexpr int kHelp = 5;
  constexpr int kBootId = 6;
  const option options[] = {{"config", required_argument, nullptr, kConfig},
                            {"check-config", no_argument, nullptr, kCheck},
                            {"print-config-reference", no_argument, nullptr, kReference},
                            {"version", no_argument, nullptr, kVersion},
                            {"help", no_argument, nullptr, kHelp},
                            {"boot-id", required_argument, nullptr, kBootId},
                            {nullptr, 0, nullptr, 0}};
  CommandLine line;
  for (;;) {
    const int found = getopt_long(argc, argv, "", options, nullptr);
    if (found == -1) break;
    switch (found) {
      case kConfig:
        line.config_path = optarg;
        break;
      case kCheck:
        line.act = Act::kCheck;
        break;
      case kBootId:
        line.boot_id = optarg;
        break;
      case kReference:
        line.act = Act::kReference;
        return line;
      case kVersion:
        line.act = Act::kVersion;
        return line;
      case kHelp:
        line.act = Act::kHelp;
        return line;
      default:
        line.act = Act::kMisuse;
        return line;
    }
  }
  if (optind != argc || line.config_path.empty()) line.act = Act::kMisuse;
  return line;
}

Exit Complain(const absl::Status& status) {
  std::fprintf(stderr, "holdfastd: %s\n", std::string(status.message()).c_str());
  return ReasonOf(status) == Reason::kInternal ? Exit::kSoftware : Exit::kConfig;
}

absl::Status ConfigureLogFrom(const config::v1::Log& log) {
  const auto level = observe::ParseLevel(log.level());
  if (!level.ok()) return level.status();
  observe::LogOptions options;
  options.level = *level;
  if (log.format() == config::v1::Log::TEXT) options.format = observe::LogFormat::kText;
  if (log.format() == config::v1::Log::JSON) options.format = observe::LogFormat::kJson;
  observe::ConfigureLog(options);
  return absl::OkStatus();
}

Exit Start(const CommandLine& line) {
  PosixFileSystem files;
  const auto config = LoadConfig(files, line.config_path);
  if (!config.ok()) return Complain(config.status());
  if (line.act == Act::kCheck) {
    std::printf("%s: good\n", line.config_path.c_str());
    return Exit::kOk;
  }
  absl::Status status = ConfigureLogFrom(config->log());
  if (status.ok()) status = HardenProcess();
  if (!status.ok()) return Complain(status);
  ReuseFreedMemory();
  BlockSignals();
  status = RunDaemon(*config, line.boot_id);
  if (status.ok()) return Exit::kOk;
  const std::string reason(ReasonName(*ReasonOf(status)));
  const std::string text(status.message());
  observe::Error("daemon", "start_failed", "the daemon cannot serve",
                 {{"reason", reason}, {"text", text}});
  return ReasonOf(status) == Reason::kInternal ? Exit::kSoftware : Exit::kConfig;
}

Exit Main(int argc, char** argv) {
  const CommandLine line = ReadCommandLine(argc, argv);
  switch (line.act) {
    case Act::kReference:
      std::fputs(ConfigReference().c_str(), stdout);
      return Exit::kOk;
    case Act::kVersion:
      std::puts("holdfastd " HF_VERSION);
      return Exit::kOk;
    case Act::kHelp:
      std::fputs(kUsage, stdout);
      return Exit::kOk;
    case Act::kMisuse:
      std::fputs(kUsage, stderr);
      return Exit::kUsage;
    case Act::kRun:
    case Act::kCheck:
      return Start(line);
  }
  return Exit::kSoftware;
}

}  // namespace
}  // namespace holdfast::daemon

int main(int argc, char** argv) {
  try {
    return static_cast<int>(holdfast::daemon::Main(argc, argv));
  } catch (const std::exception&) {
    std::fputs("holdfastd: a library threw what nobody caught\n", stderr);
    return static_cast<int>(holdfast::daemon::Exit::kSoftware);
  }
}
