// SPDX-License-Identifier: Apache-2.0
#include "cli/drill_scenarios.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/drill_requester.h"
#include "cli/drill_run.h"

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;
using Arguments = DrillRun::Arguments;
using Steady = DrillRun::Steady;
using Stops = DrillRun::Stops;

Arguments With(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string Refused(std::uint64_t refused, std::size_t of) {
  return fmt::format("{} of {} refused", refused, of);
}

absl::StatusOr<std::string> DisposalState(DrillRun& drill, std::uint64_t& index) {
  HF_ASSIGN_OR_RETURN(const DrillResult listed,
                      drill.gateway().Run("custodian-2", {"disposal", "list"}));
  index = listed.Number("revocation_index");
  return listed.Text("state");
}

absl::Status Certify(DrillRun& drill, std::uint64_t index) {
  DrillGateway& gateway = drill.gateway();
  return gateway
      .Run("counsel-1", {"disposal", "certificate", "create", std::to_string(index),
                         gateway.Path("export"), "--out", gateway.Path("erased.json")})
      .status();
}

absl::Status CheckCertificate(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  HF_ASSIGN_OR_RETURN(const DrillResult shown,
                      gateway.Run("",
                                  {"disposal", "certificate", "verify", gateway.Path("erased.json"),
                                   "--exchange-id", Hex(BytesOf(gateway.exchange())), "--export",
                                   gateway.Path("export")},
                                  {ExitStatus::kDone, ExitStatus::kDefectFound}));
  drill.Check("the certificate of cryptographic erase is genuine and complete",
              shown.exit == ExitStatus::kDone && shown.Number("records") == drill.affected().size(),
              fmt::format("{} records", shown.Number("records")));
  return absl::OkStatus();
}

absl::Status TryWaysBack(DrillRun& drill, const DrillRequester& asking) {
  const std::size_t affected = drill.affected().size();
  HF_ASSIGN_OR_RETURN(const std::uint64_t closed,
                      CountRefused(drill.gateway(), drill.transfer(), drill.affected()));
  drill.Check("a new lease gets none of the keys", closed == affected, Refused(closed, affected));
  HF_ASSIGN_OR_RETURN(const std::uint64_t all, drill.Closed());
  drill.Check("every other record still opens", all == affected, Refused(all, drill.rows().size()));
  drill.TryMemory(asking);
  HF_RETURN_IF_ERROR(drill.TryOldDatabase());
  HF_ASSIGN_OR_RETURN(const std::uint64_t again, drill.Closed());
  drill.Check("after a restart it is the same", again == affected,
              Refused(again, drill.rows().size()));
  return absl::OkStatus();
}

absl::Status Revoke(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  drill.report().affected = drill.affected().size();
  HF_RETURN_IF_ERROR(
      drill.Timed("keep the database as it is", [&] { return drill.KeepOldDatabase(); }));
  HF_RETURN_IF_ERROR(
      drill.Timed("export the ledger, as on any day", [&] { return drill.Export(); }));
  DrillRequester asking(drill.transfer(), drill.affected());
  HF_RETURN_IF_ERROR(drill.Ask(asking));
  const auto order = Steady::now();
  HF_RETURN_IF_ERROR(drill.Timed("revoke, in an epoch of its own", [&] {
    return gateway
        .Run("custodian-1",
             With({"disposal", "revoke", "--reason", "DRILL", "--yes"}, drill.Scope()))
        .status();
  }));
  std::uint64_t index = 0;
  HF_RETURN_IF_ERROR(DisposalState(drill, index).status());
  HF_RETURN_IF_ERROR(drill.Timed("approve by a second custodian", [&] {
    return gateway.Run("custodian-2", {"disposal", "approve", std::to_string(index), "--yes"})
        .status();
  }));
  HF_RETURN_IF_ERROR(drill.Timed("the agreement's window, and destroy", [&] {
    return drill.WaitUntilDestroyed(
        [&]() -> absl::StatusOr<bool> {
          HF_ASSIGN_OR_RETURN(const std::string state, DisposalState(drill, index));
          return state == "DESTROYED";
        },
        order);
  }));
  // Somebody has kept asking all the while.
  HF_RETURN_IF_ERROR(drill.Timed("watch a lease from before",
                                 [&] { return drill.EndAsking(asking, order, Stops::kRow); }));
  HF_RETURN_IF_ERROR(
      drill.Timed("export what the ledger has since", [&] { return drill.Export(); }));
  HF_RETURN_IF_ERROR(
      drill.Timed("verify it all, and certify", [&] { return Certify(drill, index); }));
  drill.report().to_certificate = Since(order);
  HF_RETURN_IF_ERROR(drill.Timed("try every way back", [&] { return TryWaysBack(drill, asking); }));
  HF_RETURN_IF_ERROR(drill.Timed("hold the certificate against the ledger",
                                 [&] { return CheckCertificate(drill); }));
  HF_RETURN_IF_ERROR(drill.Timed("export the ledger's end", [&] { return drill.Export(); }));
  return drill.Timed("verify the ledger", [&] { return drill.VerifyLedger(); });
}

absl::Status ExportAndVerify(DrillRun& drill) {
  HF_RETURN_IF_ERROR(drill.Timed("export the ledger", [&] { return drill.Export(); }));
  return drill.Timed("verify the ledger", [&] { return drill.VerifyLedger(); });
}

absl::Status PlaceHold(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  return drill.Timed("place a hold, in an epoch of its own", [&] {
    return gateway
        .Run("counsel-1", {"hold", "place", "--id", "drill-hold", "--matter", "DRILL", "--court",
                           "DRILL", "--order-reference", "DRILL", "--document",
                           gateway.Path("agreement.txt"), "--yes", "--transfer", drill.transfer()})
        .status();
  });
}

// Where no record may open any more.
absl::Status TryEveryRecord(DrillRun& drill, const DrillRequester& asking) {
  const std::size_t records = drill.rows().size();
  HF_ASSIGN_OR_RETURN(const std::uint64_t closed, drill.Closed());
  drill.Check("a new lease gets no key", closed == records, Refused(closed, records));
  drill.TryMemory(asking);
  HF_RETURN_IF_ERROR(drill.TryOldDatabase());
  HF_ASSIGN_OR_RETURN(const std::uint64_t again, drill.Closed());
  drill.Check("after a restart it is the same", again == records, Refused(again, records));
  return absl::OkStatus();
}

absl::Status Hold(DrillRun& drill) {
  drill.report().affected = drill.rows().size();
  HF_RETURN_IF_ERROR(
      drill.Timed("keep the database as it is", [&] { return drill.KeepOldDatabase(); }));
  DrillRequester asking(drill.transfer(), drill.rows());
  HF_RETURN_IF_ERROR(drill.Ask(asking));
  const auto order = Steady::now();
  HF_RETURN_IF_ERROR(PlaceHold(drill));
  HF_RETURN_IF_ERROR(drill.EndAsking(asking, order, Stops::kStream));
  HF_RETURN_IF_ERROR(
      drill.Timed("try every way around it", [&] { return TryEveryRecord(drill, asking); }));
  return ExportAndVerify(drill);
}

absl::Status Expiry(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  const std::size_t records = drill.rows().size();
  drill.report().affected = records;
  HF_RETURN_IF_ERROR(
      drill.Timed("keep the database as it is", [&] { return drill.KeepOldDatabase(); }));
  HF_ASSIGN_OR_RETURN(const DrillResult shown,
                      gateway.Run("requester-1", {"transfer", "show", drill.transfer()}));
  HF_ASSIGN_OR_RETURN(const UnixMillis deadline, ParseRfc3339(shown.Text("not_after")));
  const milliseconds left = deadline - drill.session().clock().WallNow();
  if (left <= milliseconds(0)) {
    return MakeError(Reason::kInternal, "the records expired before the drill could ask for them");
  }
  const auto end_of_life = Steady::now() + left;
  DrillRequester asking(drill.transfer(), drill.rows());
  HF_RETURN_IF_ERROR(drill.Ask(asking));
  HF_RETURN_IF_ERROR(drill.Timed("wait for the deadline", [&] {
    Pause(std::chrono::duration_cast<milliseconds>(end_of_life - Steady::now()));
    return absl::OkStatus();
  }));
  HF_RETURN_IF_ERROR(drill.EndAsking(asking, end_of_life, Stops::kRow));
  HF_RETURN_IF_ERROR(drill.Timed("the agreement's window, and destroy", [&] {
    return drill.WaitUntilDestroyed(
        [&]() -> absl::StatusOr<bool> {
          HF_ASSIGN_OR_RETURN(const DrillResult now, gateway.Run("auditor-1", {"status"}));
          const JsonValue* of = now.objects.back().Find("records");
          const JsonValue* destroyed = of == nullptr ? nullptr : of->Find("destroyed");
          return destroyed != nullptr && destroyed->kind() == JsonValue::Kind::kInteger &&
                 static_cast<std::uint64_t>(destroyed->integer()) >= records;
        },
        end_of_life);
  }));
  HF_RETURN_IF_ERROR(
      drill.Timed("try every way back", [&] { return TryEveryRecord(drill, asking); }));
  return ExportAndVerify(drill);
}

absl::Status Rollback(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  const std::size_t records = drill.rows().size();
  drill.report().affected = records;
  HF_RETURN_IF_ERROR(
      drill.Timed("keep the database as it is", [&] { return drill.KeepOldDatabase(); }));
  const std::string backup = gateway.Path("before.backup");
  HF_RETURN_IF_ERROR(
      gateway.Run("", {"backup", "create", "--state", gateway.Path("state"), "--out", backup})
          .status());
  HF_RETURN_IF_ERROR(PlaceHold(drill));
  HF_RETURN_IF_ERROR(
      drill.Timed("put the old database in place", [&] { return drill.TryOldDatabase(); }));
  HF_ASSIGN_OR_RETURN(
      const DrillResult void_backup,
      gateway.Run("", {"backup", "verify", backup, "--state", gateway.Path("state")},
                  {ExitStatus::kDone, ExitStatus::kDefectFound}));
  drill.Check("the backup from before is void", void_backup.exit == ExitStatus::kDefectFound,
              fmt::format("of epoch {}, and it is epoch {}", void_backup.Number("epoch"),
                          void_backup.Number("present_epoch")));
  HF_ASSIGN_OR_RETURN(const std::uint64_t closed, drill.Closed());
  drill.Check("the hold is in force", closed == records, Refused(closed, records));
  return ExportAndVerify(drill);
}

absl::Status StrikeOff(DrillRun& drill, std::uint64_t epoch) {
  DrillGateway& gateway = drill.gateway();
  const std::string id = Hex(BytesOf(gateway.exchange()));
  HF_RETURN_IF_ERROR(
      gateway
          .Run("custodian-1", {"keyslot", "order", "--keyslots", "mirror(file,file)", "--member",
                               "2", "--epoch", std::to_string(epoch), "--reason", "DRILL",
                               "--exchange-id", id, "--out", gateway.Path("lost-1.json")})
          .status());
  HF_RETURN_IF_ERROR(
      gateway
          .Run("counsel-1", {"keyslot", "order", "--countersign", gateway.Path("lost-1.json"),
                             "--exchange-id", id, "--out", gateway.Path("lost.json")})
          .status());
  return gateway
      .Run("", {"keyslot", "strike-off", gateway.Path("lost.json"), "--state",
                gateway.Path("state"), "--agreement", gateway.Path("agreement.dsse")})
      .status();
}

absl::Status KeyslotLoss(DrillRun& drill) {
  DrillGateway& gateway = drill.gateway();
  FileSystem& files = drill.session().files();
  const std::string& kept = drill.keyslots().front();
  const std::string& mirror = drill.keyslots().back();
  drill.report().affected = drill.rows().size();
  HF_ASSIGN_OR_RETURN(const DrillResult status, gateway.Run("auditor-1", {"status"}));
  const std::uint64_t epoch = status.Number("epoch");
  HF_RETURN_IF_ERROR(gateway.Stop());
  const std::string lost = mirror + "-lost";
  HF_RETURN_IF_ERROR(files.Rename(mirror, lost));
  HF_RETURN_IF_ERROR(gateway.Configure({kept}));
  HF_ASSIGN_OR_RETURN(const std::string alone, gateway.MustRefuse());
  drill.Check("no operator leaves a lost keyslot out", alone == "KEYSLOT_FAILED",
              alone.empty() ? "it was served" : alone);
  HF_RETURN_IF_ERROR(
      drill.Timed("two people strike it off", [&] { return StrikeOff(drill, epoch); }));
  const auto order = Steady::now();
  HF_RETURN_IF_ERROR(drill.Timed("go on without it, in an epoch of its own", [&] {
    const absl::Status started = gateway.Start();
    if (!started.ok()) return started;
    return drill.WaitUntilDestroyed(
        [&]() -> absl::StatusOr<bool> {
          HF_ASSIGN_OR_RETURN(const DrillResult now, gateway.Run("auditor-1", {"status"}));
          return now.Number("epoch") > epoch;
        },
        order);
  }));
  drill.report().to_destruction.reset();  // No record's key was destroyed.
  HF_ASSIGN_OR_RETURN(const std::uint64_t closed, drill.Closed());
  drill.Check("every record still opens", closed == 0, fmt::format("{} refused", closed));
  HF_RETURN_IF_ERROR(gateway.Stop());
  HF_RETURN_IF_ERROR(files.Rename(lost, mirror));
  HF_RETURN_IF_ERROR(gateway.Configure({mirror}));
  HF_ASSIGN_OR_RETURN(const std::string back, gateway.MustRefuse());
  drill.Check("the lost keyslot opens nothing any more", back == "EPOCH_UNKNOWN",
              back.empty() ? "it was served" : back);
  HF_RETURN_IF_ERROR(gateway.Configure({kept}));
  HF_RETURN_IF_ERROR(gateway.Start());
  return ExportAndVerify(drill);
}

absl::Status RunScenario(DrillRun& drill) {
  HF_RETURN_IF_ERROR(drill.Prepare());
  const std::string& scenario = drill.plan().scenario;
  if (scenario == "hold") return Hold(drill);
  if (scenario == "expiry") return Expiry(drill);
  if (scenario == "rollback") return Rollback(drill);
  if (scenario == "keyslot-loss") return KeyslotLoss(drill);
  return Revoke(drill);
}

}  // namespace

evidence::DrillReport RunDrillPlan(Session& session, const DrillPlan& plan) {
  DrillRun drill(session, plan);
  return drill.End(RunScenario(drill));
}

}  // namespace holdfast::cli
