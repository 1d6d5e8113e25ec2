// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_baselines.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "policy/agreement_gate.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "tests/bench/gateway_table.h"
#include "tests/bench/require.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kRowsPerCommit = 1024;

policy::PersonView ViewOf(const v1::Person& p) {
  return {p.name(),
          {p.address().line1(), p.address().line2(), p.address().city(), p.address().state(),
           p.address().postal_code()},
          p.tax_number(),
          p.birth_date()};
}

// A table of blobs in a database of its own, set up as the gateway's.
class BlobTable final {
 public:
  explicit BlobTable(const std::string& path) {
    HF_CHECK(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    Run("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE IF NOT EXISTS chunk (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
        "DELETE FROM chunk");
    HF_CHECK(sqlite3_prepare_v2(db_, "INSERT INTO chunk VALUES (?1, ?2)", -1, &insert_, nullptr) ==
             SQLITE_OK);
  }
  BlobTable(const BlobTable&) = delete;
  BlobTable& operator=(const BlobTable&) = delete;
  ~BlobTable() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }

  void Run(const char* sql) {
    HF_CHECK(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }

  void Insert(std::span<const unsigned char> bytes) {
    sqlite3_bind_int64(insert_, 1, next_++);
    sqlite3_bind_blob(insert_, 2, bytes.data(), static_cast<int>(bytes.size()), nullptr);
    HF_CHECK(sqlite3_step(insert_) == SQLITE_DONE);
    sqlite3_reset(insert_);
  }

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_int64 next_ = 0;
};

}  // namespace

void Pace::WaitUntilDue(std::size_t stream, std::size_t message) const {
  std::this_thread::sleep_until(DueAt(stream, message));
}

double AeadSeconds(std::uint64_t count, std::size_t bytes, std::size_t associated_bytes) {
  const std::vector<unsigned char> plain(bytes, 7);
  const std::vector<unsigned char> associated(associated_bytes, 8);
  std::vector<unsigned char> sealed(bytes + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES> nonce{};
  const std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> key{};
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    nonce[i % nonce.size()] = static_cast<unsigned char>(i);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), &size, plain.data(), plain.size(),
                                               associated.data(), associated.size(), nullptr,
                                               nonce.data(), key.data());
  }
  return SecondsSince(start);
}

double HashSeconds(std::uint64_t count, std::size_t bytes) {
  std::vector<unsigned char> message(bytes, 7);
  std::array<unsigned char, 32> hash{};
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    message[i % bytes] = static_cast<unsigned char>(i);
    HF_CHECK(crypto_generichash(hash.data(), hash.size(), message.data(), message.size(), nullptr,
                                0) == 0);
  }
  return SecondsSince(start);
}

double KeyWrapSeconds(std::uint64_t count, int blocks) {
  std::array<unsigned char, 64> children{};
  const std::array<unsigned char, crypto_stream_chacha20_ietf_NONCEBYTES> zero{};
  std::array<unsigned char, 32> seed{};
  std::array<unsigned char, 64> derived{};
  std::array<unsigned char, 32 + crypto_aead_xchacha20poly1305_ietf_ABYTES> sealed{};
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    seed[i % seed.size()] = static_cast<unsigned char>(i);
    for (int block = 0; block < blocks; ++block) {
      crypto_stream_chacha20_ietf(children.data(), children.size(), zero.data(), seed.data());
      std::copy_n(children.begin(), seed.size(), seed.begin());
    }
    HF_CHECK(crypto_generichash(derived.data(), derived.size(), seed.data(), seed.size(), nullptr,
                                0) == 0);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), &size, derived.data(), 32, nullptr, 0,
                                               nullptr, derived.data(), derived.data() + 32);
  }
  return SecondsSince(start);
}

double InsertSeconds(const std::string& path, std::uint64_t count, std::size_t bytes) {
  BlobTable table(path);
  const std::vector<unsigned char> blob(kRowsPerChunk * bytes, 9);
  const auto start = SteadyClock::now();
  for (std::uint64_t done = 0; done < count;) {
    table.Run("BEGIN IMMEDIATE");
    const std::uint64_t end = std::min(count, done + kRowsPerCommit);
    while (done < end) {
      const std::uint64_t rows = std::min<std::uint64_t>(kRowsPerChunk, end - done);
      table.Insert(std::span(blob).first(rows * bytes));
      done += rows;
    }
    table.Run("COMMIT");
  }
  return SecondsSince(start);
}

