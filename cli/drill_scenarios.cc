// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_scenarios.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/drill_gateway.h"
#include "cli/drill_requester.h"
#include "client/envelope_file.h"

namespace holdfast::cli {
namespace {

using evidence::DrillCheck;
using evidence::DrillReport;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kPatience{120'000};
constexpr milliseconds kLook{20};
constexpr std::uint64_t kShortLife = 20;  // Seconds, where records expire in a drill.

milliseconds Since(Steady::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Steady::now() - begin);
}

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

class Drill final {
 public:
  Drill(Session& session, const DrillPlan& plan) : session_(session), plan_(plan) {
    report_.scenario = plan.scenario;
    report_.records = plan.records;
    report_.began = session.clock().WallNow();
  }

  // Runs it to its end, whatever that is.
  DrillReport Run() {
    const absl::Status ran = RunScenario();
    Check("the drill ran to its end", ran.ok(), ran.ok() ? "" : std::string(ran.message()));
    report_.ended = session_.clock().WallNow();
    gateway_.reset();
    return report_;
  }

 private:
  void Check(std::string name, bool passed, std::string detail) {
    report_.checks.push_back({std::move(name),
                              passed ? DrillCheck::Result::kPassed : DrillCheck::Result::kFailed,
                              std::move(detail)});
  }
  void NotTried(std::string name, std::string why) {
    report_.checks.push_back({std::move(name), DrillCheck::Result::kNotTried, std::move(why)});
  }

  absl::Status Timed(const std::string& name, const std::function<absl::Status()>& step) {
    const auto begin = Steady::now();
    absl::Status done = step();
    report_.steps.push_back({name, Since(begin)});
    return done;
  }

  absl::Status RunScenario() {
    HF_RETURN_IF_ERROR(Timed("make people, keys and an agreement", [this] { return Make(); }));
    HF_RETURN_IF_ERROR(Timed("start the gateway", [this] { return gateway_->Start(); }));
    HF_RETURN_IF_ERROR(Timed("request, approve, seal and collect", [this] { return Deliver(); }));
    const std::string& scenario = plan_.scenario;
    if (scenario == "hold") return Hold();
    if (scenario == "expiry") return Expiry();
    if (scenario == "rollback") return Rollback();
    if (scenario == "keyslot-loss") return KeyslotLoss();
    return Revoke();
  }

