// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/settlement.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "daemon/exchange/settle_command.h"
#include "daemon/observe/log.h"
#include "daemon/rpc/chunk_codec.h"
#include "daemon/rpc/opening.h"
#include "daemon/rpc/outcome_sealer.h"
#include "daemon/rpc/subject_chunk.h"
#include "policy/queries.h"
#include "policy/review.h"

namespace holdfast::rpc {
namespace {

using policy::ReleaseReason;

constexpr int kMostTries = 8;

// Chunks of one sweep: the rest follows at the next.
constexpr std::size_t kChunksOfASweep = 16;

struct SelectedRow {
  std::uint32_t row = 0;
  policy::ReviewCase waiting;
  std::uint32_t segment = 0;  // By number, and by id; and the leaf that was kept for the row.
  SegmentId segment_id;
  std::uint32_t leaf = 0;
};

// What is to be settled, as the writer said in one moment.
struct Selection {
  std::shared_ptr<const TransferFacts> facts;  // Null: the order names no transfer.
  ReleaseReason verdict = ReleaseReason::kUnspecified;
  std::uint32_t candidate = 0;  // Of kReleasedByReview.
  std::vector<SelectedRow> rows;
  std::map<std::uint32_t, std::uint16_t> deposited;  // By chunk: how many envelopes it has.
};

void Select(const policy::State& state, const policy::Transfer& transfer,
            const std::vector<std::uint32_t>& rows, Selection& out) {
  out.facts = std::make_shared<const TransferFacts>(FactsOf(state, transfer));
  for (const std::uint32_t row : rows) {
    const policy::ReviewCase* waiting = transfer.FindCase(row);
    if (waiting == nullptr) continue;
    const policy::Record& record = *transfer.records.Find(row);
    out.rows.push_back({row, *waiting, record.record_segment,
                        state.segments().Find(record.record_segment)->id, record.record_leaf});
    const std::uint32_t chunk = row / kRowsPerChunk;
    out.deposited[chunk] = transfer.records.chunk(chunk)->deposited;
  }
}

Selection SelectByOrder(const policy::State& state, const order::v1::Order& order) {
  Selection out;
  const bool release = order.has_release_case();
  const auto id = policy::ParseTransferName(release ? order.release_case().transfer()
                                                    : order.refuse_cases().transfer());
  const policy::Transfer* transfer = id.has_value() ? state.FindTransfer(*id) : nullptr;
  if (transfer == nullptr) return out;
  if (release) {
    out.verdict = ReleaseReason::kReleasedByReview;
    out.candidate = order.release_case().candidate();
    Select(state, *transfer, {order.release_case().row()}, out);
  } else {
    out.verdict = ReleaseReason::kRefusedByReview;
    const auto rows =
        policy::WaitingRows(*transfer, order.refuse_cases().rows(), policy::kMaxCasesPerOrder);
    // More than an order may refuse: the policy says so, and nothing need be sealed for it.
    if (rows.size() <= policy::kMaxCasesPerOrder) Select(state, *transfer, rows, out);
  }
  return out;
}

// Seals the envelopes of a selection into copies of the stored chunks.
class Sealer {
 public:
  Sealer(const Hosted& hosted, const exchange::Published& published, const Selection& selection)
      : hosted_(hosted),
        published_(published),
        selection_(selection),
        facts_(*selection.facts),
        sealer_(hosted.exchange->id(), *published.agreement, *selection.facts) {}

  // Errors: kNotFound if a row has its envelope by now.
  absl::Status Seal(exchange::Settlement& out) {
    const std::size_t count = selection_.rows.size();
    if (selection_.deposited.size() * sealer_.envelope_bytes() * kRowsPerChunk > kMaxSettleBytes) {
      return MakeError(
          Reason::kRequestTooLarge,
          "the cases of one order lie in too many chunks: refuse fewer rows at a time");
    }
    crypto::Random& random = hosted_.exchange->random();
    const auto salts = crypto::DrawMany<32>(random, count);
    out.envelopes = std::make_unique<exchange::EntryBatch>(count, random);
    std::size_t next = 0;
    for (const auto& [chunk, deposited] : selection_.deposited) {
      exchange::SettledChunk settled;
      settled.key = {store::ChunkKind::kEnvelopes, facts_.number, chunk};
      settled.deposited = deposited;
      {
        HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published_.readers->Borrow());
        HF_ASSIGN_OR_RETURN(settled.bytes, reader->ReadChunk(settled.key));
      }
      HF_ASSIGN_OR_RETURN(const std::vector<OpenedSubject> subjects,
                          OpenSubjectChunk(published_, hosted_.exchange->id(), facts_, chunk));
      for (; next < count && selection_.rows[next].row / kRowsPerChunk == chunk; ++next) {
        const std::uint32_t row = selection_.rows[next].row;
        const auto subject =
            std::find_if(subjects.begin(), subjects.end(),
                         [row](const OpenedSubject& one) { return one.row() == row; });
        if (subject == subjects.end()) {
          return MakeError(Reason::kRecordNotReleasable, "the row's keys were destroyed");
        }
        HF_RETURN_IF_ERROR(SealRow(next, *subject, salts[next], settled.bytes,
                                   *out.envelopes->Add()->mutable_envelope_deposited()));
      }
      out.chunks.push_back(std::move(settled));
    }
    out.envelopes->Seal();
    return absl::OkStatus();
  }

