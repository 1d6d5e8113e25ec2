// SPDX-License-Identifier: Apache-2.0
// R32, R33: somebody with every version of every file that the daemon ever wrote, and with today's
// whole machine, opens every record that lives and none that was destroyed. The same attacker does
// get keys back where a destruction is less than it has to be: a row deleted, an old root key kept,
// a parent sealed again under its old key.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "gtest/gtest.h"

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "crypto/top_page.h"
#include "store/backup.h"
#include "store/sqlite_store.h"
#include "tests/daemon/exchange/attacked_device.h"
#include "tests/daemon/exchange/attacker.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/copying_file_system.h"
#include "tests/support/copying_vfs.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {
namespace {

using exchange::EpochStep;

constexpr EpochStep kSteps[] = {EpochStep::kPlanned,  EpochStep::kStaged, EpochStep::kCommitted,
                                EpochStep::kReadBack, EpochStep::kErased, EpochStep::kAdopted,
                                EpochStep::kRecorded};

// Far longer than a killed process lives: it shall not open its files again by itself.
constexpr std::chrono::hours kNoRecovery{1000};

Bytes ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return ToBytes(text.str());
}

void WriteFile(const std::string& path, ByteSpan bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << AsText(bytes);
  HF_CHECK(out.good());
}

// The root of a backup's ledger.
absl::StatusOr<store::Hash> RootOf(store::Reader& reader) {
  crypto::Frontier frontier;
  HF_RETURN_IF_ERROR(reader.ForEachEntry(0, [&](std::uint64_t, ByteSpan entry) {
    frontier.Append(crypto::LeafHash(entry));
    return absl::OkStatus();
  }));
  return frontier.Root();
}

// The database with every frame of its log put in, whether a commit vouches for it or not.
Bytes WithEveryFrame(Bytes database, ByteSpan log) {
  constexpr std::size_t kPage = std::size_t{16} << 10;
  constexpr std::size_t kLogHeader = 32;
  constexpr std::size_t kFrameHeader = 24;
  for (std::size_t at = kLogHeader; at + kFrameHeader + kPage <= log.size();
       at += kFrameHeader + kPage) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      number = number << 8 | std::to_integer<std::size_t>(log[at + i]);
    }
    if (number == 0 || number > 4096) continue;
    if (database.size() < number * kPage) database.resize(number * kPage);
    const ByteSpan page = log.subspan(at + kFrameHeader, kPage);
    std::copy(page.begin(), page.end(),
              database.begin() + static_cast<std::ptrdiff_t>((number - 1) * kPage));
  }
  // Without a log, and as long as it is.
  if (database.size() > 32) {
    database[18] = database[19] = std::byte{1};
    for (std::size_t i = 0; i < 4; ++i) {
      database[28 + i] = std::byte(database.size() / kPage >> (24 - 8 * i) & 0xffU);
    }
  }
  return database;
}

struct RecordTruth {
  std::uint32_t transfer = 0;
  Attacker::Leaf record;
  Attacker::Leaf subject;
  bool destroyed = false;
};

// An exchange on a real database and a file keyslot, or one on a device, every version of whose
// files is kept.
class CopiedExchange {
 public:
  explicit CopiedExchange(std::uint64_t seed, std::unique_ptr<AttackedDevice> device = nullptr)
      : random_(seed), device_(std::move(device)) {
    world_.keyslot_disk = &keyslot_files_;
    if (device_ != nullptr) {
      world_.open_keyslot = [this] { return device_->Open(keyslot_files_, "/keyslot"); };
    }
    world_.seals_envelopes = true;
    world_.recovery_delay = kNoRecovery;
    std::filesystem::create_directory(folder());
    world_.open_store = [this] {
      store::SqliteStoreOptions options;
      options.files = &store_files_;
      options.vfs = vfs_.name();
      options.reserve_bytes = 0;
      return store::OpenSqliteStore(folder(), options);
    };
    world_.MustStart();
  }

  ~CopiedExchange() { world_.Stop(); }

  ExchangeWorld& world() { return world_; }
  std::string folder() const { return folder_.File("state"); }

