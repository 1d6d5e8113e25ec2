// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/exchange/exchange_world.h"

#include <stdexcept>
#include <utility>

#include "gtest/gtest.h"

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/closing_statement.h"
#include "crypto/envelope.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/merkle.h"
#include "policy/order_json.h"
#include "policy/proto_time.h"
#include "policy/request_gate.h"
#include "tests/support/faulty_file_system.h"

namespace holdfast::test {
namespace {

constexpr char kKeyslotFolder[] = "/keyslot";

// A keyslot over files that fail as planned; owns them.
class PlannedKeyslot final : public crypto::Keyslot {
 public:
  static absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(FileSystem& disk, FaultPlan& plan,
                                                               crypto::Random& random,
                                                               const std::atomic<bool>& down,
                                                               const std::atomic<bool>& lies) {
    auto files = std::make_unique<FaultyFileSystem>(disk, plan);
    HF_ASSIGN_OR_RETURN(std::unique_ptr<crypto::FileKeyslot> slot,
                        crypto::FileKeyslot::Open(*files, kKeyslotFolder, random));
    return std::unique_ptr<crypto::Keyslot>(
        new PlannedKeyslot(std::move(files), std::move(slot), down, lies, random));
  }

  absl::Status Stage(Epoch epoch, const crypto::SecretBytes& key) override {
    if (down_) return MakeError(Reason::kKeyslotFailed, "the keyslot is down");
    return slot_->Stage(epoch, key);
  }
  absl::StatusOr<crypto::SecretBytes> Read(Epoch epoch) override {
    if (lies_) return crypto::SecretBytes::FromRandom(random_, kRootKeyBytes);
    return slot_->Read(epoch);
  }
  absl::Status Erase(Epoch epoch) override { return slot_->Erase(epoch); }
  absl::StatusOr<std::vector<Epoch>> List() override { return slot_->List(); }
  std::string_view kind() const override { return slot_->kind(); }
  crypto::ErasureClass erasure_class() const override { return slot_->erasure_class(); }
  std::chrono::milliseconds erase_interval() const override { return slot_->erase_interval(); }

 private:
  PlannedKeyslot(std::unique_ptr<FaultyFileSystem> files, std::unique_ptr<crypto::FileKeyslot> slot,
                 const std::atomic<bool>& down, const std::atomic<bool>& lies,
                 crypto::Random& random)
      : files_(std::move(files)),
        slot_(std::move(slot)),
        down_(down),
        lies_(lies),
        random_(random) {}

