// SPDX-License-Identifier: Apache-2.0
// What two people order of an exchange that stands still: that it goes on from a backup, and that
// it goes on without keyslots that are lost.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "base/error.h"
#include "policy/keyslot_strike_off.h"
#include "policy/replay.h"
#include "policy/restore_order.h"
#include "policy/state_snapshot.h"
#include "tests/policy/policy_world.h"
#include "tests/policy/signed_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using policy::KeyslotStrikeOffTerms;
using policy::RestoreTerms;

constexpr std::string_view kMirror = "mirror(file,tpm2)";

ledger::v1::ExchangeRestored Restored(const RestoreTerms& terms, std::string_view first,
                                      std::string_view second) {
  const auto order = policy::SignRestore(terms, KeyOf(first));
  EXPECT_THAT(order, IsOk());
  const auto both = policy::CountersignRestore(*order, KeyOf(second));
  EXPECT_THAT(both, IsOk());
  ledger::v1::ExchangeRestored fact;
  fact.set_order_dsse(*both);
  return fact;
}

ledger::v1::KeyslotStruckOff Struck(const KeyslotStrikeOffTerms& terms, std::string_view first,
                                    std::string_view second) {
  const auto order = policy::SignKeyslotStrikeOff(terms, KeyOf(first));
  EXPECT_THAT(order, IsOk());
  const auto both = policy::CountersignKeyslotStrikeOff(*order, KeyOf(second));
  EXPECT_THAT(both, IsOk());
  ledger::v1::KeyslotStruckOff fact;
  fact.set_order_dsse(*both);
  return fact;
}

// An order about the ledger as it is now.
RestoreTerms RestoreOf(const World& world) {
  RestoreTerms terms;
  terms.exchange = world.agreement().exchange_id();
  terms.epoch = world.state().epoch();
  terms.ledger_size = world.state().ledger_size();
  terms.newest_known = terms.ledger_size + 5;
  terms.lost = "five entries of this morning";
  terms.made_at = UnixMillis(world.late());
  return terms;
}

KeyslotStrikeOffTerms StrikeOffOf(const World& world) {
  KeyslotStrikeOffTerms terms;
  terms.exchange = world.agreement().exchange_id();
  terms.epoch = world.state().epoch();
  terms.keyslots = std::string(kMirror);
  terms.members = {2};
  terms.reason = "the board was replaced";
  terms.made_at = UnixMillis(world.late());
  return terms;
}

ledger::v1::ProcessStarted Started(std::string_view keyslots) {
  ledger::v1::ProcessStarted fact;
  fact.set_process(std::string(16, 'p'));
  fact.set_keyslot_kind(std::string(keyslots));
  return fact;
}

// A world whose keyslots are a mirror.
void UseMirror(World& world) {
  world.Do(Started("moving(file,mirror(file,tpm2))"));
  world.Do(Started(kMirror));
}

order::v1::Order StrikeOffAct(std::string_view member) {
  order::v1::Order act;
  act.mutable_strike_off()->set_member(std::string(member));
  act.mutable_strike_off()->set_reason("a stolen laptop");
  return act;
}

TEST(RestoredTest, StandsRightAfterTheBackupAndMakesAnEpochDue) {
  World world;
  const RestoreTerms terms = RestoreOf(world);
  EXPECT_FALSE(world.state().epoch_pending());
  ASSERT_TRUE(world.Try(Restored(terms, "paula", "carol")).allowed());
  EXPECT_TRUE(world.state().epoch_pending());
  // The same order again, an entry later, is void.
  EXPECT_EQ(world.Try(Restored(terms, "paula", "carol")).refusal, Refusal::kJointOrderVoid);
}

TEST(RestoredTest, IsAboutThisLedgerAndNoOther) {
  World world;
  const auto refused = [&](const RestoreTerms& terms) {
    return world.Try(Restored(terms, "paula", "carol")).refusal;
  };
  RestoreTerms terms = RestoreOf(world);
  terms.ledger_size -= 1;
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  terms.ledger_size += 2;
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  terms = RestoreOf(world);
  terms.epoch += 1;
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  terms = RestoreOf(world);
  terms.exchange = ExchangeId();
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  ledger::v1::ExchangeRestored fact;
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  // One kind of order is not taken for the other.
  UseMirror(world);
  fact.set_order_dsse(Struck(StrikeOffOf(world), "paula", "carol").order_dsse());
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
}

