// SPDX-License-Identifier: Apache-2.0
// Asks a witness to cosign a checkpoint (C2SP tlog-witness).
//
// When to use  By the daemon, which needs a quorum before it releases, and by `ledger cosign`.
// Threads      One AskedWitness is used by one thread at a time.
// Ownership    Values; the proofs' source is borrowed for the call.
// Errors       AskWitness(): kLedgerInconsistent with metadata `witness` where it does not sign:
//              with `conflict` as well, the size that it has seen, if that is another ledger or a
//              longer one; without, it answered something else. kUnavailable with `unreachable`
//              where nobody answers. kRequestMalformed where the answer is none. Whatever
//              `proof_from` returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "crypto/merkle_proof.h"
#include "crypto/signed_note.h"

namespace holdfast::evidence {

// A witness, where it is, and the size that it said it knows.
struct AskedWitness {
  std::string url;
  crypto::NoteKey key;
  std::uint64_t known = 0;
};

// The consistency proof from that size to the checkpoint's; nothing if it is not the newest any
// more.
using ProofFrom =
    std::function<absl::StatusOr<std::optional<crypto::MerkleProof>>(std::uint64_t size)>;

// Has one witness cosign the checkpoint `note` of `size` entries, which the ledger signed. Returns
// the lines to be added to it, verified; or nothing if `proof_from` had none, or if somebody else
// has the witness sign at the same time: ask again with the newest.
absl::StatusOr<std::optional<std::string>> AskWitness(AskedWitness& asked, const std::string& note,
                                                      std::uint64_t size,
                                                      const ProofFrom& proof_from,
                                                      std::chrono::milliseconds timeout);

}  // namespace holdfast::evidence
