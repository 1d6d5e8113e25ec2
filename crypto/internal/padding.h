// SPDX-License-Identifier: Apache-2.0
// Payloads of one size: the length in four bytes, the payload, zeros.
//
// When to use  Under a seal, so that the size of what is sealed says nothing.
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call.
// Errors       At each function.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {

// Overwrites all of `out`. The two may not overlap.
// REQUIRES: out.size() >= 4.
// Errors: kRequestTooLarge if `payload` does not fit; `out` is then not touched.
absl::Status Pad(ByteSpan payload, std::span<std::byte> out);

// Returns the payload; wipes the rest. Looks at every byte of the padding whatever it finds.
// Errors: kEnvelopeRejected if these are not bytes that Pad() writes.
absl::StatusOr<WipedBuffer> Unpad(WipedBuffer padded);

}  // namespace holdfast::crypto::internal
