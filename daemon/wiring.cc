// SPDX-License-Identifier: Apache-2.0
#include "daemon/wiring.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "crypto/sha256.h"
#include "daemon/exchange/exchange.h"
#include "daemon/keyslots.h"
#include "daemon/observe/log.h"
#include "daemon/orders_folder.h"
#include "daemon/rpc/account_service.h"
#include "daemon/rpc/deposit_service.h"
#include "daemon/rpc/directory.h"
#include "daemon/rpc/drill_service.h"
#include "daemon/rpc/fetch_service.h"
#include "daemon/rpc/hold_service.h"
#include "daemon/rpc/key_service.h"
#include "daemon/rpc/ledger_service.h"
#include "daemon/rpc/order_service.h"
#include "daemon/rpc/person_service.h"
#include "daemon/rpc/review_service.h"
#include "daemon/rpc/submit_service.h"
#include "daemon/rpc/transfer_service.h"
#include "daemon/witnesses.h"
#include "policy/agreement_gate.h"
#include "policy/joint_order.h"
#include "store/sqlite_store.h"

namespace holdfast::daemon {
namespace {

constexpr std::size_t kMaxAgreementFileBytes = std::size_t{8} << 20;
constexpr std::size_t kMaxPlaceTableBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxSnapshotBytes = std::size_t{8} << 30;
constexpr char kSnapshotName[] = "snapshot";

// In the state folder: the epoch, for whoever makes backups, and that of the newest backup, by
// them.
constexpr char kEpochName[] = "epoch";
constexpr char kBackupEpochName[] = "backup-epoch";
constexpr std::size_t kMaxNoteBytes = 256;

// Gives `path` this content, or leaves the one that it has, and takes no room.
absl::Status KeepFile(FileSystem& files, const std::string& path, ByteSpan bytes) {
  absl::Status kept = ReplaceFile(files, path, bytes);
  // What the attempt met is the error that matters.
  if (!kept.ok()) static_cast<void>(files.Remove(path + ".new"));
  return kept;
}

absl::StatusOr<std::shared_ptr<const policy::PlaceTable>> LoadPlaces(
    FileSystem& files, const std::string& agreement_path,
    const policy::OpenedAgreement& agreement) {
  const agreement::v1::Gate& gate = agreement.message().gate();
  if (gate.place_table_path().empty()) return nullptr;
  const std::size_t slash = agreement_path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? std::string() : agreement_path.substr(0, slash + 1);
  // A path from the root on is taken as it is, as `holdfast agreement verify` takes it.
  const std::string path = gate.place_table_path().starts_with('/')
                               ? gate.place_table_path()
                               : folder + gate.place_table_path();
  HF_ASSIGN_OR_RETURN(const Bytes text, files.ReadWhole(path, kMaxPlaceTableBytes));
  if (Hex(crypto::Sha256Of(text)) != gate.place_table_sha256()) {
    return MakeError(Reason::kAgreementMismatch,
                     path + " is not the place table that the agreement names");
  }
  HF_ASSIGN_OR_RETURN(policy::PlaceTable places, policy::PlaceTable::Parse(AsText(text)));
  return std::make_shared<const policy::PlaceTable>(std::move(places));
}

}  // namespace

class Wiring::Impl final {
 public:
  Impl(const Clock& clock, FileSystem& files, observe::Metrics& metrics)
      : clock_(clock), files_(files), metrics_(metrics) {}

  absl::Status Open(const config::v1::Config& config) {
    HF_ASSIGN_OR_RETURN(const crypto::LibraryState library, crypto::InitLibrary());
    if (library.memory_locking != crypto::MemoryLocking::kAvailable) {
      observe::Warning("daemon", "memory_not_locked",
                       "memory cannot be locked: secrets may reach the swap device");
    }
    for (const config::v1::Exchange& exchange : config.exchanges()) {
      const absl::Status opened = OpenExchange(config, exchange);
      if (!opened.ok()) return AddMetadata(opened, "exchange", exchange.name());
    }
    return absl::OkStatus();
  }

  rpc::Directory& directory() { return directory_; }

  bool serving() const {
    for (const rpc::Hosted& hosted : directory_.hosted()) {
      if (!hosted.exchange->serving()) return false;
    }
    return true;
  }

