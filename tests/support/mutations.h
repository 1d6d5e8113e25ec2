// SPDX-License-Identifier: Apache-2.0
// Every small damage that can be done to some bytes.
//
// When to use  On one good input of every parser: none of these may be accepted, or be accepted as
//              something else than what they are.
// Threads      May be called concurrently.
// Ownership    Values. A list holds a copy for each bit, so keep inputs to a few kilobytes.
// Errors       None.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace holdfast::test {

struct Mutation {
  std::string description;  // For SCOPED_TRACE.
  Bytes bytes;
};

// Returns `bytes` with each bit flipped.
std::vector<Mutation> BitFlips(ByteSpan bytes);

// Returns each proper prefix of `bytes`, the empty one included.
std::vector<Mutation> Truncations(ByteSpan bytes);

// Returns `bytes` with something after it: each possible byte, and itself once more.
std::vector<Mutation> Extensions(ByteSpan bytes);

// Returns the three of them together, which is what a parser has to withstand.
std::vector<Mutation> BitFlipsAndTruncations(ByteSpan bytes);

}  // namespace holdfast::test
