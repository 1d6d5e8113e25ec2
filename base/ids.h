// SPDX-License-Identifier: Apache-2.0
// The names that every layer uses for an exchange, a transfer, a segment and a person.
//
// When to use  Wherever one of them is meant; never a bare array.
// Threads      Values.
// Ownership    Values. The span that BytesOf() returns borrows its argument.
// Errors       IdFromBytes() alone fails, with kRequestMalformed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_id.h"

namespace holdfast {

// A 256-bit hash value. Which hash, and over what, is said where one is used.
using Digest32 = std::array<std::byte, 32>;

// The SHA-256 of the first signed agreement's payload.
using ExchangeId = StrongId<struct ExchangeIdTag, std::array<std::byte, 32>>;

// Random, drawn when the transfer is created.
using TransferId = StrongId<struct TransferIdTag, std::array<std::byte, 16>>;

// Random, drawn when the segment is opened. Part of the name of every record in it.
using SegmentId = StrongId<struct SegmentIdTag, std::array<std::byte, 16>>;

// A person in the ledger: a keyed hash of their canonical identity (crypto/pseudonym.h).
using Pseudonym = StrongId<struct PseudonymTag, std::array<std::byte, 16>>;

// Which root key is in force. The first is 1; 0 means none.
using Epoch = StrongId<struct EpochTag, std::uint64_t>;

// Returns the bytes of `id`, which is borrowed.
template <typename Tag, std::size_t N>
ByteSpan BytesOf(const StrongId<Tag, std::array<std::byte, N>>& id) {
  return id.value();
}

// Returns the id, or the digest, that has these bytes.
// Errors: kRequestMalformed if `bytes` has another length.
template <typename Array>
absl::StatusOr<Array> ArrayFromBytes(ByteSpan bytes) {
  Array array{};
  if (bytes.size() != std::tuple_size_v<Array>) {
    return MakeError(Reason::kRequestMalformed, "an id or digest has the wrong length");
  }
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}
template <typename Id>
absl::StatusOr<Id> IdFromBytes(ByteSpan bytes) {
  auto array = ArrayFromBytes<typename Id::value_type>(bytes);
  if (!array.ok()) return array.status();
  return Id(*array);
}

}  // namespace holdfast
