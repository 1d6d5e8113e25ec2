// SPDX-License-Identifier: Apache-2.0
// What a requester keeps, and what it sends to open a lease.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "crypto/envelope.h"
#include "crypto/lease.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const holdfast::ByteSpan bytes = std::as_bytes(std::span<const std::uint8_t>(data, size));
  (void)holdfast::crypto::InspectEnvelope(bytes);
  (void)holdfast::crypto::ParseLeaseOpening(bytes);
  (void)holdfast::crypto::ParseLeaseHeader(bytes);
  return 0;
}
