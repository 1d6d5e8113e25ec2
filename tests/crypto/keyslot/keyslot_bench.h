// SPDX-License-Identifier: Apache-2.0
// Every kind of keyslot, on something that survives it: so that a test can stop a process anywhere,
// let any operation fail, and open the slot again.
//
// When to use  In tests that hold for all kinds: the contract, and the epoch protocol.
// Threads      One thread at a time.
// Ownership    A bench owns what the slot lies on and must outlive the slots that it opened.
// Errors       Those of the slots.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_buffer.h"
#include "tests/support/fault_sweep.h"

namespace holdfast::test {

class KeyslotBench {
 public:
  // How a process ends.
  enum class End {
    kKilled,     // kill -9: what it wrote is there.
    kPowerLost,  // What was not synced is gone.
    kTorn,       // Of what was not synced one half is there.
  };

  KeyslotBench() = default;
  KeyslotBench(const KeyslotBench&) = delete;
  KeyslotBench& operator=(const KeyslotBench&) = delete;
  virtual ~KeyslotBench() = default;

  // Opens the slot, and makes it at the first time. Operations fail as `plan` says; it is borrowed
  // until the slot is gone.
  virtual absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(FaultPlan& plan) = 0;

  // Ends whatever process worked with it. Slots that it had open can only be destroyed after that.
  virtual void Stop(End end) = 0;
};

struct KeyslotKind {
  std::string name;  // For test names: letters and digits.
  std::string kind;  // As Keyslot::kind() says it.
  std::unique_ptr<KeyslotBench> (*make)();

  // Whether a test may open it hundreds of times: not where each time starts a process.
  enum class Pace { kFast, kSlow } pace = Pace::kFast;
};

// All of them. What is made of slots is made of such as need no device; what needs a device has one
// in memory too, for sweeps.
std::vector<KeyslotKind> AllKeyslotKinds();
std::vector<KeyslotKind> FastKeyslotKinds();

std::unique_ptr<KeyslotBench> MakeFileBench();

// The key's bytes, for an attacker of whom the test assumes that it has them.
Bytes GiveAway(const crypto::SecretBytes& key);

// The kinds on what outlives a process that is really killed: files in a real folder, which they
// make, a token of files, a TPM that is a process of its own. Stop() has nothing to do for these.
struct LastingKeyslotKind {
  std::string name;
  std::unique_ptr<KeyslotBench> (*make)(const std::string& folder);
};
std::vector<LastingKeyslotKind> LastingKeyslotKinds();

// Slots whose device is in memory. Whatever it answers passes through `tamper`, while that is set.
using Tamper = std::function<crypto::WipedBuffer(crypto::WipedBuffer)>;
std::unique_ptr<KeyslotBench> MakeTamperedPkcs11Bench(const Tamper& tamper);
std::unique_ptr<KeyslotBench> MakeTamperedTpm2Bench(const Tamper& tamper);

// What moves from one to the other. Borrows both.
std::unique_ptr<KeyslotBench> MakeMovingBench(KeyslotBench& from, KeyslotBench& to);

}  // namespace holdfast::test