 private:
  absl::Status SealRow(std::size_t i, const OpenedSubject& subject, const Digest32& salt,
                       Bytes& chunk, ledger::v1::EnvelopeDeposited& fact) {
    const policy::ReviewCase& waiting = selection_.rows[i].waiting;
    const std::uint32_t row = subject.row();
    HF_ASSIGN_OR_RETURN(const std::span<std::byte> place, PlaceOf(chunk, row));

    OpenedOpening opened;
    std::vector<RecordFieldView> fields;
    std::optional<CandidateView> released;
    if (selection_.verdict == ReleaseReason::kReleasedByReview) {
      HF_ASSIGN_OR_RETURN(opened, OpenStoredOpening(published_, facts_, subject));
      // What is released is what the case was about, and what was shown.
      if (opened.commitment != waiting.commitment) {
        return MakeError(Reason::kStoreCorrupt, "a stored opening is not the one committed to");
      }
      const auto candidates = static_cast<std::uint32_t>(opened.opening.candidates_size());
      if (selection_.candidate < candidates) {
        released =
            ViewOf(opened.opening.candidates(static_cast<int>(selection_.candidate)), fields);
      }
    }
    const SelectedRow& selected = selection_.rows[i];
    crypto::LeafSeed seed;
    HF_RETURN_IF_ERROR(DeriveLeaf(selected, seed));
    HF_ASSIGN_OR_RETURN(
        const Digest32 digest,
        sealer_.Seal(row, subject.at_rest.subject, released.has_value() ? &*released : nullptr,
                     selected.segment_id, selected.leaf, seed, salt, place));
    fact.set_transfer(facts_.number);
    fact.set_row(row);
    fact.set_segment(selected.segment);
    fact.set_leaf(selected.leaf);
    fact.set_verdict(static_cast<std::uint32_t>(selection_.verdict));
    fact.set_envelope_digest(ToString(digest));
    fact.set_commitment(ToString(waiting.commitment));
    fact.set_address(static_cast<std::uint32_t>(waiting.address));
    fact.set_gate_version(waiting.gate_version);
    return absl::OkStatus();
  }

  absl::Status DeriveLeaf(const SelectedRow& selected, crypto::LeafSeed& seed) {
    if (cursor_segment_ != selected.segment || !cursor_.has_value()) {
      const exchange::VaultSegment* segment = published_.vault->Find(selected.segment_id);
      if (segment == nullptr) {
        return MakeError(Reason::kStoreCorrupt, "a case names an unknown segment");
      }
      cursor_.emplace(*segment->tree);
      cursor_segment_ = selected.segment;
    }
    return cursor_->Derive(selected.leaf, seed);
  }

  // The place in the chunk that waits for the row's envelope.
  absl::StatusOr<std::span<std::byte>> PlaceOf(Bytes& chunk, std::uint32_t row) const {
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> items,
                        ParseChunk(store::ChunkKind::kEnvelopes, chunk));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (WaitingRow(items[i]) != row) continue;
      return ItemOf(chunk, sealer_.envelope_bytes(), i);
    }
    return MakeError(Reason::kNotFound, "the row has its envelope");
  }

  const Hosted& hosted_;
  const exchange::Published& published_;
  const Selection& selection_;
  const TransferFacts& facts_;
  OutcomeSealer sealer_;
  std::optional<crypto::LeafCursor> cursor_;
  std::uint32_t cursor_segment_ = 0;
};

// Seals a selection on the thread that calls. Nothing is sealed for an empty one.
absl::Status Prepare(const Hosted& hosted, const Selection& selection, exchange::Settlement& out) {
  if (selection.facts == nullptr || selection.rows.empty()) return absl::OkStatus();
  const std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  if (published == nullptr) return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
  return Sealer(hosted, *published, selection).Seal(out);
}

