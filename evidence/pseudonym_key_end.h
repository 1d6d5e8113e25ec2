// SPDX-License-Identifier: Apache-2.0
// How the key that makes pseudonyms ended: the two orders, the epoch that left it out, and the
// erasure of the root key under which it had been sealed.
//
// When to use  As a reader of a verification (evidence/verification.h), behind
//              `holdfast account key-certificate`.
// Threads      As the verification.
// Ownership    Values.
// Errors       None: a ledger in which the key is there is an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "evidence/ledger_reader.h"

#include "base/time.h"

namespace holdfast::evidence {

struct PseudonymKeyOrder {
  std::uint64_t index = 0;
  UnixMillis at;       // The gateway's late time.
  std::string person;  // With the name that the agreement gives.
};

struct PseudonymKeyErasure {
  std::uint64_t index = 0;
  std::string keyslot_kind;
  std::string erasure_class;
};

struct PseudonymKeyEnd {
  PseudonymKeyOrder first;
  PseudonymKeyOrder second;
  std::string reason;
  std::uint64_t epoch = 0;  // The first without the key.
  std::uint64_t epoch_index = 0;
  std::optional<PseudonymKeyErasure> erased;  // Of the root key of the epoch before.
};

class PseudonymKeySearch final : public LedgerReader {
 public:
  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void Folded(std::uint64_t index, const policy::State& after) override;
  void End(const LedgerVerifier&) override {}

  // Nothing where the key was not destroyed.
  const std::optional<PseudonymKeyEnd>& found() const { return found_; }

 private:
  ledger::v1::Entry order_;  // The newest accepted one.
  PseudonymKeyOrder first_;
  std::optional<PseudonymKeyEnd> found_;
};

}  // namespace holdfast::evidence
