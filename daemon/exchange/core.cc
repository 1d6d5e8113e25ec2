// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/core.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "daemon/exchange/group.h"
#include "daemon/exchange/snapshot.h"
#include "daemon/exchange/stored_tiles.h"
#include "daemon/observe/log.h"
#include "policy/decide.h"
#include "policy/replay.h"
#include "policy/restore_order.h"
#include "store/entry_bundle.h"

namespace holdfast::exchange {
namespace {

using ledger::v1::Entry;

// Stands in place of the top page from the moment at which an exchange is first made until its
// first epoch is committed, so that an interrupted first start can be told from a lost database.
constexpr std::string_view kFirstStartMark = "holdfast: first start";

// What a device says of itself, as the ledger takes it: the policy's bound, and no control
// character.
std::string DeviceText(std::string_view device) {
  constexpr std::size_t kMaxDeviceBytes = 256;
  std::string text(device.substr(0, kMaxDeviceBytes));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

absl::Status Failpoint(const CoreOptions& options, EpochStep step) {
  return options.failpoint ? options.failpoint(step) : absl::OkStatus();
}

Entry StartFact(const CoreOptions& options, const crypto::Keyslot& keyslot) {
  Entry entry;
  auto& started = *entry.mutable_process_started();
  started.set_process(ToString(crypto::Draw<16>(*options.random)));
  started.set_keyslot_kind(std::string(keyslot.kind()));
  started.set_version(options.version);
  started.set_boot(options.clock->BootId());
  return entry;
}

absl::StatusOr<std::shared_ptr<const crypto::SigningKey>> CheckpointKey(
    const crypto::SecretBytes* seed) {
  if (seed == nullptr) return MakeError(Reason::kStoreCorrupt, "the vault has no checkpoint key");
  HF_ASSIGN_OR_RETURN(crypto::SigningKey key, crypto::SigningKey::FromSeed(*seed));
  return std::make_shared<const crypto::SigningKey>(std::move(key));
}

absl::Status ReadBack(crypto::Keyslot& keyslot, Epoch epoch, const crypto::SecretBytes& key) {
  HF_ASSIGN_OR_RETURN(const crypto::SecretBytes read, keyslot.Read(epoch));
  if (!ConstantTimeEquals(read, key)) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot returned another key than was staged");
  }
  return absl::OkStatus();
}

std::string EpochList(const std::vector<Epoch>& epochs) {
  std::string text;
  for (const Epoch epoch : epochs) {
    if (!text.empty()) text += ", ";
    text += std::to_string(epoch.value());
  }
  return text.empty() ? "none" : text;
}

// The parts that both ways of opening begin with.
struct Opened {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<crypto::Keyslot> keyslot;
  std::shared_ptr<const policy::OpenedAgreement> agreement;
  store::Head head;
  std::vector<Epoch> held;
};

absl::StatusOr<std::unique_ptr<Core>> CreateFirst(const CoreOptions& options, Opened opened) {
  if (opened.agreement->exchange_id() != options.exchange) {
    return MakeError(Reason::kAgreementMismatch,
                     "the agreement file is not the one that the configured exchange id names");
  }
  const bool marked = opened.store->ReadTopPage().ok();
  if (!opened.held.empty() && !(marked && opened.held == std::vector<Epoch>{Epoch(1)})) {
    return MakeError(
        Reason::kEpochUnknown,
        "the database is empty but the keyslot holds epoch " + EpochList(opened.held) +
            ": the database was lost or another folder is configured; nothing was erased");
  }
  if (!marked) {
    store::Group mark;
    mark.top_page = AsBytes(kFirstStartMark);
    HF_RETURN_IF_ERROR(opened.store->Commit(mark));
  }
  HF_RETURN_IF_ERROR(opened.keyslot->Erase(Epoch(1)));  // Of a first start that was interrupted.

  HF_ASSIGN_OR_RETURN(EpochPlan plan, Vault::PlanFirst(*options.random));
  HF_RETURN_IF_ERROR(Failpoint(options, EpochStep::kPlanned));
  HF_RETURN_IF_ERROR(opened.keyslot->Stage(plan.epoch, plan.root_key));
  HF_RETURN_IF_ERROR(ReadBack(*opened.keyslot, plan.epoch, plan.root_key));
  HF_RETURN_IF_ERROR(Failpoint(options, EpochStep::kStaged));

  HF_ASSIGN_OR_RETURN(std::shared_ptr<const crypto::SigningKey> checkpoint_key,
                      CheckpointKey(plan.top.FindSecret(crypto::kCheckpointSecret)));
  policy::State state;
  TimeKeeper time(*options.clock);
  Group group(state, 0, *options.random);
  {
    Entry opening;
    auto& fact = *opening.mutable_exchange_opened();
    fact.set_agreement_dsse(ToString(options.agreement_dsse));
    fact.set_checkpoint_key(ToString(checkpoint_key->public_key().bytes()));
    group.Stamp(opening);
    if (!policy::Decide(state, {opening, nullptr, opened.agreement.get()}).allowed()) {
      return MakeError(Reason::kInternal, "the policy refused the opening of the exchange");
    }
    group.AppendOpening(std::move(opening), opened.agreement);
  }
  HF_RETURN_IF_ERROR(AppendDecided(group, StartFact(options, *opened.keyslot)));
  HF_RETURN_IF_ERROR(AppendDecided(group, TimeFact(time.Read())));
  {
    Entry advanced;
    advanced.mutable_epoch_advanced()->set_epoch(plan.epoch.value());
    HF_RETURN_IF_ERROR(AppendDecided(group, std::move(advanced)));
  }

  crypto::TileBuilder tiles;
  group.Close(tiles);
  const LedgerHead& head = group.Head();
  Vault vault(options.exchange, std::move(plan), {head.size, head.root}, *options.random);
  HF_ASSIGN_OR_RETURN(const Bytes top, vault.SealTop());
  store::Group out = group.ToStore();
  out.epoch = vault.epoch().value();
  out.top_page = top;
  HF_RETURN_IF_ERROR(opened.store->Commit(out));
  HF_RETURN_IF_ERROR(Failpoint(options, EpochStep::kCommitted));

  return std::make_unique<Core>(
      Core{std::move(opened.store), std::move(opened.keyslot), std::move(opened.agreement),
           std::move(state), std::move(vault), std::move(tiles),
           std::make_shared<SegmentAllocator>(options.exchange, 0, *options.random),
           std::move(checkpoint_key), time});
}

// The ledger, folded and hashed.
struct Folded {
  policy::State state;
  crypto::TileBuilder tiles;
  std::uint64_t snapshot_size = 0;
};

// Folds and hashes entries, and looks at the roots that must be met on the way.
class Folding final {
 public:
  Folding(const Opened& opened, const crypto::Anchor& anchor, policy::State from = {},
          crypto::TileBuilder tiles = {})
      : anchor_(anchor),
        noted_(opened.store->NotedHead()),
        head_(opened.head),
        replayer_(policy::Replayer::Mode::kApplyOnly, std::move(from)),
        tiles_(std::move(tiles)),
        snapshot_size_(tiles_.size()) {
    if (tiles_.size() > 0) Look();
  }