// One order on its way, until it is decided.
class OrderSettler final : public std::enable_shared_from_this<OrderSettler> {
 public:
  OrderSettler(const Hosted& hosted, Bytes dsse, std::shared_ptr<const policy::OpenedOrder> order,
               exchange::OrderCommand::DoneCallback done)
      : hosted_(hosted), dsse_(std::move(dsse)), order_(std::move(order)), done_(std::move(done)) {}

  void Try() {
    if (++tries_ > kMostTries) {
      Fail(MakeError(Reason::kOverloaded, "other orders settle cases of these rows"));
      return;
    }
    hosted_.exchange->Query(
        [self = shared_from_this()](const exchange::Core& core) -> exchange::Exchange::QueryReply {
          auto selection =
              std::make_shared<const Selection>(SelectByOrder(core.state, self->order_->order));
          return [self, selection](const exchange::LedgerHead&) { self->Settle(*selection); };
        },
        [self = shared_from_this()](const absl::Status& status) { self->Fail(status); });
  }

 private:
  void Settle(const Selection& selection) {
    exchange::Settlement settlement;
    const absl::Status prepared = Prepare(hosted_, selection, settlement);
    if (ReasonOf(prepared) == Reason::kNotFound) {
      Try();
      return;
    }
    if (!prepared.ok()) {
      Fail(prepared);
      return;
    }
    settlement.dsse = dsse_;
    settlement.order = order_;
    hosted_.exchange->Submit(exchange::Lane::kNormal,
                             std::make_unique<exchange::SettleCommand>(
                                 std::move(settlement), hosted_.exchange->executor(),
                                 [self = shared_from_this()](exchange::SettleOutcome outcome) {
                                   if (outcome.stale && outcome.order.status.ok()) {
                                     self->Try();
                                   } else {
                                     self->done_(std::move(outcome.order));
                                   }
                                 }));
  }

  void Fail(const absl::Status& why) {
    exchange::OrderOutcome outcome;
    outcome.status = why;
    done_(std::move(outcome));
  }

  const Hosted& hosted_;
  const Bytes dsse_;
  const std::shared_ptr<const policy::OpenedOrder> order_;
  const exchange::OrderCommand::DoneCallback done_;
  int tries_ = 0;
};

void SettleOneExpired(const Hosted& hosted, const Selection& selection) {
  exchange::Settlement settlement;
  const absl::Status prepared = Prepare(hosted, selection, settlement);
  if (!prepared.ok() || settlement.envelopes == nullptr) {
    // It is tried again; only what does not mend itself is worth a line.
    if (!prepared.ok() && ReasonOf(prepared) != Reason::kNotFound &&
        ReasonOf(prepared) != Reason::kExchangeStopped) {
      observe::Error("review", "expiry_failed", "cases in review could not be settled",
                     {{"exchange", hosted.exchange->name()},
                      {"reason", ReasonName(ReasonOf(prepared).value_or(Reason::kInternal))}});
    }
    return;
  }
  const std::size_t cases = selection.rows.size();
  hosted.exchange->Submit(
      exchange::Lane::kNormal,
      std::make_unique<exchange::SettleCommand>(
          std::move(settlement), hosted.exchange->executor(),
          [&hosted, cases](const exchange::SettleOutcome& outcome) {
            if (!outcome.order.status.ok() || outcome.stale) return;
            observe::Info("review", "cases_expired", "cases in review were settled with nothing",
                          {{"exchange", hosted.exchange->name()}, {"cases", cases}});
          }));
}

}  // namespace

bool SettlesCases(const policy::OpenedOrder& order) {
  return order.order.has_release_case() || order.order.has_refuse_cases();
}

void SettleByOrder(const Hosted& hosted, Bytes dsse,
                   std::shared_ptr<const policy::OpenedOrder> order,
                   exchange::OrderCommand::DoneCallback done) {
  std::make_shared<OrderSettler>(hosted, std::move(dsse), std::move(order), std::move(done))->Try();
}

void SettleExpired(const Directory& directory) {
  for (const Hosted& hosted : directory.hosted()) {
    hosted.exchange->OnReviewsDue([&hosted](const policy::State& state, UnixMillis early) {
      for (const policy::ChunkOfCases& due : policy::DueReviews(state, early, kChunksOfASweep)) {
        auto selection = std::make_shared<Selection>();
        selection->verdict = ReleaseReason::kReviewExpired;
        Select(state, *state.transfer(due.transfer), due.rows, *selection);
        hosted.exchange->executor().Post(
            [&hosted, selection = std::shared_ptr<const Selection>(std::move(selection))] {
              SettleOneExpired(hosted, *selection);
            });
      }
    });
  }
}

}  // namespace holdfast::rpc