  void Step() {
    switch (random_.Below(11)) {
      case 0:
      case 1:
        MakeTransfer();
        break;
      case 2:
        Release();
        break;
      case 3:
      case 4:
        Revoke();
        break;
      case 5:
      case 10:
        LetTimePass();
        break;
      case 6:
        Hold();
        break;
      case 7:
        KillAt(kSteps[random_.Below(std::size(kSteps))]);
        break;
      case 8:
        FailAWrite();
        break;
      case 9:
        BackUp();
        break;
    }
    CopyDatabase();
  }

  void MakeTransfer() {
    transfers_.push_back(world_.MustMakeTransfer(1 + static_cast<std::uint32_t>(random_.Below(6))));
  }

  // Lives through each thing that an attacker could use, so that no run is without: the keys of a
  // transfer leave and are destroyed later, a staged root key is given up, and a backup is made of
  // the epoch that is still today's when the attacker comes. The device is copied while the
  // transfer lives. Returns the transfer.
  std::uint32_t LiveThroughEverything() {
    MakeTransfer();
    const std::uint32_t transfer = transfers_.back();
    EXPECT_TRUE(Release(transfer));
    if (device_ != nullptr) device_->Copy();
    const std::uint32_t last = RowsOf(transfer) - 1;
    Revoke(transfer, 0, last);
    LetTimePass();
    const std::uint64_t given_up = given_up_.size();
    KillAt(EpochStep::kStaged);
    EXPECT_GT(given_up_.size(), given_up);
    Revoke();
    LetTimePass();
    // The sweeper may begin an epoch of its own meanwhile.
    do {
      BackUp();
      MakeTransfer();
      WaitForDestruction();
    } while (EpochIsPending() || backup_epochs_.back() != world_.epoch());
    return transfer;
  }

  // Revokes some rows of a transfer and approves their destruction.
  void Revoke() {
    if (transfers_.empty()) return;
    const std::uint32_t transfer = SomeTransfer();
    const std::uint32_t rows = RowsOf(transfer);
    const auto first = static_cast<std::uint32_t>(random_.Below(rows));
    Revoke(transfer, first, first + static_cast<std::uint32_t>(random_.Below(rows - first)));
  }

  void Revoke(std::uint32_t transfer, std::uint32_t first, std::uint32_t last) {
    const auto revoked = world_.Order("paula", world_.RevokeAct(transfer, first, last));
    if (!revoked.status.ok() || !revoked.decision.allowed()) return;
    static_cast<void>(world_.Order("pete", world_.ApproveDestructionAct(revoked.index)));
  }

  // Long enough for what is approved, and for some records to expire.
  void LetTimePass() {
    world_.clock().Advance(std::chrono::hours(100));
    WaitForDestruction();
  }

  // Every record, and whether the ledger calls it destroyed.
  std::vector<RecordTruth> Truth() {
    return world_.Read<std::vector<RecordTruth>>([](const exchange::Core& core) {
      std::vector<RecordTruth> all;
      const auto& segments = core.vault.segments();
      for (std::uint32_t transfer = 0; transfer < core.state.transfers().size(); ++transfer) {
        for (std::uint32_t row = 0;; ++row) {
          const policy::Record* record = core.state.FindRecord({transfer, row});
          if (record == nullptr) break;
          all.push_back({transfer,
                         {segments[record->record_segment].name.segment, record->record_leaf},
                         {segments[record->subject_segment].name.segment, record->subject_leaf},
                         record->destroyed()});
        }
      }
      return all;
    });
  }

  // Ends the process. What follows is an attacker's, who can reach a device then.
  void Stop() {
    todays_epoch_ = world_.epoch();
    world_.Stop();
  }

  // All that an attacker gets but for old keyslots: each write, each version of the database that
  // was copied, backups, keys that were given up before anything was sealed under them, and today's
  // machine. With a device also each version of each file of the keyslot's folder, since these are
  // worth nothing without it.
  Attacker MakeAttacker() {
    Attacker attacker = copies_;
    for (const FileHistory::Change& change : history_.changes()) {
      if (!change.path.starts_with("/keyslot")) attacker.TakeFile(change.bytes);
    }
    for (const Attacker::Key& key : given_up_) Take(attacker, key);
    if (device_ == nullptr) {
      for (const Bytes& area : AreasNow()) attacker.TakeFile(area);
    } else {
      const std::vector<Bytes> files = OldFiles();
      EXPECT_GT(files.size(), 2U);
      for (const Bytes& file : files) attacker.TakeFile(file);
      for (const auto& [epoch, key] : device_->Ask(files)) Take(attacker, key);
    }
    return attacker;
  }

