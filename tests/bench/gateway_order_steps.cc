// SPDX-License-Identifier: Apache-2.0
// The steps of gateway_steps.h that people order.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "cli/orders.h"
#include "client/ledger_client.h"
#include "client/order_client.h"
#include "tests/bench/gateway_steps.h"
#include "tests/bench/require.h"
#include "tests/support/seeded_random.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 20261;
constexpr std::size_t kOrderBytes = 1500;
constexpr std::size_t kReceiptBytes = 100;
constexpr int kUnaryCalls = 100;

// Of 1,280,000 people, 47,289. An order of 64 KiB cannot name so many rows one by one, but it can
// name them in runs that lie at random.
constexpr double kShare = 47'289.0 / 1'280'000.0;
constexpr std::size_t kMostRuns = 500;

// The gateway leaves a second between two destructions, so that a keyslot lasts.
constexpr std::chrono::milliseconds kBetweenDestructions{1100};

std::string Signed(cli::Session& session, order::v1::Order act) {
  const order::v1::Order order =
      Take(cli::DraftOrder(session, std::move(act), "1h"), "drafting an order");
  return Take(cli::SignOrder(session, order), "signing an order");
}

// A disposal of this list that is in `state`.
const v1::Disposal* Find(const std::vector<v1::Disposal>& disposals, const std::string& digest,
                         v1::Disposal::State state) {
  const auto it = std::find_if(disposals.begin(), disposals.end(), [&](const v1::Disposal& one) {
    return one.list_digest() == digest && one.state() == state;
  });
  return it == disposals.end() ? nullptr : &*it;
}

}  // namespace

double Steps::SecondsToDestroy(const std::string& transfer, const std::vector<Run>& runs) {
  cli::Session& first = world_.As("custodian-1");
  cli::Session& second = world_.As("custodian-2");
  client::OrderClient client(Take(second.channel(), "connecting"));
  v1::Scope scope;
  scope.set_transfer(transfer);
  std::uint64_t records = 0;
  for (const Run& run : runs) {
    v1::RowRange& range = *scope.add_rows();
    range.set_first(run.first);
    range.set_last(run.last);
    records += run.records;
  }
  const v1::PreviewDisposalResponse preview = Take(client.PreviewDisposal(scope), "previewing");
  HF_CHECK(preview.count() == records);
  order::v1::Order act;
  order::v1::RevokeRecords& revoke = *act.mutable_revoke_records();
  *revoke.mutable_scope() = scope;
  revoke.set_count(preview.count());
  revoke.set_list_digest(preview.list_digest());
  revoke.set_reason("measured");
  Require(client.Submit(AsBytes(Signed(first, std::move(act)))).status(), "revoking");
  const std::vector<v1::Disposal> waiting = Take(client.ListDisposals(), "listing");
  const v1::Disposal* revocation =
      Find(waiting, preview.list_digest(), v1::Disposal::AWAITING_APPROVAL);
  HF_CHECK(revocation != nullptr);
  order::v1::Order approval;
  order::v1::ApproveDestruction& approve = *approval.mutable_approve_destruction();
  approve.set_revocation_index(revocation->revocation_index());
  approve.set_count(revocation->count());
  approve.set_list_digest(revocation->list_digest());
  const std::string approval_order = Signed(second, std::move(approval));

  while (SteadyClock::now() - destroyed_at_ < kBetweenDestructions) Pause(10);
  client::LedgerClient ledger(Take(second.channel(), "connecting"));
  const auto destroyed = [&ledger] {
    return Take(ledger.GetExchange(), "asking").records().destroyed();
  };
  // The list of disposals, with what each of them destroyed, would keep the writer busy.
  const std::uint64_t before = destroyed();
  const auto start = SteadyClock::now();
  Require(client.Submit(AsBytes(approval_order)).status(), "approving");
  while (destroyed() == before) {
  }
  const double seconds = SecondsSince(start);
  destroyed_at_ = SteadyClock::now();
  HF_CHECK(destroyed() == before + records);
  HF_CHECK(Find(Take(client.ListDisposals(), "listing"), preview.list_digest(),
                v1::Disposal::DESTROYED) != nullptr);
  return seconds;
}

