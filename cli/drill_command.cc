// SPDX-License-Identifier: Apache-2.0
// holdfast drill: made-up people, a gateway of its own, and every way back to a destroyed key.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/drill_scenarios.h"
#include "cli/session.h"

namespace holdfast::cli {
namespace {

using evidence::DrillCheck;
using evidence::DrillReport;

constexpr std::uint64_t kMaxRecords = 2'000'000;

struct Options {
  DrillPlan plan;  // Its folders are named here, and made anew.
  std::string folder;
  std::string keyslot;
  std::string key;
  std::string passphrase_file;
  std::string out;
  std::string metrics;
  bool keep = false;
};

JsonObject ReportJson(const DrillReport& report, const std::string& file) {
  JsonArray checks;
  for (const DrillCheck& check : report.checks) {
    JsonObject one;
    one.Set("name", check.name)
        .Set("failed", check.result == DrillCheck::Result::kFailed)
        .Set("tried", check.result != DrillCheck::Result::kNotTried)
        .Set("detail", check.detail);
    checks.AddRaw(one.text());
  }
  JsonArray steps;
  for (const evidence::DrillStep& step : report.steps) {
    JsonObject one;
    one.Set("name", step.name).Set("milliseconds", std::int64_t{step.took.count()});
    steps.AddRaw(one.text());
  }
  JsonObject object("DrillReport");
  object.Set("scenario", report.scenario)
      .Set("passed", report.passed())
      .Set("exchange_id", Hex(BytesOf(report.exchange)))
      .Set("gateway", report.gateway)
      .Set("keyslot", report.keyslot)
      .Set("records", report.records)
      .Set("affected", report.affected);
  if (report.to_last_release) {
    object.Set("milliseconds_to_last_release", std::int64_t{report.to_last_release->count()});
  }
  if (report.to_destruction) {
    object.Set("milliseconds_to_destruction", std::int64_t{report.to_destruction->count()});
  }
  if (report.to_certificate) {
    object.Set("milliseconds_to_certificate", std::int64_t{report.to_certificate->count()});
  }
  object.Set("checks", checks).Set("steps", steps).Set("file", file);
  return object;
}

// Makes a folder that is the drill's alone.
absl::StatusOr<std::string> MakeOwnFolder(Session& session, const std::string& path) {
  std::error_code failed;
  const std::string folder = std::filesystem::absolute(path, failed).string();
  if (failed) return MakeError(Reason::kRequestMalformed, path + " is no path");
  if (std::filesystem::exists(folder, failed)) {
    return MakeError(Reason::kAlreadyExists,
                     "the drill makes its folder itself, and nothing is in it: " + folder);
  }
  HF_RETURN_IF_ERROR(session.MakeFolder(folder));
  return folder;
}

// Removes what a drill made, the certificates' and people's keys included.
void Discard(Session& session, const std::string& folder) {
  std::error_code failed;
  std::filesystem::remove_all(folder, failed);
  if (failed) session.out().Note("what the drill made could not be removed: " + folder);
}

absl::StatusOr<ExitStatus> RunDrill(Session& session, const Options& options) {
  if (options.plan.records == 0 || options.plan.records > kMaxRecords) {
    return MakeError(Reason::kRequestMalformed, "--records is from 1 to 2,000,000");
  }
  if (std::find(std::begin(kDrillScenarios), std::end(kDrillScenarios), options.plan.scenario) ==
      std::end(kDrillScenarios)) {
    return MakeError(Reason::kRequestMalformed,
                     "--scenario is revoke, hold, expiry, rollback or keyslot-loss");
  }
  if (options.plan.affected != 0 &&
      (options.plan.scenario != "revoke" || options.plan.affected > options.plan.records / 25)) {
    return MakeError(Reason::kRequestMalformed,
                     "--affected is for --scenario revoke, and at most 4 % of the records");
  }
  // Without a key of somebody's the signature shows no more than that the report is whole.
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key,
                      options.key.empty()
                          ? crypto::SigningKey::Generate(session.random())
                          : session.ReadSigningKey(options.key, options.passphrase_file));
  DrillPlan plan = options.plan;
  HF_ASSIGN_OR_RETURN(plan.folder, MakeOwnFolder(session, options.folder));
  if (!options.keyslot.empty()) {
    auto made = MakeOwnFolder(session, JoinPath(options.keyslot, "holdfast-drill"));
    if (!made.ok()) {
      Discard(session, plan.folder);
      return made.status();
    }
    plan.keyslots = *std::move(made);
  }
  const DrillReport report = RunDrillPlan(session, plan);
  HF_ASSIGN_OR_RETURN(const std::string text, evidence::SignDrillReport(report, key));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(text), Overwrite::kPermit));
  if (!options.metrics.empty()) {
    HF_RETURN_IF_ERROR(session.WriteFile(options.metrics, AsBytes(evidence::DrillMetrics(report)),
                                         Overwrite::kPermit));
  }
  if (!options.keep) {
    Discard(session, plan.folder);
    if (!plan.keyslots.empty()) Discard(session, plan.keyslots);
  }
  session.out().Result(ReportJson(report, options.out),
                       evidence::DescribeDrillReport(report) + "\nsigned: " + options.out);
  return report.passed() ? ExitStatus::kDone : ExitStatus::kDefectFound;
}

}  // namespace

void DeclareDrill(Command root) {
  Command drill = root.Sub("drill", "destroy made-up records, and try every way back");
  auto options = std::make_shared<Options>();
  Command run = drill.Sub("run", "run one drill against a gateway of its own");
  run.Optional("--scenario", options->plan.scenario,
               "revoke (default), hold, expiry, rollback or keyslot-loss")
      .Number("--records", options->plan.records, "how many made-up records; default 200")
      .Number("--affected", options->plan.affected,
              "revoke so many of them, scattered, which one officer asked for; default half of\n"
              "all, by their rows")
      .Required("--folder", options->folder, "a folder that does not exist; removed at the end")
      .Required("--out", options->out, "the signed report; one that is there is replaced")
      .Optional("--keyslot", options->keyslot,
                "a folder for the drill's keyslot, on the medium whose worth is in question")
      .Optional("--holdfastd", options->plan.holdfastd,
                "the daemon; default that of this installation")
      .Optional("--key", options->key, "who signs the report; default a key that nobody keeps")
      .Optional("--passphrase-file", options->passphrase_file, "of that key")
      .Optional("--metrics", options->metrics, "a file for a collector of metrics, replaced")
      .Flag("--keep", options->keep, "leave the folder, with the daemon's log");
  run.Footer(
      "It touches no live key: the exchange, its people and its keys exist for the drill alone.\n"
      "Ends with 1 if anything failed. The units holdfast-drill.service and .timer run it.");
  run.Runs([options](Session& session) { return RunDrill(session, *options); });
}

}  // namespace holdfast::cli
