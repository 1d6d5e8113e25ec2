// SPDX-License-Identifier: Apache-2.0
// holdfast account: who got what, from a verified export.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "evidence/accounting.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/file_writer.h"
#include "cli/scope_options.h"
#include "cli/session.h"
#include "cli/verified_export.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kFirstYear = 1970;
constexpr std::uint64_t kLastYear = 2105;

struct YearOptions {
  VerifiedExport source;
  std::uint64_t year = 0;
};

struct AffectedOptions {
  VerifiedExport source;
  ScopeOptions scope;
  std::string out;
};

absl::StatusOr<ExitStatus> Year(Session& session, const YearOptions& options) {
  if (options.year < kFirstYear || options.year > kLastYear) {
    return MakeError(Reason::kRequestMalformed,
                     fmt::format("--year is {} to {}", kFirstYear, kLastYear));
  }
  evidence::YearAccount account(static_cast<std::uint32_t>(options.year));
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      options.source.Verify(session, {&account}));
  JsonArray lines;
  std::string text = fmt::format("{}, by agency and authority, from a ledger of {} entries",
                                 options.year, verification.checkpoint.size);
  for (const auto& [of, line] : account.lines()) {
    JsonObject one;
    one.Set("requester", of.first)
        .Set("authority", of.second)
        .Set("transfers", line.transfers)
        .Set("asked", line.asked)
        .Set("accepted", line.accepted)
        .Set("deposited", line.deposited)
        .Set("records", line.records)
        .Set("with_data", line.with_data)
        .Set("without_data", line.without_data)
        .Set("persons", line.persons)
        .Set("disclosures", line.disclosures);
    lines.AddRaw(one.text());
    text += fmt::format(
        "\n\n{}, {}\n  {:>10} transfers opened\n  {:>10} subjects asked for, {} accepted\n"
        "  {:>10} envelopes deposited\n  {:>10} records disclosed: {} with data, {} that say "
        "nothing; of {} persons\n  {:>10} times that a key left",
        of.first, of.second, line.transfers, line.asked, line.accepted, line.deposited,
        line.records, line.with_data, line.without_data, line.persons, line.disclosures);
  }
  if (account.lines().empty()) text += "\nnothing was asked for and nothing disclosed";
  if (!account.covers_begin()) text += "\n\nthe ledger begins within the year, or after it";
  if (!account.covers_end()) text += "\n\nthe ledger ends before the year does";
  JsonObject object("AccountYear");
  object.Set("year", options.year)
      .Set("ledger_size", verification.checkpoint.size)
      .Set("covers_begin", account.covers_begin())
      .Set("covers_end", account.covers_end())
      .Set("lines", lines);
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Affected(Session& session, const AffectedOptions& options) {
  HF_ASSIGN_OR_RETURN(v1::Scope scope, options.scope.ToScope());
  evidence::AffectedSearch search(std::move(scope));
  HF_RETURN_IF_ERROR(options.source.Verify(session, {&search}).status());
  const evidence::Affected& found = search.found();
  if (!found.scope_valid) {
    return MakeError(Reason::kRequestMalformed,
                     "the scope names a transfer, an authority or rows that this exchange does not "
                     "have");
  }
  HF_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(session.files(), options.out));
  HF_RETURN_IF_ERROR(file->Write(
      "transfer,row,requester,authority,keys_left,first,last,with_data,destroyed_since\n"));
  for (const evidence::AffectedRecord& record : found.records) {
    HF_RETURN_IF_ERROR(file->Write(
        fmt::format("{},{},{},{},{},{},{},{},{}\n", record.transfer, record.row, record.requester,
                    record.authority, record.releases, FormatRfc3339(record.first_released),
                    FormatRfc3339(record.last_released), record.with_data ? "yes" : "no",
                    record.destroyed ? "yes" : "no")));
  }
  HF_RETURN_IF_ERROR(file->Finish());
  JsonObject object("AccountAffected");
  object.Set("file", options.out)
      .Set("covered", found.covered)
      .Set("records", std::uint64_t{found.records.size()})
      .Set("persons", found.persons);
  session.out().Result(
      object, fmt::format("keys of {} records left, of {} that the scope covers; {} persons: {}",
                          found.records.size(), found.covered, found.persons, options.out));
  session.out().Note(
      "the source knows who stands behind a row; the ledger does not, and neither does this file");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareAccount(Command root) {
  Command account = root.Sub("account", "count disclosures: year, affected");
  {
    auto options = std::make_shared<YearOptions>();
    Command year = account.Sub("year", "count a year's requests and disclosures");
    options->source.Declare(year);
    year.RequiredNumber("--year", options->year, "the calendar year, in UTC");
    year.Footer("Verifies the export first. A disclosure is a key that left.");
    year.Runs([options](Session& session) { return Year(session, *options); });
  }
  {
    auto options = std::make_shared<AffectedOptions>();
    Command affected =
        account.Sub("affected", "list the records of those who must be told, for the source");
    options->source.Declare(affected);
    options->scope.Declare(affected);
    affected.Required("--out", options->out, "a CSV file of transfer and row, without names");
    affected.Footer("Verifies the export first. Lists each record in the scope whose key left.");
    affected.Runs([options](Session& session) { return Affected(session, *options); });
  }
}

}  // namespace holdfast::cli
