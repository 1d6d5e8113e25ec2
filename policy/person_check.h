// SPDX-License-Identifier: Apache-2.0
//
// Whether a name or an address, as read, identifies somebody: the part of the request gate that the
// release gate goes through once more.
//
// When to use  Inside the two gates.
// Threads      Pure functions: may be called concurrently.
// Ownership    Nothing is kept.
// Errors       None. kAccepted, or why not.
#pragma once

#include "policy/address.h"
#include "policy/gate_rules.h"
#include "policy/name.h"
#include "policy/request_gate.h"

namespace holdfast::policy {

RequestReason CheckName(const GateRules& rules, const ParsedName& name);
RequestReason CheckAddress(const GateRules& rules, const ParsedAddress& address);

// Blank, or nothing at all.
bool IsBlank(std::string_view text);

}  // namespace holdfast::policy
