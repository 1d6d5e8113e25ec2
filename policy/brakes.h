// SPDX-License-Identifier: Apache-2.0
//
// What makes a transfer wait for a custodian by itself: R6, R11, R46, and volumes.
//
// When to use  Apply, where counts change; the daemon and the CLI to name what stops a transfer.
// Threads      Pure functions: may be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/state.h"

namespace holdfast::policy {

// The UTC day of `time`, since 1970.
std::int64_t DayNumber(UnixMillis time);

// The brakes that trip when the transfer's submission ends. `volume` includes the transfer.
// REQUIRES: `transfer.rows` is set.
BrakeBits BrakesAtTheEnd(const OpenedAgreement& agreement, const Transfer& transfer,
                         const State::Volume& volume);

// Brakes as their wire numbers, ascending, and their names.
std::vector<order::v1::Brake> BrakesOf(BrakeBits bits);
std::string BrakeName(order::v1::Brake brake);

}  // namespace holdfast::policy
