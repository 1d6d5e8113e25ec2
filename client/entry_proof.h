// SPDX-License-Identifier: Apache-2.0
// Proof that an entry is in the ledger that a client has verified.
//
// When to use  Behind every answer that names a ledger entry: before a person is told that
//              something is so.
// Threads      Each call blocks until it is answered.
// Ownership    Values; shares the channel.
// Errors       Those of the channel (client/channel.h); kLedgerInconsistent if the gateway names an
//              entry and cannot prove it.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "client/ledger_client.h"
#include "crypto/tlog_proof.h"
#include "holdfast/v1/common.pb.h"

namespace holdfast::client {

// Gets the proof of entry `index` in the ledger of `head`, which the caller has verified, and
// checks that it leads from `leaf_hash` to the head's root.
absl::StatusOr<crypto::TlogProof> ProveEntry(LedgerClient& ledger, const VerifiedCheckpoint& head,
                                             std::uint64_t index, const Digest32& leaf_hash);

// The same where the entry itself is not at hand: its leaf hash is what the gateway says, and
// counts because it leads to the head's root.
struct ProvenLeaf {
  Digest32 leaf_hash{};
  crypto::TlogProof proof;
};
absl::StatusOr<ProvenLeaf> ProveLeaf(LedgerClient& ledger, const VerifiedCheckpoint& head,
                                     std::uint64_t index);

// ProveEntry() for an answer that is there already.
absl::StatusOr<crypto::TlogProof> AcceptProof(const VerifiedCheckpoint& head, std::uint64_t index,
                                              const Digest32& leaf_hash,
                                              const v1::InclusionProof& answer);

// Checks that `receipt` is of exactly the bytes of `entry`. Returns their leaf hash.
absl::StatusOr<Digest32> CheckReceipt(const v1::Receipt& receipt, ByteSpan entry);

}  // namespace holdfast::client