double PunctureSeconds(const std::string& path, std::span<const std::uint32_t> leaves) {
  BlobTable table(path);
  crypto::SystemRandom random;
  const crypto::SegmentTree whole =
      Take(crypto::SegmentTree::Create(random), "making a segment's tree");
  double seconds = 0;
  std::vector<std::vector<unsigned char>> pages;
  while (!leaves.empty()) {
    // Those of one segment.
    const std::uint32_t segment = leaves.front() / whole.leaves();
    std::vector<std::uint32_t> here;
    while (!leaves.empty() && leaves.front() / whole.leaves() == segment) {
      here.push_back(leaves.front() % whole.leaves());
      leaves = leaves.subspan(1);
    }
    for (int kind = 0; kind < 2; ++kind) {
      const auto start = SteadyClock::now();
      const crypto::SegmentTree left = Take(whole.Puncture(here), "puncturing");
      seconds += SecondsSince(start);
      pages.emplace_back(left.positions().size() * (sizeof(crypto::NodePosition) + 32), 9);
    }
  }
  const auto start = SteadyClock::now();
  table.Run("BEGIN IMMEDIATE");
  for (const std::vector<unsigned char>& page : pages) table.Insert(page);
  table.Run("COMMIT");
  return seconds + SecondsSince(start);
}

std::vector<double> SyncTimes(const std::string& path, int times) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  HF_CHECK(fd >= 0);
  const std::vector<unsigned char> page(4096, 5);
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const auto start = SteadyClock::now();
    HF_CHECK(::write(fd, page.data(), page.size()) == static_cast<ssize_t>(page.size()));
    HF_CHECK(::fdatasync(fd) == 0);
    seconds.push_back(SecondsSince(start));
  }
  HF_CHECK(::close(fd) == 0);
  return seconds;
}

double RequestGateSeconds(const policy::GateRules& rules,
                          std::span<const v1::SubmitSubjectsRequest> chunks,
                          std::span<const std::string> officers) {
  SystemClock clock;
  const policy::CivilDate today = policy::DayOf(clock.WallNow());
  std::uint64_t accepted = 0;
  const auto start = SteadyClock::now();
  for (const v1::SubmitSubjectsRequest& chunk : chunks) {
    for (const v1::Subject& subject : chunk.subjects()) {
      const policy::SubjectView view{ViewOf(subject.person()), officers[subject.officer()],
                                     subject.case_number()};
      if (policy::JudgeSubject(rules, view, today).accepted()) ++accepted;
    }
  }
  const double seconds = SecondsSince(start);
  HF_CHECK(accepted > 0);
  return seconds;
}

double ReleaseGateSeconds(const policy::GateRules& rules,
                          std::span<const v1::FetchSubjectsResponse> subjects,
                          std::span<const v1::DepositRecordsRequest> findings) {
  HF_CHECK(subjects.size() == findings.size());
  std::uint64_t released = 0;
  std::vector<policy::PersonView> candidates;
  const auto start = SteadyClock::now();
  for (std::size_t chunk = 0; chunk < subjects.size(); ++chunk) {
    for (int i = 0; i < subjects[chunk].subjects_size(); ++i) {
      candidates.clear();
      for (const v1::Candidate& candidate : findings[chunk].findings(i).candidates()) {
        candidates.push_back(ViewOf(candidate.person()));
      }
      const policy::PersonView subject = ViewOf(subjects[chunk].subjects(i).person());
      if (policy::JudgeRelease(rules, subject, candidates).released()) ++released;
    }
  }
  const double seconds = SecondsSince(start);
  HF_CHECK(released > 0);
  return seconds;
}

policy::ReleaseReason JudgeFindings(const policy::GateRules& rules,
                                    const v1::AcceptedSubject& subject,
                                    const v1::Findings& findings) {
  std::vector<policy::PersonView> candidates;
  for (const v1::Candidate& candidate : findings.candidates()) {
    candidates.push_back(ViewOf(candidate.person()));
  }
  return policy::JudgeRelease(rules, ViewOf(subject.person()), candidates).reason;
}

}  // namespace holdfast::bench
