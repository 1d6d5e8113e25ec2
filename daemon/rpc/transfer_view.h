// SPDX-License-Identifier: Apache-2.0
// A transfer as its viewer may see it.
//
// When to use  Wherever an answer shows a transfer.
// Threads      Reads the state: the writer's thread.
// Ownership    A value.
// Errors       None.
#pragma once

#include "daemon/rpc/transfer_facts.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/state.h"

namespace holdfast::rpc {

// What the transfer's custodians approve; everything that its digest is over.
v1::Dossier ViewOfDossier(const policy::State& state, const policy::Transfer& transfer);

// A requester sees nothing of what the source found, not even a count, until it opens envelopes;
// the source sees nothing of why the request gate refused somebody.
v1::Transfer ViewOfTransfer(const policy::State& state, const policy::Transfer& transfer,
                            const Viewer& viewer);

}  // namespace holdfast::rpc
