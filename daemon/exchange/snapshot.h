// SPDX-License-Identifier: Apache-2.0
// The state of an exchange as it was at some size of its ledger, signed with the checkpoint key.
//
// When to use  At a start, to fold only what came after; by the writer, to keep one for the next.
// Threads      Pure functions.
// Ownership    Values.
// Errors       OpenSnapshot() fails for whatever is not a snapshot that this program, of this
//              exchange, under this agreement, has made. Then the whole ledger is folded.
//
// The ledger stays the truth. A snapshot is believed because the exchange signed it with a key that
// only its own keyslot opens, and because the tree of the ledger as stored has its frontier.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "crypto/top_page.h"
#include "policy/agreement.h"
#include "policy/state.h"

namespace holdfast::exchange {

// What a snapshot is of.
struct SnapshotPlace {
  ExchangeId exchange;
  std::string_view version;  // The program's: another one may fold otherwise.
};

struct Snapshot {
  policy::State state;
  crypto::Frontier frontier;  // Of the ledger that the state folded.
  crypto::Anchor anchor;      // The top page's then: its root was that of a prefix.
};

// A snapshot without hash and signature: all that has to be done while the state stands still.
struct SnapshotDraft {
  Bytes header;
  Bytes state;
};

// REQUIRES: `state` is the fold of the ledger with this frontier, and that ledger extends `anchor`.
SnapshotDraft DraftSnapshot(const SnapshotPlace& place, const policy::State& state,
                            const crypto::Frontier& frontier, const crypto::Anchor& anchor);

// Makes it one. It hashes every byte: not for a thread that somebody waits for.
Bytes SealSnapshot(SnapshotDraft draft, const crypto::SigningKey& key);

// Errors: kStoreCorrupt, kSignatureInvalid, kAgreementMismatch.
absl::StatusOr<Snapshot> OpenSnapshot(ByteSpan bytes, const SnapshotPlace& place,
                                      const crypto::PublicKey& key,
                                      std::shared_ptr<const policy::OpenedAgreement> agreement);

}  // namespace holdfast::exchange
