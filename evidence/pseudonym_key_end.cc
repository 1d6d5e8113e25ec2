// SPDX-License-Identifier: Apache-2.0
#include "evidence/pseudonym_key_end.h"

#include "crypto/dsse.h"
#include "policy/order_json.h"

namespace holdfast::evidence {
namespace {

PseudonymKeyOrder OrderOf(std::uint64_t index, const ledger::v1::Entry& entry,
                          const policy::State& state) {
  PseudonymKeyOrder order;
  order.index = index;
  order.at = state.now().late;
  const auto envelope = crypto::ParseDsse(entry.order_accepted().order_dsse());
  if (!envelope.ok()) return order;
  const auto parsed = policy::ParseOrder(envelope->payload);
  if (!parsed.ok()) return order;
  const policy::Member* member = state.agreement().FindMember(parsed->person());
  order.person = member == nullptr || member->display_name.empty()
                     ? parsed->person()
                     : member->display_name + " (" + member->id + ")";
  return order;
}

}  // namespace

void PseudonymKeySearch::Take(std::uint64_t index, ByteSpan, const ledger::v1::Entry& entry,
                              const policy::State&) {
  if (entry.has_order_accepted()) order_ = entry;
  if (!found_) return;
  if (entry.has_epoch_advanced() && found_->epoch == 0) {
    found_->epoch = entry.epoch_advanced().epoch();
    found_->epoch_index = index;
  }
  if (entry.has_epoch_erased() && !found_->erased &&
      entry.epoch_erased().epoch() + 1 == found_->epoch) {
    found_->erased = {index, entry.epoch_erased().keyslot_kind(),
                      entry.epoch_erased().erasure_class()};
  }
}

void PseudonymKeySearch::Folded(std::uint64_t index, const policy::State& after) {
  const policy::EvidenceRecord& evidence = after.evidence();
  if (index == 0) return;
  if (evidence.key_destruction_index == index) first_ = OrderOf(index, order_, after);
  if (evidence.key_destroyed_index == index) {
    found_.emplace();
    found_->first = first_;
    found_->second = OrderOf(index, order_, after);
    found_->reason = evidence.key_destruction_reason;
  }
}

}  // namespace holdfast::evidence