  // What begins with a prefix that extends `anchor` extends it too.
  void Extends(const crypto::Anchor& anchor) {
    if (anchor == anchor_) root_at_anchor_ = anchor.ledger_root;
  }

  absl::Status Step(ByteSpan entry) {
    HF_RETURN_IF_ERROR(replayer_.Step(entry));
    const Digest32 hash = crypto::LeafHash(entry);
    full_.clear();
    tiles_.Append(std::span(&hash, 1), full_);
    Look();
    return absl::OkStatus();
  }

  absl::StatusOr<Folded> Finish() && {
    if (tiles_.size() != head_.ledger_size || tiles_.Root() != head_.root) {
      return MakeError(Reason::kLedgerInconsistent, "the ledger's entries do not have its root");
    }
    if (root_at_anchor_ != anchor_.ledger_root) {  // I9
      return MakeError(Reason::kLedgerInconsistent,
                       "the top page is anchored in another ledger than the database's");
    }
    if (noted_.has_value() && noted_->size > 0 && root_at_note_ != noted_->root) {
      return MakeError(
          Reason::kLedgerInconsistent,
          "the ledger is older than, or another than, the one that was last written here "
          "(size " +
              std::to_string(noted_->size) + ", found " + std::to_string(tiles_.size()) +
              "): a restored backup? See docs/operations.md");
    }
    return Folded{replayer_.Take(), std::move(tiles_), snapshot_size_};
  }