  absl::Status Make() {
    DrillSettings settings;
    settings.folder = plan_.folder;
    settings.holdfastd = plan_.holdfastd.empty() ? Holdfastd() : plan_.holdfastd;
    settings.records = plan_.records;
    if (plan_.scenario == "expiry") settings.record_lifetime_seconds = kShortLife;
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
  absl::Status Deliver() {
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
    HF_RETURN_IF_ERROR(gateway
                           .Run("requester-1", {"transfer", "submit", transfer_,
                                                gateway.Path("sample/requests.csv"), "--refused",
                                                gateway.Path("refused.csv")})
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
    const std::vector<std::string> serve = {"source", "serve", transfer_, "--people",
                                            gateway.Path("sample/people.csv")};
    HF_ASSIGN_OR_RETURN(const DrillResult served,
                        gateway.Run("source-1", serve, {ExitStatus::kDone, ExitStatus::kWaits}));
    if (served.exit == ExitStatus::kWaits) {
      HF_RETURN_IF_ERROR(gateway
                             .Run("custodian-1", {"review", "refuse", transfer_, "--all",
                                                  "--reason", "DRILL: made-up people", "--yes"})
                             .status());
      HF_RETURN_IF_ERROR(gateway.Run("source-1", serve).status());
    }
    HF_RETURN_IF_ERROR(gateway
                           .Run("requester-1", {"envelope", "collect", transfer_, "--out",
                                                gateway.Path("envelopes")})
                           .status());
    HF_ASSIGN_OR_RETURN(
        const std::unique_ptr<client::EnvelopeFile> file,
        client::EnvelopeFile::OpenToRead(session_.files(), gateway.Path("envelopes")));
    rows_.assign(file->rows().begin(), file->rows().end());
    if (rows_.size() < 4) {
      return MakeError(Reason::kRequestMalformed, "so few records make no drill; name more");
    }
    return absl::OkStatus();
  }

  // Rows up to this one are what the order is about: about half of all.
  std::uint32_t LastAffected() const { return rows_[rows_.size() / 2]; }

  std::vector<std::uint32_t> AffectedRows() const {
    std::vector<std::uint32_t> affected;
    for (const std::uint32_t row : rows_) {
      if (row <= LastAffected()) affected.push_back(row);
    }
    return affected;
  }

  std::vector<std::string> Scope() const {
    return {"--transfer", transfer_, "--rows", fmt::format("0-{}", LastAffected())};
  }

  static std::vector<std::string> With(std::vector<std::string> arguments,
                                       const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Opens all records, or those of the rows up to `last`. Returns how many did not open; all of
  // them where nothing was released.
  absl::StatusOr<std::uint64_t> Closed(std::optional<std::uint32_t> last) {
    std::vector<std::string> arguments = {"envelope", "open", gateway_->Path("envelopes"), "--out",
                                          gateway_->Path("opened.csv")};
    if (last) arguments = With(arguments, {"--rows", fmt::format("0-{}", *last)});
    HF_ASSIGN_OR_RETURN(const DrillResult opened,
                        gateway_->Run("requester-1", arguments,
                                      {ExitStatus::kDone, ExitStatus::kPartlyDone,
                                       ExitStatus::kHeld, ExitStatus::kRefused}));
    if (opened.exit == ExitStatus::kHeld || opened.exit == ExitStatus::kRefused) {
      return last ? AffectedRows().size() : rows_.size();
    }
    return opened.Number("not_released");
  }

  // Begins to ask, and waits until keys come.
  absl::Status Ask(DrillRequester& asking) {
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

  // What an order stops: the release of rows, one by one, or the whole stream.
  enum class Stops { kRow, kStream };

  // What came of the asking that went on since `order`.
  absl::Status EndAsking(DrillRequester& asking, Steady::time_point order, Stops stops) {
    const auto end = Steady::now() + kPatience;
    // The lease from before the order has to be refused too.
    while (stops == Stops::kRow && asking.refused() == 0 && Steady::now() < end) {
      Pause(kLook);
    }
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
    if (last) {
      report_.to_last_release =
          *last > order ? std::chrono::duration_cast<milliseconds>(*last - order) : milliseconds(0);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> DisposalState(std::uint64_t& index) {
    HF_ASSIGN_OR_RETURN(const DrillResult listed,
                        gateway_->Run("custodian-2", {"disposal", "list"}));
    index = listed.Number("revocation_index");
    return listed.Text("state");
  }

  absl::Status KeepOldDatabase() {
    HF_RETURN_IF_ERROR(gateway_->Stop());
    std::error_code failed;
    std::filesystem::copy(gateway_->Path("state"), gateway_->Path("state-before"),
                          std::filesystem::copy_options::recursive, failed);
    if (failed) return MakeError(Reason::kStoreFailed, "the database cannot be copied");
    return gateway_->Start();
  }

  // Whoever has the old database and today's keyslot.
  absl::Status TryOldDatabase() {
    HF_RETURN_IF_ERROR(gateway_->Stop());
    HF_RETURN_IF_ERROR(
        session_.files().Rename(gateway_->Path("state"), gateway_->Path("state-today")));
    HF_RETURN_IF_ERROR(
        session_.files().Rename(gateway_->Path("state-before"), gateway_->Path("state")));
    HF_ASSIGN_OR_RETURN(const std::string reason, gateway_->MustRefuse());
    Check("the database from before the order does not open beside today's keyslot",
          reason == "EPOCH_UNKNOWN", reason.empty() ? "it was served" : reason);
    HF_RETURN_IF_ERROR(
        session_.files().Rename(gateway_->Path("state"), gateway_->Path("state-before")));
    HF_RETURN_IF_ERROR(
        session_.files().Rename(gateway_->Path("state-today"), gateway_->Path("state")));
    return gateway_->Start();
  }

  void TryMemory() {
    const std::string name = "the gateway's memory cannot be read by its own user";
    if (geteuid() == 0) {
      NotTried(name, "the drill runs as root, which reads any memory");
      return;
    }
    const int memory = open(fmt::format("/proc/{}/mem", gateway_->pid()).c_str(), O_RDONLY);
    Check(name, memory < 0, memory < 0 ? "refused" : "it can be read");
    if (memory >= 0) close(memory);
  }

  absl::Status VerifyLedger() {
    HF_RETURN_IF_ERROR(
        gateway_->Run("auditor-1", {"ledger", "export", "--out", gateway_->Path("export")})
            .status());
    HF_ASSIGN_OR_RETURN(const DrillResult verified,
                        gateway_->Run("",
                                      {"ledger", "verify", gateway_->Path("export"),
                                       "--exchange-id", Hex(BytesOf(gateway_->exchange()))},
                                      {ExitStatus::kDone, ExitStatus::kDefectFound}));
    Check("the ledger verifies", verified.exit == ExitStatus::kDone, verified.Text("message"));
    return absl::OkStatus();
  }

  absl::Status Certify(std::uint64_t index) {
    const std::string file = gateway_->Path("erased.json");
    const std::string exchange = Hex(BytesOf(gateway_->exchange()));
    HF_RETURN_IF_ERROR(
        gateway_
            ->Run("counsel-1", {"disposal", "certificate", "create", std::to_string(index),
                                gateway_->Path("export"), "--out", file})
            .status());
    HF_ASSIGN_OR_RETURN(const DrillResult shown,
                        gateway_->Run("",
                                      {"disposal", "certificate", "verify", file, "--exchange-id",
                                       exchange, "--export", gateway_->Path("export")},
                                      {ExitStatus::kDone, ExitStatus::kDefectFound}));
    Check("the certificate of cryptographic erase is genuine and complete",
          shown.exit == ExitStatus::kDone && shown.Number("records") == report_.affected,
          fmt::format("{} records", shown.Number("records")));
    return absl::OkStatus();
  }

  absl::Status Revoke() {
    report_.affected = AffectedRows().size();
    HF_RETURN_IF_ERROR(Timed("keep the database as it is", [this] { return KeepOldDatabase(); }));
    DrillRequester asking(transfer_, AffectedRows());
    HF_RETURN_IF_ERROR(Ask(asking));
    const auto order = Steady::now();
    HF_RETURN_IF_ERROR(Timed("revoke, in an epoch of its own", [this] {
      return gateway_
          ->Run("custodian-1", With({"disposal", "revoke", "--reason", "DRILL", "--yes"}, Scope()))
          .status();
    }));
    HF_RETURN_IF_ERROR(EndAsking(asking, order, Stops::kRow));
    std::uint64_t index = 0;
    HF_RETURN_IF_ERROR(DisposalState(index).status());
    HF_RETURN_IF_ERROR(Timed("approve by a second custodian", [this, index] {
      return gateway_->Run("custodian-2", {"disposal", "approve", std::to_string(index), "--yes"})
          .status();
    }));
    HF_RETURN_IF_ERROR(Timed("the agreement's window, and destroy", [this, &index, order] {
      return WaitUntilDestroyed(
          [this, &index]() -> absl::StatusOr<bool> {
            HF_ASSIGN_OR_RETURN(const std::string state, DisposalState(index));
            return state == "DESTROYED";
          },
          order);
    }));
    HF_RETURN_IF_ERROR(Timed("try every way back", [this] { return TryWaysBack(); }));
    HF_RETURN_IF_ERROR(Timed("verify the ledger", [this] { return VerifyLedger(); }));
    return Timed("certify", [this, index] { return Certify(index); });
  }

  absl::Status WaitUntilDestroyed(const std::function<absl::StatusOr<bool>()>& destroyed,
                                  Steady::time_point order) {
    const auto end = Steady::now() + kPatience;
    for (;;) {
      HF_ASSIGN_OR_RETURN(const bool gone, destroyed());
      if (gone) break;
      if (Steady::now() > end) {
        return MakeError(Reason::kInternal, "the keys are not destroyed");
      }
      Pause(kLook);
    }
    report_.to_destruction = Since(order);
    return absl::OkStatus();
  }

  absl::Status TryWaysBack() {
    HF_ASSIGN_OR_RETURN(const std::uint64_t closed, Closed(LastAffected()));
    Check("a new lease gets none of the keys", closed == report_.affected,
          fmt::format("{} of {} refused", closed, report_.affected));
    HF_ASSIGN_OR_RETURN(const std::uint64_t all, Closed(std::nullopt));
    Check("every other record still opens", all == report_.affected,
          fmt::format("{} of {} refused", all, rows_.size()));
    TryMemory();
    HF_RETURN_IF_ERROR(TryOldDatabase());
    HF_ASSIGN_OR_RETURN(const std::uint64_t again, Closed(std::nullopt));
    Check("after a restart it is the same", again == report_.affected,
          fmt::format("{} of {} refused", again, rows_.size()));
    return absl::OkStatus();
  }

  std::vector<std::string> HoldCommand() {
    return With(
        {"hold", "place", "--id", "drill-hold", "--matter", "DRILL", "--court", "DRILL",
         "--order-reference", "DRILL", "--document", gateway_->Path("agreement.txt"), "--yes"},
        {"--transfer", transfer_});
  }

  absl::Status Hold() {
    report_.affected = rows_.size();
    HF_RETURN_IF_ERROR(Timed("keep the database as it is", [this] { return KeepOldDatabase(); }));
    DrillRequester asking(transfer_, rows_);
    HF_RETURN_IF_ERROR(Ask(asking));
    const auto order = Steady::now();
    HF_RETURN_IF_ERROR(Timed("place a hold, in an epoch of its own", [this] {
      return gateway_->Run("counsel-1", HoldCommand()).status();
    }));
    HF_RETURN_IF_ERROR(EndAsking(asking, order, Stops::kStream));
    HF_RETURN_IF_ERROR(Timed("try every way around it", [this] { return TryAroundHold(); }));
    return Timed("verify the ledger", [this] { return VerifyLedger(); });
  }

  absl::Status TryAroundHold() {
    HF_ASSIGN_OR_RETURN(const std::uint64_t closed, Closed(std::nullopt));
    Check("a new lease gets no key", closed == rows_.size(),
          fmt::format("{} of {} refused", closed, rows_.size()));
    HF_RETURN_IF_ERROR(TryOldDatabase());
    HF_ASSIGN_OR_RETURN(const std::uint64_t again, Closed(std::nullopt));
    Check("after a restart it is the same", again == rows_.size(),
          fmt::format("{} of {} refused", again, rows_.size()));
    return absl::OkStatus();
  }

  absl::Status Expiry() {
    report_.affected = rows_.size();
    HF_ASSIGN_OR_RETURN(const DrillResult shown,
                        gateway_->Run("requester-1", {"transfer", "show", transfer_}));
    HF_ASSIGN_OR_RETURN(const UnixMillis deadline, ParseRfc3339(shown.Text("not_after")));
    const milliseconds left = deadline - session_.clock().WallNow();
    if (left <= milliseconds(0)) {
      return MakeError(Reason::kInternal,
                       "the records expired before the drill could ask for them");
    }
    const auto end_of_life = Steady::now() + left;
    DrillRequester asking(transfer_, rows_);
    HF_RETURN_IF_ERROR(Ask(asking));
    HF_RETURN_IF_ERROR(Timed("wait for the deadline", [end_of_life] {
      Pause(std::chrono::duration_cast<milliseconds>(end_of_life - Steady::now()));
      return absl::OkStatus();
    }));
    HF_RETURN_IF_ERROR(EndAsking(asking, end_of_life, Stops::kRow));
    HF_RETURN_IF_ERROR(Timed("the agreement's window, and destroy", [this, end_of_life] {
      return WaitUntilDestroyed(
          [this]() -> absl::StatusOr<bool> {
            HF_ASSIGN_OR_RETURN(const DrillResult now, gateway_->Run("auditor-1", {"status"}));
            const JsonValue* records = now.objects.back().Find("records");
            const JsonValue* destroyed = records == nullptr ? nullptr : records->Find("destroyed");
            return destroyed != nullptr && destroyed->kind() == JsonValue::Kind::kInteger &&
                   static_cast<std::uint64_t>(destroyed->integer()) >= rows_.size();
          },
          end_of_life);
    }));
    HF_RETURN_IF_ERROR(Timed("try every way back", [this] { return TryExpired(); }));
    return Timed("verify the ledger", [this] { return VerifyLedger(); });
  }

  absl::Status TryExpired() {
    HF_ASSIGN_OR_RETURN(const std::uint64_t closed, Closed(std::nullopt));
    Check("a new lease gets no key", closed == rows_.size(),
          fmt::format("{} of {} refused", closed, rows_.size()));
    TryMemory();
    return absl::OkStatus();
  }

  absl::Status Rollback() {
    report_.affected = rows_.size();
    HF_RETURN_IF_ERROR(Timed("keep the database as it is", [this] { return KeepOldDatabase(); }));
    const std::string backup = gateway_->Path("before.backup");
    HF_RETURN_IF_ERROR(
        gateway_->Run("", {"backup", "create", "--state", gateway_->Path("state"), "--out", backup})
            .status());
    HF_RETURN_IF_ERROR(Timed("place a hold, in an epoch of its own", [this] {
      return gateway_->Run("counsel-1", HoldCommand()).status();
    }));
    HF_RETURN_IF_ERROR(Timed("put the old database in place", [this] { return TryOldDatabase(); }));
    HF_ASSIGN_OR_RETURN(
        const DrillResult void_backup,
        gateway_->Run("", {"backup", "verify", backup, "--state", gateway_->Path("state")},
                      {ExitStatus::kDone, ExitStatus::kDefectFound}));
    Check("the backup from before is void", void_backup.exit == ExitStatus::kDefectFound,
          fmt::format("of epoch {}, and it is epoch {}", void_backup.Number("epoch"),
                      void_backup.Number("present_epoch")));
    HF_ASSIGN_OR_RETURN(const std::uint64_t closed, Closed(std::nullopt));
    Check("the hold is in force", closed == rows_.size(),
          fmt::format("{} of {} refused", closed, rows_.size()));
    return Timed("verify the ledger", [this] { return VerifyLedger(); });
  }

  absl::Status KeyslotLoss() {
    report_.affected = rows_.size();
    HF_ASSIGN_OR_RETURN(const DrillResult status, gateway_->Run("auditor-1", {"status"}));
    const std::uint64_t epoch = status.Number("epoch");
    HF_RETURN_IF_ERROR(gateway_->Stop());
    const std::string lost = keyslots_.back() + "-lost";
    HF_RETURN_IF_ERROR(session_.files().Rename(keyslots_.back(), lost));
    HF_RETURN_IF_ERROR(gateway_->Configure({keyslots_.front()}));
    HF_ASSIGN_OR_RETURN(const std::string alone, gateway_->MustRefuse());
    Check("no operator leaves a lost keyslot out", alone == "KEYSLOT_FAILED",
          alone.empty() ? "it was served" : alone);
    HF_RETURN_IF_ERROR(
        Timed("two people strike it off", [this, epoch] { return StrikeOff(epoch); }));
    const auto order = Steady::now();
    HF_RETURN_IF_ERROR(Timed("go on without it, in an epoch of its own", [this, epoch, order] {
      const absl::Status started = gateway_->Start();
      if (!started.ok()) return started;
      return WaitUntilDestroyed(
          [this, epoch]() -> absl::StatusOr<bool> {
            HF_ASSIGN_OR_RETURN(const DrillResult now, gateway_->Run("auditor-1", {"status"}));
            return now.Number("epoch") > epoch;
          },
          order);
    }));
    report_.to_destruction.reset();  // No record's key was destroyed.
    HF_ASSIGN_OR_RETURN(const std::uint64_t closed, Closed(std::nullopt));
    Check("every record still opens", closed == 0, fmt::format("{} refused", closed));
    HF_RETURN_IF_ERROR(gateway_->Stop());
    HF_RETURN_IF_ERROR(session_.files().Rename(lost, keyslots_.back()));
    HF_RETURN_IF_ERROR(gateway_->Configure({keyslots_.back()}));
    HF_ASSIGN_OR_RETURN(const std::string back, gateway_->MustRefuse());
    Check("the lost keyslot opens nothing any more", back == "EPOCH_UNKNOWN",
          back.empty() ? "it was served" : back);
    HF_RETURN_IF_ERROR(gateway_->Configure({keyslots_.front()}));
    HF_RETURN_IF_ERROR(gateway_->Start());
    return Timed("verify the ledger", [this] { return VerifyLedger(); });
  }

  absl::Status StrikeOff(std::uint64_t epoch) {
    const std::string id = Hex(BytesOf(gateway_->exchange()));
    HF_RETURN_IF_ERROR(
        gateway_
            ->Run("custodian-1", {"keyslot", "order", "--keyslots", "mirror(file,file)", "--member",
                                  "2", "--epoch", std::to_string(epoch), "--reason", "DRILL",
                                  "--exchange-id", id, "--out", gateway_->Path("lost-1.json")})
            .status());
    HF_RETURN_IF_ERROR(
        gateway_
            ->Run("counsel-1", {"keyslot", "order", "--countersign", gateway_->Path("lost-1.json"),
                                "--exchange-id", id, "--out", gateway_->Path("lost.json")})
            .status());
    return gateway_
        ->Run("", {"keyslot", "strike-off", gateway_->Path("lost.json"), "--state",
                   gateway_->Path("state"), "--agreement", gateway_->Path("agreement.dsse")})
        .status();
  }

  Session& session_;
  const DrillPlan& plan_;
  std::vector<std::string> keyslots_;
  std::unique_ptr<DrillGateway> gateway_;
  DrillReport report_;
  std::string transfer_;
  std::vector<std::uint32_t> rows_;
};

}  // namespace

DrillReport RunDrillPlan(Session& session, const DrillPlan& plan) {
  return Drill(session, plan).Run();
}

}  // namespace holdfast::cli
