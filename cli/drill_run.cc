// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/process_memory.h"
#include "cli/sample.h"
#include "client/envelope_file.h"

namespace holdfast::cli {
namespace {

using evidence::DrillCheck;
using evidence::DrillReport;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{120'000};
constexpr milliseconds kLook{20};

// Where records expire in a drill, they live until they are made, sealed and collected.
constexpr std::uint64_t kShortLife = 20;  // Seconds.
constexpr std::uint64_t kRecordsASecond = 2'000;

// The daemon beside this very program.
std::string Holdfastd() {
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return "holdfastd";
  for (const auto& beside : {self.parent_path() / "holdfastd",
                             self.parent_path().parent_path() / "sbin" / "holdfastd"}) {
    if (std::filesystem::exists(beside, failed)) return beside.string();
  }
  return "holdfastd";
}

}  // namespace

std::chrono::milliseconds Since(DrillRun::Steady::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(DrillRun::Steady::now() - begin);
}

DrillRun::DrillRun(Session& session, const DrillPlan& plan) : session_(session), plan_(plan) {
  report_.scenario = plan.scenario;
  report_.records = plan.records;
  report_.began = session.clock().WallNow();
}

void DrillRun::Check(std::string name, bool passed, std::string detail) {
  report_.checks.push_back({std::move(name),
                            passed ? DrillCheck::Result::kPassed : DrillCheck::Result::kFailed,
                            std::move(detail)});
}

void DrillRun::NotTried(std::string name, std::string why) {
  report_.checks.push_back({std::move(name), DrillCheck::Result::kNotTried, std::move(why)});
}

absl::Status DrillRun::Timed(const std::string& name, const std::function<absl::Status()>& step) {
  const auto begin = Steady::now();
  absl::Status done = step();
  report_.steps.push_back({name, Since(begin)});
  return done;
}

absl::Status DrillRun::Prepare() {
  HF_RETURN_IF_ERROR(Timed("make people, keys and an agreement", [this] { return Make(); }));
  HF_RETURN_IF_ERROR(Timed("start the gateway", [this] { return gateway_->Start(); }));
  return Timed("request, approve, seal and collect", [this] { return Deliver(); });
}

absl::Status DrillRun::Make() {
  DrillSettings settings;
  settings.folder = plan_.folder;
  settings.holdfastd = plan_.holdfastd.empty() ? Holdfastd() : plan_.holdfastd;
  settings.records = plan_.records;
  settings.of_one_officer = plan_.affected;
  if (plan_.scenario == "expiry") {
    settings.record_lifetime_seconds = kShortLife + plan_.records / kRecordsASecond;
  }
  const std::string& slots = plan_.keyslots.empty() ? plan_.folder : plan_.keyslots;
  settings.any_file_system = plan_.keyslots.empty();
  keyslots_ = {JoinPath(slots, "drill-keyslot")};
  if (plan_.scenario == "keyslot-loss") {
    keyslots_.push_back(JoinPath(slots, "drill-keyslot-2"));
  }
  settings.keyslots = keyslots_;
  HF_ASSIGN_OR_RETURN(gateway_, DrillGateway::Create(session_, std::move(settings)));
  report_.exchange = gateway_->exchange();
  return absl::OkStatus();
}

// A transfer from its request to collected envelopes.
absl::Status DrillRun::Deliver() {
  DrillGateway& gateway = *gateway_;
  HF_ASSIGN_OR_RETURN(const DrillResult status, gateway.Run("auditor-1", {"status"}));
  report_.gateway = "holdfastd " + status.Text("version");
  report_.keyslot = status.Text("keyslot") +
                    (plan_.keyslots.empty() ? " on any file system" : " in " + plan_.keyslots);
  HF_ASSIGN_OR_RETURN(
      const DrillResult created,
      gateway.Run("requester-1", {"transfer", "create", gateway.Path("sample/requests.csv"),
                                  "--terms", gateway.Path("sample/terms.txt"), "--attestation",
                                  gateway.Path("sample/attestation.txt")}));
  transfer_ = created.Text("name");
  HF_RETURN_IF_ERROR(
      gateway
          .Run("requester-1", {"transfer", "submit", transfer_, gateway.Path("sample/requests.csv"),
                               "--refused", gateway.Path("refused.csv")})
          .status());
  HF_ASSIGN_OR_RETURN(const DrillResult shown,
                      gateway.Run("custodian-1", {"transfer", "show", transfer_}));
  const JsonValue* stops = shown.objects.back().Find("stops");
  if (stops != nullptr && stops->is_array() && !stops->array().empty()) {
    HF_RETURN_IF_ERROR(gateway
                           .Run("custodian-1", {"transfer", "let-go-on", transfer_, "--reason",
                                                "DRILL: made-up people", "--yes"})
                           .status());
  }
  HF_RETURN_IF_ERROR(
      gateway.Run("custodian-1", {"transfer", "approve", transfer_, "--yes"}).status());
  const Arguments serve = {"source", "serve", transfer_, "--people",
                           gateway.Path("sample/people.csv")};
  HF_ASSIGN_OR_RETURN(const DrillResult served,
                      gateway.Run("source-1", serve, {ExitStatus::kDone, ExitStatus::kWaits}));
  if (served.exit == ExitStatus::kWaits) {
    HF_RETURN_IF_ERROR(gateway
                           .Run("custodian-1", {"review", "refuse", transfer_, "--all", "--reason",
                                                "DRILL: made-up people", "--yes"})
                           .status());
    HF_RETURN_IF_ERROR(gateway.Run("source-1", serve).status());
  }
  HF_RETURN_IF_ERROR(gateway
                         .Run("requester-1", {"envelope", "collect", transfer_, "--out",
                                              gateway.Path("envelopes")})
                         .status());
  return FindRows();
}

absl::Status DrillRun::FindRows() {
  HF_ASSIGN_OR_RETURN(
      const std::unique_ptr<client::EnvelopeFile> file,
      client::EnvelopeFile::OpenToRead(session_.files(), gateway_->Path("envelopes")));
  rows_.assign(file->rows().begin(), file->rows().end());
  if (rows_.size() < 4) {
    return MakeError(Reason::kRequestMalformed, "so few records make no drill; name more");
  }
  if (plan_.affected == 0) {
    affected_.assign(rows_.begin(),
                     rows_.begin() + static_cast<std::ptrdiff_t>(rows_.size() / 2 + 1));
    return absl::OkStatus();
  }
  const SampleWorld world(plan_.records, kDrillSeed, plan_.affected);
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(affected_),
               [&world](std::uint32_t row) { return world.OfOneOfficer(row); });
  if (affected_.empty()) {
    return MakeError(Reason::kInternal, "none of the officer's records was released");
  }
  return absl::OkStatus();
}

DrillRun::Arguments DrillRun::Scope() const {
  if (plan_.affected != 0) {
    return {"--officer", SampleWorld(plan_.records, kDrillSeed, plan_.affected).one_officer()};
  }
  return {"--transfer", transfer_, "--rows", fmt::format("0-{}", affected_.back())};
}

absl::Status DrillRun::Ask(DrillRequester& asking) {
  asking.Start(*gateway_);
  const auto end = Steady::now() + kPatience;
  while (asking.released() < 3) {
    if (Steady::now() > end) {
      static_cast<void>(asking.Stop());
      return MakeError(Reason::kInternal, "no key is released before the order");
    }
    Pause(kLook);
  }
  return absl::OkStatus();
}

absl::Status DrillRun::EndAsking(DrillRequester& asking, Steady::time_point order, Stops stops) {
  const auto end = Steady::now() + kPatience;
  // The lease from before the order has to be refused too.
  while (stops == Stops::kRow && asking.refused() == 0 && Steady::now() < end) Pause(kLook);
  const std::uint64_t released = asking.released();
  const std::uint64_t before = asking.refused();
  Pause(kLook * 10);
  const bool silent = asking.released() == released;
  const absl::Status ended = asking.Stop();
  const bool refused = stops == Stops::kStream ? ReasonOf(ended) == Reason::kHeld
                                               : asking.refused() >= before && before > 0;
  Check("a lease from before the order gets no key any more", silent && refused,
        fmt::format("{} keys came before, {} requests were refused after", released,
                    asking.refused()));
  const auto last = asking.last();
  if (last) report_.to_last_release = std::max(milliseconds(0), Since(order) - Since(*last));
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> DrillRun::Closed() {
  HF_ASSIGN_OR_RETURN(
      const DrillResult opened,
      gateway_->Run(
          "requester-1",
          {"envelope", "open", gateway_->Path("envelopes"), "--out", gateway_->Path("opened.csv")},
          {ExitStatus::kDone, ExitStatus::kPartlyDone, ExitStatus::kHeld, ExitStatus::kRefused}));
  if (opened.exit == ExitStatus::kHeld || opened.exit == ExitStatus::kRefused) return rows_.size();
  return opened.Number("not_released");
}

absl::Status DrillRun::KeepOldDatabase() {
  HF_RETURN_IF_ERROR(gateway_->Stop());
  std::error_code failed;
  std::filesystem::copy(gateway_->Path("state"), gateway_->Path("state-before"),
                        std::filesystem::copy_options::recursive, failed);
  if (failed) return MakeError(Reason::kStoreFailed, "the database cannot be copied");
  return gateway_->Start();
}

absl::Status DrillRun::TryOldDatabase() {
  FileSystem& files = session_.files();
  const std::string state = gateway_->Path("state");
  const std::string before = gateway_->Path("state-before");
  const std::string today = gateway_->Path("state-today");
  HF_RETURN_IF_ERROR(gateway_->Stop());
  HF_RETURN_IF_ERROR(files.Rename(state, today));
  HF_RETURN_IF_ERROR(files.Rename(before, state));
  HF_ASSIGN_OR_RETURN(const std::string reason, gateway_->MustRefuse());
  Check("the database from before the order does not open beside today's keyslot",
        reason == "EPOCH_UNKNOWN", reason.empty() ? "it was served" : reason);
  HF_RETURN_IF_ERROR(files.Rename(state, before));
  HF_RETURN_IF_ERROR(files.Rename(today, state));
  return gateway_->Start();
}

void DrillRun::TryMemory(const DrillRequester& asking) {
  const bool root = geteuid() == 0;
  const std::string name = root ? "a key that left before is not in the gateway's memory"
                                : "the gateway's memory cannot be read by its own user";
  // The exchange's id is there for certain: a search that does not find it finds nothing.
  const crypto::RecordKey& key = asking.first_key();
  const std::array<ByteSpan, 2> patterns = {BytesOf(report_.exchange), key.RevealForKeeping()};
  const auto search = SearchMemory(gateway_->pid(), patterns);
  if (!search.ok()) {
    const bool refused = ReasonOf(search.status()) == Reason::kPermissionDenied;
    if (root && refused) return NotTried(name, "this system lets nobody read it");
    return Check(name, refused, refused ? "refused" : std::string(search.status().message()));
  }
  if (!root) return Check(name, false, "it can be read");
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  const std::string searched = fmt::format("{} MiB searched", search->bytes_read / kMebibyte);
  if (!search->found[0]) return Check(name, false, searched + ", and the search finds nothing");
  Check(name, !search->found[1], searched);
}

absl::Status DrillRun::Export() {
  return gateway_
      ->Run("auditor-1", {"ledger", "export", "--log-only", "--out", gateway_->Path("export")})
      .status();
}

absl::Status DrillRun::VerifyLedger() {
  HF_ASSIGN_OR_RETURN(const DrillResult verified,
                      gateway_->Run("",
                                    {"ledger", "verify", gateway_->Path("export"), "--exchange-id",
                                     Hex(BytesOf(gateway_->exchange()))},
                                    {ExitStatus::kDone, ExitStatus::kDefectFound}));
  Check("the ledger verifies", verified.exit == ExitStatus::kDone, verified.Text("message"));
  return absl::OkStatus();
}

absl::Status DrillRun::WaitUntilDestroyed(const std::function<absl::StatusOr<bool>()>& destroyed,
                                          Steady::time_point order) {
  const auto end = Steady::now() + kPatience;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool gone, destroyed());
    if (gone) break;
    if (Steady::now() > end) return MakeError(Reason::kInternal, "the keys are not destroyed");
    Pause(kLook);
  }
  report_.to_destruction = Since(order);
  return absl::OkStatus();
}

DrillReport DrillRun::End(const absl::Status& ran) {
  Check("the drill ran to its end", ran.ok(), ran.ok() ? "" : std::string(ran.message()));
  report_.ended = session_.clock().WallNow();
  gateway_.reset();
  return report_;
}

}  // namespace holdfast::cli
