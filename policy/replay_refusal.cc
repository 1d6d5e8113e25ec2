// SPDX-License-Identifier: Apache-2.0
#include "policy/replay_refusal.h"

#include "policy/disposal.h"
#include "policy/refusal.h"

namespace holdfast::policy {
namespace {

RefusedAgain Agree(bool agrees) {
  return agrees ? RefusedAgain::kAgrees : RefusedAgain::kDisagrees;
}

// Whether `holds(row, record)` for one of the rows that were refused.
template <typename Holds>
RefusedAgain AnyRow(const Transfer& transfer, const ledger::v1::Refused& fact, Holds holds) {
  if (!fact.has_rows()) return RefusedAgain::kCannotTell;
  const auto rows = ReadRows(fact.rows());
  if (!rows.ok() || rows->transfer != transfer.number) return RefusedAgain::kDisagrees;
  for (const RowRun& run : rows->runs) {
    for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
      const Record* record = transfer.records.Find(row);
      // Rows end somewhere; a long run beyond it is not worth a look at each.
      if (record == nullptr && row >= transfer.records.chunk_count() * kRowsPerChunk) break;
      if (record != nullptr && holds(row, *record)) return RefusedAgain::kAgrees;
    }
  }
  return RefusedAgain::kDisagrees;
}

RefusedAgain HoldAgain(const State& state, const Transfer* transfer,
                       const ledger::v1::Refused& fact, bool freeze) {
  const Hold* hold = state.holds().FindByPlacing(fact.hold_index());
  if (hold == nullptr || !hold->in_force() || !(freeze ? hold->freezes : hold->preserves)) {
    return RefusedAgain::kDisagrees;
  }
  if (transfer == nullptr) return RefusedAgain::kCannotTell;
  if (!fact.has_rows()) return Agree(hold->scope.Touches(transfer->Facts()));
  return AnyRow(*transfer, fact, [&](std::uint32_t row, const Record& record) {
    RecordFacts facts = transfer->FactsOf(row, record);
    if (fact.act() == ledger::v1::Refused::RELEASE_KEYS) {
      facts = facts.ReleasedAt(RecordSeconds(state.now().late));
    }
    return hold->scope.Covers(facts);
  });
}

}  // namespace

RefusedAgain DecideRefusedAgain(const State& state, const ledger::v1::Refused& fact) {
  if (!state.open()) return RefusedAgain::kDisagrees;
  const Transfer* transfer = fact.has_transfer() ? state.transfer(fact.transfer()) : nullptr;
  if (fact.has_transfer() && transfer == nullptr) return RefusedAgain::kDisagrees;
  const auto refusal = RefusalFromNumber(fact.refusal());
  if (!refusal) return RefusedAgain::kDisagrees;
  const auto any_row = [&](auto holds) {
    return transfer == nullptr ? RefusedAgain::kCannotTell : AnyRow(*transfer, fact, holds);
  };
  // Most refusals depend on a request that is not in the ledger; those that depend on the state
  // alone are decided again.
  if (*refusal == Refusal::kClockUntrusted) return Agree(!state.now().trusted);
  if (*refusal == Refusal::kEpochPending) return Agree(state.epoch_pending());
  if (*refusal == Refusal::kNotWitnessed) {
    return Agree(
        !state.evidence().IsWitnessed(state.now().late, state.agreement().terms().witness_max_age));
  }
  if (*refusal == Refusal::kPseudonymKeyDestroyed) {
    return Agree(state.evidence().pseudonym_key_destroyed());
  }
  if (*refusal == Refusal::kMemberUnknown) {
    return Agree(state.agreement().FindMember(fact.member()) == nullptr);
  }
  if (*refusal == Refusal::kStruckOff) {
    // With which of the member's keys an order was signed is not in the ledger.
    const Member* member = state.agreement().FindMember(fact.member());
    return Agree(member != nullptr &&
                 (state.struck_off().Has(member->number) || state.struck_off().HasKeyOf(*member)));
  }
  if (*refusal == Refusal::kFrozen) return HoldAgain(state, transfer, fact, true);
  if (*refusal == Refusal::kPreserved) return HoldAgain(state, transfer, fact, false);
  if (*refusal == Refusal::kRecordExpired) {
    return transfer == nullptr
               ? RefusedAgain::kCannotTell
               : Agree(transfer->approved() && state.now().late >= transfer->not_after);
  }
  const auto stopped = [&](auto by) {
    return transfer == nullptr ? RefusedAgain::kCannotTell : Agree(by(*transfer));
  };
  if (*refusal == Refusal::kTransferSuspended) {
    return stopped([](const Transfer& of) { return of.suspended(); });
  }
  if (*refusal == Refusal::kTransferEnded) {
    return stopped([&](const Transfer& of) { return state.now().late >= of.ends_at; });
  }
  if (*refusal == Refusal::kTransferBraked) {
    return stopped([](const Transfer& of) { return of.stopping() != 0; });
  }
  if (*refusal == Refusal::kCasesWaiting) {
    return stopped([](const Transfer& of) { return !of.cases.empty(); });
  }
  // How many more were asked for is not in the ledger.
  if (*refusal == Refusal::kTransferCapped) {
    return stopped([](const Transfer& of) { return of.record_cap != kNoCap; });
  }
  if (*refusal == Refusal::kRecordRevoked) {
    return any_row([](std::uint32_t, const Record& record) { return record.revoked(); });
  }
  if (*refusal == Refusal::kRecordDestroyed) {
    return any_row([](std::uint32_t, const Record& record) { return record.destroyed(); });
  }
  if (*refusal == Refusal::kRecordNotDeposited) {
    return any_row([](std::uint32_t, const Record& record) { return !record.deposited(); });
  }
  if (*refusal == Refusal::kRowDeposited) {
    return any_row([](std::uint32_t, const Record& record) { return record.deposited(); });
  }
  return RefusedAgain::kCannotTell;
}

}  // namespace holdfast::policy
