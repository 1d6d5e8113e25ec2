// SPDX-License-Identifier: Apache-2.0
#include "evidence/hold_record.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "policy/order_json.h"
#include "policy/queries.h"
#include "policy/scope_walk.h"

namespace holdfast::evidence {
namespace {

using ledger::v1::Entry;

// With the name that the agreement gives.
std::string Member(const policy::State& state, std::string_view id) {
  const policy::Member* member = state.agreement().FindMember(id);
  return member == nullptr || member->display_name.empty()
             ? std::string(id)
             : member->display_name + " (" + member->id + ")";
}

// The order in an entry, if it is one that can be read. VerifyExport has refused any other.
std::optional<order::v1::Order> OrderOf(const Entry& entry) {
  if (!entry.has_order_accepted()) return std::nullopt;
  const auto envelope = crypto::ParseDsse(entry.order_accepted().order_dsse());
  if (!envelope.ok()) return std::nullopt;
  const auto order = policy::ParseOrder(envelope->payload);
  if (!order.ok()) return std::nullopt;
  return *order;
}

// Whether a message names the hold in a field `hold_id`, its own or one of a message in it.
bool Names(const google::protobuf::Message& message, const std::string& hold_id) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const bool text = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
    const bool inner = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (text && !field->is_repeated() && field->name() == "hold_id" &&
        reflection.GetString(message, field) == hold_id) {
      return true;
    }
    if (!inner) continue;
    if (!field->is_repeated()) {
      if (Names(reflection.GetMessage(message, field), hold_id)) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (Names(reflection.GetRepeatedMessage(message, field, i), hold_id)) return true;
    }
  }
  return false;
}

