// SPDX-License-Identifier: Apache-2.0
// One token behind a vendor's PKCS#11 module: what the helper does with it.
//
// When to use  In the helper alone: it loads foreign code.
// Threads      Not safe for concurrent use.
// Ownership    The module stays loaded until the process ends.
// Errors       kKeyslotFailed, with the module's own number; kNotFound and kAlreadyExists as said.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {

class Pkcs11Token final {
 public:
  struct Description {
    std::string vendor;
    std::string model;
    std::string serial;
  };

  // Loads the module and logs in to the one token with `label`. Does not try a PIN if one more
  // wrong one would lock the token.
  static absl::StatusOr<std::unique_ptr<Pkcs11Token>> Open(const std::string& module_path,
                                                           const std::string& label,
                                                           const WipedBuffer& pin);
  ~Pkcs11Token();

  const Description& description() const;

  // Makes an AES-256 key that never leaves the token, names it `id`, and encrypts `text` with it
  // (CBC without padding). Errors: kAlreadyExists if there is a key with that id.
  absl::StatusOr<WipedBuffer> CreateAndEncrypt(ByteSpan id, ByteSpan initial_vector, ByteSpan text);

  // Errors: kNotFound if there is no key with that id.
  absl::StatusOr<WipedBuffer> Decrypt(ByteSpan id, ByteSpan initial_vector, ByteSpan ciphertext);

  // Destroys all keys with that id, and shows in a session of its own that there is none. Succeeds
  // if there was none.
  absl::Status Destroy(ByteSpan id);

 private:
  class Impl;
  explicit Pkcs11Token(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::crypto::internal
