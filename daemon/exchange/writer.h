// SPDX-License-Identifier: Apache-2.0
// The exchange's one thread that decides: it takes commands, runs them in groups, commits each
// group and tells the commands. docs/architecture.md, "The writer".
//
// When to use  Inside Exchange.
// Threads      Loop() is the writer's thread; nothing else is called while it runs.
// Ownership    Owns the core. Borrows the exchange's parts.
// Errors       An error of a commit or of the keyslot stops the exchange: the core is dropped and
//              opened again from the files.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"

#include "daemon/exchange/checkpoints.h"
#include "daemon/exchange/command.h"
#include "daemon/exchange/command_queue.h"
#include "daemon/exchange/core.h"
#include "daemon/exchange/egress.h"
#include "daemon/exchange/group.h"
#include "daemon/exchange/notice_board.h"
#include "daemon/observe/metrics.h"
#include "policy/notice_search.h"

namespace holdfast::exchange {

class Writer final {
 public:
  struct Parts {
    const CoreOptions& core_options;
    CommandQueue& queue;
    Checkpoints& checkpoints;
    Egress& egress;
    observe::Metrics* metrics;
    std::chrono::milliseconds recovery_delay;

    // Shows workers what they may use; null: nothing.
    std::function<absl::Status(const Core*)> publish;

    // Something changed for which people wait.
    std::function<void()> notify;

    // Waits until nobody uses what was shown before the newest publish; false if that takes too
    // long.
    std::function<bool(std::chrono::milliseconds)> wait_for_old_views;

    // Cases that wait for a review may be over. Called at most once every kRetry; must be short.
    std::function<void(const policy::State&, UnixMillis early)> reviews_due;

    // Shows what requesters are told from now on.
    std::function<void(NoticeBoard)> put_up;

    // Has something done by another thread, some time.
    std::function<void(std::function<void()>)> post;
  };

  // The most commands of one group: a lone caller waits for nobody, many share one commit.
  static constexpr std::size_t kMostCommands = 64;

  // A group with so many bytes of chunks takes no more commands: what the log holds when the disk
  // is full has to fit into the reserve (store/sqlite_store.h) on its way to the database.
  static constexpr std::size_t kMostGroupBytes = std::size_t{4} << 20;

  // So does one with so many entries: its answers leave, and keys are wrapped for it, while the
  // next one is decided.
  static constexpr std::size_t kMostGroupEntries = 8192;

  // A checkpoint goes into the database as often as that, and not with each group: it is a page of
  // the log, and whoever asks for one gets the newest from memory.
  static constexpr std::chrono::milliseconds kStoredCheckpointInterval{1000};

  // How long it waits before it tries again to make an epoch, or to set space aside.
  static constexpr std::chrono::milliseconds kRetry{1000};

  // While it runs, a snapshot is kept when half as many entries are new as there are records, and
  // nobody asked for anything during a tick.
  static constexpr std::uint64_t kRecordsAnEntry = 2;

  // How often the writer looks for what has become due, if no command comes.
  static constexpr std::chrono::milliseconds kTick{200};

  // What nobody waits for, such as giving notices, is done when no command has come for as long as
  // kPause: neither the answers that have just been given nor what they lead to wait for it. Where
  // commands keep coming it waits for kLongestUntended at most; what is due does not wait.
  static constexpr std::chrono::milliseconds kPause{1};
  static constexpr std::chrono::milliseconds kLongestUntended{20};

  // How many chunks of 256 records the writer looks at before it asks whether somebody waits: about
  // a millisecond's worth.
  static constexpr std::uint32_t kChunksALook = 256;

  // How long an epoch change waits for workers that still use the old keys.
  static constexpr std::chrono::seconds kViewPatience{5};

  Writer(Parts parts, std::unique_ptr<Core> core);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Runs until the queue is closed and empty.
  void Loop();

  // What commands of this exchange may look at while they run. Null while it is stopped.
  const Core* core() const { return core_.get(); }

 private:
  using Commands = std::vector<std::unique_ptr<Command>>;

  void Process(Commands& taken);

  // Whether the passing of time has made something due that the ledger does not say yet.
  bool SomethingIsDue() const;

  // Does what is due, and if it tends `to_all` also what nobody waits for: notices, counts, and the
  // drawing of the next epoch's random bytes. REQUIRES: a core.
  void Tend(bool to_all);
  bool SweepIsDue() const;

  // Finds whether what was committed since it last looked lets something be destroyed at once.
  void LookAgain();

