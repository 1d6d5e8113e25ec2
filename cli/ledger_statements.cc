// SPDX-License-Identifier: Apache-2.0
#include "cli/ledger_statements.h"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "evidence/certification.h"
#include "evidence/export_folder.h"
#include "evidence/incident.h"
#include "evidence/non_use.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "cli/scope_options.h"
#include "cli/session.h"
#include "cli/verified_export.h"
#include "crypto/dsse.h"

namespace holdfast::cli {
namespace {

struct NonUseOptions {
  VerifiedExport source;
  ScopeOptions scope;
  std::string from;
  std::string to;
  std::string out;
};

struct IncidentOptions {
  VerifiedExport source;
  ScopeOptions scope;
  std::string from;
  std::string to;
  std::string what;
  std::string how_found;
  std::string found_at;
  std::string out;
};

struct CertifyOptions {
  VerifiedExport source;
  std::string out;
  bool is_template = false;
};

// What was found instead of what was to be stated: the entries, and nothing is written.
ExitStatus ShowRefusal(Session& session, const evidence::NonUse& found) {
  JsonArray entries;
  std::string text = "no statement: " + evidence::WhyNoStatement(found);
  for (const evidence::LeftKey& key : found.left) {
    JsonObject one;
    one.Set("index", key.index)
        .Set("transfer_number", key.transfer)
        .Set("row", key.row)
        .Set("time", FormatRfc3339(key.at));
    entries.AddRaw(one.text());
    text += fmt::format("\n  ledger entry {}, row {} of transfer number {}, {}", key.index, key.row,
                        key.transfer, session.out().Time(key.at));
  }
  if (found.left_count > found.left.size()) {
    text += fmt::format("\n  and {} more", found.left_count - found.left.size());
  }
  JsonObject object("NonUseRefused");
  object.Set("reason", evidence::WhyNoStatement(found))
      .Set("keys_left", found.left_count)
      .Set("entries", entries);
  session.out().Result(object, text);
  return ExitStatus::kDefectFound;
}

absl::StatusOr<ExitStatus> NonUse(Session& session, const NonUseOptions& options) {
  evidence::NonUseSigned statement;
  HF_ASSIGN_OR_RETURN(statement.exchange, options.source.Exchange(session));
  HF_ASSIGN_OR_RETURN(statement.by, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(statement.question.scope, options.scope.ToScope());
  HF_ASSIGN_OR_RETURN(statement.question.from, ParseTimeOption("--from", options.from));
  HF_ASSIGN_OR_RETURN(statement.question.to, ParseTimeOption("--to", options.to));
  if (statement.question.to <= statement.question.from) {
    return MakeError(Reason::kRequestMalformed, "--to is later than --from");
  }
  HF_ASSIGN_OR_RETURN(statement.checkpoint,
                      evidence::ReadExportCheckpoint(session.files(), options.source.folder));
  evidence::NonUseSearch search(statement.question);
  HF_RETURN_IF_ERROR(options.source.Verify(session, {&search}).status());
  const evidence::NonUse& found = search.found();
  if (found.answer != evidence::NonUseAnswer::kShown) return ShowRefusal(session, found);

  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  statement.made_at = session.clock().WallNow();
  HF_ASSIGN_OR_RETURN(const std::string payload, evidence::RenderNonUse(statement, found));
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedDsse envelope,
                      crypto::SignDsse(evidence::kNonUsePayloadType, AsBytes(payload), key));
  HF_RETURN_IF_ERROR(
      session.WriteFile(options.out, AsBytes(crypto::RenderDsse(envelope)), Overwrite::kRefuse));
  JsonObject object("NonUse");
  object.Set("file", options.out)
      .Set("by", statement.by)
      .Set("records", found.records)
      .Set("released_before", found.released_before)
      .Set("keys_of_others", found.others)
      .Set("ledger_size", found.size);
  session.out().Result(object, evidence::DescribeNonUse(statement, found) + "\nsigned by " +
                                   statement.by + ": " + options.out);
  session.out().Note("whoever has the export checks it with\n  holdfast ledger verify " +
                     options.source.folder + " --exchange-id ID --statements " + options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<std::string> Words(const std::string& option, const std::string& text) {
  if (text.empty() || !IsUtf8(text) || HasDeceptiveCharacter(text)) {
    return MakeError(Reason::kRequestMalformed, option + " is one line of text");
  }
  return text;
}

absl::StatusOr<ExitStatus> Incident(Session& session, const IncidentOptions& options) {
  evidence::IncidentTerms terms;
  HF_ASSIGN_OR_RETURN(terms.scope, options.scope.ToScope());
  HF_ASSIGN_OR_RETURN(terms.what, Words("--what", options.what));
  HF_ASSIGN_OR_RETURN(terms.how_found, Words("--how-found", options.how_found));
  HF_ASSIGN_OR_RETURN(terms.found_at, ParseTimeOption("--found-at", options.found_at));
  if (!options.from.empty()) {
    HF_ASSIGN_OR_RETURN(terms.from, ParseTimeOption("--from", options.from));
  }
  if (!options.to.empty()) {
    HF_ASSIGN_OR_RETURN(terms.to, ParseTimeOption("--to", options.to));
  }
  terms.written_at = session.clock().WallNow();
  evidence::IncidentSearch search(terms);
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      options.source.Verify(session, {&search}));
  const evidence::Incident& found = search.found();
  if (!found.scope_valid) {
    return MakeError(Reason::kRequestMalformed,
                     "the scope names a transfer, an authority or rows that this exchange does not "
                     "have");
  }
  const std::string json = options.out + ".json";
  const std::string page = options.out + ".html";
  const Digest32& root = verification.checkpoint.root;
  HF_RETURN_IF_ERROR(session.WriteFile(json, AsBytes(evidence::IncidentJson(terms, found, root)),
                                       Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(session.WriteFile(page, AsBytes(evidence::IncidentPage(terms, found, root)),
                                       Overwrite::kRefuse));
  JsonObject object("Incident");
  object.Set("json", json)
      .Set("page", page)
      .Set("records", found.records)
      .Set("persons", found.persons)
      .Set("disclosures", found.disclosures)
      .Set("holds", std::uint64_t{found.holds.size()})
      .Set("report_due", FormatRfc3339(evidence::ReportDue(terms)));
  session.out().Result(
      object, fmt::format("{} records were disclosed, of {} persons, under {} holds: {} and {}\n"
                          "to be reported by {}",
                          found.records, found.persons, found.holds.size(), json, page,
                          session.out().Time(evidence::ReportDue(terms))));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Certify(Session& session, const CertifyOptions& options) {
  if (!options.is_template) {
    return MakeError(Reason::kRequestMalformed,
                     "a person certifies, not this program: it writes what that person completes "
                     "and signs, with --template");
  }
  evidence::ExportInventory inventory;
  HF_ASSIGN_OR_RETURN(inventory.checkpoint_sha256,
                      evidence::CheckpointDigest(session.files(), options.source.folder));
  HF_ASSIGN_OR_RETURN(inventory.exchange, options.source.Exchange(session));
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      options.source.Verify(session, {}));
  inventory.made_at = session.clock().WallNow();
  inventory.folder = options.source.folder;
  const std::string text = evidence::CertificationTemplate(verification, inventory);
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(text), Overwrite::kRefuse));
  JsonObject object("Certification");
  object.Set("file", options.out).Set("entries", verification.checkpoint.size);
  session.out().Result(object,
                       "a draft for a qualified person, to complete and sign: " + options.out);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareLedgerStatements(Command ledger) {
  {
    auto options = std::make_shared<NonUseOptions>();
    Command command =
        ledger.Sub("non-use", "state, signed, that no key of some records left in a period");
    options->source.Declare(command);
    command.Required("--from", options->from, "the first instant of the period, in RFC 3339")
        .Required("--to", options->to, "the first instant after it")
        .Required("--out", options->out, "the statement");
    options->scope.Declare(command, ScopeOptions::DateNames::kDateFromUntil);
    command.Footer(
        "Verifies the export first. Where a key did leave, or the ledger does not cover the\n"
        "period, there is no statement: the entries are named, and the exit status is 1.");
    command.Runs([options](Session& session) { return NonUse(session, *options); });
  }
  {
    auto options = std::make_shared<IncidentOptions>();
    Command command = ledger.Sub("incident", "write an incident's report, as JSON and as a page");
    options->source.Declare(command);
    command.Required("--what", options->what, "what happened, in a line; no personal data")
        .Required("--how-found", options->how_found, "how it was found; no personal data")
        .Required("--found-at", options->found_at, "when it was found, in RFC 3339")
        .Optional("--from", options->from, "count keys that left from here on")
        .Optional("--to", options->to, "and before this")
        .Required("--out", options->out, "a path, to which .json and .html are added");
    options->scope.Declare(command, ScopeOptions::DateNames::kDateFromUntil);
    command.Runs([options](Session& session) { return Incident(session, *options); });
  }
  {
    auto options = std::make_shared<CertifyOptions>();
    Command command =
        ledger.Sub("certify", "draft a qualified person's certification of an export");
    options->source.Declare(command);
    command.Flag("--template", options->is_template, "write the draft; a person signs it")
        .Required("--out", options->out, "the draft, as text");
    command.Runs([options](Session& session) { return Certify(session, *options); });
  }
}

}  // namespace holdfast::cli
