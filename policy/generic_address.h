// SPDX-License-Identifier: Apache-2.0
//
// An address without any country's rules: a street line with a number, perhaps a second line,
// locality, region and postal code.
//
// When to use  By ParseAddress alone.
// Threads      A pure function: may be called concurrently.
// Ownership    What is read goes into the address's own buffer.
// Errors       None. What is wrong is in ParsedAddress::lack.
#pragma once

#include <string_view>

#include "policy/address.h"

namespace holdfast::policy {

// Reads the raw lines, city and state of `out` and `postal_code`, all in the normal form of
// policy/text.h.
void ReadGenericAddress(std::string_view postal_code, ParsedAddress& out);

}  // namespace holdfast::policy
