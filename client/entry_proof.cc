// SPDX-License-Identifier: Apache-2.0
#include "client/entry_proof.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"

namespace holdfast::client {
namespace {

absl::Status Unproven(std::uint64_t index, const std::string& what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent, what), "index", std::to_string(index));
}

}  // namespace

absl::StatusOr<crypto::TlogProof> AcceptProof(const VerifiedCheckpoint& head, std::uint64_t index,
                                              const Digest32& leaf_hash,
                                              const v1::InclusionProof& answer) {
  crypto::TlogProof proof;
  proof.index = index;
  proof.checkpoint = head.note;
  for (const std::string& hash : answer.path()) {
    const auto digest = ArrayFromBytes<Digest32>(AsBytes(hash));
    if (!digest.ok()) return Unproven(index, "the gateway's proof cannot be read");
    proof.path.push_back(*digest);
  }
  if (!crypto::VerifyInclusion(index, head.checkpoint.size, leaf_hash, proof.path,
                               head.checkpoint.root)
           .ok()) {
    return Unproven(index, "the entry that the gateway named is not in its ledger");
  }
  return proof;
}

absl::StatusOr<crypto::TlogProof> ProveEntry(LedgerClient& ledger, const VerifiedCheckpoint& head,
                                             std::uint64_t index, const Digest32& leaf_hash) {
  if (index >= head.checkpoint.size) {
    return Unproven(index, "the gateway's ledger does not have the entry that it named");
  }
  HF_ASSIGN_OR_RETURN(const v1::InclusionProof answer,
                      ledger.GetInclusionProof(index, head.checkpoint.size));
  return AcceptProof(head, index, leaf_hash, answer);
}

absl::StatusOr<ProvenLeaf> ProveLeaf(LedgerClient& ledger, const VerifiedCheckpoint& head,
                                     std::uint64_t index) {
  HF_ASSIGN_OR_RETURN(const v1::InclusionProof answer,
                      ledger.GetInclusionProof(index, head.checkpoint.size));
  const auto leaf = ArrayFromBytes<Digest32>(AsBytes(answer.leaf_hash()));
  if (!leaf.ok()) return Unproven(index, "the gateway's proof cannot be read");
  HF_ASSIGN_OR_RETURN(crypto::TlogProof proof, AcceptProof(head, index, *leaf, answer));
  return ProvenLeaf{*leaf, std::move(proof)};
}

absl::StatusOr<Digest32> CheckReceipt(const v1::Receipt& receipt, ByteSpan entry) {
  const Digest32 leaf = crypto::LeafHash(entry);
  if (AsText(leaf) == receipt.leaf_hash()) return leaf;
  return Unproven(receipt.ledger_index(), "the receipt is of another entry than was answered");
}

}  // namespace holdfast::client
