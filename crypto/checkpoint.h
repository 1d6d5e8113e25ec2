// SPDX-License-Identifier: Apache-2.0
// What a ledger was at one size, signed (C2SP tlog-checkpoint).
//
// When to use  After each group by the daemon; by everyone who keeps the last one that they
// verified. Threads      Functions may be called concurrently. Ownership    Values. Errors
// kRequestMalformed for a text that is none, kSignatureInvalid, and kLedgerInconsistent
//              for a checkpoint of another ledger.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "crypto/signed_note.h"

namespace holdfast::crypto {

struct Checkpoint {
  std::string origin;  // Which ledger: one line, not empty.
  std::uint64_t size = 0;
  Digest32 root{};
  std::vector<std::string> extensions;  // Lines, none of them empty.

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Returns the origin of an exchange's ledger, which is also the name of the key that signs it.
std::string LedgerOrigin(const ExchangeId& exchange);

// Returns the text that is signed.
// REQUIRES: `origin` and the extensions are lines of UTF-8 without control characters, none empty.
std::string CheckpointText(const Checkpoint& checkpoint);

// Returns the checkpoint whose CheckpointText() is `text`. One checkpoint has one text.
// Errors: kRequestMalformed, also for size 0 with a root other than the empty tree's.
absl::StatusOr<Checkpoint> ParseCheckpointText(std::string_view text);

// Returns the signed note. REQUIRES: as CheckpointText().
absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& ledger);

struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::vector<NoteSigned> witnesses;  // Those of the given witnesses that cosigned.
};

// Returns what `note` says, if `ledger` signed it and its origin is the ledger's name. A witness's
// signature alone never suffices.
//
// Errors: kRequestMalformed, kSignatureInvalid, kLedgerInconsistent (another origin).
absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(std::string_view note, const NoteKey& ledger,
                                                std::span<const NoteKey> witnesses = {});

}  // namespace holdfast::crypto
