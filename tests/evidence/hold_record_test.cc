// SPDX-License-Identifier: Apache-2.0
// What a ledger says about one hold: evidence/hold_record.h.
#include "evidence/hold_record.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "crypto/merkle.h"
#include "policy/queries.h"
#include "policy/replay.h"
#include "tests/evidence/story.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

absl::StatusOr<HoldRecord> Read(const std::vector<std::string>& entries, const std::string& hold) {
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  HoldRecorder recorder(hold);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ledger::v1::Entry entry;
    EXPECT_TRUE(entry.ParseFromString(entries[i]));
    recorder.Take(i, AsBytes(entries[i]), entry, replayer.state());
    EXPECT_THAT(replayer.Step(AsBytes(entries[i])), IsOk());
    recorder.Folded(i, replayer.state());
  }
  return recorder.Record();
}

// Three records of different people; two keys left before carol's hold on the first row.
struct Released {
  Released() {
    test::World& w = s.world;
    transfer = w.FinishedTransfer(3);
    EXPECT_EQ(s.Submit("paula", w.ApproveAct(transfer)), policy::Refusal::kAllowed);
    for (std::uint32_t row = 0; row < 3; ++row) w.Deposit(transfer, row);
    w.Close(transfer);
    lease = w.OpenLease(transfer);
    w.Do(w.Release(lease, 0));
    first = w.state().ledger_size() - 1;
    w.Do(w.Release(lease, 2));
    s.Collect();
    placed = s.entries.size();
    EXPECT_EQ(s.Submit("carol", w.HoldAct("hold-1", test::OfRows(w, transfer, 0, 1))),
              policy::Refusal::kAllowed);
    w.AdvanceEpoch();
    s.Collect();
  }

  test::SignedWorld s;
  std::uint32_t transfer = 0;
  std::uint32_t lease = 0;
  std::uint64_t first = 0;
  std::uint64_t placed = 0;
};

TEST(HoldRecordTest, SaysWhoPlacedItAndWhatHadLeft) {
  Released r;
  const auto record = Read(r.s.entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->placed_index, r.placed);
  EXPECT_EQ(record->leaf_hash, crypto::LeafHash(AsBytes(r.s.entries[r.placed])));
  EXPECT_EQ(record->order.place_hold().hold_id(), "hold-1");
  EXPECT_EQ(record->epoch_index, r.placed + 1);
  EXPECT_EQ(record->covered, 2U);
  EXPECT_EQ(record->released_before, 1U);
  ASSERT_TRUE(record->last_release.has_value());
  EXPECT_EQ(record->last_release->index, r.first);  // And not the later one of row 2.
  EXPECT_EQ(record->last_release->row, 0U);
  EXPECT_EQ(record->last_release->transfer, r.s.world.Name(r.transfer));
  ASSERT_THAT(record->open_leases, SizeIs(1));
  EXPECT_EQ(record->open_leases[0].records, 1U);
  EXPECT_EQ(record->releases_under, 0U);
  EXPECT_EQ(record->state, policy::HoldState::kInForce);
  EXPECT_THAT(record->acts, ElementsAre(Field(&HoldAct::act, "place hold")));
}

TEST(HoldRecordTest, DoesNotCountWhatItDoesNotCover) {
  Released r;
  r.s.world.Do(r.s.world.Release(r.lease, 2));
  r.s.Collect();
  const auto record = Read(r.s.entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->releases_under, 0U);
}

TEST(HoldRecordTest, CountsWhatNoGatewayMayHaveLetOut) {
  Released r;
  std::vector<std::string> entries = r.s.entries;
  ledger::v1::Entry release;
  *release.mutable_key_released() = test::World::Release(r.lease, 0);
  release.set_salt(std::string(16, 's'));
  entries.push_back(release.SerializeAsString());
  ledger::v1::Entry collected;
  collected.mutable_envelopes_collected()->set_transfer(r.transfer);
  collected.mutable_envelopes_collected()->set_requester("ice");
  collected.set_salt(std::string(16, 's'));
  entries.push_back(collected.SerializeAsString());
  const auto record = Read(entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->releases_under, 1U);
  EXPECT_EQ(record->collections_under, 1U);
}

