// SPDX-License-Identifier: Apache-2.0
// holdfast sample: files of made-up people.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/file_writer.h"
#include "cli/sample.h"
#include "cli/session.h"
#include "client/csv.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kMaxRecords = 10'000'000;

struct SampleOptions {
  std::uint64_t records = 10'000;
  std::uint64_t seed = 1;
  std::uint64_t of_one_officer = 0;
  std::string out;
};

std::string_view OutcomeName(SampleOutcome outcome) {
  switch (outcome) {
    case SampleOutcome::kRefused:
      return "refused";
    case SampleOutcome::kNothing:
      return "nothing";
    case SampleOutcome::kReleased:
      return "released";
  }
  return "";
}

absl::Status WritePeople(Session& session, const SampleWorld& world, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> file,
                      FileWriter::Create(session.files(), path));
  std::vector<std::string> line = {"person_id", "name",        "line1",      "line2",     "city",
                                   "state",     "postal_code", "tax_number", "birth_date"};
  for (const std::string_view name : SampleFieldNames()) line.emplace_back(name);
  HF_RETURN_IF_ERROR(file->Write(client::CsvLine(line)));
  Progress progress(session.out(), "people", world.records());
  for (std::uint64_t place = 0; place < world.records(); ++place) {
    for (const SamplePerson& person : world.CaseOfPlace(place).people) {
      line = {person.id,
              person.name,
              person.address.line1,
              person.address.line2,
              person.address.city,
              person.address.state,
              person.address.postal_code,
              person.tax_number,
              person.birth_date};
      line.insert(line.end(), person.fields.begin(), person.fields.end());
      HF_RETURN_IF_ERROR(file->Write(client::CsvLine(line)));
    }
    progress.Update(place);
  }
  return file->Finish();
}

absl::Status WriteRequests(Session& session, const SampleWorld& world, const std::string& requests,
                           const std::string& truth,
                           std::map<SampleOutcome, std::uint64_t>& counts) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> list,
                      FileWriter::Create(session.files(), requests));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> answers,
                      FileWriter::Create(session.files(), truth));
  HF_RETURN_IF_ERROR(
      list->Write("row,name,line1,line2,city,state,postal_code,tax_number,birth_date,officer,case,"
                  "reference\n"));
  HF_RETURN_IF_ERROR(answers->Write("row,outcome,person_id,kind\n"));
  Progress progress(session.out(), "requests", world.records());
  for (std::uint64_t row = 0; row < world.records(); ++row) {
    const SampleCase one = world.CaseOfRow(row);
    const SampleRequest& request = one.request;
    const std::string number = std::to_string(row);
    const std::array<std::string_view, 12> asked = {number,
                                                    request.name,
                                                    request.address.line1,
                                                    request.address.line2,
                                                    request.address.city,
                                                    request.address.state,
                                                    request.address.postal_code,
                                                    request.tax_number,
                                                    request.birth_date,
                                                    request.officer,
                                                    request.case_number,
                                                    request.reference};
    HF_RETURN_IF_ERROR(list->Write(client::CsvLine(asked)));
    const std::array<std::string_view, 4> answer = {number, OutcomeName(one.outcome), one.released,
                                                    one.kind};
    HF_RETURN_IF_ERROR(answers->Write(client::CsvLine(answer)));
    ++counts[one.outcome];
    progress.Update(row);
  }
  HF_RETURN_IF_ERROR(list->Finish());
  return answers->Finish();
}

std::string PlacesText(std::uint64_t records) {
  std::string text = "zip,city,state\n";
  const std::uint64_t zips = SampleZipsPerPlace(records);
  for (const SamplePlace& place : SamplePlaces()) {
    for (std::uint64_t n = 0; n < zips; ++n) {
      const std::string zip = SampleZip(place, n);
      const std::array<std::string_view, 3> line = {zip, place.city, place.state};
      text += client::CsvLine(line);
    }
  }
  return text;
}

// What the requester says about the transfer; `transfer create --terms` reads it.
constexpr std::string_view kTerms =
    R"(# The terms of a made-up request (holdfast.v1.TransferTerms). Officers come from the