void Steps::Destroy(const Carried& transfer) {
  test::SeededRandom random(kSeed);
  const std::vector<std::uint32_t>& rows = transfer.rows;
  const auto share = static_cast<std::size_t>(static_cast<double>(rows.size()) * kShare);
  // The first stretch is for the single record.
  const std::size_t count = std::min(kMostRuns, std::max<std::size_t>(share, 1));
  const std::size_t length = std::max<std::size_t>(share, 1) / count;
  const std::size_t stretch = rows.size() / (count + 1);
  std::vector<Run> one;
  std::vector<Run> many;
  for (std::size_t i = 0; i <= count; ++i) {
    const std::size_t records = i == 0 ? 1 : length;
    const std::size_t first = i * stretch + random.Below(stretch - records + 1);
    (i == 0 ? one : many).push_back({rows[first], rows[first + records - 1], records});
  }
  const double calls = 2 * peer_.Unary(kUnaryCalls, kOrderBytes, kReceiptBytes);
  constexpr double kDestructionWindow = 0.001;
  const char* baseline = "2 p50 unary echo + 4 p50 fdatasync + the window of 1 ms";
  table_.Add("approve and destroy one record", 1, SecondsToDestroy(transfer.name, one),
             calls + 4 * SyncNow() + kDestructionWindow, baseline);
  std::vector<std::uint32_t> leaves;
  for (const Run& run : many) {
    const auto first = std::lower_bound(rows.begin(), rows.end(), run.first);
    for (std::size_t i = 0; i < run.records; ++i) {
      leaves.push_back(
          static_cast<std::uint32_t>(first - rows.begin() + static_cast<std::ptrdiff_t>(i)));
    }
  }
  table_.Add("approve and destroy 3.7 %", count * length, SecondsToDestroy(transfer.name, many),
             PunctureSeconds(world_.File("pages.db"), leaves) + 2 * SyncNow(),
             "puncture in memory + a commit of the pages + 2 p50 fdatasync");
}

double Steps::PlaceHolds() {
  cli::Session& counsel = world_.As("counsel-1");
  client::OrderClient client(Take(counsel.channel(), "connecting"));
  std::vector<double> seconds;
  placed_.clear();
  for (int i = 0; i < sizes_.holds; ++i) {
    order::v1::Order act;
    order::v1::PlaceHold& hold = *act.mutable_place_hold();
    hold.set_hold_id("hold-" + std::to_string(++hold_));
    hold.set_matter("1:26-cv-00001");
    hold.set_court("D. Example");
    hold.set_order_reference("ECF No. 12");
    hold.set_document_sha256(std::string(64, '0'));
    hold.set_kind(order::v1::FREEZE_AND_PRESERVE);
    hold.mutable_scope()->set_everything(true);
    const std::string order = Signed(counsel, std::move(act));
    const auto start = SteadyClock::now();
    const auto answer = Take(client.Submit(AsBytes(order)), "placing a hold");
    seconds.push_back(SecondsSince(start));
    placed_.emplace_back("hold-" + std::to_string(hold_), answer.receipt().ledger_index());
  }
  const double median = MedianOf(std::move(seconds));
  table_.Add("place a hold, p50", 1, median,
             peer_.Unary(kUnaryCalls, kOrderBytes, kReceiptBytes) + 3 * SyncNow(),
             "p50 unary echo + 3 p50 fdatasync");
  return median;
}

double Steps::LiftHolds() {
  cli::Session& first = world_.As("counsel-1");
  cli::Session& second = world_.As("counsel-2");
  client::OrderClient client(Take(first.channel(), "connecting"));
  std::vector<double> seconds;
  for (const auto& [id, placed] : placed_) {
    order::v1::Order act;
    act.mutable_propose_lift()->set_hold_id(id);
    act.mutable_propose_lift()->set_placed_index(placed);
    act.mutable_propose_lift()->set_reason("vacated");
    const std::string proposal = Signed(first, std::move(act));
    const auto start = SteadyClock::now();
    const auto proposed = Take(client.Submit(AsBytes(proposal)), "proposing a lift");
    const double took = SecondsSince(start);
    order::v1::Order agree;
    agree.mutable_confirm_lift()->set_hold_id(id);
    agree.mutable_confirm_lift()->set_placed_index(placed);
    agree.mutable_confirm_lift()->set_proposal_index(proposed.receipt().ledger_index());
    const std::string confirmation = Signed(second, std::move(agree));
    const auto again = SteadyClock::now();
    Require(client.Submit(AsBytes(confirmation)).status(), "confirming a lift");
    seconds.push_back(took + SecondsSince(again));
  }
  const double median = MedianOf(std::move(seconds));
  table_.Add("propose and confirm a lift, p50", 1, median,
             2 * (peer_.Unary(kUnaryCalls, kOrderBytes, kReceiptBytes) + SyncNow()),
             "2 p50 unary echo + 2 p50 fdatasync");
  return median;
}

}  // namespace holdfast::bench
