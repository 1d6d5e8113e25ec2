// SPDX-License-Identifier: Apache-2.0
// holdfast source serve: the source's side of a transfer, all in one.
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/source_files_command.h"
#include "cli/source_lookups.h"
#include "cli/source_steps.h"

namespace holdfast::cli {
namespace {

struct ServeOptions {
  std::string transfer;
  LookupOptions lookup;
  std::string patience;
  std::uint64_t streams = 2;
};

absl::StatusOr<ExitStatus> Serve(Session& session, const ServeOptions& options) {
  // What is wrong with the people is said before anybody waits for an approval.
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<client::SourceLookup> lookup,
                      OpenLookup(session, options.lookup, agreement));
  HF_ASSIGN_OR_RETURN(const std::optional<v1::Transfer> transfer,
                      ApprovedTransfer(session, options.transfer, options.patience));
  if (!transfer) return ExitStatus::kWaits;
  return ServeWith(session, *transfer, *lookup, options.streams, options.patience);
}

}  // namespace

void DeclareSource(Command root) {
  Command source = root.Sub("source", "serve, or pull and push by way of files; explain");
  auto options = std::make_shared<ServeOptions>();
  Command serve = source.Sub("serve", "fetch subjects, look them up, deposit, close");
  serve.Required("transfer", options->transfer, "transfers/ID")
      .Optional("--wait", options->patience,
                "how long to wait for the approval, and for reviews, such as 1h")
      .Number("--streams", options->streams, "how many streams side by side; default 2");
  DeclareLookup(serve, options->lookup);
  serve.Footer("Stopped at any time, it may be run again from the beginning.");
  serve.Runs([options](Session& session) { return Serve(session, *options); });
  DeclareSourceFiles(source);
}

}  // namespace holdfast::cli