  // And the copy of the device.
  void GiveOldDevice(Attacker& attacker) {
    for (const auto& [epoch, key] : device_->AskCopy(OldFiles())) Take(attacker, key);
  }

  // Every content that an area of the keyslot ever had, whole or after the medium lost a sector.
  enum class OldAreas { kWithoutASector, kWhole };
  void GiveOldAreas(Attacker& attacker, OldAreas how) {
    constexpr std::size_t kSector = 512;
    std::size_t given = 0;
    history_.ForEachVersion([&](const std::string& path, ByteSpan content) {
      if (!path.starts_with("/keyslot/area")) return;
      Bytes area = ToBytes(content);
      if (how == OldAreas::kWithoutASector) {
        const auto lost = static_cast<std::ptrdiff_t>(random_.Below(area.size() / kSector));
        std::fill_n(area.begin() + lost * static_cast<std::ptrdiff_t>(kSector), kSector,
                    std::byte{0});
      }
      attacker.TakeFile(area);
      ++given;
    });
    EXPECT_GT(given, 4U);
  }

  std::uint64_t kills() const { return kills_; }
  std::uint64_t torn_commits() const { return torn_commits_; }
  std::uint64_t releases() const { return releases_; }
  std::uint64_t given_up() const { return given_up_.size(); }

  // How many backups were made in the epoch in which the exchange was stopped.
  std::uint64_t todays_backups() const {
    return static_cast<std::uint64_t>(
        std::count(backup_epochs_.begin(), backup_epochs_.end(), todays_epoch_));
  }

 private:
  std::uint32_t SomeTransfer() {
    return transfers_[static_cast<std::size_t>(random_.Below(transfers_.size()))];
  }

  std::uint32_t RowsOf(std::uint32_t transfer) {
    return world_.Read<std::uint32_t>([transfer](const exchange::Core& core) {
      std::uint32_t rows = 0;
      while (core.state.FindRecord({transfer, rows}) != nullptr) ++rows;
      return rows;
    });
  }

  void Release() {
    if (!transfers_.empty()) static_cast<void>(Release(SomeTransfer()));
  }

  // Whether a key left.
  bool Release(std::uint32_t transfer) {
    const auto outcome = world_.Do(world_.LeaseFact(transfer));
    if (!outcome.status.ok() || !outcome.decision.allowed()) return false;
    const auto lease = world_.Read<std::uint32_t>(
        [](const exchange::Core& core) { return core.state.lease_count() - 1; });
    const exchange::ReleaseOutcome released = world_.Release(transfer, lease, {0});
    if (!released.status.ok() || !released.decision.allowed()) return false;
    releases_ += released.released.size();
    return !released.released.empty();
  }

  order::v1::Order HoldAct() {
    order::v1::Order act = ExchangeWorld::HoldAct("hold-" + std::to_string(++holds_));
    // One that preserves everything would leave nothing to destroy.
    if (!random_.OneIn(3)) act.mutable_place_hold()->set_kind(order::v1::FREEZE);
    if (!transfers_.empty()) {
      const std::uint32_t transfer = SomeTransfer();
      auto& scope = *act.mutable_place_hold()->mutable_scope();
      scope.Clear();
      scope.set_transfer(world_.Read<std::string>([transfer](const exchange::Core& core) {
        return policy::TransferName(core.state.transfer(transfer)->id);
      }));
      auto& rows = *scope.add_rows();
      rows.set_first(0);
      rows.set_last(0);
    } else {
      act.mutable_place_hold()->set_kind(order::v1::FREEZE);
      act.mutable_place_hold()->mutable_scope()->Clear();
      act.mutable_place_hold()->mutable_scope()->set_authority("statute-of-another-day");
    }
    return act;
  }

  void Hold() { static_cast<void>(world_.Order("carol", HoldAct())); }

  // Whether a destruction is approved that no hold keeps.
  bool AnythingDue() {
    return world_.Read<bool>([](const exchange::Core& core) {
      const policy::State& state = core.state;
      return std::any_of(state.open_disposals().begin(), state.open_disposals().end(),
                         [&](std::uint64_t index) {
                           const policy::Disposal& disposal = *state.FindDisposal(index);
                           return disposal.state == policy::DisposalState::kApproved &&
                                  !Preserved(state, disposal);
                         });
    });
  }

