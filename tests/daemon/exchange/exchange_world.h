// SPDX-License-Identifier: Apache-2.0
//
// An exchange with its writer, on a store and a keyslot in memory that survive it: so that a test
// can stop it anywhere, take an older copy, break something, and start it again.
//
// When to use  In tests of daemon/exchange. Acts go in as commands, like those of the services.
// Threads      One thread, beside the exchange's own.
// Ownership    Owns everything.
// Errors       Helpers whose name begins with Must fail the test where something is refused.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/random.h"
#include "daemon/exchange/act_command.h"
#include "daemon/exchange/exchange.h"
#include "daemon/exchange/order_command.h"
#include "daemon/exchange/release_command.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/policy/policy_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_store.h"

namespace holdfast::test {

class ExchangeWorld final {
 public:
  ExchangeWorld();
  ~ExchangeWorld();

  // Starts the exchange over whatever is on the disks.
  absl::Status Start();
  void MustStart();

  // Closes it in order.
  void Stop();

  // Stops it as kill -9 does: what was not synced in the keyslot's files stays in the cache.
  void Crash();

  exchange::Exchange& exchange() { return *exchange_; }
  ExchangeId exchange_id() const { return agreement_->exchange_id(); }
  MemoryStoreDisk& disk() { return disk_; }
  MemoryFileSystem& keyslot_files() { return keyslot_files_; }
  FakeClock& clock() { return clock_; }

  // An error at a step stops the exchange there; it is then opened again from the files, unless
  // `reopens` is off.
  std::function<absl::Status(exchange::EpochStep)> failpoint;

  // Faults of the store and of the keyslot's files, while set. Borrowed.
  FaultPlan* store_faults = nullptr;
  FaultPlan* keyslot_faults = nullptr;

  // The store, while set, in place of the one in memory; store_faults counts no more then.
  std::function<absl::StatusOr<std::unique_ptr<store::Store>>()> open_store;

  // What the file keyslot's files go through on their way to keyslot_files(), while set. Borrowed.
  FileSystem* keyslot_disk = nullptr;

  // Whether a transfer's chunk has real envelopes, each sealed under its leaf.
  bool seals_envelopes = false;

  // The keyslot, while set, in place of a file keyslot of this world's own. Borrowed. Of the fields
  // about the keyslot only keyslot_faults counts then.
  KeyslotBench* keyslot_bench = nullptr;

  // The keyslot, while set, in place of any other.
  std::function<absl::StatusOr<std::unique_ptr<crypto::Keyslot>>()> open_keyslot;

  // What two people ordered, while set; as in CoreOptions.
  std::function<absl::StatusOr<Bytes>(std::uint64_t ledger_size)> read_restore;
  std::function<absl::StatusOr<Bytes>(std::uint64_t epoch)> read_keyslot_strike_off;

  // While set, nothing can be staged in the keyslot.
  std::atomic<bool> keyslot_down = false;

  // While set, the keyslot gives back another key than the one that was staged.
  std::atomic<bool> keyslot_lies = false;

  // How long the writer waits before it opens the files again.
  std::chrono::milliseconds recovery_delay{0};

  // The program's, at the next start.
  std::string version = "0";

  // Counts what the exchange does, while set, from the next start on. Borrowed.
  observe::Metrics* metrics = nullptr;

  // Where snapshots are kept, while set: the newest one, empty for none. Borrowed.
  Bytes* snapshot = nullptr;
  std::atomic<bool> snapshots_fail = false;

  // Reads something on the writer's thread.
  template <typename T>
  T Read(std::function<T(const exchange::Core&)> read) {
    std::promise<T> promise;
    exchange_->Query(
        [&](const exchange::Core& core) -> exchange::Exchange::QueryReply {
          auto value = std::make_shared<T>(read(core));
          return [&promise, value](const exchange::LedgerHead&) { promise.set_value(*value); };
        },
        [&](const absl::Status&) {
          promise.set_exception(std::make_exception_ptr(std::runtime_error("stopped")));
        });
    return promise.get_future().get();
  }
  std::uint64_t epoch();
  std::uint64_t ledger_size();

  // Waits until the exchange serves again.
  void WaitUntilServing();

  // How many notices of hold `id` have been given; and waits, on its clock, for the first.
  std::size_t Notices(std::string_view id);
  void WaitForNotice(std::string_view id);

  // Acts.
  exchange::ActOutcome Do(const ledger::v1::Entry& fact);
  exchange::ActOutcome Do(std::vector<ledger::v1::Entry> facts,
                          std::optional<std::pair<store::ChunkKey, Bytes>> chunk = std::nullopt,
                          exchange::IfRefused if_refused = exchange::IfRefused::kNothing);

  // An approved transfer of `rows` accepted rows. Returns its number.
  std::uint32_t MustApproveTransfer(std::uint32_t rows);

  // A closed transfer of `rows` accepted rows, each with real leaves. Returns its number.
  std::uint32_t MustMakeTransfer(std::uint32_t rows);
  ledger::v1::Entry LeaseFact(std::uint32_t transfer) const;
  std::uint32_t MustOpenLease(std::uint32_t transfer);
  exchange::ReleaseOutcome Release(std::uint32_t transfer, std::uint32_t lease,
                                   std::vector<std::uint32_t> rows);
  std::future<exchange::ReleaseOutcome> BeginRelease(std::uint32_t transfer, std::uint32_t lease,
                                                     std::span<const std::uint32_t> rows);

  // Signs `act` as `person`, with everything else as it has to be, and submits it.
  exchange::OrderOutcome Order(std::string_view person, const order::v1::Order& act);
  std::future<exchange::OrderOutcome> OrderLater(std::string_view person,
                                                 const order::v1::Order& act);
  static order::v1::Order HoldAct(std::string_view id);
  order::v1::Order RevokeAct(std::uint32_t transfer, std::uint32_t first, std::uint32_t last);
  order::v1::Order ApproveDestructionAct(std::uint64_t revocation);

  // Whether the vault can derive the record's key, as workers see it.
  bool Derivable(std::uint32_t transfer, std::uint32_t row);

  // The epochs in the keyslot. With a bench, the exchange serves.
  std::vector<std::uint64_t> EpochsInKeyslot();

  void Submit(exchange::Lane lane, std::unique_ptr<exchange::Command> command);

  // Signs `act` as Order() does, for a command of another kind.
  std::pair<Bytes, std::shared_ptr<const policy::OpenedOrder>> Sign(std::string_view person,
                                                                    const order::v1::Order& act);

 private:
  exchange::ExchangeOptions Options();
  Bytes SealEnvelopes(std::uint32_t transfer, const exchange::LeafRun& records);

  MemoryStoreDisk disk_;
  MemoryFileSystem keyslot_files_;
  FakeClock clock_{UnixMillis{World::kStart}, std::chrono::hours(1)};
  crypto::SystemRandom random_;
  std::string agreement_dsse_;
  std::shared_ptr<const policy::OpenedAgreement> agreement_;
  std::unique_ptr<exchange::Exchange> exchange_;
  std::uint64_t counter_ = 0;
};

}  // namespace holdfast::test
