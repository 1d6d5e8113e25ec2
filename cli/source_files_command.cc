// SPDX-License-Identifier: Apache-2.0
// holdfast source pull, push, explain: the source's side of a transfer, by way of files.
#include "cli/source_files_command.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/candidate_file.h"
#include "cli/exchange_view.h"
#include "cli/explain_subject.h"
#include "cli/file_writer.h"
#include "cli/session.h"
#include "cli/source_lookups.h"
#include "cli/source_steps.h"
#include "cli/subject_file.h"
#include "client/source_client.h"
#include "policy/release_gate.h"

namespace holdfast::cli {
namespace {

struct PullOptions {
  std::string transfer;
  std::string out;
  std::string patience;
};

struct PushOptions {
  std::string transfer;
  std::string subjects;
  std::string candidates;
  std::uint64_t streams = 2;
  bool dry_run = false;
};

struct ExplainOptions {
  std::string transfer;
  std::string subjects;
  std::string candidates;
  LookupOptions lookup;
  std::uint64_t row = 0;
};

absl::StatusOr<ExitStatus> Pull(Session& session, const PullOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const std::optional<v1::Transfer> transfer,
                      ApprovedTransfer(session, options.transfer, options.patience));
  if (!transfer) return ExitStatus::kWaits;
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> writer,
                      FileWriter::Create(session.files(), options.out));
  HF_RETURN_IF_ERROR(writer->Write(SubjectFileHeader()));
  Progress progress(session.out(), "fetching", transfer->accepted());
  std::uint64_t subjects = 0;
  const auto take = [&](v1::FetchSubjectsResponse& chunk) -> absl::Status {
    for (const v1::AcceptedSubject& subject : chunk.subjects()) {
      HF_RETURN_IF_ERROR(
          writer->Write(SubjectFileLine(options.transfer, {subject, chunk.periods()})));
      progress.Update(++subjects);
    }
    return absl::OkStatus();
  };
  HF_RETURN_IF_ERROR(client::SourceClient(channel).Fetch(options.transfer, 0, take));
  HF_RETURN_IF_ERROR(writer->Finish());
  JsonObject object("SourcePulled");
  object.Set("transfer", options.transfer).Set("subjects", subjects).Set("file", options.out);
  session.out().Result(object, fmt::format("{} subjects in {}", subjects, options.out));
  return ExitStatus::kDone;
}

// What was found for the subjects, checked against them.
struct Findings {
  std::unique_ptr<CandidateFile> candidates;
  std::uint64_t subjects = 0;
};

// Calls `each` for every subject. Fails unless both files have exactly the same rows.
absl::StatusOr<Findings> ReadFindings(
    Session& session, const PushOptions& options, const client::FieldFilter& filter,
    const std::function<absl::Status(const FileSubject&, CandidateFile&)>& each) {
  Findings findings;
  HF_ASSIGN_OR_RETURN(findings.candidates, CandidateFile::Open(session.files(), options.candidates,
                                                               options.transfer, filter));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<SubjectFile> subjects,
                      SubjectFile::Open(session.files(), options.subjects, options.transfer));
  const std::vector<std::uint32_t>& rows = findings.candidates->rows();
  const auto differ = [](std::string what, std::uint32_t row) {
    return AddMetadata(MakeError(Reason::kRequestMalformed, std::move(what)), "row",
                       std::to_string(row));
  };
  for (;;) {
    HF_ASSIGN_OR_RETURN(const std::optional<FileSubject> subject, subjects->Next());
    const bool more = findings.subjects < rows.size();
    if (!subject) {
      if (more) return differ("a candidate is of no subject", rows[findings.subjects]);
      return findings;
    }
    const std::uint32_t row = subject->subject.row();
    if (!more || rows[findings.subjects] > row) {
      return differ(
          "a subject has no line in the file of candidates; for nobody it has to be one "
          "with transfer and row alone",
          row);
    }
    if (rows[findings.subjects] < row) {
      return differ("a candidate is of no subject", rows[findings.subjects]);
    }
    ++findings.subjects;
    HF_RETURN_IF_ERROR(each(*subject, *findings.candidates));
  }
}

