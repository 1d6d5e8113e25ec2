// SPDX-License-Identifier: Apache-2.0
// All that an exchange knows, in one object that is dropped whole after an error of a commit and
// made anew from the files.
//
// When to use  By the writer: OpenCore() at the start and after an error.
// Threads      Belongs to the writer's thread, but for the allocator, which is shared.
// Ownership    Owns store and keyslot handles. Borrows what is in CoreOptions.
// Errors       OpenCore() refuses, and erases nothing, where database, keyslot, agreement and head
//              note do not fit together, or an order of two people does not fit them:
//              kEpochUnknown, kStoreCorrupt, kLedgerInconsistent, kAgreementMismatch,
//              kKeyslotFailed, kSignatureInvalid, kOrderRejected, and the store's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypto/ed25519.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/random.h"
#include "crypto/tiles.h"
#include "daemon/exchange/segment_allocator.h"
#include "daemon/exchange/time_keeper.h"
#include "daemon/exchange/vault.h"
#include "policy/agreement.h"
#include "policy/state.h"
#include "store/store.h"

namespace holdfast::exchange {

// The steps of an epoch change and of the first start, in order. Tests stop the process at each.
enum class EpochStep {
  kPlanned,    // New pages and root key exist in memory.
  kStaged,     // The keyslot holds both root keys.
  kCommitted,  // The database is of the new epoch; the old root key still exists.
  kReadBack,   // The new top page opened with the key as read back from the keyslot.
  kErased,     // The old root key is gone.
  kAdopted,    // Workers derive from the new vault only.
  kRecorded,   // The ledger says so.
};

class Group;

// What becomes of the space that is set aside for holds.
enum class Reserve {
  kKeep = 0,
  kGiveUp,  // The disk is full: it makes room for the start, and for what restricts.
};

struct CoreOptions {
  std::string name;      // The configured name, for logs and metrics.
  std::string version;   // The program's.
  ExchangeId exchange;   // From the configuration: what everything is checked against.
  Bytes agreement_dsse;  // The signed agreement as loaded.
  std::function<absl::StatusOr<std::unique_ptr<store::Store>>()> open_store;
  std::function<absl::StatusOr<std::unique_ptr<crypto::Keyslot>>()> open_keyslot;

  // The newest snapshot that was kept, and a way to keep one: durable or not at all. Neither has to
  // work. Empty: none is kept, and each start folds the whole ledger.
  std::function<absl::StatusOr<Bytes>()> read_snapshot;
  std::function<absl::Status(ByteSpan)> write_snapshot;

  // Orders of two people that wait to be put into the ledger: that the exchange goes on from the
  // backup with a ledger of this size, and that it goes on without keyslots that were lost in this
  // epoch. Each returns the DSSE envelope, or kNotFound. Empty: there is none.
  std::function<absl::StatusOr<Bytes>(std::uint64_t ledger_size)> read_restore;
  std::function<absl::StatusOr<Bytes>(std::uint64_t epoch)> read_keyslot_strike_off;

  // Called when the ledger says that a process started with keyslots of this kind. Empty: not.
  std::function<void(std::string_view kind)> keyslots_recorded;

  // A snapshot is kept at the end, and now and then, if at least so many entries are not in the
  // newest: a start folds about two million a second.
  std::uint64_t snapshot_after = std::uint64_t{1} << 16;

  const Clock* clock = nullptr;
  crypto::Random* random = nullptr;

  // A test's way to stop at a step: an error is handled as a crash there. Empty in the daemon.
  std::function<absl::Status(EpochStep)> failpoint;
};

struct Core {
  std::shared_ptr<store::Store> store;
  std::unique_ptr<crypto::Keyslot> keyslot;
  std::shared_ptr<const policy::OpenedAgreement> agreement;
  policy::State state;
  Vault vault;
  crypto::TileBuilder tiles;
  std::shared_ptr<SegmentAllocator> allocator;
  std::shared_ptr<const crypto::SigningKey> checkpoint_key;
  TimeKeeper time;
  std::uint64_t snapshot_size = 0;  // The ledger's size at the newest snapshot; 0: there is none.
  std::uint64_t folded_from = 0;    // And at the one that it was opened from.

  // The time when the writer last looked, for what is shown to people. The ledger's own, by which
  // everything is decided, stands still while nothing is decided.
  Times present{};
};

// Opens, or for the first time makes, an exchange. When it returns, the database is of an epoch
// whose root key is the only one in the keyslot, the ledger has what two people ordered of it while
// it stood still, and a ProcessStarted, and no segment of an earlier process is open.
// docs/key-tree.md, "Start".
absl::StatusOr<std::unique_ptr<Core>> OpenCore(const CoreOptions& options,
                                               Reserve reserve = Reserve::kKeep);

// How many epochs were written to the present keyslots.
std::uint64_t KeyslotEpochs(const Core& core);

// The times by which the state decides now.
Times TimesOf(const policy::State& state);

// Appends a fact of the daemon's own. The policy decides about it like about any other.
// Errors: kInternal if it refuses.
absl::Status AppendDecided(Group& group, ledger::v1::Entry fact);

// The fact that decisions use these times from now on.
ledger::v1::Entry TimeFact(const Times& now);

// Appends the entry that says that the root key of `erased` is gone.
// Errors: kInternal if the policy refuses it.
absl::Status AppendErased(const Core& core, Epoch erased, Group& group);

}  // namespace holdfast::exchange
