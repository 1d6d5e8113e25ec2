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
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "gtest/gtest.h"

#include "base/check.h"
#include "base/error.h"
#include "crypto/top_page.h"
#include "store/backup.h"
#include "store/sqlite_store.h"
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
  Attacker::Leaf record;
  Attacker::Leaf subject;
  bool destroyed = false;
};

// An exchange on a real database and a file keyslot, every version of whose files is kept.
class CopiedExchange {
 public:
  explicit CopiedExchange(std::uint64_t seed) : random_(seed) {
    world_.keyslot_disk = &keyslot_files_;
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
        KillAtAStep();
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

  // Revokes some rows of a transfer and approves their destruction.
  void Revoke() {
    if (transfers_.empty()) return;
    const std::uint32_t transfer = SomeTransfer();
    const std::uint32_t rows = RowsOf(transfer);
    const auto first = static_cast<std::uint32_t>(random_.Below(rows));
    const auto last = first + static_cast<std::uint32_t>(random_.Below(rows - first));
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
          all.push_back({{segments[record->record_segment].name.segment, record->record_leaf},
                         {segments[record->subject_segment].name.segment, record->subject_leaf},
                         record->destroyed()});
        }
      }
      return all;
    });
  }

  // All that an attacker gets but for old keyslots: each write, each version of the database that
  // was copied, backups, keys that were given up before anything was sealed under them, and today's
  // machine.
  Attacker MakeAttacker() {
    Attacker attacker = copies_;
    for (const FileHistory::Change& change : history_.changes()) {
      if (!change.path.starts_with("/keyslot")) attacker.TakeFile(change.bytes);
    }
    for (const Attacker::Key& key : given_up_) {
      attacker.TakeKey({reinterpret_cast<const std::byte*>(key.data()), key.size()});
    }
    for (const Bytes& area : AreasNow()) attacker.TakeFile(area);
    return attacker;
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
    if (transfers_.empty()) return;
    const std::uint32_t transfer = SomeTransfer();
    const auto outcome = world_.Do(world_.LeaseFact(transfer));
    if (!outcome.status.ok() || !outcome.decision.allowed()) return;
    const auto lease = world_.Read<std::uint32_t>(
        [](const exchange::Core& core) { return core.state.lease_count() - 1; });
    static_cast<void>(world_.Release(transfer, lease, {0}));
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

  void WaitForDestruction() {
    while (AnythingDue()) world_.clock().Advance(std::chrono::seconds(2));
  }

  void Restart() {
    world_.failpoint = nullptr;
    world_.Crash();
    world_.MustStart();
    ++kills_;
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
  void KillAtAStep() {
    const EpochStep step = kSteps[random_.Below(std::size(kSteps))];
    const order::v1::Order act = HoldAct();
    std::vector<Bytes> staged;
    world_.failpoint = [&](EpochStep now) {
      if (now != step) return absl::OkStatus();
      staged = AreasNow();
      return MakeError(Reason::kInternal, "killed by the test");
    };
    OrderWhatKills(act);
    CopyDatabase();
    Restart();
    if (step == EpochStep::kStaged) {
      // Nothing was ever written under the key that was staged: whoever has it has nothing.
      const std::set<Attacker::Key> before = RootKeysIn(staged);
      const std::set<Attacker::Key> after = RootKeysIn(AreasNow());
      std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                          std::back_inserter(given_up_));
    }
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

  std::set<Attacker::Key> RootKeysIn(const std::vector<Bytes>& areas) {
    Attacker reader(MakeAgreement()->exchange_id());
    for (const Bytes& area : areas) reader.TakeFile(area);
    return reader.keys();
  }

  const TempDir folder_;
  SeededRandom random_;
  FileHistory history_;
  PosixFileSystem posix_files_;
  CopyingFileSystem store_files_{posix_files_, history_};
  CopyingVfs vfs_{history_};
  Attacker copies_{MakeAgreement()->exchange_id()};  // With what was copied on the way.
  std::vector<Attacker::Key> given_up_;
  std::vector<std::uint32_t> transfers_;
  std::uint64_t holds_ = 0;
  std::uint64_t backups_ = 0;
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
};

void AttackARun(std::uint64_t seed, int steps, Tally& tally) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  CopiedExchange copied(seed);
  copied.MakeTransfer();
  for (int step = 0; step < steps; ++step) copied.Step();
  copied.MakeTransfer();
  copied.Revoke();
  copied.LetTimePass();
  copied.MakeTransfer();
  const std::vector<RecordTruth> truth = copied.Truth();

  Attacker attacker = copied.MakeAttacker();
  copied.GiveOldAreas(attacker, CopiedExchange::OldAreas::kWithoutASector);
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

  // Negative control: where the old root keys were kept, everything opens.
  Attacker with_old_keys = copied.MakeAttacker();
  copied.GiveOldAreas(with_old_keys, CopiedExchange::OldAreas::kWhole);
  with_old_keys.Work();
  for (const RecordTruth& record : truth) {
    EXPECT_TRUE(with_old_keys.Opens(record.record.first, record.record.second));
    EXPECT_TRUE(with_old_keys.Derives(record.subject.first, record.subject.second));
  }
  tally.kills += copied.kills();
  tally.torn_commits += copied.torn_commits();
}

TEST(DestructionAttack, EveryOldFileAndTodaysMachineOpenWhatLivesAndNothingElse) {
  store::PutTempDirsIntoMemory();
  Tally tally;
  for (std::uint64_t seed = 1; seed <= HF_ATTACK_RUNS; ++seed) {
    AttackARun(seed, HF_ATTACK_STEPS, tally);
  }
  std::printf("destroyed %llu, live %llu, kills %llu, torn commits %llu\n",
              static_cast<unsigned long long>(tally.destroyed),
              static_cast<unsigned long long>(tally.live),
              static_cast<unsigned long long>(tally.kills),
              static_cast<unsigned long long>(tally.torn_commits));
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
