// SPDX-License-Identifier: Apache-2.0
// What becomes of a hold after it was placed, other than a lift: amended, restored, its document
// named.
//
// When to use  Behind `holdfast hold amend`, `hold restore` and `hold attach`.
// Threads      As the session.
// Ownership    Values.
// Errors       Those of cli/orders.h; kNotFound for a hold that is not there.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "cli/orders.h"
#include "cli/scope_options.h"
#include "cli/session.h"
#include "holdfast/v1/hold_service.pb.h"

namespace holdfast::cli {

// The hold with this id, lifted or not, with its history where the caller may read it.
absl::StatusOr<v1::Hold> FindHold(Session& session, const std::string& id);

void DeclareAmend(Command hold);
void DeclareRestore(Command hold);
void DeclareAttach(Command hold);

}  // namespace holdfast::cli
