// SPDX-License-Identifier: Apache-2.0
// People in the ledger: the same person has the same pseudonym within one exchange, and nobody
// without the exchange's pseudonym key can tell whose it is.
//
// When to use  Wherever an entry names a person who was asked about. People who act in office are
//              named by their enrolled id.
// Threads      May be called concurrently.
// Ownership    The key is borrowed.
// Errors       None.
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/secret_bytes.h"

namespace holdfast::crypto {

// Returns the pseudonym of the person whose canonical identity is `identity`. What is canonical is
// decided, and versioned, in policy/.
//
// `key` is the named secret kPseudonymSecret of the exchange's top page (crypto/top_page.h).
// REQUIRES: key.size() == 32.
Pseudonym PseudonymOf(const SecretBytes& key, ByteSpan identity);

// Returns the tag of an address of a person: equal for one person and one normal form, and
// comparable under one pseudonym only, so that the ledger does not tell who lives together.
std::array<std::byte, 8> AddressTagOf(const SecretBytes& key, const Pseudonym& person,
                                      ByteSpan address);

}  // namespace holdfast::crypto
