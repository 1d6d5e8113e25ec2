// SPDX-License-Identifier: Apache-2.0
//
// What State keeps of a pseudonym: half of it, so that a record can have two.
//
// Among the 2.6 million pseudonyms of 1.3 million people, that any two share a half has a chance
// of one in five million. The ledger has them whole.
//
// When to use  In State and in what looks at it. Elsewhere a person is a Pseudonym.
// Threads      Values.
// Ownership    Values.
// Errors       None.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/strong_id.h"

namespace holdfast::policy {

// The first 8 bytes of a pseudonym. All zero: nobody.
using PersonKey = StrongId<struct PersonKeyTag, std::array<std::byte, 8>>;

// The other 8.
using PseudonymTail = std::array<std::byte, 8>;

inline PersonKey KeyOf(const Pseudonym& person) {
  PersonKey::value_type key;
  std::copy_n(person.value().begin(), key.size(), key.begin());
  return PersonKey(key);
}

inline PseudonymTail TailOf(const Pseudonym& person) {
  PseudonymTail tail;
  std::copy_n(person.value().begin() + sizeof(PersonKey), tail.size(), tail.begin());
  return tail;
}

}  // namespace holdfast::policy