  std::unique_ptr<FaultyFileSystem> files_;
  std::unique_ptr<crypto::FileKeyslot> slot_;
  const std::atomic<bool>& down_;
  const std::atomic<bool>& lies_;
  crypto::Random& random_;
};

}  // namespace

ExchangeWorld::ExchangeWorld()
    : agreement_dsse_(SignAgreement(AgreementText())), agreement_(MakeAgreement()) {}

ExchangeWorld::~ExchangeWorld() { Stop(); }

exchange::ExchangeOptions ExchangeWorld::Options() {
  exchange::ExchangeOptions options;
  options.recovery_delay = recovery_delay;
  options.metrics = metrics;
  options.core.name = "test";
  options.core.version = version;
  options.core.exchange = agreement_->exchange_id();
  options.core.agreement_dsse = ToBytes(agreement_dsse_);
  options.core.clock = &clock_;
  options.core.random = &random_;
  options.core.open_store = [this]() -> absl::StatusOr<std::unique_ptr<store::Store>> {
    if (open_store) return open_store();
    HF_ASSIGN_OR_RETURN(std::unique_ptr<MemoryStore> store, MemoryStore::Open(disk_, store_faults));
    return store;
  };
  options.core.open_keyslot = [this]() -> absl::StatusOr<std::unique_ptr<crypto::Keyslot>> {
    static FaultPlan no_faults;
    if (open_keyslot) return open_keyslot();
    if (keyslot_bench != nullptr) {
      return keyslot_bench->Open(keyslot_faults == nullptr ? no_faults : *keyslot_faults);
    }
    return PlannedKeyslot::Open(keyslot_disk == nullptr ? keyslot_files_ : *keyslot_disk,
                                keyslot_faults == nullptr ? no_faults : *keyslot_faults, random_,
                                keyslot_down, keyslot_lies);
  };
  options.core.read_restore = read_restore;
  options.core.read_keyslot_strike_off = read_keyslot_strike_off;
  if (snapshot != nullptr) {
    options.core.snapshot_after = 1;
    options.core.read_snapshot = [kept = snapshot]() -> absl::StatusOr<Bytes> {
      if (kept->empty()) return MakeError(Reason::kNotFound, "no snapshot");
      return *kept;
    };
    options.core.write_snapshot = [this, kept = snapshot](ByteSpan bytes) -> absl::Status {
      if (snapshots_fail) return MakeError(Reason::kStoreFull, "no room for a snapshot");
      *kept = ToBytes(bytes);
      return absl::OkStatus();
    };
  }
  options.core.failpoint = [this](exchange::EpochStep step) {
    return failpoint ? failpoint(step) : absl::OkStatus();
  };
  return options;
}

absl::Status ExchangeWorld::Start() {
  HF_ASSIGN_OR_RETURN(exchange_, exchange::Exchange::Start(Options()));
  return exchange_->WaitUntilServing();
}

void ExchangeWorld::MustStart() {
  const absl::Status started = Start();
  ASSERT_TRUE(started.ok()) << started;
}

void ExchangeWorld::Stop() { exchange_.reset(); }

void ExchangeWorld::Crash() {
  Stop();
  keyslot_files_.KillProcess();
  if (keyslot_bench != nullptr) keyslot_bench->Stop(KeyslotBench::End::kKilled);
}

std::uint64_t ExchangeWorld::epoch() {
  return Read<std::uint64_t>([](const exchange::Core& core) { return core.vault.epoch().value(); });
}

std::uint64_t ExchangeWorld::ledger_size() {
  return Read<std::uint64_t>([](const exchange::Core& core) { return core.tiles.size(); });
}

void ExchangeWorld::WaitUntilServing() {
  while (!exchange_->WaitUntilServing().ok()) {
  }
}

std::size_t ExchangeWorld::Notices(std::string_view id) {
  return Read<std::size_t>(
      [id](const exchange::Core& core) { return core.state.holds().Find(id)->notices.size(); });
}

void ExchangeWorld::WaitForNotice(std::string_view id) {
  while (Notices(id) == 0) clock_.Advance(std::chrono::milliseconds(50));
}

void ExchangeWorld::Submit(exchange::Lane lane, std::unique_ptr<exchange::Command> command) {
  exchange_->Submit(lane, std::move(command));
}

exchange::ActOutcome ExchangeWorld::Do(std::vector<ledger::v1::Entry> facts,
                                       std::optional<std::pair<store::ChunkKey, Bytes>> chunk,
                                       exchange::IfRefused if_refused) {
  std::promise<exchange::ActOutcome> promise;
  exchange::Act act;
  act.batch = std::make_unique<exchange::EntryBatch>(facts.size(), random_);
  for (const ledger::v1::Entry& fact : facts) {
    ledger::v1::Entry* entry = act.batch->Add();
    const std::string salt = entry->salt();
    entry->MergeFrom(fact);
    entry->set_salt(salt);
  }
  act.batch->Seal();
  if (chunk.has_value()) act.chunks.push_back(*std::move(chunk));
  act.if_refused = if_refused;
  act.refused.set_member("ice");
  act.refused.set_act(ledger::v1::Refused::CREATE_TRANSFER);
  act.done = [&promise](exchange::ActOutcome outcome, const std::string&) {
    promise.set_value(std::move(outcome));
  };
  Submit(exchange::Lane::kNormal, std::make_unique<exchange::ActCommand>(
                                      std::move(act), exchange_->executor(), exchange_->egress()));
  return promise.get_future().get();
}

exchange::ActOutcome ExchangeWorld::Do(const ledger::v1::Entry& fact) {
  return Do(std::vector<ledger::v1::Entry>{fact});
}

namespace {

void Must(const exchange::ActOutcome& outcome) {
  HF_CHECK(outcome.status.ok() && outcome.decision.allowed());
}

}  // namespace

std::uint32_t ExchangeWorld::MustApproveTransfer(std::uint32_t rows) {
  HF_CHECK(rows <= kRowsPerChunk);
  const auto must = Must;
  ledger::v1::Entry created;
  auto& terms = *created.mutable_transfer_created();
  terms.set_transfer(ToString(crypto::Draw<16>(random_)));
  terms.set_requester("ice");
  terms.set_authority("statute");
  terms.set_purpose("a purpose that is specific enough");
  terms.set_requesting_official("director");
  terms.add_officers("smith");
  terms.add_periods()->set_first_year(2024);
  terms.mutable_periods(0)->set_last_year(2024);
  terms.set_attestation_digest(std::string(32, 'a'));
  terms.set_binding_nonce(ToString(crypto::Draw<32>(random_)));
  terms.set_request_id(ToString(crypto::Draw<16>(random_)));
  must(Do(created));
  const auto number = Read<std::uint32_t>([](const exchange::Core& core) {
    return static_cast<std::uint32_t>(core.state.transfers().size() - 1);
  });
  const std::shared_ptr<const exchange::Published> published = exchange_->published();

  const auto subjects = *published->allocator->Take(number, crypto::SegmentKind::kSubject, rows);
  std::vector<ledger::v1::Entry> judged(rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    auto& fact = *judged[row].mutable_subject_judged();
    fact.set_transfer(number);
    fact.set_row(row);
    fact.set_verdict(1);
    fact.set_gate_version(policy::kGateVersion);
    fact.set_pseudonym(ToString(crypto::Draw<16>(random_)));
    fact.set_commitment(std::string(32, 'c'));
    fact.set_address_tag(ToString(crypto::Draw<8>(random_)));
    fact.set_segment(subjects.segment);
    fact.set_leaf(subjects.first + row);
  }
  must(Do(judged,
          std::pair(store::ChunkKey{store::ChunkKind::kSubjects, number, 0}, ToBytes("subjects"))));
  ledger::v1::Entry finished;
  finished.mutable_submission_finished()->set_transfer(number);
  finished.mutable_submission_finished()->set_rows(rows);
  must(Do(finished));

  order::v1::Order approve;
  const auto name = Read<std::string>([number](const exchange::Core& core) {
    return policy::TransferName(core.state.transfer(number)->id);
  });
  approve.mutable_approve_transfer()->set_transfer(name);
  approve.mutable_approve_transfer()->set_dossier_digest(
      Read<std::string>([number](const exchange::Core& core) {
        return Hex(core.state.transfer(number)->dossier_digest);
      }));
  HF_CHECK(Order("paula", approve).decision.allowed());
  return number;
}

Bytes ExchangeWorld::SealEnvelopes(std::uint32_t transfer, const exchange::LeafRun& records) {
  constexpr std::size_t kPaddedBytes = 64;
  const auto id = Read<TransferId>(
      [transfer](const exchange::Core& core) { return core.state.transfer(transfer)->id; });
  Bytes chunk;
  for (std::uint32_t row = 0; row < records.count; ++row) {
    crypto::EnvelopeHeader header;
    header.exchange = exchange_->id();
    header.transfer = id;
    header.segment = records.name.segment;
    header.leaf = records.first + row;
    header.row = row;
    header.salt = crypto::Draw<32>(random_);
    crypto::LeafSeed seed;
    HF_CHECK(records.tree->DeriveLeaf(header.leaf, seed).ok());
    Bytes envelope(crypto::EnvelopeBytes(kPaddedBytes));
    HF_CHECK(crypto::SealEnvelope(header,
                                  crypto::DeriveRecordKey(seed, header.segment, header.leaf),
                                  AsBytes("a record"), kPaddedBytes, envelope)
                 .ok());
    chunk.insert(chunk.end(), envelope.begin(), envelope.end());
  }
  return chunk;
}

std::uint32_t ExchangeWorld::MustMakeTransfer(std::uint32_t rows) {
  const auto must = Must;
  const std::uint32_t number = MustApproveTransfer(rows);
  const std::shared_ptr<const exchange::Published> published = exchange_->published();
  const auto records = *published->allocator->Take(number, crypto::SegmentKind::kRecord, rows);
  std::vector<ledger::v1::Entry> deposited(rows);
  std::vector<Digest32> leaves;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const Digest32 digest = crypto::Draw<32>(random_);
    leaves.push_back(crypto::LeafHash(digest));
    auto& fact = *deposited[row].mutable_envelope_deposited();
    fact.set_transfer(number);
    fact.set_row(row);
    fact.set_segment(records.segment);
    fact.set_leaf(records.first + row);
    fact.set_verdict(1);
    fact.set_gate_version(policy::kGateVersion);
    fact.set_envelope_digest(ToString(digest));
    fact.set_commitment(std::string(32, 'd'));
    fact.set_address(1);
    fact.set_gate_version(1);
  }
  Bytes chunk = ToBytes("envelopes");
  if (seals_envelopes) chunk = SealEnvelopes(number, records);
  must(Do(deposited,
          std::pair(store::ChunkKey{store::ChunkKind::kEnvelopes, number, 0}, std::move(chunk))));
  ledger::v1::Entry closed;
  auto& close = *closed.mutable_transfer_closed();
  const Digest32 root = crypto::RootOf(leaves);
  close.set_transfer(number);
  close.set_source("irs");
  close.set_envelopes(rows);
  close.set_envelopes_root(ToString(root));
  const TransferId id = Read<TransferId>(
      [number](const exchange::Core& core) { return core.state.transfer(number)->id; });
  close.set_signature(
      ToString(KeyOf("irs").Sign(crypto::ClosingStatement(exchange_->id(), id, rows, root))));
  must(Do(closed));
  return number;
}