// The act's name in the schema, such as "place_hold", in words.
std::string ActOf(const order::v1::Order& order) {
  const auto* oneof = order::v1::Order::descriptor()->FindOneofByName("act");
  const auto* field = order.GetReflection()->GetOneofFieldDescriptor(order, oneof);
  std::string name = field == nullptr ? "nothing" : field->name();
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

const policy::Hold* HoldRecorder::Find(const policy::State& state) const {
  return state.open() ? state.holds().Find(hold_id_) : nullptr;
}

void HoldRecorder::Take(std::uint64_t index, ByteSpan bytes, const Entry& entry,
                        const policy::State& state) {
  entry_ = entry;
  leaf_ = entry_.has_order_accepted() ? crypto::LeafHash(bytes) : Digest32{};
  const policy::Hold* hold = Find(state);
  if (hold == nullptr) {
    if (!entry_.has_key_released()) return;
    const auto lease = state.open_leases().find(entry_.key_released().lease());
    if (lease == state.open_leases().end()) return;
    released_.push_back(
        {index, lease->second.transfer, entry_.key_released().row(), state.now().late.value()});
    return;
  }
  state_before_ = hold->state;
  CountUnder(state, *hold, entry_);
}

// Counts anew what the policy has decided already: a second pair of eyes on the one number that
// matters.
void HoldRecorder::CountUnder(const policy::State& state, const policy::Hold& hold,
                              const Entry& entry) {
  if (!hold.in_force()) return;
  const auto covers = [&](std::uint32_t number, std::uint32_t row) {
    const policy::Transfer* transfer = state.transfer(number);
    const policy::Record* record = transfer == nullptr ? nullptr : transfer->records.Find(row);
    return record != nullptr && hold.scope.Covers(transfer->FactsOf(row, *record));
  };
  if (entry.has_refused()) {
    if (entry.refused().hold_index() == hold.placed_index && hold.placed_index != 0) {
      ++record_.refused_under;
    }
  } else if (entry.has_key_released() && hold.freezes) {
    const auto lease = state.open_leases().find(entry.key_released().lease());
    if (lease != state.open_leases().end() &&
        covers(lease->second.transfer, entry.key_released().row())) {
      ++record_.releases_under;
    }
  } else if (entry.has_envelopes_collected() && hold.freezes) {
    const ledger::v1::EnvelopesCollected& fact = entry.envelopes_collected();
    const policy::Transfer* transfer = state.transfer(fact.transfer());
    if (transfer == nullptr) return;
    const auto rows = policy::DepositedRows(*transfer, fact.chunk());
    if (std::any_of(rows.begin(), rows.end(),
                    [&](std::uint32_t row) { return covers(fact.transfer(), row); })) {
      ++record_.collections_under;
    }
  } else if (entry.has_records_destroyed() && hold.preserves) {
    const std::uint64_t before = record_.destructions_under;
    for (const ledger::v1::Rows& runs : entry.records_destroyed().rows()) {
      std::uint32_t row = 0;
      bool take = false;
      for (const std::uint32_t length : runs.runs()) {
        for (std::uint32_t i = 0; take && i < length; ++i) {
          if (covers(runs.transfer(), row + i)) ++record_.destructions_under;
        }
        row += length;
        take = !take;
      }
    }
    const std::uint64_t records = record_.destructions_under - before;
    if (records > 0) NoteCourtOrder(state, entry.records_destroyed(), records);
  }
}

void HoldRecorder::NoteCourtOrder(const policy::State& state,
                                  const ledger::v1::RecordsDestroyed& fact, std::uint64_t records) {
  if (fact.basis() != ledger::v1::RecordsDestroyed::COURT_ORDER) return;
  HoldCourtOrder noted;
  noted.index = state.ledger_size();
  noted.records = records;
  const policy::Disposal* disposal = state.FindDisposal(fact.revocation_index());
  if (disposal != nullptr && disposal->authorisation && disposal->authorisation->complete()) {
    const policy::Authorisation& given = *disposal->authorisation;
    noted.matter = given.order->matter();
    noted.court = given.order->court();
    noted.order_reference = given.order->order_reference();
    noted.document_sha256 = given.order->document_sha256();
    noted.first_index = given.first_index;
    noted.first_by = Member(state, state.agreement().member(given.first_by).id);
    noted.second_index = given.second_index;
    noted.second_by = Member(state, state.agreement().member(given.second_by).id);
  }
  record_.court_orders.push_back(std::move(noted));
}

void HoldRecorder::Placed(std::uint64_t index, const policy::State& state,
                          const policy::Hold& hold) {
  placed_ = true;
  record_.leaf_hash = leaf_;
  record_.placed_index = index;
  record_.placed_at = state.now().late;
  record_.placed_by = Member(state, state.agreement().member(hold.placed_by).id);
  policy::ForEachCovered(state, hold.scope,
                         [&](const policy::Transfer&, std::uint32_t, const policy::Record& r) {
                           if (r.destroyed()) return;
                           ++record_.covered;
                           if (r.releases > 0) ++record_.released_before;
                         });
  for (const policy::LeaseInScope& lease : policy::OpenLeasesInScope(state, hold.scope)) {
    const auto found = state.open_leases().find(lease.lease);
    record_.open_leases.push_back(
        {Member(state, state.agreement().member(lease.requester).id),
         policy::TransferName(state.transfer(lease.transfer)->id), lease.records,
         found == state.open_leases().end() ? 0 : found->second.opened_index, lease.not_after});
  }
  for (auto last = released_.rbegin(); last != released_.rend(); ++last) {
    const policy::Transfer* transfer = state.transfer(last->transfer);
    const policy::Record* record = transfer->records.Find(last->row);
    if (record == nullptr || !hold.scope.Covers(transfer->FactsOf(last->row, *record))) continue;
    record_.last_release =
        HoldRelease{last->index, UnixMillis(last->at_ms), policy::TransferName(transfer->id),
                    last->row, Member(state, state.agreement().member(transfer->requester).id)};
    break;
  }
  released_ = {};
}

void HoldRecorder::Folded(std::uint64_t index, const policy::State& state) {
  const policy::Hold* hold = Find(state);
  if (hold == nullptr) return;
  const UnixMillis at = state.now().late;
  const auto order = OrderOf(entry_);
  if (!placed_) {
    Placed(index, state, *hold);
    if (order) {
      record_.order = *order;
      const auto envelope = crypto::ParseDsse(entry_.order_accepted().order_dsse());
      if (envelope.ok()) record_.payload_digest = crypto::Sha256Of(envelope->payload);
    }
  } else if (entry_.has_epoch_advanced() && !record_.epoch_index) {
    record_.epoch_index = index;
  }
  if (order && Names(*order, hold_id_)) {
    record_.acts.push_back({index, at, ActOf(*order), Member(state, order->person())});
  } else if (state_before_ != hold->state && hold->state == policy::HoldState::kLifted) {
    record_.acts.push_back({index, at, "lifted: the cooling period is over", ""});
  }
  state_before_ = hold->state;
  record_.state = hold->state;
  record_.lift_at = hold->lift_at;
}

absl::StatusOr<HoldRecord> HoldRecorder::Record() {
  if (!placed_) return MakeError(Reason::kNotFound, "the ledger has no hold " + hold_id_);
  return std::move(record_);
}

}  // namespace holdfast::evidence
