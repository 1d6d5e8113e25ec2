// SPDX-License-Identifier: Apache-2.0
// Replayer: a ledger is folded from its bytes, and every entry decided again.
#include "policy/replay.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"
#include "tests/policy/signed_world.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using policy::ParseEntry;
using policy::Replayer;

// A whole exchange: transfer, release, hold, refusal, lift, revocation, destruction.
SignedWorld Story() {
  SignedWorld s;
  World& w = s.world;
  const std::uint32_t t = w.FinishedTransfer(3);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  for (std::uint32_t row = 0; row < 3; ++row) w.Deposit(t, row);
  w.Close(t);
  const std::uint32_t lease = w.OpenLease(t);
  w.Do(World::Release(lease, 0));
  const std::uint64_t hold = w.state().ledger_size();
  EXPECT_EQ(s.Submit("carol", w.HoldAct("hold-1", OfPerson(1))), Refusal::kAllowed);
  w.AdvanceEpoch();
  ledger::v1::Refused refused;
  refused.set_member("ice");
  refused.set_act(ledger::v1::Refused::RELEASE_KEYS);
  refused.set_refusal(static_cast<std::uint32_t>(Refusal::kFrozen));
  refused.set_has_transfer(true);
  refused.set_transfer(t);
  refused.set_hold_index(hold);
  refused.mutable_rows()->set_transfer(t);
  refused.mutable_rows()->add_runs(0);
  refused.mutable_rows()->add_runs(2);
  w.Do(refused);
  w.Do(World::Release(lease, 2));
  LiftAndDestroy(s, t);
  return s;
}

