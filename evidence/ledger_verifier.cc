// SPDX-License-Identifier: Apache-2.0
#include "evidence/ledger_verifier.h"

#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "evidence/cosignatures.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/lease.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"

namespace holdfast::evidence {
namespace {

constexpr auto kMode = policy::Replayer::Mode::kDecideAgain;

absl::Status Defect(std::string_view rule, std::string what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent, std::move(what)), "rule",
                     std::string(rule));
}

}  // namespace

// The whole tree in memory, so that the root at any earlier size can be told.
class LedgerVerifier::Tree final : public crypto::NodeReader {
 public:
  void Append(const Digest32& leaf) {
    Put(0, leaf);
    frontier_.AppendAnd(leaf, [&](unsigned level, const Digest32& hash) { Put(level, hash); });
  }

  std::uint64_t size() const { return frontier_.size(); }
  Digest32 Root() const { return frontier_.Root(); }

  bool HadRoot(std::uint64_t size, const Digest32& root) {
    if (size > frontier_.size()) return false;
    const auto at_size = crypto::RootAt(size, *this);
    return at_size.ok() && *at_size == root;
  }

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    if (level < levels_.size() && index < levels_[level].size()) {
      return levels_[level][static_cast<std::size_t>(index)];
    }
    return Defect("TREE", "the tree has no such node");
  }

 private:
  void Put(unsigned level, const Digest32& hash) { levels_.at(level).push_back(hash); }

  crypto::Frontier frontier_;
  std::array<std::deque<Digest32>, 64> levels_;  // Of millions, none is moved.
};