 private:
  void Look() {
    if (tiles_.size() == anchor_.ledger_size) root_at_anchor_ = tiles_.Root();
    if (noted_.has_value() && tiles_.size() == noted_->size) root_at_note_ = tiles_.Root();
  }

  const crypto::Anchor anchor_;
  const std::optional<store::LedgerHead> noted_;
  const store::Head head_;
  policy::Replayer replayer_;
  crypto::TileBuilder tiles_;
  const std::uint64_t snapshot_size_;
  std::vector<crypto::Tile> full_;
  std::optional<Digest32> root_at_anchor_;
  std::optional<Digest32> root_at_note_;
};

// The tree of the first `size` entries, from what the store has of it.
absl::StatusOr<crypto::TileBuilder> TreeAt(store::Store& store, std::uint64_t size) {
  std::vector<Digest32> last;
  if (size % store::kEntriesPerBundle != 0) {
    HF_ASSIGN_OR_RETURN(const Bytes bundle, store.ReadBundle(size / store::kEntriesPerBundle));
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, store::ParseBundle(bundle));
    if (entries.size() < size % store::kEntriesPerBundle) {
      return MakeError(Reason::kStoreCorrupt, "the ledger is shorter than its snapshot");
    }
    for (std::size_t i = 0; i < size % store::kEntriesPerBundle; ++i) {
      last.push_back(crypto::LeafHash(entries[i]));
    }
  }
  TileRoots roots;
  StoredTiles tiles(store, roots);
  return crypto::TileBuilder::Restore(size, tiles, last);
}

// The ledger from a snapshot on. An error means no more than that the whole ledger has to be
// folded: any doubt does.
absl::StatusOr<Folded> FoldFromSnapshot(const CoreOptions& options, Opened& opened, ByteSpan top,
                                        const crypto::TopPageHeader& header,
                                        const crypto::SecretBytes& root_key) {
  HF_ASSIGN_OR_RETURN(const Bytes bytes, options.read_snapshot());
  HF_ASSIGN_OR_RETURN(const crypto::TopPage page,
                      crypto::TopPage::Open(top, root_key, options.exchange, header));
  HF_ASSIGN_OR_RETURN(const std::shared_ptr<const crypto::SigningKey> key,
                      CheckpointKey(page.FindSecret(crypto::kCheckpointSecret)));
  HF_ASSIGN_OR_RETURN(Snapshot snapshot, OpenSnapshot(bytes, {options.exchange, options.version},
                                                      key->public_key(), opened.agreement));
  const std::uint64_t size = snapshot.frontier.size();
  if (size > opened.head.ledger_size) {
    return MakeError(Reason::kLedgerInconsistent, "the ledger is older than its snapshot");
  }
  HF_ASSIGN_OR_RETURN(crypto::TileBuilder tiles, TreeAt(*opened.store, size));
  if (tiles.frontier() != snapshot.frontier) {
    return MakeError(Reason::kLedgerInconsistent, "the snapshot is of another ledger");
  }
  Folding folding(opened, header.anchor, std::move(snapshot.state), std::move(tiles));
  folding.Extends(snapshot.anchor);
  HF_RETURN_IF_ERROR(opened.store->ForEachEntry(
      size, [&folding](std::uint64_t, ByteSpan entry) { return folding.Step(entry); }));
  return std::move(folding).Finish();
}

absl::StatusOr<Folded> Fold(const CoreOptions& options, Opened& opened, ByteSpan top,
                            const crypto::TopPageHeader& header,
                            const crypto::SecretBytes& root_key) {
  if (options.read_snapshot) {
    absl::StatusOr<Folded> folded = FoldFromSnapshot(options, opened, top, header, root_key);
    if (folded.ok()) return folded;
    if (ReasonOf(folded.status()) != Reason::kNotFound) {
      observe::Info(
          "exchange", "snapshot_not_used", "the whole ledger is folded instead",
          {{"exchange", options.name}, {"detail", std::string(folded.status().message())}});
    }
  }
  Folding folding(opened, header.anchor);
  HF_RETURN_IF_ERROR(opened.store->ForEachEntry(
      0, [&folding](std::uint64_t, ByteSpan entry) { return folding.Step(entry); }));
  return std::move(folding).Finish();
}

// I9: what can be derived is exactly what the ledger does not call destroyed.
absl::Status CheckDerivable(const policy::State& state, const Vault& vault) {
  if ((vault.FindSecret(crypto::kPseudonymSecret) == nullptr) !=
      state.evidence().pseudonym_key_destroyed()) {
    return MakeError(Reason::kStoreCorrupt,
                     "the top page and the ledger disagree about the pseudonym key");
  }
  const auto derivable = [&vault](std::uint32_t segment, std::uint32_t leaf) {
    return segment < vault.segments().size() && vault.segments()[segment].tree->IsDerivable(leaf);
  };
  for (const policy::Transfer& transfer : state.transfers()) {
    for (std::uint32_t number = 0; number < transfer.records.chunk_count(); ++number) {
      const policy::RecordChunk* chunk = transfer.records.chunk(number);
      if (chunk == nullptr) continue;
      for (const policy::Record& record : chunk->records) {
        if (!record.accepted()) continue;
        const bool alive = !record.destroyed();
        if (derivable(record.subject_segment, record.subject_leaf) != alive ||
            (record.record_segment != policy::kNoSegment &&
             derivable(record.record_segment, record.record_leaf) != alive)) {
          return MakeError(Reason::kStoreCorrupt,
                           "the key pages and the ledger disagree about what is destroyed");
        }
      }
    }
  }
  return absl::OkStatus();
}

std::vector<VaultSegment> SegmentsOf(const ExchangeId& exchange, const policy::State& state) {
  std::vector<VaultSegment> segments;
  for (std::uint32_t number = 0; number < state.segments().size(); ++number) {
    const policy::Segment& segment = *state.segments().Find(number);
    segments.push_back({number,
                        {exchange, segment.id,
                         segment.kind == ledger::v1::RECORD ? crypto::SegmentKind::kRecord
                                                            : crypto::SegmentKind::kSubject},
                        nullptr});
  }
  return segments;
}

// Appends what two people ordered, or says why it does not count: then the exchange stays shut.
absl::Status AppendOrdered(Group& group, Entry fact) {
  group.Stamp(fact);
  const policy::Decision decision = policy::Decide(group.state(), {fact});
  if (!decision.allowed()) {
    return AddMetadata(policy::RefusalError(decision.refusal), "order", policy::FactName(fact));
  }
  group.AppendFact(std::move(fact), nullptr);
  return absl::OkStatus();
}

// What two people ordered while the exchange stood still, before anything else: nobody is served by
// an exchange that does not say so itself.
absl::Status AppendJointOrders(const CoreOptions& options, const store::Head& head, Group& group) {
  if (options.read_restore) {
    const absl::StatusOr<Bytes> dsse = options.read_restore(head.ledger_size);
    if (dsse.ok()) {
      const auto order = policy::ReadRestore(AsText(*dsse));
      if (order.ok() && order->terms.root != head.root) {
        return AddMetadata(policy::RefusalError(policy::Refusal::kJointOrderVoid), "order",
                           "exchange_restored");
      }
      Entry fact;
      fact.mutable_exchange_restored()->set_order_dsse(ToString(*dsse));
      HF_RETURN_IF_ERROR(AppendOrdered(group, std::move(fact)));
    } else if (ReasonOf(dsse.status()) != Reason::kNotFound) {
      return dsse.status();
    }
  }
  if (!options.read_keyslot_strike_off) return absl::OkStatus();
  // One that is in the ledger already still lies there while its epoch is to be made.
  const auto& struck_off = group.state().evidence().struck_off_keyslots;
  if (!struck_off.empty() && struck_off.back().epoch == head.epoch) return absl::OkStatus();
  const absl::StatusOr<Bytes> dsse = options.read_keyslot_strike_off(head.epoch);
  if (ReasonOf(dsse.status()) == Reason::kNotFound) return absl::OkStatus();
  HF_RETURN_IF_ERROR(dsse.status());
  Entry fact;
  fact.mutable_keyslot_struck_off()->set_order_dsse(ToString(*dsse));
  return AppendOrdered(group, std::move(fact));
}

absl::StatusOr<std::unique_ptr<Core>> Reopen(const CoreOptions& options, Opened opened) {
  const Epoch epoch(opened.head.epoch);
  // Steps 2 to 4 of docs/key-tree.md, "Start".
  if (std::find(opened.held.begin(), opened.held.end(), epoch) == opened.held.end()) {
    return MakeError(Reason::kEpochUnknown,
                     "the database is of epoch " + std::to_string(epoch.value()) +
                         " and the keyslot holds " + EpochList(opened.held) +
                         ": one of the two was restored or lost; nothing was erased. A database "
                         "from before the newest hold, revocation or destruction never opens "
                         "again, since its root key is erased: put back the newest database, or a "
                         "backup of the keyslot's epoch. See docs/operations.md");
  }
  for (const Epoch held : opened.held) {
    if (held != epoch && held.value() + 1 != epoch.value() && held.value() != epoch.value() + 1) {
      return MakeError(Reason::kEpochUnknown,
                       "the keyslot holds epoch " + std::to_string(held.value()) +
                           ", which does not fit the database's " + std::to_string(epoch.value()));
    }
  }

  HF_ASSIGN_OR_RETURN(const Bytes top, opened.store->ReadTopPage());
  HF_ASSIGN_OR_RETURN(const crypto::TopPageHeader header, crypto::TopPage::Inspect(top));
  if (header.epoch != epoch) {
    return MakeError(Reason::kStoreCorrupt,
                     "the top page is of epoch " + std::to_string(header.epoch.value()) +
                         " and the database of " + std::to_string(epoch.value()));
  }
  HF_ASSIGN_OR_RETURN(crypto::SecretBytes root_key, opened.keyslot->Read(epoch));

  HF_ASSIGN_OR_RETURN(Folded folded, Fold(options, opened, top, header, root_key));
  policy::State& state = folded.state;
  if (!state.open() || state.epoch() != epoch.value()) {
    return MakeError(Reason::kLedgerInconsistent, "the ledger's epoch is not the database's");
  }
  if (state.agreement().digest() != opened.agreement->digest()) {
    return MakeError(Reason::kAgreementMismatch,
                     "the agreement file is not the one that the ledger adopted");
  }
  if (state.agreement().exchange_id() != options.exchange) {
    return MakeError(Reason::kAgreementMismatch,
                     "the ledger is of another exchange than the configured one");
  }

  HF_ASSIGN_OR_RETURN(const std::vector<store::SegmentPage> stored, opened.store->AllPages());
  std::vector<VaultSegment> segments = SegmentsOf(options.exchange, state);
  std::vector<Bytes> pages;
  for (const store::SegmentPage& page : stored) {
    if (page.segment != pages.size()) {
      return MakeError(Reason::kStoreCorrupt, "a segment has no page");
    }
    pages.push_back(page.bytes);
  }
  if (pages.size() != segments.size()) {
    return MakeError(Reason::kStoreCorrupt, "the ledger and the store name different segments");
  }
  HF_ASSIGN_OR_RETURN(Vault vault, Vault::Open(options.exchange, top, std::move(root_key), header,
                                               std::move(segments), pages, *options.random));
  HF_RETURN_IF_ERROR(CheckDerivable(state, vault));
  HF_ASSIGN_OR_RETURN(std::shared_ptr<const crypto::SigningKey> checkpoint_key,
                      CheckpointKey(vault.FindSecret(crypto::kCheckpointSecret)));

  // Everything fits. An epoch beside the database's is one that was staged and never committed, or
  // one whose erasure was interrupted; either may have left something behind that is not listed.
  HF_RETURN_IF_ERROR(opened.keyslot->Erase(Epoch(epoch.value() + 1)));
  if (epoch.value() > 1) HF_RETURN_IF_ERROR(opened.keyslot->Erase(Epoch(epoch.value() - 1)));
  HF_ASSIGN_OR_RETURN(const std::vector<Epoch> left, opened.keyslot->List());
  if (left != std::vector<Epoch>{epoch}) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot still holds an erased epoch");
  }

