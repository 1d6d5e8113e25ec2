// SPDX-License-Identifier: Apache-2.0
// holdfast drill: made-up people, a gateway of its own, and every way back to a destroyed key.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "evidence/drill_report.h"

#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/drill_gateway.h"
#include "cli/exchange_view.h"
#include "cli/session.h"
#include "client/envelope_file.h"
#include "client/requester_client.h"

namespace holdfast::cli {
namespace {

using evidence::DrillCheck;
using evidence::DrillReport;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::string_view kScenarios[] = {"revoke", "hold", "expiry", "rollback", "keyslot-loss"};
constexpr std::uint64_t kMaxRecords = 2'000'000;
constexpr milliseconds kPatience{120'000};
constexpr milliseconds kLook{20};
constexpr std::uint64_t kShortLife = 20;  // Seconds, where records expire in a drill.
constexpr milliseconds kBetweenKeys{2};

milliseconds Since(Steady::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Steady::now() - begin);
}

struct Options {
  std::string scenario = "revoke";
  std::uint64_t records = 200;
  std::string folder;
  std::string keyslot;
  std::string holdfastd;
  std::string key;
  std::string passphrase_file;
  std::string out;
  std::string metrics;
  bool keep = false;
};

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

// A requester that asks for one key after the other under one lease, as long as it is let: what it
// still gets after an order is what the order came too late for.
class Asking final {
 public:
  Asking(std::string transfer, std::vector<std::uint32_t> rows)
      : transfer_(std::move(transfer)), rows_(std::move(rows)) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() { static_cast<void>(Stop()); }

  void Start(DrillGateway& gateway) {
    thread_ = std::thread([this, &gateway] {
      absl::Status ended =
          gateway.As("requester-1", [this](Session& session) { return Ask(session); });
      MutexLock lock(mutex_);
      ended_ = std::move(ended);
    });
  }

  // Returns how the stream ended: OK unless something refused it whole.
  absl::Status Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    MutexLock lock(mutex_);
    return ended_;
  }

  std::uint64_t released() const {
    MutexLock lock(mutex_);
    return released_;
  }
  std::uint64_t refused() const {
    MutexLock lock(mutex_);
    return refused_;
  }
  // When the newest key came.
  std::optional<Steady::time_point> last() const {
    MutexLock lock(mutex_);
    return last_;
  }

 private:
  absl::Status Ask(Session& session) {
    HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
    HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
    HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
    HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
    std::size_t next = 0;
    return client::RequesterClient(channel).ReleaseKeys(
        transfer_, {exchange, "requester-1", key, head.checkpoint.size, head.checkpoint.root},
        [&]() -> absl::StatusOr<std::optional<std::vector<std::uint32_t>>> {
          if (stop_) return std::optional<std::vector<std::uint32_t>>();
          Pause(kBetweenKeys);
          return std::optional(std::vector<std::uint32_t>{rows_[next++ % rows_.size()]});
        },
        [&](std::vector<client::ReleasedKey> keys, std::span<const std::uint32_t> not_released) {
          MutexLock lock(mutex_);
          released_ += keys.size();
          refused_ += not_released.size();
          if (!keys.empty()) last_ = Steady::now();
          return absl::OkStatus();
        },
        session.clock(), session.random(), /*window=*/1);
  }

  const std::string transfer_;
  const std::vector<std::uint32_t> rows_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
  mutable Mutex mutex_;
  std::uint64_t released_ HF_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ HF_GUARDED_BY(mutex_) = 0;
  std::optional<Steady::time_point> last_ HF_GUARDED_BY(mutex_);
  absl::Status ended_ HF_GUARDED_BY(mutex_);
};

class Drill final {
 public:
  // `folder` and, unless it is empty, `slots` are its own.
  Drill(Session& session, const Options& options, std::string folder, std::string slots)
      : session_(session), options_(options), folder_(std::move(folder)), slots_(std::move(slots)) {
    report_.scenario = options.scenario;
    report_.records = options.records;
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
    const std::string& scenario = options_.scenario;
    if (scenario == "hold") return Hold();
    if (scenario == "expiry") return Expiry();
    if (scenario == "rollback") return Rollback();
    if (scenario == "keyslot-loss") return KeyslotLoss();
    return Revoke();
  }

  absl::Status Make() {
    DrillSettings settings;
    settings.folder = folder_;
    settings.holdfastd = options_.holdfastd.empty() ? Holdfastd() : options_.holdfastd;
    settings.records = options_.records;
    if (options_.scenario == "expiry") settings.record_lifetime_seconds = kShortLife;
    const std::string slots = slots_.empty() ? folder_ : slots_;
    settings.any_file_system = slots_.empty();
    keyslots_ = {JoinPath(slots, "drill-keyslot")};
    if (options_.scenario == "keyslot-loss") {
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
    report_.keyslot =
        status.Text("keyslot") + (slots_.empty() ? " on any file system" : " in " + slots_);
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
  absl::Status Ask(Asking& asking) {
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
  absl::Status EndAsking(Asking& asking, Steady::time_point order, Stops stops) {
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
    Asking asking(transfer_, AffectedRows());
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
    Asking asking(transfer_, rows_);
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
    Asking asking(transfer_, rows_);
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
  const Options& options_;
  const std::string folder_;
  const std::string slots_;
  std::vector<std::string> keyslots_;
  std::unique_ptr<DrillGateway> gateway_;
  DrillReport report_;
  std::string transfer_;
  std::vector<std::uint32_t> rows_;
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
  if (options.records == 0 || options.records > kMaxRecords) {
    return MakeError(Reason::kRequestMalformed, "--records is from 1 to 2,000,000");
  }
  if (std::find(std::begin(kScenarios), std::end(kScenarios), options.scenario) ==
      std::end(kScenarios)) {
    return MakeError(Reason::kRequestMalformed,
                     "--scenario is revoke, hold, expiry, rollback or keyslot-loss");
  }
  // Without a key of somebody's the signature shows no more than that the report is whole.
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key,
                      options.key.empty()
                          ? crypto::SigningKey::Generate(session.random())
                          : session.ReadSigningKey(options.key, options.passphrase_file));
  HF_ASSIGN_OR_RETURN(const std::string folder, MakeOwnFolder(session, options.folder));
  std::string slots;
  if (!options.keyslot.empty()) {
    auto made = MakeOwnFolder(session, JoinPath(options.keyslot, "holdfast-drill"));
    if (!made.ok()) {
      Discard(session, folder);
      return made.status();
    }
    slots = *std::move(made);
  }
  Drill drill(session, options, folder, slots);
  const DrillReport report = drill.Run();
  HF_ASSIGN_OR_RETURN(const std::string text, evidence::SignDrillReport(report, key));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(text), Overwrite::kPermit));
  if (!options.metrics.empty()) {
    HF_RETURN_IF_ERROR(session.WriteFile(options.metrics, AsBytes(evidence::DrillMetrics(report)),
                                         Overwrite::kPermit));
  }
  if (!options.keep) {
    Discard(session, folder);
    if (!slots.empty()) Discard(session, slots);
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
  run.Optional("--scenario", options->scenario,
               "revoke (default), hold, expiry, rollback or keyslot-loss")
      .Number("--records", options->records, "how many made-up records; default 200")
      .Required("--folder", options->folder, "a folder that does not exist; removed at the end")
      .Required("--out", options->out, "the signed report; one that is there is replaced")
      .Optional("--keyslot", options->keyslot,
                "a folder for the drill's keyslot, on the medium whose worth is in question")
      .Optional("--holdfastd", options->holdfastd, "the daemon; default that of this installation")
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