  // Runs `commands` from `next` on, none of which changes the epoch, in one group, and moves `next`
  // behind the last that was run.
  absl::Status RunTogether(std::span<const std::unique_ptr<Command>> commands, std::size_t& next);

  // Runs a command that may change the epoch, in a group of its own.
  absl::Status RunAlone(Command& command);

  // Starts a group: stores new segments, and notes the time if it has moved.
  absl::Status Begin(Group& group);

  // Goes on by the clock, in this very group, if an order of it says so.
  absl::Status TrustIfOrdered(Group& group);

  // Commits `group` within the epoch.
  absl::Status Commit(Group& group);
  absl::Status CommitToStore(store::Group& out);

  // Commits `group` as an epoch change (design, section 6).
  absl::Status CommitEpoch(Group& group);
  absl::Status AdoptEpoch(EpochPlan plan, const crypto::Anchor& anchor);

  // Appends the entry that records the erasure, in a group of its own.
  absl::Status RecordErased(Epoch erased);

  absl::Status Failpoint(EpochStep step) const;

  // Gives a few of the notices that are missing: who has copies of what a hold covers is looked for
  // after the hold, and between other things.
  absl::Status GiveNotices();

  // Looks for what has become due: destruction, a lift, an epoch that is still to be made.
  absl::Status Sweep();

  // Shows what requesters are told from now on, if it has changed. Before a group is answered.
  void ShowNotices();

  // Reads the clock, and shows what it says to who reads.
  Times Now();

  // Has the newest ledger signed, and counts. After a group is answered: nobody waits for it.
  void Announce();

  // Counts the notices that are overdue by now, and tells who watches if there are others: time
  // makes them so, and no command.
  void AnnounceOverdue();
  void AnnounceDestruction(std::chrono::milliseconds since_boot);

  // Tells who waits for a change, if `group` made one.
  void Notice(const Group& group);

  // Drops everything, and answers `commands` that have not been answered.
  void Stop(const absl::Status& why);
  void Recover();

  // Keeps a snapshot if `after` entries are not in the newest, and none is being written. The bytes
  // are made here, since the state changes; another thread hashes, signs and writes them, since
  // that takes its time. REQUIRES: a core, and no group that is not committed.
  void KeepSnapshot(std::uint64_t after);
  void WaitForSnapshot();

  // Shows workers the core that was opened, and sets space aside. False if that stopped it again.
  bool Serve();

  // Sets space aside again, if the disk has some.
  void RegainReserve();

  // Tells how much of what the keyslot bears is used up, and says so once half of it is.
  void ShowWear();

  Parts parts_;
  std::unique_ptr<Core> core_;
  std::vector<SealedPage> new_pages_;  // Of segments that the group opens.
  std::uint64_t stored_checkpoint_ = 0;
  std::chrono::milliseconds next_stored_checkpoint_{0};  // On the clock since boot.
  std::future<void> snapshot_written_;                   // Invalid before the first.
  // The disk is full and the reserve was given up: only what restricts is done until it is back.
  bool restricting_only_ = false;
  bool disk_is_full_ = false;  // Why the exchange was stopped.

  bool stale_stage_ = false;  // A root key that was given up may still be in the keyslot.
  std::chrono::milliseconds next_epoch_attempt_{0};    // On the clock since boot.
  std::chrono::milliseconds next_reserve_attempt_{0};  // The same.

  policy::NoticeSearch notice_search_;
  std::uint64_t notices_shown_ = 0;      // HoldBook::notice_changes() of what was put up.
  std::vector<UnixMillis> notices_due_;  // Of these, until when each is to be acknowledged; sorted.
  std::size_t overdue_shown_ = 0;        // How many were overdue when that was last counted.

  bool wear_told_ = false;  // That half of what the keyslot bears is used up.

  bool look_again_ = true;    // Something may be due that was not when the sweep last looked.
  bool destroy_now_ = false;  // Something may be destroyed by the time that was noted last.
  std::chrono::milliseconds tend_at_latest_{0};    // On the clock since boot.
  std::chrono::milliseconds next_recovery_{0};     // On the clock since boot.
  std::chrono::milliseconds next_destruction_{0};  // The same.
  std::chrono::milliseconds next_review_{0};       // The same.
  std::chrono::milliseconds next_count_{0};        // The same.

  // Since when something is due that no sweep has destroyed, or left alone, yet.
  std::optional<std::chrono::milliseconds> due_since_;
};

}  // namespace holdfast::exchange
