// SPDX-License-Identifier: Apache-2.0
// Where the root key of an epoch is kept, and, above all, forgotten.
//
// A keyslot is what makes a destruction final: everything else that is stored may be copied, but
// without the root key of its epoch it stays shut. So a slot lies outside the data folder and in no
// backup, and every step is durable and has been read back when it returns.
//
// When to use  From the vault alone, in the order of docs/key-tree.md, "Epochs".
// Threads      Not safe for concurrent use; the exchange's one writer calls it.
// Ownership    A key that is handed in stays the caller's; one that is read is the caller's.
// Errors       kKeyslotFailed for whatever the device or the files do; others at each method. After
//              an error the slot holds what it held, or the one epoch of the call may be gone.
//              Opening a slot that is open already, here or in another process, is kKeyslotFailed.
//
// Invariants
//   (1) List() names an epoch exactly if Read() returns its key.
//   (2) At most two epochs are held at a time.
//   (3) Whatever fails, and whenever the power goes: a key whose Erase() returned is never read
//   again,
//       and a key whose Stage() returned is read until it is erased.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "crypto/secret_bytes.h"

namespace holdfast::crypto {

// What Erase() means for someone who has the old medium. A certificate prints it.
enum class ErasureClass {
  kUnspecified = 0,  // Never returned by a slot.
  kMedium,           // Overwritten; gone if the medium kept no copy of its own.
  kDevice,           // Gone inside a device that lets nobody read it.
};

// Returns `medium` or `device`. REQUIRES: not kUnspecified.
std::string_view ErasureClassName(ErasureClass erasure_class);

// One folder or device of a slot, as someone sees it who has to judge what an erasure is worth.
struct KeyslotPart {
  std::string kind;
  ErasureClass erasure_class = ErasureClass::kUnspecified;
  std::string device;  // Vendor, model and serial number, as it gives them; empty for a folder.
};

class Keyslot {
 public:
  static constexpr std::size_t kRootKeyBytes = 32;

  Keyslot() = default;
  Keyslot(const Keyslot&) = delete;
  Keyslot& operator=(const Keyslot&) = delete;
  virtual ~Keyslot() = default;

  // Keeps `key` as the root key of `epoch`.
  // REQUIRES: key.size() == kRootKeyBytes; epoch is not 0.
  // Errors: kAlreadyExists  `epoch` is held already;
  //         kKeyslotFailed  also if two epochs are held.
  virtual absl::Status Stage(Epoch epoch, const SecretBytes& key) = 0;

  // Returns the root key of `epoch`.
  // Errors: kNotFound if it is not held.
  virtual absl::StatusOr<SecretBytes> Read(Epoch epoch) = 0;

  // Makes the root key of `epoch` unreadable for ever. Also succeeds if `epoch` is not held, and
  // then removes what an interrupted Stage() or Erase() of it left behind.
  virtual absl::Status Erase(Epoch epoch) = 0;

  // Returns the epochs that are held, in ascending order.
  virtual absl::StatusOr<std::vector<Epoch>> List() = 0;

  // The name in the configuration and in certificates, such as `file`.
  virtual std::string_view kind() const = 0;

  virtual ErasureClass erasure_class() const = 0;

  // The least time between two destructions that nobody waits for: some devices' memory wears.
  virtual std::chrono::milliseconds erase_interval() const = 0;

  // How many epochs its memory bears, as far as that is known; nullopt if it is not.
  virtual std::optional<std::uint64_t> epoch_budget() const { return std::nullopt; }

  // What it consists of: itself, unless it is made of several.
  virtual std::vector<KeyslotPart> parts() const {
    return {{std::string(kind()), erasure_class(), {}}};
  }

  // Returns what staging `next` and the erasure after it need whatever the key is, to be done
  // beforehand: at any time, on any thread, also beside other calls of the slot and after its end.
  // Changes nothing but how long these two take, so it may be dropped. Null if there is nothing to
  // do.
  virtual std::function<void()> Prepare(Epoch next) {
    static_cast<void>(next);
    return nullptr;
  }

  // Whether a key lies where none shall stay, so that an epoch is to be made for that alone.
  virtual bool wants_epoch() const { return false; }
};

}  // namespace holdfast::crypto