  TimeKeeper time(*options.clock, TimesOf(state), state.clock(), state.time_ahead());
  const std::uint32_t segment_count = static_cast<std::uint32_t>(state.segments().size());
  auto core = std::make_unique<Core>(
      Core{std::move(opened.store), std::move(opened.keyslot), std::move(opened.agreement),
           std::move(state), std::move(vault), std::move(folded.tiles),
           std::make_shared<SegmentAllocator>(options.exchange, segment_count, *options.random),
           std::move(checkpoint_key), time, folded.snapshot_size, folded.snapshot_size});
  observe::Info("exchange", "ledger_folded", "the state was made of the ledger",
                {{"exchange", options.name},
                 {"entries", opened.head.ledger_size},
                 {"from_snapshot", folded.snapshot_size}});

  Group group(core->state, core->tiles.size(), *options.random);
  HF_RETURN_IF_ERROR(AppendJointOrders(options, opened.head, group));
  HF_RETURN_IF_ERROR(AppendOrdered(group, StartFact(options, *core->keyslot)));
  const Times now = core->time.Read();
  if (now != TimesOf(core->state)) HF_RETURN_IF_ERROR(AppendDecided(group, TimeFact(now)));
  if (epoch.value() > 1 && core->state.erased_epoch() + 1 < epoch.value()) {
    HF_RETURN_IF_ERROR(AppendErased(*core, Epoch(epoch.value() - 1), group));
  }
  group.Close(core->tiles);
  store::Group out = group.ToStore();
  out.epoch = epoch.value();
  HF_RETURN_IF_ERROR(core->store->Commit(out));
  if (options.keyslots_recorded) options.keyslots_recorded(core->keyslot->kind());
  return core;
}

}  // namespace

