// SPDX-License-Identifier: Apache-2.0
// What the writer is asked to do, and what it offers for doing it.
//
// A command is run once on the writer's thread, inside a Turn. It asks policy::Decide about what
// it wants, and appends entries: the facts that were allowed, or one refusal. What it appended is
// committed with its group; then, and only then, it learns of it in Done(). The order in which
// commands run is the ledger's order.
//
// When to use  For every change, and for every read whose place in the order matters. A read of
//              what cannot change (a chunk that was committed) needs none.
// Threads      Run() and Done() are called by the writer's thread; both must be short. What takes
//              longer than a few microseconds is posted to the executor from Done().
// Ownership    The writer owns a command from Submit() until after Done().
// Errors       Done() gets an error if the group did not commit: whether its acts took effect is
//              then unknown, and nothing of it may be answered but that.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "daemon/exchange/entry_batch.h"
#include "daemon/exchange/leaf_ref.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/decide.h"
#include "policy/opened_order.h"
#include "policy/state.h"
#include "store/store.h"

namespace holdfast::exchange {

// The ledger after a group.
struct LedgerHead {
  std::uint64_t size = 0;
  Digest32 root{};
};

// What happens to a group if the keyslot cannot make its epoch.
enum class Anchoring {
  kRequired = 0,  // It is not committed, and the exchange stops.
  kMayWait,  // It is committed; until the epoch is made nothing leaves and nothing is destroyed.
};

// The writer's side of one command.
class Turn {
 public:
  Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  virtual ~Turn() = default;

  // The state with everything applied that was appended before.
  virtual const policy::State& state() const = 0;

  // Appends the entries of `batch` that are not marked as skipped, applies them, and returns the
  // ledger index of the first. REQUIRES: policy::Decide allowed each in the present state, and none
  // changes the decision about another; `batch` lives until Done().
  virtual std::uint64_t Append(const EntryBatch& batch) = 0;

  // Fills in the salt and the policy's version of an entry that the writer itself makes. Before it
  // is decided: the policy looks at both.
  virtual void Stamp(ledger::v1::Entry& entry) = 0;

  // Appends one entry that the writer itself makes.
  // REQUIRES: it is stamped, and policy::Decide allowed it in the present state.
  virtual std::uint64_t AppendFact(ledger::v1::Entry fact, const policy::OpenedOrder* order) = 0;

  // The newest entry and its leaf hash, until Done(). REQUIRES: something was appended.
  virtual ByteSpan last_entry() const = 0;
  virtual const Digest32& last_leaf_hash() const = 0;

  // Appends a refusal and returns its index.
  virtual std::uint64_t Refuse(ledger::v1::Refused refused) = 0;

  // Stores a chunk with this group. `bytes` live until Done(). A chunk is named once a group.
  virtual void WriteChunk(const store::ChunkKey& key, ByteSpan bytes,
                          store::IfChunkExists if_exists) = 0;

  // Makes this group an epoch change, in which the leaves of `destroyed` are punctured. Only for a
  // command whose changes_epoch() is true; at most once.
  virtual void ChangeEpoch(std::vector<LeafRef> destroyed, Anchoring anchoring) = 0;
};

class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  // True if the command may change the epoch: it then has a group to itself (design, invariant
  // I10).
  virtual bool changes_epoch() const { return false; }

  // True if the command only restricts: then it is carried out on the reserve if the disk is full.
  virtual bool restricts() const { return false; }

  // True if the command appends nothing. A group of such commands alone needs no commit.
  virtual bool reads_only() const { return false; }

  // Decides and appends. May be called a second time after a first group could not be committed for
  // want of disk: it then begins anew.
  virtual void Run(Turn& turn) = 0;

  // The group was committed as `head`, or `status` says why that is not known. Called exactly once,
  // also for a command that was never run.
  virtual void Done(const absl::Status& status, const LedgerHead& head) = 0;
};

// Which of the two queues. Restricting commands are always taken first.
enum class Lane { kRestricting = 0, kNormal };

}  // namespace holdfast::exchange
