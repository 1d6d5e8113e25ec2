// SPDX-License-Identifier: Apache-2.0
//
// Which records a hold or a revocation covers: a predicate, compiled, and an index of many.
//
// When to use  Compile a holdfast.v1.Scope against a state with CompileScope (policy/queries.h);
// ask
//              Covers for one record. A ScopeIndex answers "does any of these cover it?".
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "base/ids.h"
#include "policy/agreement.h"

namespace holdfast::policy {

// Officers are numbered, exchange-wide, from 0 in the order in which the ledger names them.
using OfficerNumber = StrongId<struct OfficerNumberTag, std::uint32_t>;

// What a scope looks at.
struct RecordFacts {
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;
  OfficerNumber officer;
  AuthorityNumber authority;
  Pseudonym pseudonym;
};

// Rows [first, last], both included.
struct RowSpan {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Everything that is set must match. The default covers nothing.
struct CompiledScope {
  bool everything = false;
  std::optional<std::uint32_t> transfer;
  std::vector<RowSpan> rows;  // Ascending, disjoint, not adjacent. Empty: all rows.
  std::optional<OfficerNumber> officer;
  std::optional<AuthorityNumber> authority;
  std::optional<Pseudonym> person;

  bool Covers(const RecordFacts& record) const;

  // Whether it covers every record, now and later, of a transfer under this authority.
  bool CoversWholeTransfer(std::uint32_t transfer_number, AuthorityNumber its_authority) const;

  // Whether it can cover a record of that transfer at all.
  bool Touches(std::uint32_t transfer_number, AuthorityNumber its_authority) const;
};

// Finds, among many scopes, one that covers a record, in time that does not grow with the number
// of scopes unless many name the very same person, officer, authority or rows.
//
// Invariant: of several that match, the answer depends only on the order of Add() and Remove().
class ScopeIndex final {
 public:
  // `tag` is the caller's name for it. REQUIRES: `tag` is not in the index.
  void Add(std::uint32_t tag, const CompiledScope& scope);

  // REQUIRES: added before with the same scope.
  void Remove(std::uint32_t tag, const CompiledScope& scope);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Returns the tag of one that covers `record`.
  std::optional<std::uint32_t> Find(const RecordFacts& record) const;

  // Returns the tag of one that covers every record of the transfer.
  std::optional<std::uint32_t> FindWhole(std::uint32_t transfer, AuthorityNumber authority) const;

 private:
  struct Item {
    std::uint32_t tag;
    CompiledScope scope;
  };
  using Items = std::vector<Item>;
  struct OfTransfer {
    Items items;                                               // Whole, or of very many rows.
    absl::flat_hash_map<std::uint32_t, Items> items_by_chunk;  // Few rows: by chunk of 256.
  };

  std::size_t size_ = 0;
  Items everything_;
  absl::flat_hash_map<std::uint32_t, OfTransfer> by_transfer_;
  absl::flat_hash_map<OfficerNumber, Items> by_officer_;
  absl::flat_hash_map<AuthorityNumber, Items> by_authority_;
  absl::flat_hash_map<Pseudonym, Items> by_person_;
};

}  // namespace holdfast::policy