absl::StatusOr<ExitStatus> DryRun(Session& session, const PushOptions& options) {
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const LocalGates gates, GatesOfProfile(session, agreement));
  VerdictCounts verdicts;
  std::uint64_t candidates = 0;
  HF_ASSIGN_OR_RETURN(
      const Findings findings,
      ReadFindings(session, options, PermittedFields(agreement),
                   [&](const FileSubject& subject, CandidateFile& file) -> absl::Status {
                     HF_ASSIGN_OR_RETURN(const client::Candidates found,
                                         file.Find(subject.query()));
                     candidates += found.size();
                     const auto verdict = Judge(gates.rules, subject.subject.person(), found);
                     ++verdicts[std::string(policy::ReleaseReasonName(verdict.reason))];
                     return absl::OkStatus();
                   }));
  JsonObject object("SourceDryRun");
  object.Set("transfer", options.transfer)
      .Set("subjects", findings.subjects)
      .Set("candidates", candidates)
      .Set("verdicts", VerdictObject(verdicts));
  session.out().Result(object,
                       fmt::format("{} subjects, {} candidates; nothing was sealed or sent{}",
                                   findings.subjects, candidates, VerdictText(verdicts)));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Push(Session& session, const PushOptions& options) {
  if (options.dry_run) return DryRun(session, options);
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(
      const Findings findings,
      ReadFindings(session, options, PermittedFields(agreement),
                   [](const FileSubject&, CandidateFile&) { return absl::OkStatus(); }));
  HF_ASSIGN_OR_RETURN(const std::optional<v1::Transfer> transfer,
                      ApprovedTransfer(session, options.transfer, ""));
  if (!transfer) return ExitStatus::kWaits;
  if (transfer->accepted() != findings.subjects) {
    return MakeError(Reason::kRequestMalformed,
                     "the transfer has another number of subjects than the file; pull them again");
  }
  return ServeWith(session, *transfer, *findings.candidates, options.streams, "");
}

std::string DescribeComparison(const Comparison& comparison) {
  std::string text = comparison.result;
  const char* separator = ": ";
  for (const std::string& difference : comparison.differences) {
    text += std::exchange(separator, ", ") + difference;
  }
  if (comparison.result == "compatible") {
    text += comparison.accepted ? " (accepted)" : " (not accepted)";
  }
  return text;
}

JsonObject ComparisonObject(const Comparison& comparison) {
  JsonArray differences;
  for (const std::string& difference : comparison.differences) differences.Add(difference);
  JsonObject object;
  object.Set("result", comparison.result)
      .Set("differences", differences)
      .Set("accepted", comparison.accepted);
  return object;
}

void PrintExplanation(Session& session, const ExplainOptions& options,
                      const SubjectExplanation& explanation) {
  const std::string verdict(policy::ReleaseReasonName(explanation.verdict.reason));
  std::string text = fmt::format("row {}: {}\n  subject: name {}, address {}", options.row, verdict,
                                 explanation.name, explanation.address);
  JsonArray candidates;
  std::uint64_t number = 0;
  for (const CandidateExplanation& each : explanation.candidates) {
    const std::string alone(policy::ReleaseReasonName(each.alone));
    const bool nearest = explanation.verdict.candidate == number;
    ++number;
    text += fmt::format(
        "\n  candidate {}{}: alone {}\n    name {}\n    address {}{}\n    tax number {}, birth "
        "date "
        "{}",
        number, nearest ? " (the nearest)" : "", alone, DescribeComparison(each.name),
        DescribeComparison(each.address),
        each.address_lack.empty() ? "" : ": the candidate's is " + each.address_lack,
        each.tax_number.result, each.birth_date.result);
    JsonObject candidate;
    candidate.Set("number", number)
        .Set("nearest", nearest)
        .Set("alone", alone)
        .Set("name", ComparisonObject(each.name))
        .Set("address", ComparisonObject(each.address))
        .Set("address_lack", each.address_lack)
        .Set("tax_number", each.tax_number.result)
        .Set("birth_date", each.birth_date.result);
    candidates.AddRaw(candidate.text());
  }
  if (explanation.candidates.empty()) text += "\n  no candidates";
  JsonObject object("SourceExplanation");
  object.Set("transfer", options.transfer)
      .Set("row", options.row)
      .Set("verdict", verdict)
      .Set("name", explanation.name)
      .Set("address", explanation.address)
      .Set("candidates", candidates);
  session.out().Result(object, text);
}