# list of subjects, the attestation's digest from its file.
authority: "26-usc-6103-i-2"
purpose: "Preparation of a criminal proceeding under a statute other than the tax laws"
requesting_official: "deputy-director-1"
periods { first_year: 2023 last_year: 2023 }
)";

constexpr std::string_view kAttestation =
    "I attest that each person on the list is the subject of the case named beside them, that the\n"
    "officer named is personally and directly engaged in it, and that the records will be used "
    "for\n"
    "nothing else. (Made up, for a demonstration.)\n";

constexpr std::string_view kDelegation =
    "The holder of the office of deputy-director-1 may sign requests for records under this\n"
    "exchange's agreement. (Made up, for a demonstration.)\n";

constexpr std::string_view kSafeguard =
    "The requester's safeguards were reviewed on the spot and found sufficient.\n"
    "(Made up, for a demonstration.)\n";

absl::StatusOr<ExitStatus> MakeSample(Session& session, const SampleOptions& options) {
  if (options.records < 1 || options.records > kMaxRecords) {
    return MakeError(Reason::kRequestMalformed,
                     fmt::format("--records must be from 1 to {}", kMaxRecords));
  }
  // An agreement stops a transfer of which one officer has more than 5 %.
  if (options.of_one_officer > options.records / 25) {
    return MakeError(Reason::kRequestMalformed, "--one-officer is at most 4 % of the records");
  }
  HF_RETURN_IF_ERROR(session.MakeFolder(options.out));
  const auto path = [&](std::string_view name) { return JoinPath(options.out, name); };
  const SampleWorld world(options.records, options.seed, options.of_one_officer);
  std::map<SampleOutcome, std::uint64_t> counts;
  HF_RETURN_IF_ERROR(WritePeople(session, world, path("people.csv")));
  HF_RETURN_IF_ERROR(
      WriteRequests(session, world, path("requests.csv"), path("truth.csv"), counts));
  HF_RETURN_IF_ERROR(session.WriteFile(path("places.csv"), AsBytes(PlacesText(world.records())),
                                       Overwrite::kPermit));
  HF_RETURN_IF_ERROR(session.WriteFile(path("terms.txt"), AsBytes(kTerms), Overwrite::kPermit));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("attestation.txt"), AsBytes(kAttestation), Overwrite::kPermit));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("delegation.txt"), AsBytes(kDelegation), Overwrite::kPermit));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("safeguard.txt"), AsBytes(kSafeguard), Overwrite::kPermit));
  JsonObject object("Sample");
  object.Set("folder", options.out).Set("records", options.records).Set("seed", options.seed);
  std::string text = fmt::format("{} rows for the requester, of which", options.records);
  for (const SampleOutcome outcome :
       {SampleOutcome::kReleased, SampleOutcome::kNothing, SampleOutcome::kRefused}) {
    object.Set(OutcomeName(outcome), counts[outcome]);
    text += fmt::format(" {} {}", counts[outcome],
                        outcome == SampleOutcome::kReleased  ? "can be released,"
                        : outcome == SampleOutcome::kNothing ? "find nobody for certain,"
                                                             : "are no proper request");
  }
  text += fmt::format(
      "\n{}: people.csv, requests.csv, truth.csv, places.csv, terms.txt, "
      "attestation.txt, delegation.txt, safeguard.txt",
      options.out);
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareSample(Command root) {
  auto options = std::make_shared<SampleOptions>();
  Command sample = root.Sub("sample", "made-up people: a source's file and a requester's list");
  sample.Required("--out", options->out, "the folder to write to")
      .Number("--records", options->records, "rows of the requester's list; default 10000")
      .Number("--seed", options->seed, "the same seed makes the same people; default 1")
      .Number("--one-officer", options->of_one_officer,
              "how many of the rows one more officer asks for, scattered over the list");
  sample.Runs([options](Session& session) { return MakeSample(session, *options); });
}

}  // namespace holdfast::cli
