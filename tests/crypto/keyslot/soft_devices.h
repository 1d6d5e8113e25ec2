// SPDX-License-Identifier: Apache-2.0
// Devices made of software: a SoftHSM token and swtpm, each in a folder of its own.
//
// When to use  In tests of the keyslots that need a device. Nothing leaves the machine: the token
// is
//              files, the TPM listens at a socket in its folder.
// Threads      One thread. SoftHsm sets an environment variable of the process.
// Ownership    Removes its folder, and ends its process.
// Errors       Ends the test's process if the programs are not installed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/bytes.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {

inline constexpr char kKeyslotHelper[] = HF_KEYSLOT_HELPER;

// Runs a program to its end. Returns whether it succeeded.
bool RunProgram(std::initializer_list<std::string> command);

class SoftHsm final {
 public:
  static constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr char kLabel[] = "holdfast-test";
  static constexpr char kPin[] = "1234";

  // A token of its own, in use by processes that start from now on.
  SoftHsm();

  // The token that CopyTo() copied there.
  explicit SoftHsm(const std::string& copy);

  // Lets processes that start from now on use this one, after another was made.
  void Use() const;

  // Copies every file of it to a folder.
  void CopyTo(const std::string& folder) const;

  // Adds another one with the same label, or puts a new one in its place.
  void AddToken();
  void ReplaceToken();
  void RemoveTokens();

 private:
  void Configure() const;

  TempDir folder_;
};

class Swtpm final {
 public:
  static constexpr std::uint32_t kFirstIndex = 0x01800100;
  static constexpr std::uint32_t kSrkHandle = 0x81000001;

  Swtpm();

  // The TPM whose memory CopyTo() copied there.
  explicit Swtpm(const std::string& copy);
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm();

  // How tpm2-tss reaches it.
  std::string tcti() const;

  // What it has logged: each command and answer, byte by byte.
  std::string Log() const;

  // Copies what it has stored to a folder.
  void CopyTo(const std::string& folder) const;

  // Ends it, and starts it again with what it has stored.
  void Stop();
  void Start();

  // Lets it take no more from its socket, and lets it go on.
  void Freeze();
  void Thaw();

 private:
  TempDir folder_;
  pid_t pid_ = -1;
};

// What lies in both indices of the keyslot whose note that is (docs/key-tree.md), as whoever has
// the note reads it: through the daemon's helper, with the password in it. The keyslot is closed.
std::vector<Bytes> ReadIndices(const Swtpm& tpm, ByteSpan note);

}  // namespace holdfast::test
