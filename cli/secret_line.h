// SPDX-License-Identifier: Apache-2.0
// A passphrase from a file descriptor, by way of no buffer that is not wiped.
//
// When to use  For what a person types, or another program hands over, and nobody else may keep.
// Threads      Not safe for concurrent use on one descriptor.
// Ownership    Borrows the descriptor. Reads up to the end of the line and not a byte further, so
//              that the next line is there for whoever reads next.
// Errors       kRequestMalformed without a line; kRequestTooLarge over kMaxPassphraseBytes;
//              kConfigInvalid if the descriptor cannot be read from.
#pragma once

#include "absl/status/statusor.h"

#include "crypto/wiped_buffer.h"

namespace holdfast::cli {

// Returns the line without its line feed and a carriage return before it.
absl::StatusOr<crypto::WipedBuffer> ReadSecretLine(int descriptor);

}  // namespace holdfast::cli