LedgerVerifier::LedgerVerifier(const ExchangeId& exchange)
    : exchange_(exchange),
      tree_(std::make_unique<Tree>()),
      replayer_(
          kMode,
          {[this](std::uint64_t size, const Digest32& root) { return tree_->HadRoot(size, root); },
           [this](const ledger::v1::LeaseOpened& fact, const policy::State& state) {
             const auto opening = crypto::ParseLeaseOpening(AsBytes(fact.opening()));
             const policy::Transfer* transfer = state.transfer(fact.transfer());
             return opening.ok() && transfer != nullptr && opening->exchange == exchange_ &&
                    opening->transfer == transfer->id && opening->member == fact.requester() &&
                    AsText(BytesOf(opening->recipient_key)) == fact.recipient_key() &&
                    tree_->HadRoot(opening->ledger_size, opening->ledger_size == 0
                                                             ? crypto::EmptyRoot()
                                                             : opening->ledger_root);
           },
           [this](const ledger::v1::CheckpointWitnessed& fact, const policy::State& state) {
             if (!CosignaturesAgree(fact, exchange_, state.agreement())) return false;
             for (const ledger::v1::Cosignature& by : fact.cosignatures()) {
               const Cosigned now{fact.size(), UnixMillis(by.time() * 1'000)};
               cosigned_.emplace(by.witness(), std::pair(now, now)).first->second.second = now;
             }
             return true;
           }}) {}

LedgerVerifier::~LedgerVerifier() = default;

absl::Status LedgerVerifier::Add(ByteSpan bytes) {
  ledger::v1::Entry entry;
  HF_RETURN_IF_ERROR(policy::ParseEntry(bytes, tree_->size(), kMode, entry));
  return Add(entry, crypto::LeafHash(bytes));
}

absl::Status LedgerVerifier::Add(const ledger::v1::Entry& entry, const Digest32& leaf) {
  HF_RETURN_IF_ERROR(replayer_.Step(entry));
  if (tree_->size() == 0 && replayer_.state().agreement().exchange_id() != exchange_) {
    return Defect("EXCHANGE", "the ledger is of another exchange");
  }
  tree_->Append(leaf);
  return absl::OkStatus();
}

absl::StatusOr<crypto::OpenedCheckpoint> LedgerVerifier::Open(
    std::string_view checkpoint_note) const {
  if (!replayer_.state().open()) return Defect("EMPTY", "the ledger has no entry");
  HF_ASSIGN_OR_RETURN(const crypto::PublicKey key,
                      crypto::PublicKey::FromBytes(replayer_.state().checkpoint_key()));
  HF_ASSIGN_OR_RETURN(
      const crypto::NoteKey note_key,
      crypto::NoteKey::Make(crypto::LedgerOrigin(exchange_), crypto::NoteAlgorithm::kEd25519, key));
  const std::vector<crypto::NoteKey> witnesses = WitnessKeys(replayer_.state().agreement());
  return crypto::OpenCheckpoint(checkpoint_note, note_key, witnesses);
}

absl::StatusOr<crypto::Checkpoint> LedgerVerifier::Check(std::string_view checkpoint_note) const {
  HF_ASSIGN_OR_RETURN(crypto::OpenedCheckpoint opened, Open(checkpoint_note));
  crypto::Checkpoint& checkpoint = opened.checkpoint;
  if (checkpoint.size != tree_->size()) {
    return Defect("SIZE", "the checkpoint is of a ledger of another size");
  }
  if (checkpoint.root != tree_->Root()) {
    return Defect("ROOT", "the entries are not those that the checkpoint's root covers");
  }
  return std::move(checkpoint);
}

absl::StatusOr<crypto::Checkpoint> LedgerVerifier::CheckEarlier(
    std::string_view checkpoint_note) const {
  HF_ASSIGN_OR_RETURN(crypto::OpenedCheckpoint opened, Open(checkpoint_note));
  crypto::Checkpoint& earlier = opened.checkpoint;
  if (earlier.size > tree_->size()) {
    return Defect("EARLIER", "the ledger has " + std::to_string(tree_->size()) +
                                 " entries, and once had " + std::to_string(earlier.size) +
                                 ": it was cut short, or this export is an old one");
  }
  if (!tree_->HadRoot(earlier.size, earlier.root)) {
    return Defect("EARLIER", "its first " + std::to_string(earlier.size) +
                                 " entries are not those that were signed before: a fork");
  }
  return std::move(earlier);
}

absl::Status LedgerVerifier::CheckReceipt(const crypto::TlogProof& receipt) const {
  HF_ASSIGN_OR_RETURN(const crypto::Checkpoint then, CheckEarlier(receipt.checkpoint));
  const absl::Status defect = AddMetadata(
      Defect("RECEIPT", "the ledger does not have the entry that a receipt was given for"), "index",
      std::to_string(receipt.index));
  if (receipt.index >= tree_->size()) return defect;
  HF_ASSIGN_OR_RETURN(const Digest32 leaf, tree_->ReadNode(0, receipt.index));
  const absl::Status included =
      crypto::VerifyInclusion(receipt.index, then.size, leaf, receipt.path, then.root);
  return included.ok() ? included : defect;
}

absl::StatusOr<crypto::MerkleProof> LedgerVerifier::Prove(std::uint64_t index,
                                                          std::uint64_t size) const {
  if (index >= size || size > tree_->size()) return Defect("TREE", "the tree has no such entry");
  return crypto::MakeInclusionProof(index, size, *tree_);
}

std::vector<crypto::NoteSigned> LedgerVerifier::Cosigners(std::string_view checkpoint_note) const {
  auto opened = Open(checkpoint_note);
  return opened.ok() ? std::move(opened->witnesses) : std::vector<crypto::NoteSigned>();
}

std::uint64_t LedgerVerifier::size() const { return tree_->size(); }
policy::ReplayReport LedgerVerifier::report() const { return replayer_.report(); }
const policy::State& LedgerVerifier::state() const { return replayer_.state(); }

absl::StatusOr<std::uint64_t> ClaimedSize(std::string_view checkpoint_note) {
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedNote note, crypto::ParseNote(checkpoint_note));
  HF_ASSIGN_OR_RETURN(const crypto::Checkpoint checkpoint, crypto::ParseCheckpointText(note.text));
  return checkpoint.size;
}

}  // namespace holdfast::evidence