  void OnServingChange(std::function<void(bool)> changed) {
    {
      MutexLock lock(mutex_);
      changed_ = std::move(changed);
    }
    for (const rpc::Hosted& hosted : directory_.hosted()) {
      hosted.exchange->OnServingChange([this](bool) {
        std::function<void(bool)> callback;
        {
          MutexLock lock(mutex_);
          callback = changed_;
        }
        if (callback) callback(serving());
      });
    }
  }

  void OnStruckOff(std::function<void()> struck) {
    {
      MutexLock lock(mutex_);
      struck_ = std::move(struck);
    }
    for (const rpc::Hosted& hosted : directory_.hosted()) {
      hosted.exchange->OnStruckOff([this] {
        std::function<void()> callback;
        {
          MutexLock lock(mutex_);
          callback = struck_;
        }
        if (callback) callback();
      });
    }
  }

  void LookForBackups() {
    for (const auto& [name, folder] : folders_) {
      const auto note = files_.ReadWhole(JoinPath(folder, kBackupEpochName), kMaxNoteBytes);
      std::uint64_t epoch = 0;
      for (const char c : note.ok() ? AsText(*note) : std::string_view()) {
        if (c < '0' || c > '9') break;
        epoch = epoch * 10 + static_cast<std::uint64_t>(c - '0');
      }
      metrics_.BackupEpoch(name, epoch);
    }
  }

  void Stop() {
    witnesses_.clear();
    directory_.Clear();
  }

 private:
  absl::Status OpenExchange(const config::v1::Config& config,
                            const config::v1::Exchange& exchange) {
    HF_ASSIGN_OR_RETURN(Bytes dsse,
                        files_.ReadWhole(exchange.agreement_path(), kMaxAgreementFileBytes));
    HF_ASSIGN_OR_RETURN(policy::OpenedAgreement agreement, policy::OpenAgreement(dsse));
    HF_ASSIGN_OR_RETURN(const Bytes id, FromHex(exchange.exchange_id()));
    HF_ASSIGN_OR_RETURN(const auto id_bytes, (ArrayFromBytes<Digest32>(id)));

    rpc::Hosted hosted;
    hosted.agreement = std::make_shared<const policy::OpenedAgreement>(std::move(agreement));
    HF_ASSIGN_OR_RETURN(hosted.places,
                        LoadPlaces(files_, exchange.agreement_path(), *hosted.agreement));
    HF_ASSIGN_OR_RETURN(policy::GateRules rules,
                        policy::GateRulesOf(*hosted.agreement, hosted.places.get()));
    hosted.rules = std::make_shared<const policy::GateRules>(std::move(rules));

    exchange::ExchangeOptions options;
    options.core.name = exchange.name();
    options.core.version = HF_VERSION;
    options.core.exchange = ExchangeId(id_bytes);
    options.core.agreement_dsse = std::move(dsse);
    options.core.clock = &clock_;
    options.core.random = &random_;
    options.core.open_store = [this, folder = exchange.state_directory(),
                               reserve = exchange.reserve_bytes()] {
      store::SqliteStoreOptions store_options;
      store_options.files = &files_;
      if (reserve != 0) store_options.reserve_bytes = reserve;
      return store::OpenSqliteStore(folder, store_options);
    };
    const std::string snapshot = JoinPath(exchange.state_directory(), kSnapshotName);
    options.core.read_snapshot = [this, snapshot] {
      return files_.ReadWhole(snapshot, kMaxSnapshotBytes);
    };
    options.core.write_snapshot = [this, snapshot](ByteSpan bytes) {
      return KeepFile(files_, snapshot, bytes);
    };
    options.core.read_restore = [this, folder = exchange.state_directory()](std::uint64_t size) {
      return files_.ReadWhole(JoinPath(folder, policy::RestoreOrderName(size)),
                              policy::kMaxJointOrderBytes);
    };
    options.core.read_keyslot_strike_off =
        [this, folder = exchange.state_directory()](std::uint64_t epoch) {
          return files_.ReadWhole(JoinPath(folder, policy::KeyslotStrikeOffName(epoch)),
                                  policy::kMaxJointOrderBytes);
        };
    options.core.open_keyslot = [this, config, exchange] {
      return OpenKeyslots(config, exchange, {&clock_, &files_, &random_});
    };
    options.core.keyslots_recorded = [this, exchange](std::string_view kind) {
      NoteKeyslots(exchange, kind, files_);
    };
    if (config.limits().queue_commands() != 0) {
      options.queue_commands = config.limits().queue_commands();
    }
    options.metrics = &metrics_;
    folders_.emplace_back(exchange.name(), exchange.state_directory());
    const std::string epoch_path = JoinPath(exchange.state_directory(), kEpochName);
    options.epoch_began = [this, epoch_path, name = exchange.name()](std::uint64_t epoch) {
      const absl::Status kept = KeepFile(files_, epoch_path, AsBytes(std::to_string(epoch) + "\n"));
      if (kept.ok()) return;
      observe::Warning("daemon", "epoch_not_noted",
                       "whoever makes backups does not learn that there is a new epoch",
                       {{"exchange", name}});
    };
    HF_ASSIGN_OR_RETURN(hosted.exchange, exchange::Exchange::Start(std::move(options)));
    HF_RETURN_IF_ERROR(hosted.exchange->WaitUntilServing());
    HF_RETURN_IF_ERROR(ApplyOrdersFolder(files_, exchange.state_directory() + "/orders", hosted));
    observe::Info("daemon", "exchange_opened", "an exchange is open",
                  {{"exchange", exchange.name()}});
    if (!hosted.agreement->witnesses().empty()) {
      std::map<std::string, std::string> urls;
      for (const config::v1::Witness& witness : exchange.witnesses()) {
        urls.emplace(witness.name(), witness.url());
      }
      witnesses_.push_back(
          std::make_unique<Witnesses>(*hosted.exchange, hosted.agreement, urls, clock_, metrics_));
    }
    directory_.Add(std::move(hosted));
    return absl::OkStatus();
  }