absl::StatusOr<ExitStatus> ExplainRow(Session& session, const ExplainOptions& options) {
  if (options.candidates.empty() != options.lookup.given()) {
    return MakeError(Reason::kRequestMalformed,
                     "give --candidates, or where to look the subject up, and not both");
  }
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const LocalGates gates, GatesOfProfile(session, agreement));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<SubjectFile> subjects,
                      SubjectFile::Open(session.files(), options.subjects, options.transfer));
  std::optional<FileSubject> subject;
  do {
    HF_ASSIGN_OR_RETURN(subject, subjects->Next());
    if (!subject) {
      return AddMetadata(MakeError(Reason::kRequestMalformed, "no accepted subject has this row"),
                         "row", std::to_string(options.row));
    }
  } while (subject->subject.row() != options.row);
  std::unique_ptr<client::SourceLookup> lookup;
  if (options.candidates.empty()) {
    HF_ASSIGN_OR_RETURN(lookup, OpenLookup(session, options.lookup, agreement));
  } else {
    HF_ASSIGN_OR_RETURN(lookup, CandidateFile::Open(session.files(), options.candidates,
                                                    options.transfer, PermittedFields(agreement)));
  }
  HF_ASSIGN_OR_RETURN(const client::Candidates found, lookup->Find(subject->query()));
  PrintExplanation(session, options, Explain(gates.rules, subject->subject.person(), found));
  return ExitStatus::kDone;
}

}  // namespace

void DeclareSourceFiles(Command source) {
  auto pull_options = std::make_shared<PullOptions>();
  Command pull = source.Sub("pull", "write the accepted subjects to a file");
  pull.Required("transfer", pull_options->transfer, "transfers/ID")
      .Required("--out", pull_options->out,
                "the file of subjects: CSV, readable by its owner alone")
      .Optional("--wait", pull_options->patience, "how long to wait for the approval, such as 1h");
  pull.Footer("The file is there wholly or not at all. Run again, it is the same.");
  pull.Runs([pull_options](Session& session) { return Pull(session, *pull_options); });

  auto push_options = std::make_shared<PushOptions>();
  Command push = source.Sub("push", "deposit what a file says was found, and close");
  push.Required("transfer", push_options->transfer, "transfers/ID")
      .Required("--subjects", push_options->subjects, "the file that `source pull` wrote")
      .Required("--candidates", push_options->candidates, "a line a candidate: CSV")
      .Flag("--dry-run", push_options->dry_run, "judge on this machine; seal and send nothing")
      .Number("--streams", push_options->streams, "how many streams side by side; default 2");
  push.Footer("Stopped at any time, it may be run again from the beginning.");
  push.Runs([push_options](Session& session) { return Push(session, *push_options); });

  auto explain_options = std::make_shared<ExplainOptions>();
  Command explain = source.Sub("explain", "say what the gate's rules say of one subject");
  explain.Required("transfer", explain_options->transfer, "transfers/ID")
      .Required("--subjects", explain_options->subjects, "the file that `source pull` wrote")
      .RequiredNumber("--row", explain_options->row, "the subject's row")
      .Optional("--candidates", explain_options->candidates, "the file for `source push`");
  DeclareLookup(explain, explain_options->lookup);
  explain.Footer("Names rules and no values. Nothing is sent.");
  explain.Runs(
      [explain_options](Session& session) { return ExplainRow(session, *explain_options); });
}

}  // namespace holdfast::cli
