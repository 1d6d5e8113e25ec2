// SPDX-License-Identifier: Apache-2.0
// The acceptance of one signed order.
//
// When to use  For every order, however it came: by a call, or out of the orders folder. Holds and
//              revocations go into the restricting lane.
// Threads      See Command. `done` runs on the executor or, for a hold, on the thread that ends the
//              last reply that it waits for; it must be short and may not wait.
// Ownership    The command owns what it was given until `done` has returned.
// Errors       In the outcome.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "daemon/exchange/command.h"
#include "daemon/exchange/egress.h"
#include "daemon/exchange/executor.h"
#include "policy/opened_order.h"
#include "policy/queries.h"

namespace holdfast::exchange {

// A lease that was open in a hold's scope, in words.
struct LeaseAtHold {
  std::string requester;
  std::string transfer;
  std::uint32_t records = 0;
  std::int64_t not_after_ms = 0;
};

struct OrderOutcome {
  absl::Status status;  // As ActOutcome.
  policy::Decision decision;
  std::string matter;
  std::uint64_t index = 0;  // Of the order's entry; of the earlier one if `already`.
  Bytes entry;              // The order's. Empty if `already`.
  Digest32 leaf_hash{};     // Of that. Unset if `already`.
  LedgerHead head;
  bool already = false;
  bool anchored = true;  // False while a hold's epoch is still to be made.

  // For an amendment of a hold: it narrows, and waits for a second person.
  bool needs_second_person = false;

  // For a hold: the leases that are open in its scope when it is answered, so also if `already`.
  std::vector<LeaseAtHold> open_leases;
  std::uint32_t cut = 0;  // Replies that were cut off: they count as released.
  // Whether the order stops releases, so that no lower entry's reply is under way any more.
  bool stops = false;
};

// The leases that are open in the scope, in words.
std::vector<LeaseAtHold> LeasesInScope(const policy::State& state,
                                       const policy::CompiledScope& scope);

// Whether the order goes first: it only restricts.
bool Restricts(const policy::OpenedOrder& order);

// Appends the refusal of an order and returns its index.
std::uint64_t RefuseOrder(Turn& turn, const policy::OpenedOrder& order,
                          const policy::Decision& decision);

class OrderCommand final : public Command {
 public:
  using DoneCallback = std::function<void(OrderOutcome)>;

  // REQUIRES: `order` was opened from `dsse`, and its head was checked.
  OrderCommand(Bytes dsse, std::shared_ptr<const policy::OpenedOrder> order, Executor& executor,
               std::shared_ptr<Egress> egress, DoneCallback done);

  bool changes_epoch() const override { return advances_epoch_; }
  bool restricts() const override { return Restricts(*order_); }
  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

 private:
  bool AcceptedBefore(const policy::State& state);
  // Takes what the answer says of the hold that the order is about.
  void NoteHold(const policy::State& state);

  ledger::v1::Entry fact_;
  std::shared_ptr<const policy::OpenedOrder> order_;
  Executor& executor_;
  std::shared_ptr<Egress> egress_;
  DoneCallback done_;
  bool advances_epoch_;
  bool unanchored_ = false;  // Of an order that was accepted before.
  bool freezes_ = false;     // A hold that freezes is in force, or wider, by this order.
  OrderOutcome outcome_;
};

}  // namespace holdfast::exchange