absl::Status AppendDecided(Group& group, ledger::v1::Entry fact) {
  group.Stamp(fact);
  const policy::Decision decision = policy::Decide(group.state(), {fact});
  if (!decision.allowed()) {
    return AddMetadata(
        MakeError(Reason::kInternal, "the policy refused a fact of the daemon's own"), "refusal",
        std::string(policy::RefusalName(decision.refusal)));
  }
  group.AppendFact(std::move(fact), nullptr);
  return absl::OkStatus();
}

ledger::v1::Entry TimeFact(const Times& now) {
  ledger::v1::Entry entry;
  ledger::v1::TimeAdvanced& time = *entry.mutable_time_advanced();
  time.set_late_ms(now.late_ms);
  time.set_early_ms(now.early_ms);
  time.set_trusted(now.trusted);
  time.set_wall_ms(now.wall_ms);
  time.set_since_boot_ms(now.since_boot_ms);
  time.set_elapsed_ms(now.elapsed_ms);
  time.set_unexplained_ms(now.unexplained_ms);
  return entry;
}

std::uint64_t KeyslotEpochs(const Core& core) {
  return core.vault.epoch().value() - core.state.evidence().keyslots_since_epoch;
}

Times TimesOf(const policy::State& state) {
  const policy::Now& now = state.now();
  const policy::ClockRecord& clock = state.clock();
  return {now.late.value(),    now.early.value(), now.trusted,         now.wall.value(),
          clock.since_boot_ms, clock.elapsed_ms,  clock.unexplained_ms};
}