ledger::v1::Entry ExchangeWorld::LeaseFact(std::uint32_t transfer) const {
  ledger::v1::Entry entry;
  auto& fact = *entry.mutable_lease_opened();
  fact.set_transfer(transfer);
  fact.set_requester("ice");
  fact.set_recipient_key(std::string(32, 'k'));
  fact.set_opening("an opening");
  fact.set_signature(std::string(64, 's'));
  fact.set_not_after_ms((clock_.WallNow() + agreement_->terms().lease_duration).value());
  return entry;
}

std::uint32_t ExchangeWorld::MustOpenLease(std::uint32_t transfer) {
  const exchange::ActOutcome outcome = Do(LeaseFact(transfer));
  HF_CHECK(outcome.status.ok() && outcome.decision.allowed());
  return Read<std::uint32_t>(
      [](const exchange::Core& core) { return core.state.lease_count() - 1; });
}

exchange::ReleaseOutcome ExchangeWorld::Release(std::uint32_t transfer, std::uint32_t lease,
                                                std::vector<std::uint32_t> rows) {
  return BeginRelease(transfer, lease, rows).get();
}

std::future<exchange::ReleaseOutcome> ExchangeWorld::BeginRelease(
    std::uint32_t transfer, std::uint32_t lease, std::span<const std::uint32_t> rows) {
  auto promise = std::make_shared<std::promise<exchange::ReleaseOutcome>>();
  exchange::Release release;
  release.batch = std::make_unique<exchange::EntryBatch>(rows.size(), random_);
  for (const std::uint32_t row : rows) {
    auto& fact = *release.batch->Add()->mutable_key_released();
    fact.set_lease(lease);
    fact.set_row(row);
  }
  release.batch->Seal();
  release.member = "ice";
  release.transfer = transfer;
  release.cut = [] {};
  release.done = [promise](exchange::ReleaseOutcome outcome) {
    promise->set_value(std::move(outcome));
  };
  std::future<exchange::ReleaseOutcome> outcome = promise->get_future();
  Submit(exchange::Lane::kNormal,
         std::make_unique<exchange::ReleaseCommand>(std::move(release), exchange_->executor(),
                                                    exchange_->egress()));
  return outcome;
}

