// SPDX-License-Identifier: Apache-2.0
// A security device under attack: a SoftHSM token or a swtpm, the keyslot on it, and what somebody
// gets out of it who has every file that the keyslot ever had.
//
// When to use  In destruction_attack_test.cc. What the attacker does is written from
//              docs/key-tree.md: it asks the token itself, for every key that it has; a TPM it asks
//              through the daemon's helper, with the password that lies in the keyslot's folder.
// Threads      One thread. The attacker's functions want a keyslot that is closed.
// Ownership    Owns the device. Borrows nothing.
// Errors       Ends the test's process if a device of software does not do what it has to.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "crypto/keyslot/keyslot.h"
#include "tests/daemon/exchange/attacker.h"

namespace holdfast::test {

class AttackedDevice {
 public:
  // What may be the root key of an epoch.
  using Candidate = std::pair<std::uint64_t, Attacker::Key>;

  AttackedDevice() = default;
  AttackedDevice(const AttackedDevice&) = delete;
  AttackedDevice& operator=(const AttackedDevice&) = delete;
  virtual ~AttackedDevice() = default;

  // Opens the keyslot in `folder`.
  virtual absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(FileSystem& files,
                                                                const std::string& folder) = 0;

  // What the device as it is now makes of files of the keyslot's folder.
  virtual std::vector<Candidate> Ask(const std::vector<Bytes>& files) = 0;

  // Keeps a copy of the device as it is now: every file of the token, the whole memory of the TPM.
  virtual void Copy() = 0;

  // As Ask(), of that copy.
  virtual std::vector<Candidate> AskCopy(const std::vector<Bytes>& files) = 0;
};

std::unique_ptr<AttackedDevice> MakeAttackedToken();
std::unique_ptr<AttackedDevice> MakeAttackedTpm();

}  // namespace holdfast::test
