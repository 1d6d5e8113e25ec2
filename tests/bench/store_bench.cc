// SPDX-License-Identifier: Apache-2.0
// What the store costs beside the least that it could cost, in the same run on the same disk.
//
//   store_bench [--records=N] [--commits=N]
//
//   bulk     N envelopes of 512 B in chunks of 256, with an entry of 120 B for each envelope and
//   the
//            tiles; against SQLite itself with a row for each envelope, and nothing else. Once with
//            256 records a commit, where the disk's sync is what one waits for, and once with 4,096
//   small    one entry a group; against write() and fdatasync() of one page
//
// Ratios are what carries over to another machine.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "store/sqlite_store.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kEnvelopeBytes = 512;
constexpr std::size_t kEntryBytes = 120;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Where the disk is slow or the machine is busy, the second number is the one to look at.
struct Cost {
  double seconds = 0;
  double cpu_seconds = 0;
};

class Stopwatch final {
 public:
  Cost Read() const {
    Cost cost;
    cost.seconds = SecondsSince(start_);
    cost.cpu_seconds = static_cast<double>(std::clock() - cpu_start_) / CLOCKS_PER_SEC;
    return cost;
  }

 private:
  const SteadyClock::time_point start_ = SteadyClock::now();
  const std::clock_t cpu_start_ = std::clock();
};

