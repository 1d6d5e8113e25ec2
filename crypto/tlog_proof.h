// SPDX-License-Identifier: Apache-2.0
// One entry's place in a signed ledger, in one file (C2SP tlog-proof).
//
//   c2sp.org/tlog-proof@v1
//   index 81203
//   gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//   …
//
//   holdfast.dev/exchange/…        the signed checkpoint, as it was signed
//
// When to use  To hand one entry to somebody who does not get the whole ledger: it is checked with
//              the entry's bytes, or their leaf hash, and the ledger's public key.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       ParseTlogProof: kRequestMalformed. VerifyTlogProof: those of OpenCheckpoint, and
//              kLedgerInconsistent for a path that does not lead to the checkpoint's root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "crypto/checkpoint.h"
#include "crypto/merkle_proof.h"

namespace holdfast::crypto {

// Inclusive. A path has at most 63 hashes, a note at most kMaxNoteBytes.
inline constexpr std::size_t kMaxTlogProofBytes = kMaxNoteBytes + (std::size_t{8} << 10);

struct TlogProof {
  std::uint64_t index = 0;
  MerkleProof path;        // From the leaf's sibling upwards.
  std::string checkpoint;  // A signed note.

  friend bool operator==(const TlogProof&, const TlogProof&) = default;
};

// Returns the text of `proof`. Extra data is never written.
std::string FormatTlogProof(const TlogProof& proof);

// Returns the proof whose FormatTlogProof() is `text`; an `extra` line, which nobody vouches for,
// is checked for its form and dropped. Nothing is verified.
absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text);

// Returns the checkpoint, if `ledger` signed it and the entry with this leaf hash is at the
// proof's index in it.
absl::StatusOr<OpenedCheckpoint> VerifyTlogProof(const TlogProof& proof, const Digest32& leaf_hash,
                                                 const NoteKey& ledger,
                                                 std::span<const NoteKey> witnesses = {});

}  // namespace holdfast::crypto
