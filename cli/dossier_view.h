// SPDX-License-Identifier: Apache-2.0
// What a custodian approves, in words; and its digest, computed from these very words.
//
// When to use  Before an order that carries a dossier's digest is drafted: show, then sign what
//              was shown and nothing that the gateway claims about it.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       OpenDossier alone fails.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "cli/json.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/dossier.h"

namespace holdfast::cli {

// Reads the dossier of `transfer`, as GetTransfer shows it, and computes its digest.
// Errors: kTransferState         the requester has not finished submitting;
//         kLedgerInconsistent    it is malformed, is another transfer's, or the gateway names
//                                another digest.
absl::StatusOr<policy::Dossier> OpenDossier(const v1::Transfer& transfer);

JsonObject DossierJson(const policy::Dossier& dossier);
std::string DossierText(const policy::Dossier& dossier);

}  // namespace holdfast::cli
