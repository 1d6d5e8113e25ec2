// SPDX-License-Identifier: Apache-2.0
// An export that a command believes only after it has verified it.
//
// When to use  By each command that answers from an export: it verifies and reads in one pass.
// Threads      As the session.
// Ownership    Written to by the parser; must live as long as the command.
// Errors       Those of evidence/verification.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evidence/verification.h"

#include "base/ids.h"
#include "base/time.h"
#include "cli/command_line.h"
#include "cli/session.h"

namespace holdfast::cli {

struct VerifiedExport {
  std::string folder;
  std::string exchange_id;
  std::vector<std::string> earlier;
  std::vector<std::string> receipts;
  std::vector<std::string> statements;  // Not declared here.

  void Declare(Command& command);

  // What --exchange-id or the profile says.
  absl::StatusOr<ExchangeId> Exchange(Session& session) const;

  // Verifies the export, and shows it to `readers`.
  absl::StatusOr<evidence::Verification> Verify(Session& session,
                                                std::vector<evidence::LedgerReader*> readers) const;
};

// Reads a time in RFC 3339. Errors: kRequestMalformed, naming `option`.
absl::StatusOr<UnixMillis> ParseTimeOption(const std::string& option, const std::string& text);

}  // namespace holdfast::cli
