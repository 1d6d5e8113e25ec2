// SPDX-License-Identifier: Apache-2.0
// A keyslot in a PKCS#11 token. docs/key-tree.md, "PKCS#11 keyslot".
//
// Each epoch has an AES-256 key that was made in the token and can neither leave it nor be copied
// in it. It encrypts the root key; the ciphertext lies in a file of the slot's folder. To erase an
// epoch is to destroy its key in the token, and to search for it in a new session: the file is then
// worth nothing, and so is every copy of it.
//
// When to use  Where there is an HSM or a smart card.
// Threads      Not safe for concurrent use.
// Ownership    Owns the channel to its token. Borrows file system and random source.
// Errors       kKeyslotFailed throughout, also if the token is another one than at the first use;
// see
//              crypto/keyslot/keyslot.h.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"

namespace holdfast::crypto {

class Pkcs11Keyslot final : public Keyslot {
 public:
  static constexpr std::chrono::milliseconds kEraseInterval{3'600'000};

  struct Settings {
    std::string folder;
    std::string module_path;
    std::string token_label;
    std::string pin_path;  // Read at each start of the helper; others than owner and group may not.
    // How many epochs the token's memory bears, if its maker says.
    std::optional<std::uint64_t> epoch_budget = std::nullopt;
  };

  // Opens the slot; makes its folder, and notes which token it is, at the first use.
  static absl::StatusOr<std::unique_ptr<Pkcs11Keyslot>> Open(FileSystem& files, Random& random,
                                                             std::unique_ptr<DeviceChannel> channel,
                                                             const Settings& settings);

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override;
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override;
  absl::Status Erase(Epoch epoch) override;
  absl::StatusOr<std::vector<Epoch>> List() override;
  std::string_view kind() const override { return "pkcs11"; }
  ErasureClass erasure_class() const override { return erasure_class_; }
  std::chrono::milliseconds erase_interval() const override { return kEraseInterval; }
  std::optional<std::uint64_t> epoch_budget() const override { return epoch_budget_; }
  std::vector<KeyslotPart> parts() const override { return {{"pkcs11", erasure_class_, device_}}; }

 private:
  static constexpr std::size_t kSlotIdBytes = 16;

  Pkcs11Keyslot(FileSystem& files, Random& random, std::unique_ptr<DeviceChannel> channel,
                const Settings& settings, std::unique_ptr<FileLock> lock);

  // Opens the token, and compares it with the note of the first use; makes that where there is
  // none.
  absl::Status Meet();

  Bytes KeyId(Epoch epoch) const;
  std::string PathOf(Epoch epoch) const;
  absl::Status DestroyKey(Epoch epoch);

  FileSystem& files_;
  Random& random_;
  const std::unique_ptr<DeviceChannel> channel_;
  const std::string folder_;
  const std::unique_ptr<FileLock> lock_;
  const std::optional<std::uint64_t> epoch_budget_;
  std::array<std::byte, kSlotIdBytes> slot_id_{};
  ErasureClass erasure_class_ = ErasureClass::kMedium;
  std::string device_;
};

}  // namespace holdfast::crypto
