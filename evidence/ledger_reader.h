// SPDX-License-Identifier: Apache-2.0
// What gathers something from a ledger while it is verified.
//
//   NonUseSearch search(...);
//   request.readers = {&search};
//   HF_ASSIGN_OR_RETURN(Verification verification, VerifyExport(files, request, progress));
//
// When to use  For every answer that is read from an export: a reader never sees a ledger without
//              its verification beside it.
// Threads      As the verification that calls it.
// Ownership    Borrowed by the verification. What is passed is borrowed for the call.
// Errors       None: what was gathered counts only if the verification held.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/state.h"

namespace holdfast::evidence {

class LedgerVerifier;

class LedgerReader {
 public:
  LedgerReader() = default;
  LedgerReader(const LedgerReader&) = delete;
  LedgerReader& operator=(const LedgerReader&) = delete;
  virtual ~LedgerReader() = default;

  // The next entry: its bytes, what they say, and the state that all earlier ones made.
  virtual void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
                    const policy::State& before) = 0;

  // The same entry, after it was folded.
  virtual void Folded(std::uint64_t index, const policy::State& after) {
    static_cast<void>(index);
    static_cast<void>(after);
  }

  // No more entries come, and all of them, and the checkpoint, were verified.
  virtual void End(const LedgerVerifier& ledger) = 0;
};

}  // namespace holdfast::evidence