absl::Status ReplayAll(Replayer& replayer, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const absl::Status status = replayer.Step(AsBytes(entry));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

TEST(ReplayTest, AWholeLedgerIsDecidedAgain) {
  const SignedWorld story = Story();
  Replayer replayer(Replayer::Mode::kDecideAgain);
  ASSERT_THAT(ReplayAll(replayer, story.entries), IsOk());
  EXPECT_EQ(replayer.state().Digest(), story.world.state().Digest());
  const auto report = replayer.report();
  EXPECT_EQ(report.entries, story.entries.size());
  EXPECT_EQ(report.decided_again, story.entries.size());
  EXPECT_EQ(report.refusals_decided_again, 1U);
  EXPECT_EQ(report.facts.at("key_released"), 2U);
  EXPECT_EQ(report.facts.at("order_accepted"), 6U);
  EXPECT_EQ(report.refusals.at("FROZEN"), 1U);
}

// All that counsel can do to a hold, signed, and decided again from the bytes.
TEST(ReplayTest, EveryActOfCounselIsDecidedAgain) {
  SignedWorld s;
  World& w = s.world;
  const std::uint32_t t = w.FinishedTransfer(3);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  for (std::uint32_t row = 0; row < 3; ++row) w.Deposit(t, row);
  w.Close(t);
  w.Do(World::Release(w.OpenLease(t), 0));
  const auto act = [&](std::string_view person, const order::v1::Order& order) {
    EXPECT_EQ(s.Submit(person, order), Refusal::kAllowed) << order.ShortDebugString();
    if (w.state().epoch_pending()) w.AdvanceEpoch();
  };
  order::v1::Order oral = w.HoldAct("hold-1", OfPerson(0), order::v1::PRESERVE);
  oral.mutable_place_hold()->set_basis(order::v1::ORAL_ORDER);
  oral.mutable_place_hold()->clear_document_sha256();
  act("carol", oral);
  act("judge", w.AttachAct("hold-1"));
  w.GiveNotices();
  act("dan", w.AcknowledgeAct("hold-1"));
  act("carol", w.AmendAct("hold-1", Everything(), order::v1::PRESERVE));
  w.GiveNotices();
  act("carol", w.AmendAct("hold-1", OfTransfer(w, t), order::v1::PRESERVE));
  act("erin", w.ConfirmAmendmentAct("hold-1"));
  w.Pass(w.agreement().terms().cooling_period);
  act("carol", w.ProposeAct("hold-1"));
  act("erin", w.ConfirmAct("hold-1"));
  w.Pass(w.agreement().terms().cooling_period);
  act("judge", w.RestoreAct("hold-1"));
  const std::uint64_t revocation = w.state().ledger_size();
  act("paula", w.RevokeAct(OfRows(w, t, 0, 0)));
  act("pete", w.ApproveDestructionAct(revocation));
  const std::uint64_t first = w.state().ledger_size();
  act("carol", w.AuthoriseAct(revocation));
  act("judge", w.AuthoriseAct(revocation, first));
  w.Pass(w.agreement().terms().destruction_window);
  w.Do(w.DestructionByCourt(revocation));
  w.AdvanceEpoch();
  act("paula", World::StrikeAct("erin", KeyOf("erin").public_key().ToBase64()));
  EXPECT_EQ(s.Submit("erin", w.HoldAct("hold-2", Everything())), Refusal::kStruckOff);
  ledger::v1::Refused refused;
  refused.set_member("erin");
  refused.set_act(ledger::v1::Refused::SUBMIT_ORDER);
  refused.set_refusal(static_cast<std::uint32_t>(Refusal::kStruckOff));
  refused.set_order_digest(std::string(32, 'd'));
  w.Do(refused);
  s.Collect();

  Replayer replayer(Replayer::Mode::kDecideAgain);
  ASSERT_THAT(ReplayAll(replayer, s.entries), IsOk());
  EXPECT_EQ(replayer.state().Digest(), w.state().Digest());
  EXPECT_EQ(replayer.report().destroyed_by_court_order, 1U);
  EXPECT_EQ(replayer.report().refusals_decided_again, 1U);
  EXPECT_EQ(replayer.report().facts.at("notice_given"), 2U);

  // Whoever was struck off was so by this order: a ledger that says it of another is found out.
  refused.set_member("carol");
  const std::string forged = EntryOf(refused).SerializeAsString();
  EXPECT_THAT(replayer.Step(AsBytes(forged)), HasMetadata("rule", "REFUSED"));
}

TEST(ReplayTest, ApplyOnlyComesToTheSameState) {
  const SignedWorld story = Story();
  Replayer replayer(Replayer::Mode::kApplyOnly);
  ASSERT_THAT(ReplayAll(replayer, story.entries), IsOk());
  EXPECT_EQ(replayer.report().decided_again, 0U);
  EXPECT_EQ(replayer.Take().Digest(), story.world.state().Digest());
  EXPECT_EQ(replayer.state().ledger_size(), 0U);
}

TEST(ReplayTest, EachEntryIsNeededInItsPlace) {
  const SignedWorld story = Story();
  std::size_t harmless = 0;
  for (std::size_t i = 0; i < story.entries.size(); ++i) {
    std::vector<std::string> entries = story.entries;
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
    Replayer replayer(Replayer::Mode::kDecideAgain);
    if (ReplayAll(replayer, entries).ok()) ++harmless;
  }
  // Without its ledger's hashes a replay cannot miss what nothing depends on: a process's start,
  // a key that left, a refusal, the last epoch.
  EXPECT_LE(harmless, 6U);
}

TEST(ReplayTest, AReleaseUnderAFreezeIsFound) {
  SignedWorld story;
  World& w = story.world;
  const std::uint32_t t = w.FinishedTransfer(2);
  story.Submit("paula", w.ApproveAct(t));
  w.Deposit(t, 0);
  w.Deposit(t, 1);
  w.Close(t);
  const std::uint32_t lease = w.OpenLease(t);
  story.Submit("carol", w.HoldAct("hold-1", OfPerson(0)));
  w.AdvanceEpoch();
  story.Collect();
  Replayer replayer(Replayer::Mode::kDecideAgain);
  ASSERT_THAT(ReplayAll(replayer, story.entries), IsOk());
  const std::string forged = EntryOf(World::Release(lease, 0)).SerializeAsString();
  const absl::Status status = replayer.Step(AsBytes(forged));
  EXPECT_THAT(status, HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(status, HasMetadata("rule", "FROZEN"));
  EXPECT_THAT(status, HasMetadata("index", std::to_string(story.entries.size())));
}

TEST(ReplayTest, ARefusalWithoutAReasonIsFound) {
  SignedWorld story;
  World& w = story.world;
  const std::uint32_t t = w.FinishedTransfer(2);
  story.Submit("paula", w.ApproveAct(t));
  const std::uint64_t hold = w.state().ledger_size();
  story.Submit("carol", w.HoldAct("hold-1", OfPerson(0)));
  w.AdvanceEpoch();
  story.Collect();
  const auto replayed = [&](Refusal refusal, std::uint32_t first_row) {
    ledger::v1::Refused refused;
    refused.set_member("irs");
    refused.set_act(ledger::v1::Refused::DEPOSIT_RECORDS);
    refused.set_refusal(static_cast<std::uint32_t>(refusal));
    refused.set_has_transfer(true);
    refused.set_transfer(t);
    refused.set_hold_index(hold);
    refused.mutable_rows()->set_transfer(t);
    refused.mutable_rows()->add_runs(first_row);
    refused.mutable_rows()->add_runs(1);
    std::vector<std::string> entries = story.entries;
    entries.push_back(EntryOf(refused).SerializeAsString());
    Replayer replayer(Replayer::Mode::kDecideAgain);
    return ReplayAll(replayer, entries);
  };
  EXPECT_THAT(replayed(Refusal::kFrozen, 0), IsOk());
  EXPECT_THAT(replayed(Refusal::kFrozen, 1), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kFrozen, 4'000'000'000), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kPreserved, 0), IsOk());
  EXPECT_THAT(replayed(Refusal::kClockUntrusted, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kEpochPending, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kRecordExpired, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kRecordRevoked, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kRecordDestroyed, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kRowDeposited, 0), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kRecordNotDeposited, 0), IsOk());
  EXPECT_THAT(replayed(Refusal::kAllowed, 0), HasMetadata("rule", "MALFORMED"));
  EXPECT_THAT(replayed(Refusal::kUndecided, 0), HasMetadata("rule", "MALFORMED"));
}

// What custodians stopped is decided again from the ledger alone, and so is each refusal for it.
TEST(ReplayTest, ARefusalOfAStoppedTransferIsDecidedAgain) {
  SignedWorld story;
  World& w = story.world;
  const std::uint32_t t = w.FinishedTransfer(2);
  EXPECT_EQ(story.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  const std::uint32_t braked = w.CreateTransfer();
  w.Judge(braked, 0, 66);
  w.Finish(braked);
  const auto replayed = [&](Refusal refusal, std::uint32_t transfer) {
    ledger::v1::Refused refused;
    refused.set_member("irs");
    refused.set_act(ledger::v1::Refused::DEPOSIT_RECORDS);
    refused.set_refusal(static_cast<std::uint32_t>(refusal));
    refused.set_has_transfer(true);
    refused.set_transfer(transfer);
    story.Collect();
    std::vector<std::string> entries = story.entries;
    entries.push_back(EntryOf(refused).SerializeAsString());
    Replayer replayer(Replayer::Mode::kDecideAgain);
    return ReplayAll(replayer, entries);
  };
  EXPECT_THAT(replayed(Refusal::kTransferBraked, braked), IsOk());
  EXPECT_THAT(replayed(Refusal::kTransferBraked, t), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kTransferSuspended, t), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kTransferCapped, t), HasMetadata("rule", "REFUSED"));
  EXPECT_THAT(replayed(Refusal::kTransferEnded, t), HasMetadata("rule", "REFUSED"));
  for (const auto& act : {w.SuspendAct(t), w.CapAct(t, 1), w.EndAct(t, w.late())}) {
    EXPECT_EQ(story.Submit("paula", act), Refusal::kAllowed);
    w.AdvanceEpoch();
  }
  EXPECT_EQ(story.Submit("paula", w.GoOnAct(braked)), Refusal::kAllowed);
  EXPECT_THAT(replayed(Refusal::kTransferSuspended, t), IsOk());
  EXPECT_THAT(replayed(Refusal::kTransferCapped, t), IsOk());
  EXPECT_THAT(replayed(Refusal::kTransferEnded, t), IsOk());
  EXPECT_THAT(replayed(Refusal::kTransferBraked, braked), HasMetadata("rule", "REFUSED"));
  EXPECT_EQ(story.Submit("paula", w.ResumeAct(t)), Refusal::kAllowed);
  EXPECT_THAT(replayed(Refusal::kTransferSuspended, t), HasMetadata("rule", "REFUSED"));
}

// A deposit into a suspended transfer, written past the policy, is found offline.
TEST(ReplayTest, WhatMovedInASuspendedTransferIsFound) {
  SignedWorld story;
  World& w = story.world;
  const std::uint32_t t = w.FinishedTransfer(2);
  EXPECT_EQ(story.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  EXPECT_EQ(story.Submit("paula", w.SuspendAct(t)), Refusal::kAllowed);
  w.AdvanceEpoch();
  story.Collect();
  Replayer replayer(Replayer::Mode::kDecideAgain);
  ASSERT_THAT(ReplayAll(replayer, story.entries), IsOk());
  ledger::v1::SubjectsFetched fetched;
  fetched.set_transfer(t);
  fetched.set_source("irs");
  EXPECT_THAT(replayer.Step(AsBytes(EntryOf(fetched).SerializeAsString())),
              HasMetadata("rule", "TRANSFER_SUSPENDED"));
}

TEST(ReplayTest, AHeadThatIsNoPrefixIsFound) {
  const SignedWorld story = Story();
  Replayer::Checks checks;
  checks.head_is_prefix = [](std::uint64_t, const Digest32&) { return false; };
  Replayer replayer(Replayer::Mode::kDecideAgain, checks);
  EXPECT_THAT(ReplayAll(replayer, story.entries), HasMetadata("rule", "ORDER_HEAD"));
}

TEST(ReplayTest, AnotherSidesSignatureIsCheckedAgain) {
  const SignedWorld story = Story();
  const auto with = [&](auto change) {
    std::vector<std::string> entries = story.entries;
    for (std::string& bytes : entries) {
      ledger::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(bytes));
      change(entry);
      bytes = entry.SerializeAsString();
    }
    Replayer replayer(Replayer::Mode::kDecideAgain);
    return ReplayAll(replayer, entries);
  };
  EXPECT_THAT(with([](auto& entry) {
                if (entry.has_transfer_closed()) {
                  entry.mutable_transfer_closed()->mutable_signature()->front() ^= 1;
                }
              }),
              HasMetadata("rule", "CLOSING_SIGNATURE"));
  EXPECT_THAT(with([](auto& entry) {
                if (entry.has_lease_opened()) {
                  entry.mutable_lease_opened()->mutable_signature()->front() ^= 1;
                }
              }),
              HasMetadata("rule", "LEASE_SIGNATURE"));
  EXPECT_THAT(with([](auto& entry) {
                if (entry.has_order_accepted()) {
                  std::string& dsse = *entry.mutable_order_accepted()->mutable_order_dsse();
                  dsse[dsse.find("\"payload\"") + 14] ^= 1;
                }
              }),
              HasMetadata("rule", "ORDER"));
  EXPECT_THAT(with([](auto& entry) {
                if (entry.has_exchange_opened()) {
                  std::string& dsse = *entry.mutable_exchange_opened()->mutable_agreement_dsse();
                  dsse[dsse.find("\"payload\"") + 20] ^= 1;
                }
              }),
              HasMetadata("rule", "AGREEMENT"));
  Replayer::Checks checks;
  checks.opening_agrees = [](const auto&, const auto&) { return false; };
  Replayer replayer(Replayer::Mode::kDecideAgain, checks);
  EXPECT_THAT(ReplayAll(replayer, story.entries), HasMetadata("rule", "LEASE_SIGNATURE"));
}

TEST(ReplayTest, UnknownFieldsAndTornBytesAreRefused) {
  const SignedWorld story = Story();
  Replayer replayer(Replayer::Mode::kDecideAgain);
  ASSERT_THAT(replayer.Step(AsBytes(story.entries[0])), IsOk());
  std::string unknown = story.entries[1];
  unknown += "\xf8\x3f\x01";  // Field 1023, varint 1.
  EXPECT_THAT(replayer.Step(AsBytes(unknown)), HasMetadata("rule", "ENTRY"));
  std::string torn = story.entries[1];
  torn.pop_back();
  EXPECT_THAT(replayer.Step(AsBytes(torn)), HasReason(Reason::kLedgerInconsistent));
}

TEST(ReplayTest, NoMutationOfAnEntryCrashesTheFold) {
  const SignedWorld story = Story();
  for (std::size_t i = 0; i < story.entries.size(); i += 3) {
    Replayer prefix(Replayer::Mode::kApplyOnly);
    for (std::size_t k = 0; k < i; ++k) ASSERT_THAT(prefix.Step(AsBytes(story.entries[k])), IsOk());
    if (story.entries[i].size() > 400) continue;  // Signed ones have a test of their own.
    for (const Mutation& mutation : BitFlips(AsBytes(story.entries[i]))) {
      // Decided and folded, or refused: either way it ends.
      ledger::v1::Entry entry;
      if (!entry.ParseFromArray(mutation.bytes.data(), static_cast<int>(mutation.bytes.size()))) {
        continue;
      }
      if (entry.has_order_accepted() || entry.has_exchange_opened()) continue;
      policy::State state = prefix.state().Clone();
      if (policy::Decide(state, {entry}).allowed()) {
        EXPECT_THAT(policy::Apply(state, entry, nullptr, state.ledger_size()), IsOk());
      }
    }
  }
}

// The entry, its fact, and every message inside that: what this program does not know is refused
// there, whichever kind of fact it is.
TEST(ParseEntryTest, RefusesAnUnknownFieldInEachKindOfFact) {
  const auto* facts = ledger::v1::Entry::descriptor()->FindOneofByName("fact");
  ASSERT_NE(facts, nullptr);
  ASSERT_GT(facts->field_count(), 20);
  const auto parse = [](const ledger::v1::Entry& entry, Replayer::Mode mode) {
    ledger::v1::Entry parsed;
    return ParseEntry(AsBytes(entry.SerializeAsString()), 7, mode, parsed);
  };
  const auto expect_refused = [&](const ledger::v1::Entry& entry) {
    EXPECT_THAT(parse(entry, Replayer::Mode::kDecideAgain), HasMetadata("rule", "ENTRY"))
        << entry.ShortDebugString();
    EXPECT_THAT(parse(entry, Replayer::Mode::kDecideAgain), HasMetadata("index", "7"));
    EXPECT_THAT(parse(entry, Replayer::Mode::kApplyOnly), IsOk());
  };
  constexpr int kNobodyKnows = 1'023;
  const auto add_unknown = [](google::protobuf::Message* message) {
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(kNobodyKnows, 1);
  };
  for (int i = 0; i < facts->field_count(); ++i) {
    const auto* field = facts->field(i);
    ledger::v1::Entry plain;
    google::protobuf::Message* fact = plain.GetReflection()->MutableMessage(&plain, field);
    EXPECT_THAT(parse(plain, Replayer::Mode::kDecideAgain), IsOk()) << field->name();
    {
      ledger::v1::Entry entry = plain;
      add_unknown(&entry);
      expect_refused(entry);
    }
    for (int part = 0; part < field->message_type()->field_count(); ++part) {
      const auto* inner = field->message_type()->field(part);
      if (inner->message_type() == nullptr) continue;
      ledger::v1::Entry entry = plain;
      google::protobuf::Message* of = entry.GetReflection()->MutableMessage(&entry, field);
      add_unknown(inner->is_repeated() ? of->GetReflection()->AddMessage(of, inner)
                                       : of->GetReflection()->MutableMessage(of, inner));
      expect_refused(entry);
    }
    add_unknown(fact);
    expect_refused(plain);
  }
}

}  // namespace
}  // namespace holdfast::test
