// SPDX-License-Identifier: Apache-2.0
// One page for the docket about one hold, and its history, from a ledger that was verified.
//
// When to use  Behind `holdfast hold certificate` and `hold history --export`.
// Threads      As the session.
// Ownership    Values.
// Errors       Those of evidence/verification.h: nothing is written about a ledger that does not
//              verify.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "evidence/hold_record.h"

#include "cli/exit_status.h"
#include "cli/session.h"
#include "crypto/checkpoint.h"

namespace holdfast::cli {

struct CertificateOptions {
  std::string hold;
  std::string folder;       // An export.
  std::string exchange_id;  // Empty: the profile's.
  std::string out;
};

// Verifies the export and writes the page.
absl::StatusOr<ExitStatus> WriteHoldCertificate(Session& session,
                                                const CertificateOptions& options);

// Verifies the export and prints each act about the hold. `options.out` is of no meaning.
absl::StatusOr<ExitStatus> ShowVerifiedHistory(Session& session, const CertificateOptions& options);

}  // namespace holdfast::cli
