// SPDX-License-Identifier: Apache-2.0
#include "cli/verified_export.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::cli {

void VerifiedExport::Declare(Command& command) {
  command.Required("folder", folder, "an export")
      .Optional("--exchange-id", exchange_id,
                "64 hexadecimal digits, obtained from elsewhere; default that of the profile")
      .Several("--earlier", earlier, "a checkpoint that somebody kept: the ledger must extend it")
      .Several("--receipts", receipts,
               "a .tlog-proof, or a folder of them: the ledger must contain each");
}

absl::StatusOr<ExchangeId> VerifiedExport::Exchange(Session& session) const {
  if (exchange_id.empty()) return session.exchange_id();
  const auto bytes = FromHex(exchange_id);
  if (!bytes.ok() || bytes->size() != sizeof(ExchangeId)) {
    return MakeError(
        Reason::kRequestMalformed,
        "--exchange-id must be 64 hexadecimal digits, not " + EscapeForLog(exchange_id));
  }
  return IdFromBytes<ExchangeId>(*bytes);
}

absl::StatusOr<evidence::Verification> VerifiedExport::Verify(
    Session& session, std::vector<evidence::LedgerReader*> readers) const {
  evidence::VerificationRequest request;
  request.folder = folder;
  HF_ASSIGN_OR_RETURN(request.exchange, Exchange(session));
  HF_ASSIGN_OR_RETURN(request.earlier, evidence::ReadCheckpointFiles(session.files(), earlier));
  HF_ASSIGN_OR_RETURN(request.receipts, evidence::ReadReceipts(session.files(), receipts));
  HF_ASSIGN_OR_RETURN(request.statements, evidence::ReadStatements(session.files(), statements));
  request.readers = std::move(readers);
  HF_ASSIGN_OR_RETURN(const std::uint64_t size,
                      evidence::ClaimedExportSize(session.files(), folder));
  Progress progress(session.out(), "verifying", size);
  return evidence::VerifyExport(session.files(), request,
                                [&](std::uint64_t index) { progress.Update(index); });
}

absl::StatusOr<UnixMillis> ParseTimeOption(const std::string& option, const std::string& text) {
  const auto time = ParseRfc3339(text);
  if (time.ok()) return *time;
  return MakeError(Reason::kRequestMalformed, option +
                                                  " is a time with its zone, such as "
                                                  "2026-02-01T00:00:00Z, not " +
                                                  EscapeForLog(text));
}

}  // namespace holdfast::cli
