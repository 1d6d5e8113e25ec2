// SPDX-License-Identifier: Apache-2.0
// Two NV indices of a TPM: what the helper does with them.
//
// Every command goes in a session that is salted to a storage root key whose name is known, so that
// whoever sits on the bus learns no content and cannot answer for the TPM. The indices can be read
// and written by their policy alone: neither the owner nor the platform can.
//
// When to use  In the helper alone.
// Threads      Not safe for concurrent use.
// Ownership    Owns the connection to the TPM.
// Errors       kKeyslotFailed, with the TPM's own number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {

class Tpm2Chip final {
 public:
  static constexpr std::size_t kIndices = 2;
  static constexpr std::size_t kContentBytes = 64;

  struct Settings {
    std::string tcti;
    std::uint32_t first_index = 0;
    std::uint32_t srk_handle = 0;

    // What things were at the first use. Empty names: this is the first use, and what is missing is
    // made.
    Bytes srk_name;
    std::array<Bytes, kIndices> index_names;

    WipedBuffer index_auth;
    WipedBuffer owner_auth;

    // A bit for each PCR; 0: no policy about the platform.
    std::uint32_t pcr_mask = 0;
    Bytes pcr_public_key;  // PEM.
    Bytes pcr_signature;
  };

  struct Description {
    std::string vendor;  // Four characters, such as `IFX`.
    std::string model;   // The vendor's own text.
    Bytes srk_name;
    std::array<Bytes, kIndices> index_names;
  };

  static absl::StatusOr<std::unique_ptr<Tpm2Chip>> Open(Settings settings);
  ~Tpm2Chip();

  const Description& description() const;

  // REQUIRES: number < kIndices.
  absl::StatusOr<WipedBuffer> Read(std::size_t number);

  // REQUIRES: number < kIndices. Errors: also if content.size() != kContentBytes.
  absl::Status Write(std::size_t number, ByteSpan content);

 private:
  class Impl;
  explicit Tpm2Chip(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::crypto::internal