std::pair<Bytes, std::shared_ptr<const policy::OpenedOrder>> ExchangeWorld::Sign(
    std::string_view person, const order::v1::Order& act) {
  const order::v1::Order order = Read<order::v1::Order>([&](const exchange::Core& core) {
    order::v1::Order filled = act;
    const policy::State& state = core.state;
    filled.set_exchange_id(Hex(BytesOf(state.agreement().exchange_id())));
    filled.set_agreement_version(state.agreement().version());
    filled.set_id(Hex(crypto::Draw<16>(random_)));
    filled.set_person(std::string(person));
    *filled.mutable_issued_at() = policy::ToProto(clock_.WallNow());
    *filled.mutable_void_after() = policy::ToProto(clock_.WallNow() + std::chrono::hours(24));
    filled.mutable_head()->set_size(core.tiles.size());
    filled.mutable_head()->set_root(Hex(core.tiles.Root()));
    const policy::OrderPrev prev = state.LastOrderOf(state.agreement().FindMember(person)->number);
    if (prev.any) filled.set_prev(Hex(prev.digest));
    return filled;
  });
  const std::string dsse = SignOrder(order, person);
  auto opened = policy::OpenOrder(AsBytes(dsse), *agreement_);
  HF_CHECK(opened.ok());
  opened->head_check = policy::HeadCheck::kPrefix;
  return {ToBytes(dsse), std::make_shared<const policy::OpenedOrder>(*std::move(opened))};
}

