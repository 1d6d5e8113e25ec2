// SPDX-License-Identifier: Apache-2.0
#include "crypto/pseudonym.h"

#include <algorithm>

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

std::array<std::byte, 8> AddressTagOf(const SecretBytes& key, const Pseudonym& person,
                                      ByteSpan address) {
  HF_CHECK(key.size() == internal::kKeyBytes);
  // 16 bytes is the least that the hash gives; what is compared is its beginning.
  std::array<std::byte, 16> whole{};
  internal::KeyedHash(internal::SecretAccess::Read(key).first<internal::kKeyBytes>(),
                      "holdfast/1/address-tag", {BytesOf(person), address}, whole);
  std::array<std::byte, 8> tag{};
  std::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

}  // namespace holdfast::crypto
