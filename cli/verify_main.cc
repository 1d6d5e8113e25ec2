// SPDX-License-Identifier: Apache-2.0
// holdfast-verify: `holdfast ledger verify` for whoever installs nothing else. It links neither
// gRPC nor SQLite, opens no connection, and reads nothing but the files that it is given.
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "evidence/verification.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/ledger_report.h"
#include "cli/output.h"
#include "cli/version.h"

namespace holdfast::cli {
namespace {

struct Options {
  std::string folder;
  std::string exchange_id;
  std::vector<std::string> earlier;
  std::vector<std::string> receipts;
  std::vector<std::string> statements;
  bool json = false;
  bool quiet = false;
};

absl::StatusOr<ExitStatus> Verify(const Options& options, Output& out) {
  const auto id = FromHex(options.exchange_id);
  if (!id.ok() || id->size() != sizeof(ExchangeId)) {
    return MakeError(Reason::kRequestMalformed, "--exchange-id must be 64 hexadecimal digits");
  }
  PosixFileSystem files;
  evidence::VerificationRequest request;
  request.folder = options.folder;
  HF_ASSIGN_OR_RETURN(request.exchange, IdFromBytes<ExchangeId>(*id));
  HF_ASSIGN_OR_RETURN(request.earlier, evidence::ReadCheckpointFiles(files, options.earlier));
  HF_ASSIGN_OR_RETURN(request.receipts, evidence::ReadReceipts(files, options.receipts));
  HF_ASSIGN_OR_RETURN(request.statements, evidence::ReadStatements(files, options.statements));
  HF_ASSIGN_OR_RETURN(const std::uint64_t size, evidence::ClaimedExportSize(files, options.folder));
  Progress progress(out, "verifying", size);
  HF_ASSIGN_OR_RETURN(
      const evidence::Verification verification,
      evidence::VerifyExport(files, request, [&](std::uint64_t index) { progress.Update(index); }));
  out.Result(LedgerVerifiedView(verification), evidence::DescribeVerification(verification));
  return ExitStatus::kDone;
}

ExitStatus Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app("Checks an exported ledger: signatures, tree, and every decision again.",
               "holdfast-verify");
  app.set_version_flag("--version", "holdfast-verify " + std::string(kVersion));
  app.add_option("folder", options.folder, "an export")->required();
  app.add_option("--exchange-id", options.exchange_id,
                 "64 hexadecimal digits, obtained from elsewhere than this export")
      ->required();
  app.add_option("--earlier", options.earlier,
                 "a checkpoint that somebody kept: the ledger must extend it");
  app.add_option("--receipts", options.receipts,
                 "a .tlog-proof, or a folder of them: the ledger must contain each");
  app.add_option("--statements", options.statements,
                 "a statement of non-use: the ledger must say the same");
  app.add_flag("--json", options.json, "one object on standard output");
  app.add_flag("--quiet", options.quiet, "no progress");
  app.footer(
      "Exit status: 0 all of it holds, 1 a defect was found, 64 usage, 65 bad input, 74 disk.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? ExitStatus::kDone : ExitStatus::kUsage;
  }
  Output out(std::cout, std::cerr, isatty(STDERR_FILENO) == 1 ? Terminal::kYes : Terminal::kNo);
  out.Configure(options.json ? OutputForm::kJson : OutputForm::kPeople,
                options.quiet ? Verbosity::kQuiet : Verbosity::kNormal, TimeForm::kUtc);
  const absl::StatusOr<ExitStatus> result = Verify(options, out);
  if (!result.ok()) return out.Fail(result.status());
  std::cout.flush();
  return out.Healthy() ? *result : ExitStatus::kDisk;
}

}  // namespace
}  // namespace holdfast::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(holdfast::cli::Main(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "holdfast-verify: unexpected: " << error.what() << '\n';
    return static_cast<int>(holdfast::cli::ExitStatus::kInternal);
  }
}
