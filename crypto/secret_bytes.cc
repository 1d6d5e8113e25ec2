// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_bytes.h"

#include <algorithm>
#include <ostream>

#include <sodium.h>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto {

void SecretBytes::Release::operator()(std::byte* bytes) const noexcept { sodium_free(bytes); }

absl::StatusOr<SecretBytes> SecretBytes::Zeroed(std::size_t size) {
  HF_CHECK(size > 0);
  // Without it sodium_malloc() has no canary.
  HF_RETURN_IF_ERROR(InitLibrary().status());
  auto* bytes = static_cast<std::byte*>(sodium_malloc(size));
  if (bytes == nullptr) return MakeError(Reason::kUnavailable, "no guarded memory is left");
  std::fill_n(bytes, size, std::byte{0});
  return SecretBytes(bytes, size);
}

absl::StatusOr<SecretBytes> SecretBytes::FromRandom(Random& random, std::size_t size) {
  HF_ASSIGN_OR_RETURN(SecretBytes secret, Zeroed(size));
  random.Fill({secret.data_.get(), secret.size_});
  return secret;
}

absl::StatusOr<SecretBytes> SecretBytes::TakeFrom(std::span<std::byte> source) {
  const internal::WipeOnExit wipe(source);
  HF_ASSIGN_OR_RETURN(SecretBytes secret, Zeroed(source.size()));
  std::copy(source.begin(), source.end(), secret.data_.get());
  return secret;
}

absl::StatusOr<SecretBytes> SecretBytes::Duplicate() const {
  HF_ASSIGN_OR_RETURN(SecretBytes copy, Zeroed(size_));
  std::copy_n(data_.get(), size_, copy.data_.get());
  return copy;
}

bool ConstantTimeEquals(const SecretBytes& a, const SecretBytes& b) {
  return internal::EqualInConstantTime({a.data_.get(), a.size_}, {b.data_.get(), b.size_});
}

void PrintTo(const SecretBytes& secret, std::ostream* out) {
  *out << secret.size() << " secret bytes";
}

}  // namespace holdfast::crypto
