// SPDX-License-Identifier: Apache-2.0
// Agreements as files: the text, the signed envelope, the place table beside it.
//
// Threads      As the session.
// Ownership    Values.
// Errors       kAgreementInvalid, kSignatureInvalid, kAgreementMismatch, and the file system's.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "cli/session.h"
#include "policy/agreement.h"
#include "policy/gate_rules.h"
#include "policy/place_table.h"

namespace holdfast::cli {

// Reads a signed agreement and verifies both signatures.
absl::StatusOr<policy::OpenedAgreement> ReadSignedAgreement(Session& session,
                                                            const std::string& path);

// Reads an agreement that may be signed or not; signatures are not looked at.
absl::StatusOr<policy::OpenedAgreement> ReadAnyAgreement(Session& session, const std::string& path);

// Checks that the place table that the agreement names is beside it, is the one that was signed,
// and that the gates can work with it.
absl::Status CheckPlaceTable(Session& session, const policy::OpenedAgreement& agreement,
                             const std::string& agreement_path);

// The gates as an agreement and its place table say, for judging on this machine.
struct LocalGates {
  std::unique_ptr<policy::PlaceTable> places;  // Null where the agreement names none.
  policy::GateRules rules;                     // Borrows the places.
};

// Checks the place table as above, and compiles the gates.
absl::StatusOr<LocalGates> CompileGates(Session& session, const policy::OpenedAgreement& agreement,
                                        const std::string& agreement_path);

// The agreement of the profile, verified, and of the exchange that the profile names.
absl::StatusOr<policy::OpenedAgreement> AgreementOfProfile(Session& session);

}  // namespace holdfast::cli
