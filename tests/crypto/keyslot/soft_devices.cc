// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/keyslot/soft_devices.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/internal/device_messages.h"

namespace holdfast::test {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

constexpr auto kReplacing =
    std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;

}  // namespace

bool RunProgram(std::initializer_list<std::string> command) {
  std::vector<std::string> words(command);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  HF_CHECK(posix_spawn_file_actions_init(&actions) == 0);
  HF_CHECK(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0) == 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return false;
  int status = 0;
  HF_CHECK(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

SoftHsm::SoftHsm() {
  std::filesystem::create_directory(folder_.File("tokens"));
  Configure();
  AddToken();
}

SoftHsm::SoftHsm(const std::string& copy) {
  std::filesystem::copy(copy, folder_.File("tokens"), kReplacing);
  Configure();
}

void SoftHsm::Configure() const {
  std::ofstream(folder_.File("softhsm2.conf"))
      << "directories.tokendir = " << folder_.File("tokens") << "\n"
      << "log.level = ERROR\n";
  Use();
}

void SoftHsm::Use() const {
  HF_CHECK(setenv("SOFTHSM2_CONF", folder_.File("softhsm2.conf").c_str(), 1) == 0);
}

void SoftHsm::CopyTo(const std::string& folder) const {
  std::filesystem::copy(folder_.File("tokens"), folder, kReplacing);
}

void SoftHsm::AddToken() {
  HF_CHECK(RunProgram({"softhsm2-util", "--init-token", "--free", "--label", kLabel, "--pin", kPin,
                       "--so-pin", "so-1234"}));
}

void SoftHsm::ReplaceToken() {
  RemoveTokens();
  AddToken();
}

void SoftHsm::RemoveTokens() {
  for (const auto& token : std::filesystem::directory_iterator(folder_.File("tokens"))) {
    std::filesystem::remove_all(token.path());
  }
}

Swtpm::Swtpm() {
  std::filesystem::create_directory(folder_.File("state"));
  Start();
}

Swtpm::Swtpm(const std::string& copy) {
  std::filesystem::copy(copy, folder_.File("state"), kReplacing);
  Start();
}

Swtpm::~Swtpm() { Stop(); }

void Swtpm::CopyTo(const std::string& folder) const {
  std::filesystem::copy(folder_.File("state"), folder, kReplacing);
}

std::string Swtpm::tcti() const { return "swtpm:path=" + folder_.File("tpm"); }

std::string Swtpm::Log() const { return ReadText(folder_.File("log")); }

void Swtpm::Start() {
  // It goes into the background once its socket listens.
  HF_CHECK(RunProgram({"swtpm", "socket", "--tpm2", "--daemon", "--flags",
                       "not-need-init,startup-clear", "--tpmstate", "dir=" + folder_.File("state"),
                       "--server", "type=unixio,path=" + folder_.File("tpm"), "--ctrl",
                       "type=unixio,path=" + folder_.File("tpm.ctrl"), "--log",
                       "file=" + folder_.File("log") + ",level=20", "--pid",
                       "file=" + folder_.File("pid")}));
  const std::string number = ReadText(folder_.File("pid"));
  std::from_chars(number.data(), number.data() + number.size(), pid_);
  HF_CHECK(pid_ > 0);
}

void Swtpm::Freeze() { HF_CHECK(kill(pid_, SIGSTOP) == 0); }

void Swtpm::Thaw() { HF_CHECK(kill(pid_, SIGCONT) == 0); }

void Swtpm::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGCONT);  // A test that failed may have left it frozen.
  // It is not our child: it went into the background.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  kill(pid_, SIGTERM);
  if (process >= 0) {
    pollfd ended{process, POLLIN, 0};
    poll(&ended, 1, 10'000);
    close(process);
  }
  pid_ = -1;
}

std::vector<Bytes> ReadIndices(const Swtpm& tpm, ByteSpan note) {
  using crypto::internal::DeviceOperation;
  using crypto::internal::DeviceReader;
  using crypto::internal::DeviceWriter;
  const SystemClock clock;
  // Whatever takes longer is stuck, also under sanitizers on a machine with other work.
  crypto::HelperChannel channel(kKeyslotHelper, std::chrono::milliseconds(60'000), clock);
  channel.SetOpening([&] {
    DeviceWriter writer(DeviceOperation::kOpenTpm2);
    writer.Text(tpm.tcti()).Number(Swtpm::kFirstIndex).Number(Swtpm::kSrkHandle);
    for (const std::size_t name : {47u, 81u, 115u}) writer.Bytes(note.subspan(name, 34));
    writer.Bytes(note.subspan(14, 32)).Bytes({}).Number(0).Bytes({}).Bytes({});
    return std::move(writer).Take();
  });
  HF_CHECK(channel.Open().ok());
  std::vector<Bytes> contents;
  for (const std::uint32_t number : {0u, 1u}) {
    const auto answer =
        channel.Call(std::move(DeviceWriter(DeviceOperation::kReadIndex).Number(number)).Take());
    HF_CHECK(answer.ok());
    DeviceReader reader(answer->Reveal());
    contents.push_back(ToBytes(reader.Bytes()));
  }
  return contents;
}

}  // namespace holdfast::test
