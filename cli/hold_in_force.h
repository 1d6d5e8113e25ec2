// SPDX-License-Identifier: Apache-2.0
// IN FORCE: said of a hold only where that was shown.
//
// When to use  By each command that puts a hold in force: place, restore, and amend where it
// widens. Threads      As the session. Ownership    Values. Errors       Those of the client
// library; kLedgerInconsistent where the gateway accepted an order
//              and lists something else.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "cli/orders.h"
#include "cli/output.h"
#include "cli/session.h"
#include "holdfast/v1/hold_service.pb.h"

namespace holdfast::cli {

// The hold as it stands now, of which the ledger entry `placing` is a placing. A gateway answers an
// order that it had before with the first receipt, also where the hold was lifted since: a proof of
// the placing does not say that it is in force.
// Errors: also kOrderRejected, if it was lifted since.
absl::StatusOr<v1::Hold> Standing(Session& session, const std::string& id, std::uint64_t placing);

// "IN FORCE  hold hold-1 since ..., ledger entry 7"; `how` goes between, such as "again".
// REQUIRES: the order of the entry `placing` was proven, and `hold` is Standing().
std::string InForceLine(const Output& output, const v1::Hold& hold, std::uint64_t placing,
                        const std::string& how = {});

// Who preserves keys should know if they lie in one place only. A gateway that does not answer
// keeps nobody from placing a hold.
void NoteKeyslots(Session& session);

// Shows what became of an order that puts the hold in force again or changes it: IN FORCE, and the
// receipt; or that it is not verified.
ExitStatus ShowInForce(Session& session, const order::v1::Order& order,
                       const AcceptedOrder& accepted, const std::string& id,
                       const std::string& how);

}  // namespace holdfast::cli