std::future<exchange::OrderOutcome> ExchangeWorld::OrderLater(std::string_view person,
                                                              const order::v1::Order& act) {
  auto promise = std::make_shared<std::promise<exchange::OrderOutcome>>();
  const auto [dsse, order] = Sign(person, act);
  const exchange::Lane lane =
      exchange::Restricts(*order) ? exchange::Lane::kRestricting : exchange::Lane::kNormal;
  Submit(lane, std::make_unique<exchange::OrderCommand>(dsse, order, exchange_->executor(),
                                                        exchange_->egress(),
                                                        [promise](exchange::OrderOutcome outcome) {
                                                          promise->set_value(std::move(outcome));
                                                        }));
  return promise->get_future();
}

exchange::OrderOutcome ExchangeWorld::Order(std::string_view person, const order::v1::Order& act) {
  return OrderLater(person, act).get();
}

order::v1::Order ExchangeWorld::HoldAct(std::string_view id) {
  order::v1::Order order;
  auto& hold = *order.mutable_place_hold();
  hold.set_hold_id(std::string(id));
  hold.set_matter("1:26-cv-00001");
  hold.set_court("D.D.C.");
  hold.set_order_reference("ECF 1");
  hold.set_document_sha256(std::string(64, 'a'));
  hold.set_kind(order::v1::FREEZE_AND_PRESERVE);
  hold.mutable_scope()->set_everything(true);
  return order;
}

order::v1::Order ExchangeWorld::RevokeAct(std::uint32_t transfer, std::uint32_t first,
                                          std::uint32_t last) {
  return Read<order::v1::Order>([&](const exchange::Core& core) {
    order::v1::Order order;
    auto& revoke = *order.mutable_revoke_records();
    revoke.mutable_scope()->set_transfer(policy::TransferName(core.state.transfer(transfer)->id));
    auto& rows = *revoke.mutable_scope()->add_rows();
    rows.set_first(first);
    rows.set_last(last);
    const policy::ScopeResult scope = policy::CompileScope(core.state, revoke.scope());
    const policy::RecordList list = policy::ListForScope(core.state, scope.scope);
    revoke.set_count(list.count);
    revoke.set_list_digest(Hex(list.digest));
    revoke.set_reason("asked for by mistake");
    return order;
  });
}

order::v1::Order ExchangeWorld::ApproveDestructionAct(std::uint64_t revocation) {
  return Read<order::v1::Order>([&](const exchange::Core& core) {
    order::v1::Order order;
    auto& approve = *order.mutable_approve_destruction();
    const policy::Disposal& disposal = *core.state.FindDisposal(revocation);
    approve.set_revocation_index(revocation);
    approve.set_count(disposal.records.count);
    approve.set_list_digest(Hex(disposal.records.digest));
    return order;
  });
}

bool ExchangeWorld::Derivable(std::uint32_t transfer, std::uint32_t row) {
  return Read<bool>([&](const exchange::Core& core) {
    const policy::Record* record = core.state.FindRecord({transfer, row});
    const auto& segments = core.vault.segments();
    const bool subject = segments[record->subject_segment].tree->IsDerivable(record->subject_leaf);
    const bool envelope = segments[record->record_segment].tree->IsDerivable(record->record_leaf);
    HF_CHECK(subject == envelope);
    return envelope;
  });
}

std::vector<std::uint64_t> ExchangeWorld::EpochsInKeyslot() {
  std::vector<std::uint64_t> epochs;
  if (keyslot_bench != nullptr) {
    const auto held = Read<std::vector<Epoch>>(
        [](const exchange::Core& core) { return core.keyslot->List().value(); });
    for (const Epoch epoch : held) epochs.push_back(epoch.value());
    return epochs;
  }
  // From a copy: the exchange may have the slot open.
  MemoryFileSystem copy;
  const auto names = keyslot_files_.List(kKeyslotFolder);
  HF_CHECK(names.ok());
  for (const std::string& name : *names) {
    const std::string path = JoinPath(kKeyslotFolder, name);
    const auto bytes = keyslot_files_.ReadWhole(path, crypto::FileKeyslot::kAreaBytes);
    HF_CHECK(bytes.ok());
    copy.Preload(path, *bytes);
  }
  auto slot = crypto::FileKeyslot::Open(copy, kKeyslotFolder, random_);
  HF_CHECK(slot.ok());
  const auto held = (*slot)->List();
  HF_CHECK(held.ok());
  for (const Epoch epoch : *held) epochs.push_back(epoch.value());
  return epochs;
}

}  // namespace holdfast::test
