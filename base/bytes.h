// SPDX-License-Identifier: Apache-2.0
// Bytes, and the two texts that stand for them.
//
// When to use  For public data. Secret bytes have types of their own in crypto/.
// Threads      Every function may be called concurrently.
// Ownership    ByteSpan and AsBytes() borrow: what they were made from must live longer.
// Errors       Only the two decoders fail, with kRequestMalformed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace holdfast {

using ByteSpan = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;

// Returns the bytes of `text`, which is borrowed.
inline ByteSpan AsBytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

// Returns a copy of `bytes`.
inline Bytes ToBytes(ByteSpan bytes) { return Bytes(bytes.begin(), bytes.end()); }
inline Bytes ToBytes(std::string_view text) { return ToBytes(AsBytes(text)); }

// Returns the same bytes as text; they need not be UTF-8.
std::string ToString(ByteSpan bytes);

// Returns `bytes` as text without a copy. They are borrowed.
std::string_view AsText(ByteSpan bytes);

// Returns two lower-case digits for each byte.
std::string Hex(ByteSpan bytes);

// Returns the bytes of which `text` is the Hex(). One value has one text, so upper-case digits and
// white space are refused too.
// Errors: kRequestMalformed.
absl::StatusOr<Bytes> FromHex(std::string_view text);

// Returns the standard alphabet's base64 of `bytes`, padded (RFC 4648, section 4).
std::string Base64(ByteSpan bytes);

// Returns the bytes of which `text` is the Base64(). One value has one text: missing padding, white
// space, another alphabet and set bits after the last byte are refused.
// Errors: kRequestMalformed.
absl::StatusOr<Bytes> FromBase64(std::string_view text);

}  // namespace holdfast
