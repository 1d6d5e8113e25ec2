// SPDX-License-Identifier: Apache-2.0
// Checks a whole exported ledger from the exchange's id alone: the agreement's signatures, the tree
// and the signed checkpoint, every order and lease, and each decision again.
//
// When to use  Behind `holdfast ledger verify`, and wherever a ledger is to be believed without its
//              gateway. What it proves is what the gateway's protocol did; see docs/evidence.md.
// Threads      Not safe for concurrent use.
// Ownership    Keeps the tree: about 64 bytes an entry.
// Errors       kLedgerInconsistent with `index` and `rule` for a defect; kSignatureInvalid and
//              kRequestMalformed for the checkpoint. Nothing can be added after an error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/checkpoint.h"
#include "crypto/tlog_proof.h"
#include "policy/replay.h"

namespace holdfast::evidence {

class LedgerVerifier final {
 public:
  explicit LedgerVerifier(const ExchangeId& exchange);
  LedgerVerifier(const LedgerVerifier&) = delete;
  LedgerVerifier& operator=(const LedgerVerifier&) = delete;
  ~LedgerVerifier();

  // Takes the next entry's bytes.
  absl::Status Add(ByteSpan entry);

  // The same for an entry that policy::ParseEntry() has read, with its leaf hash.
  absl::Status Add(const ledger::v1::Entry& entry, const Digest32& leaf);

  // Checks the signed note against what was added. Call after the last entry.
  absl::StatusOr<crypto::Checkpoint> Check(std::string_view checkpoint_note) const;

  // Checks that `checkpoint_note`, signed by this ledger's key, is of a beginning of what was
  // added. Errors: kLedgerInconsistent, with rule EARLIER, if not.
  absl::StatusOr<crypto::Checkpoint> CheckEarlier(std::string_view checkpoint_note) const;

  // Checks that a receipt's checkpoint and its entry are part of what was added.
  // Errors: kLedgerInconsistent, with rule RECEIPT and the receipt's index, if not.
  absl::Status CheckReceipt(const crypto::TlogProof& receipt) const;

  // Returns the proof that entry `index` is in the first `size` entries.
  // Errors: kLedgerInconsistent if it is not.
  absl::StatusOr<crypto::MerkleProof> Prove(std::uint64_t index, std::uint64_t size) const;

  // Returns who of the agreement's witnesses cosigned `checkpoint_note`, which Check() or
  // CheckEarlier() verified before.
  std::vector<crypto::NoteSigned> Cosigners(std::string_view checkpoint_note) const;

  // The first and the newest cosignature of each witness that the ledger itself holds, by name.
  struct Cosigned {
    std::uint64_t size = 0;
    UnixMillis at;  // By the witness's clock.
  };
  const std::map<std::string, std::pair<Cosigned, Cosigned>>& cosigned() const { return cosigned_; }

  std::uint64_t size() const;
  policy::ReplayReport report() const;
  const policy::State& state() const;

 private:
  class Tree;

  absl::StatusOr<crypto::OpenedCheckpoint> Open(std::string_view checkpoint_note) const;

  const ExchangeId exchange_;
  std::unique_ptr<Tree> tree_;
  policy::Replayer replayer_;
  std::map<std::string, std::pair<Cosigned, Cosigned>> cosigned_;
};

// Reads the size that a note claims, which nobody has verified yet.
absl::StatusOr<std::uint64_t> ClaimedSize(std::string_view checkpoint_note);

}  // namespace holdfast::evidence
