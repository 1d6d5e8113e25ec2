// SPDX-License-Identifier: Apache-2.0
#include "daemon/witnesses.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "evidence/cosignatures.h"
#include "evidence/witness_client.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle_proof.h"
#include "crypto/tiles.h"
#include "daemon/exchange/stored_tiles.h"
#include "daemon/observe/log.h"
#include "policy/decide.h"

namespace holdfast::daemon {
namespace {

using std::chrono::milliseconds;

// A quarter of what the agreement allows: three may fail in a row.
constexpr int kAskedInMaxAge = 4;
constexpr milliseconds kShortestInterval{500};
// Before the ledger's first checkpoint is signed, or while the exchange is stopped.
constexpr milliseconds kNothingToSign{200};

// Appends what witnesses signed. What the policy does not take is not recorded: nobody asked for
// it.
class CosignedCommand final : public exchange::Command {
 public:
  CosignedCommand(ledger::v1::CheckpointWitnessed fact, std::string exchange)
      : exchange_(std::move(exchange)) {
    *entry_.mutable_checkpoint_witnessed() = std::move(fact);
  }

  void Run(exchange::Turn& turn) override {
    turn.Stamp(entry_);
    decision_ = policy::Decide(turn.state(), {entry_});
    if (decision_.allowed()) turn.AppendFact(entry_, nullptr);
  }

  void Done(const absl::Status& status, const exchange::LedgerHead&) override {
    if (status.ok() && !decision_.allowed()) {
      observe::Error("witnesses", "cosignature_refused", "a cosignature cannot be recorded",
                     {{"exchange", exchange_}, {"reason", policy::RefusalName(decision_.refusal)}});
    }
  }

 private:
  ledger::v1::Entry entry_;
  const std::string exchange_;
  policy::Decision decision_;
};

}  // namespace

struct Witnesses::One {
  evidence::AskedWitness asked;
  milliseconds due{0};    // By the clock's time since boot.
  milliseconds retry{0};  // How long it waits after the next failure; 0 after a success.
  bool signs = true;      // As was logged last.
};

Witnesses::Witnesses(exchange::Exchange& exchange,
                     std::shared_ptr<const policy::OpenedAgreement> agreement,
                     const std::map<std::string, std::string>& urls, const Clock& clock,
                     observe::Metrics& metrics)
    : exchange_(exchange),
      agreement_(std::move(agreement)),
      clock_(clock),
      metrics_(metrics),
      interval_(std::max(agreement_->terms().witness_max_age / kAskedInMaxAge, kShortestInterval)) {
  for (crypto::NoteKey& key : evidence::WitnessKeys(*agreement_)) {
    const auto url = urls.find(key.name());
    if (url == urls.end()) {
      observe::Warning("witnesses", "witness_without_url",
                       "the agreement names a witness and the configuration does not say where it "
                       "is: nothing is released without one of each side",
                       {{"exchange", exchange_.name()}, {"witness", key.name()}});
      continue;
    }
    auto one = std::make_unique<One>(One{{url->second, std::move(key), 0}});
    witnesses_.push_back(std::move(one));
  }
  thread_ = std::thread([this] { Loop(); });
}

Witnesses::~Witnesses() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

bool Witnesses::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void Witnesses::Loop() {
  if (witnesses_.empty()) return;
  while (!stopping()) {
    const milliseconds due = Round();
    MutexLock lock(mutex_);
    while (!stopping_) {
      const milliseconds left = due - clock_.SinceBoot();
      if (left <= milliseconds(0)) break;
      changed_.WaitFor(mutex_, left);
    }
  }
}

milliseconds Witnesses::Round() {
  const std::shared_ptr<const exchange::SignedHead> head = exchange_.checkpoints().newest();
  if (head == nullptr || exchange_.published() == nullptr) {
    return clock_.SinceBoot() + kNothingToSign;
  }
  std::string cosigned = head->note;
  for (const auto& one : witnesses_) {
    if (one->due > clock_.SinceBoot() || stopping()) continue;
    const std::string lines = Ask(*one, *head);
    cosigned += lines;
    if (lines.empty()) {
      one->retry = std::clamp(2 * one->retry, kFirstRetry, kLastRetry);
      one->due = clock_.SinceBoot() + std::min(one->retry, interval_);
    } else {
      one->retry = milliseconds(0);
      one->due = clock_.SinceBoot() + interval_;
    }
  }
  if (cosigned.size() != head->note.size()) Record(cosigned);
  return (*std::min_element(witnesses_.begin(), witnesses_.end(),
                            [](const auto& a, const auto& b) { return a->due < b->due; }))
      ->due;
}

std::string Witnesses::Ask(One& one, const exchange::SignedHead& head) {
  const auto proof_from =
      [&](std::uint64_t size) -> absl::StatusOr<std::optional<crypto::MerkleProof>> {
    const std::shared_ptr<const exchange::Published> published = exchange_.published();
    if (published == nullptr) return std::optional<crypto::MerkleProof>();
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published->readers->Borrow());
    exchange::StoredTiles tiles(*reader, reader.tile_roots());
    crypto::TileReader nodes(head.head.size, tiles);
    HF_ASSIGN_OR_RETURN(crypto::MerkleProof proof,
                        crypto::MakeConsistencyProof(size, head.head.size, nodes));
    return std::optional(std::move(proof));
  };
  const std::string& name = one.asked.key.name();
  const auto lines =
      evidence::AskWitness(one.asked, head.note, head.head.size, proof_from, kPatience);
  if (lines.ok() && lines->has_value()) {
    if (!std::exchange(one.signs, true)) {
      observe::Info("witnesses", "witness_signs", "a witness signs again",
                    {{"exchange", exchange_.name()}, {"witness", name}});
    }
    return **lines;
  }
  if (lines.ok()) return {};  // Somebody else had it sign meanwhile.
  const auto metadata = MetadataOf(lines.status());
  if (const auto known = metadata.find("conflict"); known != metadata.end()) {
    metrics_.WitnessFailed(exchange_.name(), name, observe::WitnessFailure::kConflict);
    observe::Error("witnesses", "witness_conflict",
                   "a witness has signed another ledger, or a longer one, than this gateway has: "
                   "the ledger was rolled back or forked. Keep both, and call an auditor",
                   {{"exchange", exchange_.name()},
                    {"witness", name},
                    {"ledger_size", head.head.size},
                    {"detail", std::string(lines.status().message())}});
    one.signs = false;
    one.asked.known = 0;  // Whatever it says next time.
    return {};
  }
  metrics_.WitnessFailed(exchange_.name(), name, observe::WitnessFailure::kNoAnswer);
  if (std::exchange(one.signs, false)) {
    observe::Warning("witnesses", "witness_silent", "a witness does not sign; it is asked again",
                     {{"exchange", exchange_.name()},
                      {"witness", name},
                      {"detail", std::string(lines.status().message())}});
  }
  return {};
}

void Witnesses::Record(const std::string& cosigned) {
  exchange_.Submit(exchange::Lane::kNormal,
                   std::make_unique<CosignedCommand>(
                       evidence::CosignaturesIn(cosigned, *agreement_), exchange_.name()));
}

}  // namespace holdfast::daemon
