// SPDX-License-Identifier: Apache-2.0
#include "crypto/pseudonym.h"

#include "base/check.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"

namespace holdfast::crypto {

Pseudonym PseudonymOf(const SecretBytes& key, ByteSpan identity) {
  HF_CHECK(key.size() == internal::kKeyBytes);
  Pseudonym::value_type value{};
  internal::KeyedHash(internal::SecretAccess::Read(key).first<internal::kKeyBytes>(),
                      "holdfast/1/pseudonym", {identity}, value);
  return Pseudonym(value);
}

}  // namespace holdfast::crypto