  static bool Preserved(const policy::State& state, const policy::Disposal& disposal) {
    for (const policy::RowRuns& rows : disposal.records.transfers) {
      const policy::Transfer& transfer = *state.transfer(rows.transfer);
      for (const policy::RowRun& run : rows.runs) {
        for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
          const auto facts = transfer.FactsOf(row, *transfer.records.Find(row));
          if (state.holds().Preserving(facts, {}) != nullptr) return true;
        }
      }
    }
    return false;
  }

  bool EpochIsPending() {
    return world_.Read<bool>([](const exchange::Core& core) { return core.state.epoch_pending(); });
  }

  void WaitForDestruction() {
    while (AnythingDue()) world_.clock().Advance(std::chrono::seconds(2));
  }

  void Restart() {
    world_.failpoint = nullptr;
    world_.Crash();
    world_.MustStart();
    ++kills_;
  }

  static void Take(Attacker& attacker, const Attacker::Key& key) {
    attacker.TakeKey({reinterpret_cast<const std::byte*>(key.data()), key.size()});
  }

  // The epoch of the database of a stopped exchange.
  std::uint64_t StoredEpoch() {
    const auto store = world_.open_store();
    HF_CHECK(store.ok());
    return (*store)->ReadHead().value().epoch;
  }

  // Remembers the root keys that the slot of a stopped exchange has of an epoch that was not
  // committed: the next start gives them up. Only where nothing was ever written under them, so
  // that whoever has them has nothing; one whose commit was torn opens what was written of that
  // commit, and is as secret as any root key until it is erased (I3).
  void TakeWhatIsGivenUp() {
    const std::uint64_t committed = StoredEpoch();
    std::vector<AttackedDevice::Candidate> held;
    if (device_ != nullptr) {
      held = device_->Ask(FilesNow());
    } else {
      for (const Bytes& area : AreasNow()) {
        Attacker reader(MakeAgreement()->exchange_id());
        reader.TakeFile(area);
        for (const Attacker::Key& key : reader.keys()) held.emplace_back(EpochOf(area), key);
      }
    }
    for (const auto& [epoch, key] : held) {
      if (epoch > committed) given_up_.push_back(key);
    }
  }

  // An order to an exchange that is about to stop, and may have stopped before it is asked what the
  // order must say: something of its own was due.
  void OrderWhatKills(const order::v1::Order& act) {
    try {
      static_cast<void>(world_.Order("carol", act));
    } catch (const std::runtime_error&) {
      EXPECT_FALSE(world_.exchange().serving());
    }
  }

  // Kills the process at one step of the epoch change that a hold makes.
  void KillAt(EpochStep step) {
    const order::v1::Order act = HoldAct();
    world_.failpoint = [&](EpochStep now) {
      if (now != step) return absl::OkStatus();
      return MakeError(Reason::kInternal, "killed by the test");
    };
    OrderWhatKills(act);
    CopyDatabase();
    world_.Stop();
    if (step == EpochStep::kStaged) TakeWhatIsGivenUp();
    Restart();
  }

  // Tears the commit of an epoch change: what was written of it stays in the log.
  void FailAWrite() {
    const order::v1::Order act = HoldAct();
    vfs_.FailWrites(static_cast<std::int64_t>(random_.Below(12)));
    OrderWhatKills(act);
    // What fails after the answer stops the exchange as well.
    if (!vfs_.StopFailing()) return;
    ++torn_commits_;
    CopyDatabase();
    Restart();
  }

  void BackUp() {
    PosixFileSystem files;
    const std::string path = folder_.File("backup-" + std::to_string(++backups_));
    ASSERT_TRUE(store::BackUpStore(files, folder(), path).ok());
    backup_epochs_.push_back(store::InspectBackup(path, RootOf).value().head.epoch);
    copies_.TakeDatabase(path);
  }

  void CopyDatabase() {
    const std::string copy = folder_.File("copy");
    const Bytes database = ReadFile(folder() + "/database");
    const Bytes log = ReadFile(folder() + "/database-wal");
    WriteFile(copy, database);
    WriteFile(copy + "-wal", log);
    copies_.TakeDatabase(copy);
    RemoveCopy();
    WriteFile(copy, WithEveryFrame(database, log));
    copies_.TakeDatabase(copy);
    RemoveCopy();
  }

  void RemoveCopy() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(folder_.File("copy") + suffix);
    }
  }

  std::vector<Bytes> AreasNow() {
    std::vector<Bytes> areas;
    for (const char* name : {"/keyslot/area-0", "/keyslot/area-1"}) {
      areas.push_back(world_.keyslot_files().ReadWhole(name, std::size_t{256} << 10).value());
    }
    return areas;
  }

  static std::uint64_t EpochOf(const Bytes& area) {
    std::uint64_t epoch = 0;
    for (const std::byte byte : ByteSpan(area).subspan(6, 8)) {
      epoch = epoch << 8 | std::to_integer<std::uint64_t>(byte);
    }
    return epoch;
  }

  // What lies in the folder of a keyslot on a device.
  std::vector<Bytes> FilesNow() {
    std::vector<Bytes> files;
    const std::vector<std::string> names = world_.keyslot_files().List("/keyslot").value();
    for (const std::string& name : names) {
      const std::string path = JoinPath("/keyslot", name);
      files.push_back(world_.keyslot_files().ReadWhole(path, std::size_t{64} << 10).value());
    }
    return files;
  }

  // And whatever ever lay there.
  std::vector<Bytes> OldFiles() {
    std::set<Bytes> files;
    history_.ForEachVersion([&](const std::string& path, ByteSpan content) {
      if (path.starts_with("/keyslot/")) files.insert(ToBytes(content));
    });
    return {files.begin(), files.end()};
  }

  const TempDir folder_;
  SeededRandom random_;
  const std::unique_ptr<AttackedDevice> device_;
  FileHistory history_;
  PosixFileSystem posix_files_;
  CopyingFileSystem store_files_{posix_files_, history_};
  CopyingVfs vfs_{history_};
  Attacker copies_{MakeAgreement()->exchange_id()};  // With what was copied on the way.
  std::vector<Attacker::Key> given_up_;
  std::vector<std::uint32_t> transfers_;
  std::vector<std::uint64_t> backup_epochs_;
  std::uint64_t todays_epoch_ = 0;
  std::uint64_t holds_ = 0;
  std::uint64_t backups_ = 0;
  std::uint64_t releases_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t torn_commits_ = 0;
  ExchangeWorld world_;
  CopyingFileSystem keyslot_files_{world_.keyslot_files(), history_};
};

