// SPDX-License-Identifier: Apache-2.0
//
// The delivery line of a US address: number, street and unit; or a box, route or military form.
//
// When to use  By ParseAddress alone. Lines come in the normal form of policy/text.h.
// Threads      A pure function: may be called concurrently.
// Ownership    What is read goes into the address's own buffer.
// Errors       None. What is wrong is in ParsedAddress::lack.
#pragma once

#include <string_view>

#include "policy/address.h"

namespace holdfast::policy {

// Reads both lines together into kind, number, directionals, street, suffix, unit, route and box
// of `out`, and sets `lack`: kNothing if the whole of both lines was understood.
void ReadUsDeliveryLine(std::string_view line1, std::string_view line2, ParsedAddress& out);

}  // namespace holdfast::policy
