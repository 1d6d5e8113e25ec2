// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/policy_world.h"

#include <utility>

#include "gtest/gtest.h"

#include "base/check.h"
#include "crypto/closing_statement.h"
#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "policy/brakes.h"
#include "policy/order_json.h"
#include "policy/proto_time.h"
#include "policy/request_gate.h"

namespace holdfast::test {
namespace {

using std::chrono::milliseconds;

std::string Text(ByteSpan bytes) { return std::string(AsText(bytes)); }

std::string NumberBytes(std::uint64_t number, std::size_t size) {
  const Digest32 digest = crypto::Sha256Of(AsBytes("bytes " + std::to_string(number)));
  return Text(digest).substr(0, size);
}

ledger::v1::Entry EmptyEntry() {
  ledger::v1::Entry entry;
  entry.set_salt(std::string(16, 's'));
  entry.set_policy_version(policy::kPolicyVersion);
  return entry;
}

}  // namespace

#define HF_TEST_ENTRY_OF(Type, field)                       \
  ledger::v1::Entry EntryOf(const ledger::v1::Type& fact) { \
    ledger::v1::Entry entry = EmptyEntry();                 \
    *entry.mutable_##field() = fact;                        \
    return entry;                                           \
  }
HF_TEST_ENTRY_OF(ExchangeOpened, exchange_opened)
HF_TEST_ENTRY_OF(ProcessStarted, process_started)
HF_TEST_ENTRY_OF(TimeAdvanced, time_advanced)
HF_TEST_ENTRY_OF(SegmentOpened, segment_opened)
HF_TEST_ENTRY_OF(EpochAdvanced, epoch_advanced)
HF_TEST_ENTRY_OF(EpochErased, epoch_erased)
HF_TEST_ENTRY_OF(TransferCreated, transfer_created)
HF_TEST_ENTRY_OF(SubjectJudged, subject_judged)
HF_TEST_ENTRY_OF(SubmissionFinished, submission_finished)
HF_TEST_ENTRY_OF(SubjectsFetched, subjects_fetched)
HF_TEST_ENTRY_OF(EnvelopeDeposited, envelope_deposited)
HF_TEST_ENTRY_OF(ReviewOpened, review_opened)
HF_TEST_ENTRY_OF(CaseShown, case_shown)
HF_TEST_ENTRY_OF(VerdictRerun, verdict_rerun)
HF_TEST_ENTRY_OF(PersonIdentified, person_identified)
HF_TEST_ENTRY_OF(TransferClosed, transfer_closed)
HF_TEST_ENTRY_OF(EnvelopesCollected, envelopes_collected)
HF_TEST_ENTRY_OF(LeaseOpened, lease_opened)
HF_TEST_ENTRY_OF(KeyReleased, key_released)
HF_TEST_ENTRY_OF(OrderAccepted, order_accepted)
HF_TEST_ENTRY_OF(RecordsDestroyed, records_destroyed)
HF_TEST_ENTRY_OF(NoticeGiven, notice_given)
HF_TEST_ENTRY_OF(Refused, refused)
HF_TEST_ENTRY_OF(CheckpointWitnessed, checkpoint_witnessed)
HF_TEST_ENTRY_OF(LedgerRead, ledger_read)
HF_TEST_ENTRY_OF(ExchangeRestored, exchange_restored)
HF_TEST_ENTRY_OF(KeyslotStruckOff, keyslot_struck_off)
#undef HF_TEST_ENTRY_OF

void World::Expect(const Decision& decision) {
  EXPECT_EQ(policy::RefusalName(decision.refusal), "ALLOWED");
}

std::string World::RandomBytes(std::size_t size) { return NumberBytes(++counter_, size); }

World::World(const AgreementOptions& options) : agreement_(MakeAgreement(options)) {
  ledger::v1::ExchangeOpened opened;
  opened.set_agreement_dsse(SignAgreement(agreement_->text()));
  opened.set_checkpoint_key(ToString(KeyOf("ledger").public_key().bytes()));
  Do(opened);
  ledger::v1::ProcessStarted started;
  started.set_process(RandomBytes(16));
  started.set_keyslot_kind("file");
  started.set_version("test");
  Do(started);
  SetTime(kStart, kStart);
  AdvanceEpoch();
}

Decision World::TryEntry(const ledger::v1::Entry& entry, const OpenedOrder* order) {
  const Decision decision = policy::Decide(state_, {entry, order, agreement_.get()});
  if (!decision.allowed()) return decision;
  const auto applied = policy::Apply(state_, entry, order, state_.ledger_size(),
                                     entry.has_exchange_opened() ? agreement_ : nullptr);
  EXPECT_TRUE(applied.ok()) << applied;
  ledger_.push_back(
      {entry, order == nullptr ? nullptr : std::make_shared<const OpenedOrder>(*order)});
  return decision;
}

Decision World::TryOrder(const OpenedOrder& order) {
  ledger::v1::OrderAccepted fact;
  fact.set_order_dsse("signed elsewhere");
  return TryEntry(EntryOf(fact), &order);
}

void World::DoOrder(const OpenedOrder& order) { Expect(TryOrder(order)); }

policy::State World::FoldAgain() const {
  policy::State state;
  for (const Applied& applied : ledger_) {
    const auto status =
        policy::Apply(state, applied.entry, applied.order.get(), state.ledger_size(),
                      applied.entry.has_exchange_opened() ? agreement_ : nullptr);
    EXPECT_TRUE(status.ok()) << status;
  }
  return state;
}

OpenedOrder World::Order(std::string_view person, const order::v1::Order& act) const {
  OpenedOrder opened;
  opened.order = act;
  order::v1::Order& order = opened.order;
  const UnixMillis issued_at = state_.now().late;
  opened.exchange_id = agreement_->digest();
  opened.id = *IdFromBytes<policy::OrderId>(AsBytes(NumberBytes(++counter_, 16)));
  opened.person = agreement_->FindMember(person)->number;
  opened.issued_at = issued_at;
  opened.void_after = issued_at + std::chrono::hours(24);
  opened.head_size = state_.ledger_size();
  opened.head_root = crypto::EmptyRoot();
  opened.prev = state_.LastOrderOf(opened.person);
  opened.key_valid_until = kMaxTime;
  opened.key = agreement_->member(opened.person).keys.front().public_key.bytes();
  opened.head_check = policy::HeadCheck::kPrefix;
  order.set_exchange_id(Hex(opened.exchange_id));
  order.set_agreement_version(agreement_->version());
  order.set_id(Hex(BytesOf(opened.id)));
  order.set_person(std::string(person));
  *order.mutable_issued_at() = policy::ToProto(opened.issued_at);
  *order.mutable_void_after() = policy::ToProto(opened.void_after);
  order.mutable_head()->set_size(opened.head_size);
  order.mutable_head()->set_root(Hex(opened.head_root));
  if (opened.prev.any) order.set_prev(Hex(opened.prev.digest));
  opened.payload_digest = crypto::Sha256Of(AsBytes(order.SerializeAsString()));
  opened.envelope_digest = opened.payload_digest;
  return opened;
}

void World::TrustClock() {
  DoOrder(Order("paula", TrustClockAct()));
  SetTime(late(), state_.now().early.value(), true, state_.now().wall.value());
}

order::v1::Order World::TrustClockAct() const {
  order::v1::Order order;
  order.mutable_trust_clock()->set_reason("Synchronised again.");
  return order;
}

void World::SetTime(std::int64_t late, std::int64_t early, bool trusted,
                    std::optional<std::int64_t> wall) {
  ledger::v1::TimeAdvanced fact;
  fact.set_wall_ms(wall.value_or(late));
  fact.set_late_ms(late);
  fact.set_early_ms(early);
  fact.set_trusted(trusted);
  Do(fact);
}

void World::Pass(milliseconds duration) {
  const UnixMillis late = state_.now().late + duration;
  SetTime(late.value(), late.value());
}

void World::AdvanceEpoch() {
  ledger::v1::EpochAdvanced fact;
  fact.set_epoch(state_.epoch() + 1);
  Do(fact);
}

std::uint32_t World::CreateTransfer(std::string_view requester, std::vector<std::string> officers,
                                    std::string_view authority) {
  ledger::v1::TransferCreated fact;
  fact.set_transfer(RandomBytes(16));
  fact.set_requester(std::string(requester));
  fact.set_authority(std::string(authority));
  fact.set_purpose("A reason that is specific.");
  fact.set_requesting_official("director");
  for (std::string& officer : officers) fact.add_officers(std::move(officer));
  ledger::v1::Period* period = fact.add_periods();
  period->set_first_year(2023);
  period->set_last_year(2024);
  fact.set_attestation_digest(RandomBytes(32));
  fact.set_binding_nonce(RandomBytes(32));
  fact.set_request_id(RandomBytes(16));
  const auto number = static_cast<std::uint32_t>(state_.transfers().size());
  Do(fact);
  return number;
}

std::uint32_t World::OpenSegment(std::uint32_t transfer, ledger::v1::SegmentKind kind) {
  ledger::v1::SegmentOpened fact;
  fact.set_segment(RandomBytes(16));
  fact.set_kind(kind);
  fact.set_transfer(transfer);
  const auto number = static_cast<std::uint32_t>(state_.segments().size());
  Do(fact);
  return number;
}

std::pair<std::uint32_t, std::uint32_t> World::Leaf(std::uint32_t transfer,
                                                    ledger::v1::SegmentKind kind) {
  const auto key = std::make_pair(transfer, kind);
  auto found = leaves_.find(key);
  if (found == leaves_.end() || found->second.next_leaf == kLeavesPerSegment ||
      !state_.segments().InUse(found->second.segment)) {
    found = leaves_.insert_or_assign(key, Allocation{OpenSegment(transfer, kind), 0}).first;
  }
  return {found->second.segment, found->second.next_leaf++};
}

std::string AddressTag(std::uint32_t address) {
  const Digest32 tag = crypto::Sha256Of(AsBytes("address " + std::to_string(address)));
  return Text(ByteSpan(tag).first(policy::AddressMemory::kTagBytes));
}

void SetAlias(ledger::v1::SubjectJudged& fact, std::uint32_t person, std::uint32_t address) {
  fact.set_alias(Text(BytesOf(PseudonymOf(person))));
  fact.set_alias_address_tag(AddressTag(address));
}

ledger::v1::SubjectJudged World::Subject(std::uint32_t transfer, std::uint32_t row,
                                         std::uint32_t verdict, std::uint32_t officer,
                                         std::uint32_t person, std::uint32_t address) {
  ledger::v1::SubjectJudged fact;
  fact.set_transfer(transfer);
  fact.set_row(row);
  fact.set_verdict(verdict);
  fact.set_gate_version(policy::kGateVersion);
  fact.set_officer(officer);
  fact.set_pseudonym(Text(BytesOf(PseudonymOf(person))));
  fact.set_commitment(std::string(32, 'c'));
  if (verdict == 1) {
    fact.set_address_tag(AddressTag(address));
    const auto [segment, leaf] = Leaf(transfer, ledger::v1::SUBJECT);
    fact.set_segment(segment);
    fact.set_leaf(leaf);
  }
  return fact;
}

void World::Judge(std::uint32_t transfer, std::uint32_t row, std::uint32_t verdict,
                  std::uint32_t officer, std::uint32_t person, std::uint32_t address) {
  Do(Subject(transfer, row, verdict, officer, person, address));
}

void World::Finish(std::uint32_t transfer) {
  ledger::v1::SubmissionFinished fact;
  fact.set_transfer(transfer);
  fact.set_rows(state_.transfer(transfer)->judged);
  Do(fact);
}

void World::Approve(std::uint32_t transfer, std::string_view custodian) {
  DoOrder(Order(custodian, ApproveAct(transfer)));
}

ledger::v1::EnvelopeDeposited World::Envelope(std::uint32_t transfer, std::uint32_t row,
                                              std::uint32_t verdict) {
  ledger::v1::EnvelopeDeposited fact;
  fact.set_transfer(transfer);
  fact.set_row(row);
  const policy::ReviewCase* waiting = state_.transfer(transfer)->FindCase(row);
  if (waiting == nullptr) {
    const auto [segment, leaf] = Leaf(transfer, ledger::v1::RECORD);
    fact.set_segment(segment);
    fact.set_leaf(leaf);
  } else {
    const policy::Record& record = *state_.FindRecord({transfer, row});
    fact.set_segment(record.record_segment);
    fact.set_leaf(record.record_leaf);
  }
  fact.set_verdict(verdict);
  fact.set_gate_version(policy::kGateVersion);
  fact.set_envelope_digest(RandomBytes(32));
  fact.set_commitment(std::string(32, 'c'));
  fact.set_gate_version(1);
  fact.set_address(verdict == 10 ? 0 : 1);
  if (waiting != nullptr) {
    fact.set_commitment(Text(waiting->commitment));
    fact.set_address(static_cast<std::uint32_t>(waiting->address));
  }
  return fact;
}

void World::Deposit(std::uint32_t transfer, std::uint32_t row, std::uint32_t verdict) {
  const auto fact = Envelope(transfer, row, verdict);
  Do(fact);
  NoteEnvelope(fact);
}

void World::NoteEnvelope(const ledger::v1::EnvelopeDeposited& fact) {
  envelopes_[{fact.transfer(), fact.row()}] =
      *ArrayFromBytes<Digest32>(AsBytes(fact.envelope_digest()));
}

ledger::v1::ReviewOpened World::Doubt(std::uint32_t transfer, std::uint32_t row,
                                      std::uint32_t verdict, std::uint64_t releasable) {
  ledger::v1::ReviewOpened fact;
  fact.set_transfer(transfer);
  fact.set_row(row);
  fact.set_verdict(verdict);
  fact.set_address(2);
  fact.set_commitment(RandomBytes(32));
  fact.set_gate_version(1);
  fact.set_candidates(2);
  fact.set_releasable(releasable);
  const auto [segment, leaf] = Leaf(transfer, ledger::v1::RECORD);
  fact.set_segment(segment);
  fact.set_leaf(leaf);
  return fact;
}

bool World::TrySettle(const OpenedOrder& order,
                      const std::vector<ledger::v1::EnvelopeDeposited>& envelopes) {
  ledger::v1::OrderAccepted accepted;
  accepted.set_order_dsse("signed elsewhere");
  std::vector<ledger::v1::Entry> entries;
  std::vector<const ledger::v1::Entry*> pointers;
  entries.reserve(envelopes.size());
  for (const auto& fact : envelopes) {
    entries.push_back(EntryOf(fact));
    pointers.push_back(&entries.back());
  }
  const ledger::v1::Entry entry = EntryOf(accepted);
  settlement_ = policy::DecideSettlement(state_, {entry, &order}, pointers);
  if (!settlement_.allowed()) return false;
  DoOrder(order);
  for (const auto& fact : envelopes) {
    Do(fact);
    NoteEnvelope(fact);
  }
  return true;
}

order::v1::Order World::ReleaseCaseAct(std::uint32_t transfer, std::uint32_t row,
                                       std::uint32_t candidate) const {
  order::v1::Order order;
  order::v1::ReleaseCase& act = *order.mutable_release_case();
  act.set_transfer(Name(transfer));
  act.set_row(row);
  act.set_candidate(candidate);
  act.set_reason("The file shows the same person.");
  const policy::ReviewCase* waiting = state_.transfer(transfer)->FindCase(row);
  act.set_case_digest(waiting == nullptr ? std::string(64, '0') : Hex(waiting->digest));
  return order;
}

order::v1::Order World::RefuseCasesAct(std::uint32_t transfer, std::uint32_t first,
                                       std::uint32_t last) const {
  order::v1::Order order;
  order::v1::RefuseCases& act = *order.mutable_refuse_cases();
  act.set_transfer(Name(transfer));
  v1::RowRange& range = *act.add_rows();
  range.set_first(first);
  range.set_last(last);
  act.set_count(static_cast<std::uint32_t>(
      WaitingRows(*state_.transfer(transfer), act.rows(), policy::kMaxCasesPerOrder).size()));
  act.set_reason("Not the same person.");
  return order;
}

ledger::v1::TransferClosed World::Closing(std::uint32_t transfer) {
  ledger::v1::TransferClosed fact;
  fact.set_transfer(transfer);
  fact.set_source("irs");
  // The obvious root, from all digests in order of row.
  std::vector<Digest32> leaves;
  for (const auto& [key, digest] : envelopes_) {
    if (key.first == transfer) leaves.push_back(crypto::LeafHash(digest));
  }
  const Digest32 root = crypto::RootOf(leaves);
  fact.set_envelopes(static_cast<std::uint32_t>(leaves.size()));
  fact.set_envelopes_root(Text(root));
  const Bytes statement = crypto::ClosingStatement(
      agreement_->exchange_id(), state_.transfer(transfer)->id, fact.envelopes(), root);
  fact.set_signature(Text(KeyOf("irs").Sign(statement)));
  return fact;
}

void World::Close(std::uint32_t transfer) { Do(Closing(transfer)); }

ledger::v1::LeaseOpened World::LeaseFact(std::uint32_t transfer, std::string_view requester) {
  ledger::v1::LeaseOpened fact;
  fact.set_transfer(transfer);
  fact.set_requester(std::string(requester));
  fact.set_recipient_key(RandomBytes(32));
  fact.set_opening("an opening");
  fact.set_signature(
      Text(KeyOf(requester).Sign(AsBytes("holdfast/1/lease-opening" + fact.opening()))));
  const UnixMillis end = state_.now().late + agreement_->terms().lease_duration;
  fact.set_not_after_ms(end.value());
  return fact;
}

std::uint32_t World::OpenLease(std::uint32_t transfer, std::string_view requester) {
  const std::uint32_t number = state_.lease_count();
  Do(LeaseFact(transfer, requester));
  return number;
}

ledger::v1::KeyReleased World::Release(std::uint32_t lease, std::uint32_t row) {
  ledger::v1::KeyReleased fact;
  fact.set_lease(lease);
  fact.set_row(row);
  return fact;
}

std::uint32_t World::FinishedTransfer(std::uint32_t rows) {
  const std::uint32_t transfer = CreateTransfer();
  for (std::uint32_t row = 0; row < rows; ++row) Judge(transfer, row, 1, row % 2, row);
  Finish(transfer);
  return transfer;
}

std::uint32_t World::ApprovedTransfer(std::uint32_t rows) {
  const std::uint32_t transfer = FinishedTransfer(rows);
  Approve(transfer);
  return transfer;
}

std::uint32_t World::ClosedTransfer(std::uint32_t rows) {
  const std::uint32_t transfer = ApprovedTransfer(rows);
  for (std::uint32_t row = 0; row < rows; ++row) Deposit(transfer, row);
  Close(transfer);
  return transfer;
}

order::v1::Order World::ApproveAct(std::uint32_t transfer) const {
  order::v1::Order order;
  order.mutable_approve_transfer()->set_transfer(Name(transfer));
  order.mutable_approve_transfer()->set_dossier_digest(
      Hex(state_.transfer(transfer)->dossier_digest));
  return order;
}

order::v1::Order World::SuspendAct(std::uint32_t transfer) const {
  order::v1::Order order;
  order.mutable_suspend_transfer()->set_transfer(Name(transfer));
  order.mutable_suspend_transfer()->set_reason("To be looked at.");
  return order;
}

order::v1::Order World::ResumeAct(std::uint32_t transfer) const {
  order::v1::Order order;
  order.mutable_resume_transfer()->set_transfer(Name(transfer));
  order.mutable_resume_transfer()->set_suspension_index(state_.transfer(transfer)->suspended_index);
  order.mutable_resume_transfer()->set_reason("Looked at.");
  return order;
}

order::v1::Order World::CapAct(std::uint32_t transfer, std::uint64_t records) const {
  order::v1::Order order;
  order.mutable_cap_transfer()->set_transfer(Name(transfer));
  order.mutable_cap_transfer()->set_records(records);
  order.mutable_cap_transfer()->set_reason("No more are needed.");
  return order;
}

order::v1::Order World::EndAct(std::uint32_t transfer, std::int64_t at) const {
  order::v1::Order order;
  order.mutable_end_transfer()->set_transfer(Name(transfer));
  *order.mutable_end_transfer()->mutable_end_at() = policy::ToProto(UnixMillis(at));
  order.mutable_end_transfer()->set_reason("The case ends.");
  return order;
}

order::v1::Order World::GoOnAct(std::uint32_t transfer) const {
  const policy::Transfer& of = *state_.transfer(transfer);
  order::v1::Order order;
  order::v1::LetTransferGoOn& act = *order.mutable_let_transfer_go_on();
  act.set_transfer(Name(transfer));
  act.set_reason("Looked at, and in order.");
  for (const order::v1::Brake brake : policy::BrakesOf(of.stopping())) act.add_brakes(brake);
  if (of.state != policy::TransferState::kSubmitting) {
    act.set_dossier_digest(Hex(of.dossier_digest));
  }
  return order;
}

order::v1::Order World::HoldAct(std::string_view id, const v1::Scope& scope,
                                order::v1::HoldKind kind) const {
  order::v1::Order order;
  order::v1::PlaceHold& hold = *order.mutable_place_hold();
  hold.set_hold_id(std::string(id));
  hold.set_matter("1:26-cv-00001");
  hold.set_court("D. Example");
  hold.set_order_reference("ECF 42");
  hold.set_document_sha256(std::string(64, 'a'));
  hold.set_kind(kind);
  *hold.mutable_scope() = scope;
  return order;
}

order::v1::Order World::ProposeAct(std::string_view hold) const {
  order::v1::Order order;
  order.mutable_propose_lift()->set_hold_id(std::string(hold));
  order.mutable_propose_lift()->set_placed_index(state_.holds().Find(hold)->last_placed_index);
  order.mutable_propose_lift()->set_reason("The court has said so.");
  return order;
}

order::v1::Order World::ConfirmAct(std::string_view hold) const {
  order::v1::Order order;
  order.mutable_confirm_lift()->set_hold_id(std::string(hold));
  order.mutable_confirm_lift()->set_placed_index(state_.holds().Find(hold)->last_placed_index);
  order.mutable_confirm_lift()->set_proposal_index(state_.holds().Find(hold)->proposal_index);
  return order;
}

order::v1::Order World::CancelLiftAct(std::string_view hold) const {
  order::v1::Order order;
  order.mutable_cancel_lift()->set_hold_id(std::string(hold));
  order.mutable_cancel_lift()->set_proposal_index(state_.holds().Find(hold)->proposal_index);
  return order;
}

order::v1::Order World::AmendAct(std::string_view hold, const v1::Scope& scope,
                                 order::v1::HoldKind kind) const {
  const policy::Hold& of = *state_.holds().Find(hold);
  order::v1::Order order;
  order::v1::AmendHold& act = *order.mutable_amend_hold();
  *act.mutable_hold() = *of.order;
  *act.mutable_hold()->mutable_scope() = scope;
  act.mutable_hold()->set_kind(kind);
  act.set_placed_index(of.last_placed_index);
  act.set_reason("The court has said so.");
  return order;
}

order::v1::Order World::ConfirmAmendmentAct(std::string_view hold) const {
  const policy::Hold& of = *state_.holds().Find(hold);
  order::v1::Order order;
  order.mutable_confirm_amendment()->set_hold_id(of.id());
  order.mutable_confirm_amendment()->set_placed_index(of.last_placed_index);
  order.mutable_confirm_amendment()->set_proposal_index(of.proposal_index);
  return order;
}

order::v1::Order World::RestoreAct(std::string_view hold) const {
  order::v1::Order order;
  order.mutable_restore_hold()->set_hold_id(std::string(hold));
  order.mutable_restore_hold()->set_placed_index(state_.holds().Find(hold)->last_placed_index);
  order.mutable_restore_hold()->set_reason("The appeal.");
  return order;
}

order::v1::Order World::AttachAct(std::string_view hold) const {
  order::v1::Order order;
  order::v1::AttachDocument& act = *order.mutable_attach_document();
  act.set_hold_id(std::string(hold));
  act.set_court("D. Example");
  act.set_order_reference("ECF 43");
  act.set_document_sha256(std::string(64, 'b'));
  return order;
}

order::v1::Order World::AcknowledgeAct(std::string_view hold, std::string_view requester) const {
  order::v1::Order order;
  order::v1::AcknowledgeNotice& act = *order.mutable_acknowledge_notice();
  act.set_hold_id(std::string(hold));
  act.set_placed_index(state_.holds().Find(hold)->last_placed_index);
  act.set_requester(std::string(requester));
  return order;
}

order::v1::Order World::AuthoriseAct(std::uint64_t revocation, std::uint64_t first) const {
  const policy::Disposal& disposal = *state_.FindDisposal(revocation);
  order::v1::Order order;
  order::v1::AuthoriseDestruction& act = *order.mutable_authorise_destruction();
  act.set_revocation_index(revocation);
  act.set_count(disposal.records.count);
  act.set_list_digest(Hex(disposal.records.digest));
  act.set_matter("1:26-cv-00002");
  act.set_court("D. Example");
  act.set_order_reference("ECF 44");
  act.set_document_sha256(std::string(64, 'c'));
  act.set_first_index(first);
  for (const policy::Hold* hold : policy::HoldsPreserving(state_, disposal.records)) {
    order::v1::OverriddenHold& over = *act.add_holds();
    over.set_hold_id(hold->id());
    over.set_placed_index(hold->last_placed_index);
  }
  return order;
}

order::v1::Order World::StrikeAct(std::string_view member, std::string_view key) {
  order::v1::Order order;
  order.mutable_strike_off()->set_member(std::string(member));
  order.mutable_strike_off()->set_public_key(std::string(key));
  order.mutable_strike_off()->set_reason("The card was lost.");
  return order;
}

order::v1::Order World::RevokeAct(const v1::Scope& scope) const {
  const auto compiled = policy::CompileScope(state_, scope);
  const auto list = policy::ListForScope(state_, compiled.scope);
  order::v1::Order order;
  order::v1::RevokeRecords& revoke = *order.mutable_revoke_records();
  *revoke.mutable_scope() = scope;
  revoke.set_count(list.count);
  revoke.set_list_digest(Hex(list.digest));
  revoke.set_reason("No longer needed.");
  return order;
}

order::v1::Order World::ApproveDestructionAct(std::uint64_t revocation) const {
  const policy::Disposal& disposal = *state_.FindDisposal(revocation);
  order::v1::Order order;
  order.mutable_approve_destruction()->set_revocation_index(revocation);
  order.mutable_approve_destruction()->set_count(disposal.records.count);
  order.mutable_approve_destruction()->set_list_digest(Hex(disposal.records.digest));
  return order;
}

order::v1::Order World::CancelDestructionAct(std::uint64_t revocation) const {
  order::v1::Order order;
  order.mutable_cancel_destruction()->set_revocation_index(revocation);
  order.mutable_cancel_destruction()->set_reason("To be kept.");
  return order;
}

ledger::v1::RecordsDestroyed World::DestructionOf(std::uint64_t revocation) const {
  const policy::Disposal& disposal = *state_.FindDisposal(revocation);
  ledger::v1::RecordsDestroyed fact;
  fact.set_basis(ledger::v1::RecordsDestroyed::REVOCATION);
  fact.set_revocation_index(revocation);
  fact.set_count(disposal.records.count);
  for (const auto& rows : disposal.records.transfers) *fact.add_rows() = ToLedgerRows(rows);
  return fact;
}

ledger::v1::RecordsDestroyed World::DestructionByCourt(std::uint64_t revocation) const {
  ledger::v1::RecordsDestroyed fact = DestructionOf(revocation);
  fact.set_basis(ledger::v1::RecordsDestroyed::COURT_ORDER);
  const auto& authorisation = state_.FindDisposal(revocation)->authorisation;
  if (authorisation) fact.set_authorisation_index(authorisation->second_index);
  return fact;
}

ledger::v1::NoticeGiven World::NoticeOf(std::string_view hold, std::uint32_t transfer,
                                        std::uint32_t row, std::string_view requester) const {
  ledger::v1::NoticeGiven fact;
  fact.set_placed_index(state_.holds().Find(hold)->last_placed_index);
  fact.set_requester(std::string(requester));
  fact.set_transfer(transfer);
  fact.set_row(row);
  return fact;
}

void World::GiveNotices() {
  while (!notices_.Idle(state_)) {
    for (const auto& notice : notices_.Next(state_, 2)) Do(notice);
  }
}

ledger::v1::RecordsDestroyed World::ExpiryOf(std::uint32_t transfer,
                                             const std::vector<std::uint32_t>& rows) {
  policy::RowRuns runs{transfer, {}};
  for (const std::uint32_t row : rows) runs.Append(row);
  ledger::v1::RecordsDestroyed fact;
  fact.set_basis(ledger::v1::RecordsDestroyed::EXPIRY);
  fact.set_count(rows.size());
  *fact.add_rows() = ToLedgerRows(runs);
  return fact;
}

std::uint64_t World::PlaceHold(std::string_view id, const v1::Scope& scope,
                               order::v1::HoldKind kind, std::string_view counsel) {
  const std::uint64_t index = state_.ledger_size();
  DoOrder(Order(counsel, HoldAct(id, scope, kind)));
  AdvanceEpoch();
  return index;
}

std::uint64_t World::Revoke(const v1::Scope& scope, std::string_view custodian) {
  const std::uint64_t index = state_.ledger_size();
  DoOrder(Order(custodian, RevokeAct(scope)));
  AdvanceEpoch();
  return index;
}

void World::Lift(std::string_view id) {
  DoOrder(Order("carol", ProposeAct(id)));
  DoOrder(Order("erin", ConfirmAct(id)));
  Pass(agreement_->terms().cooling_period);
}

std::uint64_t World::Authorise(std::uint64_t revocation) {
  const std::uint64_t first = state_.ledger_size();
  DoOrder(Order("carol", AuthoriseAct(revocation)));
  DoOrder(Order("judge", AuthoriseAct(revocation, first)));
  return first + 1;
}

std::string World::Name(std::uint32_t transfer) const {
  return policy::TransferName(state_.transfer(transfer)->id);
}

v1::Scope Everything() {
  v1::Scope scope;
  scope.set_everything(true);
  return scope;
}

v1::Scope OfTransfer(const World& world, std::uint32_t transfer) {
  v1::Scope scope;
  scope.set_transfer(world.Name(transfer));
  return scope;
}

v1::Scope OfRows(const World& world, std::uint32_t transfer, std::uint32_t first,
                 std::uint32_t last) {
  v1::Scope scope = OfTransfer(world, transfer);
  v1::RowRange* range = scope.add_rows();
  range->set_first(first);
  range->set_last(last);
  return scope;
}

v1::Scope OfOfficer(std::string_view officer) {
  v1::Scope scope;
  scope.set_officer(std::string(officer));
  return scope;
}

v1::Scope OfAuthority(std::string_view authority) {
  v1::Scope scope;
  scope.set_authority(std::string(authority));
  return scope;
}

v1::Scope OfPerson(std::uint32_t person) {
  v1::Scope scope;
  scope.set_person(Hex(BytesOf(PseudonymOf(person))));
  return scope;
}

v1::Scope OfPeople(const std::vector<std::uint32_t>& people) {
  v1::Scope scope;
  for (const std::uint32_t person : people) scope.add_people(Hex(BytesOf(PseudonymOf(person))));
  return scope;
}

v1::Scope OfDates(v1::RecordDate date, std::int64_t from, std::int64_t until) {
  v1::Scope scope;
  scope.mutable_dates()->set_of(date);
  scope.mutable_dates()->mutable_from()->set_seconds(from / 1'000);
  scope.mutable_dates()->mutable_until()->set_seconds(until / 1'000);
  return scope;
}

v1::Scope OfVerdict(std::string_view release_reason) {
  v1::Scope scope;
  scope.mutable_verdicts()->add_release(std::string(release_reason));
  return scope;
}

Pseudonym PseudonymOf(std::uint32_t person) {
  const Digest32 digest = crypto::Sha256Of(AsBytes("person " + std::to_string(person)));
  return *IdFromBytes<Pseudonym>(ByteSpan(digest).first(16));
}

std::string SignOrder(const order::v1::Order& order, std::string_view key) {
  const auto payload = policy::RenderOrder(order);
  HF_CHECK(payload.ok());
  const auto envelope = crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(*payload), KeyOf(key));
  HF_CHECK(envelope.ok());
  return crypto::RenderDsse(*envelope);
}

}  // namespace holdfast::test