// What the whole set of runs came to: a run of chance may lack something, all of them may not.
struct Tally {
  std::uint64_t destroyed = 0;
  std::uint64_t live = 0;
  std::uint64_t kills = 0;
  std::uint64_t torn_commits = 0;

  // What each run has to have had, for the attacker to try it.
  std::uint64_t without_given_up = 0;
  std::uint64_t without_todays_backup = 0;
  std::uint64_t without_release = 0;

  void Add(const CopiedExchange& run) {
    kills += run.kills();
    torn_commits += run.torn_commits();
    without_given_up += run.given_up() == 0 ? 1U : 0U;
    without_todays_backup += run.todays_backups() == 0 ? 1U : 0U;
    without_release += run.releases() == 0 ? 1U : 0U;
  }

  void Check(std::string_view keyslot) const {
    std::printf("%s: destroyed %llu, live %llu, kills %llu, torn commits %llu\n",
                std::string(keyslot).c_str(), static_cast<unsigned long long>(destroyed),
                static_cast<unsigned long long>(live), static_cast<unsigned long long>(kills),
                static_cast<unsigned long long>(torn_commits));
    EXPECT_EQ(without_given_up, 0U);
    EXPECT_EQ(without_todays_backup, 0U);
    EXPECT_EQ(without_release, 0U);
  }
};

