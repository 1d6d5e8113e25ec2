// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_baselines.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
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

}  // namespace

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

double KeyWrapSeconds(std::uint64_t count) {
  std::array<unsigned char, 32> seed{};
  std::array<unsigned char, 64> derived{};
  std::array<unsigned char, 32 + crypto_aead_xchacha20poly1305_ietf_ABYTES> sealed{};
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    seed[i % seed.size()] = static_cast<unsigned char>(i);
    HF_CHECK(crypto_generichash(derived.data(), derived.size(), seed.data(), seed.size(), nullptr,
                                0) == 0);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), &size, derived.data(), 32, nullptr, 0,
                                               nullptr, derived.data(), derived.data() + 32);
  }
  return SecondsSince(start);
}

double InsertSeconds(const std::string& path, std::uint64_t count, std::size_t bytes) {
  sqlite3* db = nullptr;
  HF_CHECK(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const auto run = [db](const char* sql) {
    HF_CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "CREATE TABLE IF NOT EXISTS chunk (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
      "DELETE FROM chunk");
  sqlite3_stmt* insert = nullptr;
  HF_CHECK(sqlite3_prepare_v2(db, "INSERT INTO chunk VALUES (?1, ?2)", -1, &insert, nullptr) ==
           SQLITE_OK);
  const std::vector<unsigned char> blob(kRowsPerChunk * bytes, 9);
  const auto start = SteadyClock::now();
  for (std::uint64_t done = 0; done < count;) {
    run("BEGIN IMMEDIATE");
    const std::uint64_t end = std::min(count, done + kRowsPerCommit);
    while (done < end) {
      const std::uint64_t rows = std::min<std::uint64_t>(kRowsPerChunk, end - done);
      sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(done / kRowsPerChunk));
      sqlite3_bind_blob(insert, 2, blob.data(), static_cast<int>(rows * bytes), nullptr);
      HF_CHECK(sqlite3_step(insert) == SQLITE_DONE);
      sqlite3_reset(insert);
      done += rows;
    }
    run("COMMIT");
  }
  const double seconds = SecondsSince(start);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return seconds;
}

double SyncSeconds(const std::string& path, int times) {
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
  return MedianOf(std::move(seconds));
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