// Bytes that differ from record to record, made outside of what is measured.
Bytes Pattern(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::byte& b : bytes) {
    state = state * 1664525u + 1013904223u;
    b = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

std::unique_ptr<Store> OpenStore(const std::string& folder, FileSystem& files) {
  SqliteStoreOptions options;
  options.files = &files;
  auto store = OpenSqliteStore(folder, options);
  HF_CHECK(store.ok());
  return *std::move(store);
}

Cost BulkStore(const std::string& folder, std::uint64_t records, std::uint64_t per_commit) {
  PosixFileSystem files;
  const auto store = OpenStore(folder, files);
  const Bytes chunk = Pattern(kRowsPerChunk * kEnvelopeBytes);
  const Bytes entry = Pattern(kEntryBytes);
  const Bytes tile = Pattern(kTileBytes);
  const Stopwatch watch;
  for (std::uint64_t first = 0; first < records;) {
    Group group;
    group.first_index = first;
    const std::uint64_t end = std::min(records, first + per_commit);
    for (; first < end; first += kRowsPerChunk) {
      const std::uint64_t number = first / kRowsPerChunk;
      group.entries.insert(group.entries.end(), kRowsPerChunk, entry);
      TileWrite& new_tile = group.tiles.emplace_back();
      new_tile.index = number;
      new_tile.bytes = tile;
      ChunkWrite& new_chunk = group.chunks.emplace_back();
      new_chunk.key.kind = ChunkKind::kEnvelopes;
      new_chunk.key.chunk = static_cast<std::uint32_t>(number);
      new_chunk.bytes = chunk;
    }
    group.root[0] = static_cast<std::byte>(end);
    HF_CHECK(store->Commit(group).ok());
  }
  return watch.Read();
}

Cost ScanStore(const std::string& folder, std::uint64_t records) {
  PosixFileSystem files;
  const auto store = OpenStore(folder, files);
  const Stopwatch watch;
  for (std::uint64_t i = 0; i < records / kRowsPerChunk; ++i) {
    ChunkKey key;
    key.kind = ChunkKind::kEnvelopes;
    key.chunk = static_cast<std::uint32_t>(i);
    HF_CHECK(store->ReadChunk(key).ok());
  }
  return watch.Read();
}

Cost WalkEntries(const std::string& folder) {
  PosixFileSystem files;
  const auto store = OpenStore(folder, files);
  const Stopwatch watch;
  const auto ignore = [](std::uint64_t, ByteSpan) -> absl::Status { return absl::OkStatus(); };
  HF_CHECK(store->ForEachEntry(0, ignore).ok());
  return watch.Read();
}

Cost BulkRows(const std::string& path, std::uint64_t records, std::uint64_t per_commit) {
  sqlite3* db = nullptr;
  HF_CHECK(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const auto run = [db](const char* sql) {
    HF_CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "CREATE TABLE envelope (record INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
  sqlite3_stmt* insert = nullptr;
  HF_CHECK(sqlite3_prepare_v2(db, "INSERT INTO envelope VALUES (?1, ?2)", -1, &insert, nullptr) ==
           SQLITE_OK);
  const Bytes envelope = Pattern(kEnvelopeBytes);
  const Stopwatch watch;
  for (std::uint64_t i = 0; i < records; ++i) {
    if (i % per_commit == 0) run("BEGIN IMMEDIATE");
    sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(i));
    sqlite3_bind_blob(insert, 2, envelope.data(), static_cast<int>(envelope.size()), nullptr);
    HF_CHECK(sqlite3_step(insert) == SQLITE_DONE);
    sqlite3_reset(insert);
    if (i % per_commit == per_commit - 1 || i + 1 == records) run("COMMIT");
  }
  const Cost cost = watch.Read();
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return cost;
}

struct Percentiles {
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
};

Percentiles PercentilesOf(std::vector<double> micros) {
  std::sort(micros.begin(), micros.end());
  const auto at = [&micros](double share) {
    const auto last = static_cast<double>(micros.size() - 1);
    return micros[static_cast<std::size_t>(share * last)];
  };
  Percentiles result;
  result.p50 = at(0.5);
  result.p99 = at(0.99);
  result.p999 = at(0.999);
  return result;
}

Percentiles SmallCommits(const std::string& folder, int commits) {
  PosixFileSystem files;
  const auto store = OpenStore(folder, files);
  const Bytes entry = Pattern(kEntryBytes);
  std::vector<double> micros;
  for (int i = 0; i < commits; ++i) {
    Group group;
    group.first_index = static_cast<std::uint64_t>(i);
    group.entries = {entry};
    group.root[0] = static_cast<std::byte>(i);
    const auto start = SteadyClock::now();
    HF_CHECK(store->Commit(group).ok());
    micros.push_back(SecondsSince(start) * 1e6);
  }
  return PercentilesOf(std::move(micros));
}

Percentiles BareSyncs(const std::string& path, int commits) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  HF_CHECK(fd >= 0);
  const Bytes page = Pattern(4096);
  std::vector<double> micros;
  for (int i = 0; i < commits; ++i) {
    const auto start = SteadyClock::now();
    HF_CHECK(::write(fd, page.data(), page.size()) == static_cast<ssize_t>(page.size()));
    HF_CHECK(::fdatasync(fd) == 0);
    micros.push_back(SecondsSince(start) * 1e6);
  }
  HF_CHECK(::close(fd) == 0);
  return PercentilesOf(std::move(micros));
}

void PrintBulk(const char* what, const Cost& cost, const Cost& baseline, std::uint64_t records) {
  std::printf("%-34s %7.2f s  %9.0f records/s  %5.2f of the baseline  CPU %6.2f s  %5.2f\n", what,
              cost.seconds, static_cast<double>(records) / cost.seconds,
              cost.seconds / baseline.seconds, cost.cpu_seconds,
              cost.cpu_seconds / baseline.cpu_seconds);
}

void PrintSmall(const char* what, const Percentiles& times, const Percentiles& baseline) {
  std::printf("%-34s p50 %7.0f us  p99 %7.0f us  p99.9 %7.0f us  p50 %5.2f of the baseline\n", what,
              times.p50, times.p99, times.p999, times.p50 / baseline.p50);
}

void Run(std::uint64_t records, int commits) {
  const test::TempDir dir;
  for (const std::uint64_t per_commit : {std::uint64_t{256}, std::uint64_t{4096}}) {
    std::printf("%d records a commit\n", static_cast<int>(per_commit));
    const std::string suffix = std::to_string(per_commit);
    const std::string folder = dir.File("bulk" + suffix);
    const Cost rows = BulkRows(dir.File("rows" + suffix), records, per_commit);
    PrintBulk("rows in SQLite (baseline)", rows, rows, records);
    PrintBulk("envelopes, entries, tiles", BulkStore(folder, records, per_commit), rows, records);
    PrintBulk("read every chunk", ScanStore(folder, records), rows, records);
    PrintBulk("walk every entry", WalkEntries(folder), rows, records);
  }
  const Percentiles syncs = BareSyncs(dir.File("syncs"), commits);
  PrintSmall("4 KiB and fdatasync (baseline)", syncs, syncs);
  PrintSmall("a group of one entry", SmallCommits(dir.File("small"), commits), syncs);
}

// Returns the number in `argument` if it is "--name=number", or `otherwise`.
std::uint64_t NumberFrom(std::string_view argument, std::string_view name,
                         std::uint64_t otherwise) {
  if (argument.substr(0, name.size()) != name) return otherwise;
  const std::string_view text = argument.substr(name.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  HF_CHECK(error == std::errc() && end == text.data() + text.size() && number > 0);
  return number;
}

}  // namespace
}  // namespace holdfast::store

int main(int argc, char** argv) {
  std::uint64_t records = 1'300'000;
  std::uint64_t commits = 5000;
  for (int i = 1; i < argc; ++i) {
    records = holdfast::store::NumberFrom(argv[i], "--records=", records);
    commits = holdfast::store::NumberFrom(argv[i], "--commits=", commits);
  }
  records = records / holdfast::kRowsPerChunk * holdfast::kRowsPerChunk;
  holdfast::store::Run(records, static_cast<int>(commits));
  return EXIT_SUCCESS;
}