// With all that it has, but for an old keyslot, the attacker opens what lives and nothing else.
void ExpectOnlyWhatLives(Attacker& attacker, const std::vector<RecordTruth>& truth, Tally& tally) {
  attacker.Work();
  for (const RecordTruth& record : truth) {
    ++(record.destroyed ? tally.destroyed : tally.live);
    EXPECT_EQ(attacker.Opens(record.record.first, record.record.second), !record.destroyed);
    EXPECT_EQ(attacker.Derives(record.record.first, record.record.second), !record.destroyed);
    EXPECT_EQ(attacker.Derives(record.subject.first, record.subject.second), !record.destroyed);
  }
  // It had old pages in plenty, and today's key opens none of them but those of its own epoch.
  EXPECT_GT(attacker.top_pages(), attacker.opened_top_pages());
  EXPECT_GE(attacker.opened_top_pages(), 1U);
}

void AttackARun(std::uint64_t seed, int steps, Tally& tally) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  CopiedExchange copied(seed);
  copied.MakeTransfer();
  for (int step = 0; step < steps; ++step) copied.Step();
  copied.LiveThroughEverything();
  const std::vector<RecordTruth> truth = copied.Truth();
  copied.Stop();
  tally.Add(copied);

  Attacker attacker = copied.MakeAttacker();
  copied.GiveOldAreas(attacker, CopiedExchange::OldAreas::kWithoutASector);
  ExpectOnlyWhatLives(attacker, truth, tally);

  // Negative control: where the old root keys were kept, everything opens.
  Attacker with_old_keys = copied.MakeAttacker();
  copied.GiveOldAreas(with_old_keys, CopiedExchange::OldAreas::kWhole);
  with_old_keys.Work();
  for (const RecordTruth& record : truth) {
    EXPECT_TRUE(with_old_keys.Opens(record.record.first, record.record.second));
    EXPECT_TRUE(with_old_keys.Derives(record.subject.first, record.subject.second));
  }
}

// The same with a device: the attacker has today's, and each file that the keyslot ever had.
void AttackADevice(std::uint64_t seed, int steps, std::unique_ptr<AttackedDevice> device,
                   Tally& tally) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  CopiedExchange copied(seed, std::move(device));
  copied.MakeTransfer();
  for (int step = 0; step < steps; ++step) copied.Step();
  const std::uint32_t destroyed = copied.LiveThroughEverything();
  const std::vector<RecordTruth> truth = copied.Truth();
  copied.Stop();
  tally.Add(copied);
  Attacker attacker = copied.MakeAttacker();
  ExpectOnlyWhatLives(attacker, truth, tally);

  // Negative control: with the device as it was before the destruction, what was destroyed opens.
  std::size_t revived = 0;
  Attacker with_old_device = copied.MakeAttacker();
  copied.GiveOldDevice(with_old_device);
  with_old_device.Work();
  for (const RecordTruth& record : truth) {
    if (record.transfer != destroyed) continue;
    EXPECT_TRUE(record.destroyed);
    EXPECT_TRUE(with_old_device.Opens(record.record.first, record.record.second));
    EXPECT_TRUE(with_old_device.Derives(record.subject.first, record.subject.second));
    ++revived;
  }
  EXPECT_GT(revived, 0U);
}

void AttackADeviceAgainAndAgain(std::string_view kind, std::unique_ptr<AttackedDevice> (*make)()) {
  store::PutTempDirsIntoMemory();
  Tally tally;
  for (std::uint64_t seed = 1; seed <= HF_DEVICE_ATTACK_RUNS; ++seed) {
    AttackADevice(seed, HF_DEVICE_ATTACK_STEPS, make(), tally);
  }
  tally.Check(kind);
  EXPECT_GT(tally.destroyed, 0U);
  EXPECT_GT(tally.live, 0U);
}

TEST(DestructionAttack, EveryOldFileAndTodaysTokenOpenWhatLivesAndNothingElse) {
  AttackADeviceAgainAndAgain("pkcs11", &MakeAttackedToken);
}

TEST(DestructionAttack, EveryOldFileAndTodaysTpmOpenWhatLivesAndNothingElse) {
  AttackADeviceAgainAndAgain("tpm2", &MakeAttackedTpm);
}

TEST(DestructionAttack, EveryOldFileAndTodaysMachineOpenWhatLivesAndNothingElse) {
  store::PutTempDirsIntoMemory();
  Tally tally;
  for (std::uint64_t seed = 1; seed <= HF_ATTACK_RUNS; ++seed) {
    AttackARun(seed, HF_ATTACK_STEPS, tally);
  }
  tally.Check("file");
  EXPECT_GT(tally.destroyed, 10U);
  EXPECT_GT(tally.live, 10U);
  EXPECT_GT(tally.kills, 1U);
  EXPECT_GT(tally.torn_commits, 0U);
}

