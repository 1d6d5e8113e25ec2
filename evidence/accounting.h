// SPDX-License-Identifier: Apache-2.0
// Who got what, counted from a ledger (R39): a year by agency and authority, and the records of
// those who must be told. A disclosure is a key that left; an envelope without its key says
// nothing.
//
// When to use  As readers of a verification (evidence/verification.h), behind `holdfast account`.
// Threads      As the verification.
// Ownership    Values; the set of persons of a year, 16 bytes each.
// Errors       None. A scope that is not valid is an answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "evidence/ledger_reader.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/v1/scope.pb.h"

namespace holdfast::evidence {

// What one agency asked for and got under one authority.
struct AccountLine {
  std::uint64_t transfers = 0;     // Opened.
  std::uint64_t asked = 0;         // Subjects that the request gate judged.
  std::uint64_t accepted = 0;      // Of these.
  std::uint64_t deposited = 0;     // Envelopes, whatever is in them.
  std::uint64_t disclosures = 0;   // Times that a key left.
  std::uint64_t records = 0;       // Records whose key left.
  std::uint64_t with_data = 0;     // Of these, those with a record in the envelope.
  std::uint64_t without_data = 0;  // Those that said "nothing": a disclosure as well.
  std::uint64_t persons = 0;       // Different pseudonyms among the records.
};

// By requester and authority, as the agreement names them.
using AccountLines = std::map<std::pair<std::string, std::string>, AccountLine>;

class YearAccount final : public LedgerReader {
 public:
  // A calendar year, in UTC, by the ledger's late time. REQUIRES: 1970 <= year <= 2105.
  explicit YearAccount(std::uint32_t year);

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void End(const LedgerVerifier& ledger) override;

  const AccountLines& lines() const { return lines_; }

  // What the ledger has of the year: false if it begins after the year did, or ends before it does.
  bool covers_begin() const { return covers_begin_; }
  bool covers_end() const { return covers_end_; }

 private:
  AccountLine& LineOf(const policy::State& state, const policy::Transfer& transfer);
  void TakeRelease(const ledger::v1::KeyReleased& fact, const policy::State& before);

  const UnixMillis from_;
  const UnixMillis to_;
  AccountLines lines_;
  std::map<std::pair<std::string, std::string>, absl::flat_hash_set<policy::PersonKey>> persons_;
  bool covers_begin_ = false;
  bool covers_end_ = false;
};

// A record whose key left, of a person who may have to be told.
struct AffectedRecord {
  std::string transfer;  // "transfers/…"
  std::uint32_t row = 0;
  std::string requester;
  std::string authority;
  std::uint32_t releases = 0;
  UnixMillis first_released;
  UnixMillis last_released;
  bool with_data = false;
  bool destroyed = false;
};

struct Affected {
  bool scope_valid = false;
  std::vector<AffectedRecord> records;  // Ascending by transfer and row.
  std::uint64_t covered = 0;            // Records of the scope, whether their key left or not.
  std::uint64_t persons = 0;            // Different pseudonyms among `records`.
};

// Returns what `scope` covers and whose keys left, by a state that was verified.
Affected FindAffected(const policy::State& state, const v1::Scope& scope);

// The same at the end of a verification.
class AffectedSearch final : public LedgerReader {
 public:
  explicit AffectedSearch(v1::Scope scope) : scope_(std::move(scope)) {}

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void End(const LedgerVerifier& ledger) override;

  const Affected& found() const { return found_; }

 private:
  const v1::Scope scope_;
  Affected found_;
};

}  // namespace holdfast::evidence
