// SPDX-License-Identifier: Apache-2.0
//
// The gates' settings, as an agreement states them.
//
// When to use  Once when an agreement is loaded, by the daemon and by a verifier that runs gates
// again. Threads      May be called concurrently. Ownership    The rules borrow `places`. Errors As
// GateRules::Compile.
#pragma once

#include "absl/status/statusor.h"

#include "policy/agreement.h"
#include "policy/gate_rules.h"
#include "policy/place_table.h"

namespace holdfast::policy {

// The UTC day of `time`.
CivilDate DayOf(UnixMillis time);

// `places` is the table that the agreement names, or null where it names none.
absl::StatusOr<GateRules> GateRulesOf(const OpenedAgreement& agreement, const PlaceTable* places);

}  // namespace holdfast::policy