  const Clock& clock_;
  FileSystem& files_;
  observe::Metrics& metrics_;
  crypto::SystemRandom random_;
  Mutex mutex_;
  std::function<void(bool)> changed_ HF_GUARDED_BY(mutex_);
  std::function<void()> struck_ HF_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, std::string>> folders_;  // Names and state folders.
  rpc::Directory directory_;
  std::vector<std::unique_ptr<Witnesses>> witnesses_;  // Before the exchanges go.
};

Wiring::Wiring(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Wiring::~Wiring() = default;

absl::StatusOr<std::unique_ptr<Wiring>> Wiring::Open(const config::v1::Config& config,
                                                     const Clock& clock, FileSystem& files,
                                                     observe::Metrics& metrics) {
  auto impl = std::make_unique<Impl>(clock, files, metrics);
  HF_RETURN_IF_ERROR(impl->Open(config));
  return std::unique_ptr<Wiring>(new Wiring(std::move(impl)));
}

const rpc::Authority& Wiring::authority() const { return impl_->directory(); }

void Wiring::LookForBackups() { impl_->LookForBackups(); }

void Wiring::Register(rpc::MethodTable& table) {
  const rpc::Directory& directory = impl_->directory();
  rpc::RegisterTransfers(directory, table);
  rpc::RegisterSubmit(directory, table);
  rpc::RegisterFetch(directory, table);
  rpc::RegisterDeposit(directory, table);
  rpc::RegisterKeys(directory, table);
  rpc::RegisterDrills(directory, table);
  rpc::RegisterOrders(directory, table);
  rpc::RegisterHolds(directory, table);
  rpc::RegisterPeople(directory, table);
  rpc::RegisterReviews(directory, table);
  rpc::RegisterLedger(directory, table);
  rpc::RegisterAccounts(directory, table);
}

bool Wiring::serving() const { return impl_->serving(); }

void Wiring::OnServingChange(std::function<void(bool)> changed) {
  impl_->OnServingChange(std::move(changed));
}

void Wiring::OnStruckOff(std::function<void()> struck) { impl_->OnStruckOff(std::move(struck)); }

void Wiring::Stop() { impl_->Stop(); }

}  // namespace holdfast::daemon