// The rules of who may are the same for both.
TEST(JointOrderTest, TakesTwoPeopleOfWhomOneIsNotTheRequesters) {
  World world;
  UseMirror(world);
  const auto both = [&](std::string_view first, std::string_view second) {
    const Refusal restore = world.Try(Restored(RestoreOf(world), first, second)).refusal;
    if (restore == Refusal::kAllowed) world.AdvanceEpoch();
    EXPECT_EQ(
        policy::Decide(world.state(), {EntryOf(Struck(StrikeOffOf(world), first, second))}).refusal,
        restore);
    return restore;
  };
  EXPECT_EQ(both("paula", "carol"), Refusal::kAllowed);
  EXPECT_EQ(both("paula", "pete"), Refusal::kAllowed);
  EXPECT_EQ(both("dan", "judge"), Refusal::kAllowed);
  EXPECT_EQ(both("paula", "audra"), Refusal::kJointOrderUnsigned);   // An auditor only reads.
  EXPECT_EQ(both("paula", "irs"), Refusal::kJointOrderUnsigned);     // A machine.
  EXPECT_EQ(both("paula", "nobody"), Refusal::kJointOrderUnsigned);  // Nobody.
}

TEST(JointOrderTest, IsNotGivenByTheRequestersSideAlone) {
  AgreementOptions options;
  options.more = "members { id: \"dora\" role: ROLE_COUNSEL side: REQUESTER keys { public_key: \"" +
                 KeyOf("dora").public_key().ToBase64() + "\" } }\n";
  World world(options);
  UseMirror(world);
  EXPECT_EQ(world.Try(Restored(RestoreOf(world), "dan", "dora")).refusal,
            Refusal::kJointOrderByRequester);
  EXPECT_EQ(world.Try(Struck(StrikeOffOf(world), "dan", "dora")).refusal,
            Refusal::kJointOrderByRequester);
  EXPECT_TRUE(world.Try(Struck(StrikeOffOf(world), "dan", "paula")).allowed());
}

TEST(JointOrderTest, OnePersonWithTwoKeysIsOne) {
  AgreementOptions options;
  options.more = "members { id: \"dora\" role: ROLE_CUSTODIAN side: SOURCE keys { public_key: \"" +
                 KeyOf("dora").public_key().ToBase64() + "\" } keys { public_key: \"" +
                 KeyOf("dora's other").public_key().ToBase64() + "\" } }\n";
  World world(options);
  EXPECT_EQ(world.Try(Restored(RestoreOf(world), "dora", "dora's other")).refusal,
            Refusal::kJointOrderUnsigned);
  EXPECT_TRUE(world.Try(Restored(RestoreOf(world), "dora's other", "paula")).allowed());
}

TEST(JointOrderTest, CountsNoPersonAndNoKeyThatWasStruckOff) {
  World world;
  UseMirror(world);
  world.DoOrder(world.Order("pete", StrikeOffAct("paula")));
  auto key = StrikeOffAct("pia");
  key.mutable_strike_off()->set_public_key(KeyOf("pia").public_key().ToBase64());
  world.DoOrder(world.Order("pete", key));
  world.AdvanceEpoch();
  for (const char* person : {"paula", "pia"}) {
    EXPECT_EQ(world.Try(Restored(RestoreOf(world), person, "carol")).refusal,
              Refusal::kJointOrderUnsigned);
    EXPECT_EQ(world.Try(Struck(StrikeOffOf(world), person, "carol")).refusal,
              Refusal::kJointOrderUnsigned);
  }
  EXPECT_TRUE(world.Try(Struck(StrikeOffOf(world), "pete", "carol")).allowed());
}

TEST(KeyslotStruckOffTest, LetsTheOthersStartAndMakesAnEpochDue) {
  World world;
  UseMirror(world);
  const std::uint64_t since = world.state().evidence().keyslots_since_epoch;
  world.AdvanceEpoch();
  EXPECT_EQ(world.Try(Started("file")).refusal, Refusal::kKeyslotsDiffer);
  const KeyslotStrikeOffTerms terms = StrikeOffOf(world);
  const std::uint64_t index = world.state().ledger_size();
  world.Do(Struck(terms, "paula", "carol"));
  const policy::EvidenceRecord& record = world.state().evidence();
  EXPECT_EQ(record.keyslots, "file");
  // What is left has borne every epoch since then, and does not forget it at the next start.
  EXPECT_LT(since, terms.epoch);
  EXPECT_EQ(record.keyslots_since_epoch, since);
  ASSERT_EQ(record.struck_off_keyslots.size(), 1U);
  EXPECT_EQ(record.struck_off_keyslots[0],
            (policy::StruckOffKeyslots{index, terms.epoch, std::string(kMirror), {2}}));
  EXPECT_TRUE(world.state().epoch_pending());
  world.Do(Started("file"));
  EXPECT_EQ(record.keyslots_since_epoch, since);
  // It comes back by no start; and the order is void once its epoch is over.
  EXPECT_EQ(world.Try(Started(kMirror)).refusal, Refusal::kKeyslotsDiffer);
  EXPECT_EQ(world.Try(Struck(terms, "paula", "carol")).refusal, Refusal::kKeyslotsDiffer);
  world.AdvanceEpoch();
  EXPECT_EQ(world.Try(Struck(terms, "paula", "carol")).refusal, Refusal::kJointOrderVoid);
}

