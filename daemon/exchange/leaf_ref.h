// SPDX-License-Identifier: Apache-2.0
// One leaf of one segment, by the numbers that the ledger uses.
//
// When to use  Wherever a key is named without being touched.
// Threads      A value.
// Ownership    A value.
// Errors       None.
#pragma once

#include <cstdint>

namespace holdfast::exchange {

struct LeafRef {
  std::uint32_t segment = 0;
  std::uint32_t leaf = 0;

  friend bool operator==(const LeafRef&, const LeafRef&) = default;
};

}  // namespace holdfast::exchange
