// SPDX-License-Identifier: Apache-2.0
// A keyslot in two NV indices of a TPM 2.0. docs/key-tree.md, "TPM keyslot".
//
// Each index holds the root key of one epoch, or zeros. They can be read and written by their
// policy alone: a password that lies in the slot's folder, and where that was configured a state of
// the platform that somebody signed. To erase an epoch is to write zeros over it, and to read them
// back.
//
// The first use defines the indices, and notes their names and that of the storage root key. From
// then on everything is held against these names: an index that the owner of the TPM defined anew
// is refused, and a TPM that is not the one of the first use as well.
//
// When to use  Where the machine has a TPM, and the exchange stays on this machine.
// Threads      Not safe for concurrent use.
// Ownership    Owns the channel to the TPM. Borrows file system and random source.
// Errors       kKeyslotFailed throughout; see crypto/keyslot/keyslot.h.
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

class Tpm2Keyslot final : public Keyslot {
 public:
  static constexpr std::chrono::milliseconds kEraseInterval{3'600'000};

  // Makers promise some 100,000 writes to an index. An epoch writes one index once on average: two
  // epochs put a key into each, and zeros.
  static constexpr std::uint64_t kEpochBudget = 100'000;

  struct Settings {
    std::string folder;
    std::string tcti;
    std::uint32_t first_index = 0;
    std::uint32_t srk_handle = 0;
    Bytes srk_name;               // Empty: that of the first use.
    std::string owner_auth_path;  // Empty: the owner has no password, or this is not the first use.
    std::uint32_t pcr_mask = 0;   // 0: no policy about the platform.
    std::string pcr_public_key_path;
    std::string pcr_signature_path;
  };

  // Opens the slot; makes its folder, defines the indices and notes the names at the first use.
  static absl::StatusOr<std::unique_ptr<Tpm2Keyslot>> Open(FileSystem& files, Random& random,
                                                           std::unique_ptr<DeviceChannel> channel,
                                                           const Settings& settings);

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override;
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override;
  absl::Status Erase(Epoch epoch) override;
  absl::StatusOr<std::vector<Epoch>> List() override;
  std::string_view kind() const override { return "tpm2"; }
  ErasureClass erasure_class() const override { return erasure_class_; }
  std::chrono::milliseconds erase_interval() const override { return kEraseInterval; }
  std::optional<std::uint64_t> epoch_budget() const override { return kEpochBudget; }
  std::vector<KeyslotPart> parts() const override { return {{"tpm2", erasure_class_, device_}}; }

 private:
  static constexpr std::size_t kIndices = 2;

  struct Note;
  struct Content;

  Tpm2Keyslot(FileSystem& files, std::unique_ptr<DeviceChannel> channel, Settings settings,
              std::unique_ptr<FileLock> lock);

  absl::Status Meet(Random& random);
  absl::StatusOr<WipedBuffer> Opening();
  absl::StatusOr<WipedBuffer> ReadNote();
  absl::StatusOr<Content> ReadIndex(std::size_t number);
  absl::Status WriteIndex(std::size_t number, ByteSpan content);

  FileSystem& files_;
  const std::unique_ptr<DeviceChannel> channel_;
  const Settings settings_;
  const std::unique_ptr<FileLock> lock_;
  ErasureClass erasure_class_ = ErasureClass::kMedium;
  std::string device_;
};

}  // namespace holdfast::crypto