TEST(HoldRecordTest, SaysByWhoseOrderWhatItPreservedWasDestroyed) {
  Released r;
  test::World& w = r.s.world;
  const std::uint64_t revocation = w.state().ledger_size();
  ASSERT_EQ(r.s.Submit("paula", w.RevokeAct(test::OfRows(w, r.transfer, 1, 2))),
            policy::Refusal::kAllowed);
  w.AdvanceEpoch();
  ASSERT_EQ(r.s.Submit("pete", w.ApproveDestructionAct(revocation)), policy::Refusal::kAllowed);
  w.Pass(w.agreement().terms().destruction_window);
  r.s.Collect();
  const std::uint64_t first = w.state().ledger_size();
  ASSERT_EQ(r.s.Submit("carol", w.AuthoriseAct(revocation)), policy::Refusal::kAllowed);
  const std::uint64_t second = w.state().ledger_size();
  ASSERT_EQ(r.s.Submit("erin", w.AuthoriseAct(revocation, first)), policy::Refusal::kAllowed);
  w.Pass(w.agreement().terms().destruction_window);
  r.s.Collect();
  const std::uint64_t destroyed = w.state().ledger_size();
  w.Do(w.DestructionByCourt(revocation));
  w.AdvanceEpoch();
  r.s.Collect();
  const auto record = Read(r.s.entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  // The hold is on the rows 0 and 1, and the order on 1 and 2.
  EXPECT_EQ(record->destructions_under, 1U);
  ASSERT_THAT(record->court_orders, SizeIs(1));
  const HoldCourtOrder& order = record->court_orders[0];
  EXPECT_EQ(order.index, destroyed);
  EXPECT_EQ(order.records, 1U);
  EXPECT_EQ(order.first_index, first);
  EXPECT_EQ(order.second_index, second);
  EXPECT_NE(order.first_by.find("carol"), std::string::npos);
  EXPECT_NE(order.second_by.find("erin"), std::string::npos);
  const order::v1::Order said = w.AuthoriseAct(revocation);
  EXPECT_EQ(order.matter, said.authorise_destruction().matter());
  EXPECT_EQ(order.order_reference, said.authorise_destruction().order_reference());
  EXPECT_EQ(order.document_sha256, said.authorise_destruction().document_sha256());
}

TEST(HoldRecordTest, CountsAsNobodysOrderWhatNoCourtOrdered) {
  Released r;
  std::vector<std::string> entries = r.s.entries;
  ledger::v1::Entry entry;
  ledger::v1::RecordsDestroyed& fact = *entry.mutable_records_destroyed();
  fact.set_basis(ledger::v1::RecordsDestroyed::EXPIRY);
  ledger::v1::Rows& rows = *fact.add_rows();
  rows.set_transfer(r.transfer);
  rows.add_runs(0);
  rows.add_runs(1);
  fact.set_count(1);
  entry.set_salt(std::string(16, 's'));
  entries.push_back(entry.SerializeAsString());
  const auto record = Read(entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->destructions_under, 1U);
  EXPECT_THAT(record->court_orders, SizeIs(0));
}

TEST(HoldRecordTest, TellsItsWholeHistory) {
  const test::SignedWorld story = test::Story();
  const auto record = Read(story.entries, "hold-1");
  ASSERT_THAT(record, IsOk());
  std::vector<std::pair<std::string, bool>> acts;
  for (const HoldAct& act : record->acts) acts.emplace_back(act.act, act.person.empty());
  EXPECT_THAT(acts, ElementsAre(std::pair("place hold", false), std::pair("propose lift", false),
                                std::pair("confirm lift", false),
                                std::pair("lifted: the cooling period is over", true)));
  EXPECT_EQ(record->state, policy::HoldState::kLifted);
  // What was destroyed afterwards was not destroyed under it.
  EXPECT_EQ(record->destructions_under, 0U);
  EXPECT_FALSE(record->last_release.has_value());
}

TEST(HoldRecordTest, SaysThatThereIsNone) {
  const test::SignedWorld story = test::Story();
  EXPECT_THAT(Read(story.entries, "hold-2").status(), HasReason(Reason::kNotFound));
}

TEST(HoldRecordTest, SurvivesAnEntryWithoutAFact) {
  HoldRecorder recorder("hold-1");
  recorder.Take(0, AsBytes("no entry"), ledger::v1::Entry(), policy::State());
  recorder.Folded(0, policy::State());
  EXPECT_THAT(recorder.Record().status(), HasReason(Reason::kNotFound));
}

}  // namespace
}  // namespace holdfast::evidence