absl::Status AppendErased(const Core& core, Epoch erased, Group& group) {
  Entry entry;
  auto& fact = *entry.mutable_epoch_erased();
  fact.set_epoch(erased.value());
  fact.set_keyslot_kind(std::string(core.keyslot->kind()));
  fact.set_erasure_class(std::string(crypto::ErasureClassName(core.keyslot->erasure_class())));
  for (const crypto::KeyslotPart& part : core.keyslot->parts()) {
    ledger::v1::KeyslotPart& said = *fact.add_parts();
    said.set_kind(part.kind);
    said.set_erasure_class(std::string(crypto::ErasureClassName(part.erasure_class)));
    said.set_device(DeviceText(part.device));
  }
  return AppendDecided(group, std::move(entry));
}

absl::StatusOr<std::unique_ptr<Core>> OpenCore(const CoreOptions& options, Reserve reserve) {
  Opened opened;
  HF_ASSIGN_OR_RETURN(policy::OpenedAgreement agreement,
                      policy::OpenAgreement(options.agreement_dsse));
  opened.agreement = std::make_shared<const policy::OpenedAgreement>(std::move(agreement));
  HF_ASSIGN_OR_RETURN(opened.store, options.open_store());
  if (reserve == Reserve::kGiveUp) HF_RETURN_IF_ERROR(opened.store->ReleaseReserve());
  HF_ASSIGN_OR_RETURN(opened.keyslot, options.open_keyslot());
  HF_ASSIGN_OR_RETURN(opened.head, opened.store->ReadHead());
  HF_ASSIGN_OR_RETURN(opened.held, opened.keyslot->List());
  if (opened.head.ledger_size == 0) return CreateFirst(options, std::move(opened));
  return Reopen(options, std::move(opened));
}

}  // namespace holdfast::exchange