// Runs statements on a database that nobody else has open.
void Execute(const std::string& path, const std::string& statements) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

// Negative control: a destruction that is a DELETE. Today's file alone gives the keys back, unless
// SQLite zeroes what it frees; and then each older file does.
TEST(DestructionAttack, ADeletedRowComesBack) {
  store::PutTempDirsIntoMemory();
  CopiedExchange copied(1);
  copied.MakeTransfer();
  const std::vector<RecordTruth> truth = copied.Truth();
  ASSERT_FALSE(truth.empty());
  const TempDir folder;
  PosixFileSystem files;
  for (const bool zeroes : {false, true}) {
    const std::string path = folder.File(zeroes ? "zeroed" : "freed");
    ASSERT_TRUE(store::BackUpStore(files, copied.folder(), path).ok());
    Execute(path, std::string("PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ") +
                      (zeroes ? "ON" : "OFF") + "; DELETE FROM segment_page;");
    Attacker attacker(MakeAgreement()->exchange_id());
    attacker.TakeDatabase(path);
    for (const char* name : {"/keyslot/area-0", "/keyslot/area-1"}) {
      attacker.TakeFile(
          copied.world().keyslot_files().ReadWhole(name, std::size_t{256} << 10).value());
    }
    attacker.Work();
    for (const RecordTruth& record : truth) {
      EXPECT_EQ(attacker.Opens(record.record.first, record.record.second), !zeroes);
    }
    Attacker with_old_files = copied.MakeAttacker();
    with_old_files.Work();
    for (const RecordTruth& record : truth) {
      EXPECT_TRUE(with_old_files.Opens(record.record.first, record.record.second));
    }
  }
}

// Negative control: the page of the keys is written anew without the destroyed one's, and sealed
// under the key that it had. Today's key and an old file are enough then.
TEST(DestructionAttack, AParentSealedAgainUnderItsOldKeyGivesAwayWhatItLost) {
  constexpr std::uint32_t kDestroyed = 4711;
  crypto::SystemRandom random;
  const ExchangeId exchange = MakeAgreement()->exchange_id();
  for (const bool changes_key : {false, true}) {
    const crypto::SegmentName name{exchange, SegmentId(crypto::Draw<16>(random)),
                                   crypto::SegmentKind::kRecord};
    const auto tree = crypto::SegmentTree::Create(random);
    auto top = crypto::TopPage::Create();
    ASSERT_TRUE(tree.ok() && top.ok());
    // From bytes that the attacker gets too. Taking them wipes them.
    auto root_bytes = crypto::Draw<32>(random);
    auto next_bytes = changes_key ? crypto::Draw<32>(random) : root_bytes;
    const auto todays_key = next_bytes;
    const auto root = crypto::SecretBytes::TakeFrom(root_bytes);
    const auto next = crypto::SecretBytes::TakeFrom(next_bytes);
    ASSERT_TRUE(root.ok() && next.ok());

    const auto old_page = top->AddSegment(name, *tree, random);
    const auto old_top = top->Seal(*root, exchange, {Epoch(1), {}}, random);
    const std::uint32_t leaves[] = {kDestroyed};
    const auto punctured = tree->Puncture(leaves);
    ASSERT_TRUE(punctured.ok());
    const auto new_page = top->ReplaceSegment(name, *punctured, random);
    const auto new_top = top->Seal(*next, exchange, {Epoch(2), {}}, random);
    ASSERT_TRUE(old_page.ok() && old_top.ok() && new_page.ok() && new_top.ok());

    Attacker attacker(exchange);
    for (const Bytes& page : {*old_page, *old_top, *new_page, *new_top}) attacker.TakeFile(page);
    attacker.TakeKey(todays_key);
    attacker.Work();
    EXPECT_EQ(attacker.Derives(name.segment, kDestroyed), !changes_key);
    EXPECT_TRUE(attacker.Derives(name.segment, kDestroyed + 1));
    EXPECT_EQ(attacker.opened_segment_pages(), changes_key ? 1U : 2U);
  }
}

}  // namespace
}  // namespace holdfast::test