TEST(KeyslotStruckOffTest, IsAboutThisEpochAndTheseKeyslots) {
  World world;
  UseMirror(world);
  const auto refused = [&](const KeyslotStrikeOffTerms& terms) {
    return world.Try(Struck(terms, "paula", "carol")).refusal;
  };
  KeyslotStrikeOffTerms terms = StrikeOffOf(world);
  terms.epoch -= 1;
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  terms = StrikeOffOf(world);
  terms.exchange = ExchangeId();
  EXPECT_EQ(refused(terms), Refusal::kJointOrderVoid);
  terms = StrikeOffOf(world);
  terms.keyslots = "mirror(file,pkcs11)";
  EXPECT_EQ(refused(terms), Refusal::kKeyslotsDiffer);
  ledger::v1::KeyslotStruckOff fact;
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
}

TEST(KeyslotStruckOffTest, NothingIsReleasedOrDestroyedBeforeItsEpoch) {
  World world;
  UseMirror(world);
  const std::uint32_t transfer = world.ClosedTransfer(2);
  const std::uint32_t lease = world.OpenLease(transfer);
  world.Do(Struck(StrikeOffOf(world), "paula", "carol"));
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kEpochPending);
  world.AdvanceEpoch();
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
}

TEST(KeyslotStruckOffTest, IsInTheSnapshotAndInTheFold) {
  World world;
  UseMirror(world);
  world.Do(Struck(StrikeOffOf(world), "paula", "carol"));
  EXPECT_EQ(world.FoldAgain().Digest(), world.state().Digest());
  const auto state = policy::StateFromSnapshot(policy::SnapshotOf(world.state()),
                                               world.state().shared_agreement());
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->Digest(), world.state().Digest());
  EXPECT_EQ(state->evidence().struck_off_keyslots, world.state().evidence().struck_off_keyslots);
}

// The root that the order names is one that only the tree knows.
TEST(RestoredTest, IsFoundOutIfItNamesAnotherRoot) {
  SignedWorld story;
  story.Collect();
  const auto replayed = [&](const Digest32& root) {
    RestoreTerms terms = RestoreOf(story.world);
    terms.root = root;
    policy::Replayer replayer(policy::Replayer::Mode::kDecideAgain,
                              {[&](std::uint64_t size, const Digest32& at) {
                                 return size == story.entries.size() && at == story.Root();
                               },
                               {},
                               {}});
    for (const std::string& entry : story.entries) {
      EXPECT_THAT(replayer.Step(AsBytes(entry)), IsOk());
    }
    const std::string entry = EntryOf(Restored(terms, "paula", "carol")).SerializeAsString();
    return replayer.Step(AsBytes(entry));
  };
  EXPECT_THAT(replayed(story.Root()), IsOk());
  EXPECT_THAT(replayed(Digest32()), HasReason(Reason::kLedgerInconsistent));
}

TEST(EpochErasedTest, SaysWhatTheKeyslotConsistsOf) {
  World world;
  world.AdvanceEpoch();
  ledger::v1::EpochErased erased;
  erased.set_epoch(1);
  erased.set_keyslot_kind("tpm2");
  erased.set_erasure_class("device");
  ledger::v1::KeyslotPart& part = *erased.add_parts();
  part.set_kind("tpm2");
  part.set_device(std::string(257, 'd'));
  part.set_erasure_class("device");
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kMalformed);
  part.set_device("maker, model, storage root key 0011");
  part.set_erasure_class("hope");
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kMalformed);
  part.set_erasure_class("device");
  part.clear_kind();
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kMalformed);
  part.set_kind("tpm2");
  const ledger::v1::KeyslotPart copy = part;
  for (int i = 0; i < 8; ++i) *erased.add_parts() = copy;
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kMalformed);
  erased.mutable_parts()->RemoveLast();
  EXPECT_TRUE(world.Try(erased).allowed());
}

}  // namespace
}  // namespace holdfast::test
