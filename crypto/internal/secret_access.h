// SPDX-License-Identifier: Apache-2.0
// The pass-key to the bytes of a secret.
//
// When to use  Inside crypto/, in the statement that hands the bytes to an algorithm. Keep no span.
//              tests/crypto may include it too; every other folder is refused by
//              script/check_layers.
// Threads      As the secret.
// Ownership    The spans borrow the secret.
// Errors       None.
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto::internal {

class SecretAccess final {
 public:
  static ByteSpan Read(const SecretBytes& secret) { return {secret.data_.get(), secret.size_}; }
  static std::span<std::byte> Write(SecretBytes& secret) {
    return {secret.data_.get(), secret.size_};
  }

  template <typename Tag>
  static std::span<const std::byte, WipedKey<Tag>::kBytes> Read(const WipedKey<Tag>& key) {
    return key.bytes_;
  }
  template <typename Tag>
  static std::span<std::byte, WipedKey<Tag>::kBytes> Write(WipedKey<Tag>& key) {
    return key.bytes_;
  }
};

}  // namespace holdfast::crypto::internal
