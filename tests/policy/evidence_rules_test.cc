// SPDX-License-Identifier: Apache-2.0
// What is recorded for evidence's sake: witnesses before a release, readings without recursion,
// accounts of a person, and the end of the key that makes pseudonyms.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "policy/replay_refusal.h"
#include "policy/state_snapshot.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kMinute = 60 * kSecond;

AgreementOptions WithWitnesses(std::initializer_list<std::pair<const char*, const char*>> of) {
  AgreementOptions options;
  options.terms = "witness_max_age { seconds: 600 }\n";
  for (const auto& [name, side] : of) {
    options.more += std::string("witnesses { name: \"") + name + "\" side: " + side +
                    " public_key: \"" + KeyOf(name).public_key().ToBase64() + "\" }\n";
  }
  return options;
}

ledger::v1::CheckpointWitnessed Signed(const World& world,
                                       std::initializer_list<const char*> witnesses,
                                       std::int64_t at_ms) {
  ledger::v1::CheckpointWitnessed fact;
  fact.set_size(world.state().ledger_size());
  fact.set_root(std::string(32, 'r'));
  for (const char* witness : witnesses) {
    auto& by = *fact.add_cosignatures();
    by.set_witness(witness);
    by.set_time(at_ms / kSecond);
    by.set_signature(std::string(64, 's'));
  }
  return fact;
}

class WitnessRulesTest : public ::testing::Test {
 protected:
  Refusal Release() { return world_.Try(World::Release(lease_, 0)).refusal; }
  void Sign(std::initializer_list<const char*> witnesses) {
    world_.Do(Signed(world_, witnesses, world_.late()));
  }

  World world_{WithWitnesses(
      {{"w-source", "SOURCE"}, {"w-requester", "REQUESTER"}, {"w-source-2", "SOURCE"}})};
  std::uint32_t t_ = world_.ClosedTransfer(3);
  std::uint32_t lease_ = [this] {
    Sign({"w-source", "w-requester"});
    return world_.OpenLease(t_);
  }();
};

TEST_F(WitnessRulesTest, NothingIsReleasedBeforeTheFirstQuorum) {
  World world(WithWitnesses({{"w-source", "SOURCE"}, {"w-requester", "REQUESTER"}}));
  const std::uint32_t t = world.ClosedTransfer(1);
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kNotWitnessed);
  world.Do(Signed(world, {"w-source"}, world.late()));
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kNotWitnessed) << "one side is none";
  world.Do(Signed(world, {"w-requester"}, world.late()));
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kAllowed);
}

TEST_F(WitnessRulesTest, AQuorumCountsForAsLongAsTheAgreementSays) {
  EXPECT_EQ(Release(), Refusal::kAllowed);
  world_.Pass(10min);
  EXPECT_EQ(Release(), Refusal::kAllowed) << "to the second";
  world_.Pass(1ms);
  EXPECT_EQ(Release(), Refusal::kNotWitnessed);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kNotWitnessed);
  // The oldest of the two sides decides.
  Sign({"w-source", "w-source-2"});
  EXPECT_EQ(Release(), Refusal::kNotWitnessed) << "two of one side are one";
  Sign({"w-requester"});
  EXPECT_EQ(Release(), Refusal::kAllowed) << "it recovers by itself";
}

TEST_F(WitnessRulesTest, AnyWitnessOfASideCountsForIt) {
  world_.Pass(9min);
  Sign({"w-requester", "w-source-2"});
  world_.Pass(5min);
  EXPECT_EQ(Release(), Refusal::kAllowed);
}

TEST_F(WitnessRulesTest, HoldsAndOrdersNeedNoWitness) {
  world_.Pass(11min);
  ASSERT_EQ(Release(), Refusal::kNotWitnessed);
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Release(), Refusal::kFrozen) << "the court's word is the answer, not the witness's";
  world_.DoOrder(world_.Order("erin", world_.ProposeAct("hold-1")));
  const std::uint32_t other = world_.CreateTransfer();
  world_.Judge(other, 0);
}

TEST_F(WitnessRulesTest, AWitnessWhoseClockIsAheadSignsForNow) {
  world_.Do(Signed(world_, {"w-source", "w-requester"}, world_.late() + 1'000 * kMinute));
  world_.Pass(10min);
  EXPECT_EQ(Release(), Refusal::kAllowed);
  world_.Pass(1ms);
  EXPECT_EQ(Release(), Refusal::kNotWitnessed);
}

TEST_F(WitnessRulesTest, AnOldSignatureMakesNothingYounger) {
  world_.Pass(4min);
  Sign({"w-source", "w-requester"});
  world_.Do(Signed(world_, {"w-source", "w-requester"}, world_.late() - 20 * kMinute));
  world_.Pass(9min);
  EXPECT_EQ(Release(), Refusal::kAllowed);
}

TEST_F(WitnessRulesTest, WhatIsNoCosignatureOfThisLedgerIsRefused) {
  const auto good = Signed(world_, {"w-source", "w-requester"}, world_.late());
  const auto with = [&](auto change) {
    auto fact = good;
    change(fact);
    return world_.Try(fact).refusal;
  };
  EXPECT_EQ(with([](auto& f) { f.clear_cosignatures(); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.set_size(f.size() + 1); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.set_size(0); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.set_root("short"); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(0)->set_time(0); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(0)->set_time(-5); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(0)->set_time(1LL << 62); }),
            Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(0)->set_signature("s"); }),
            Refusal::kMalformed);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(0)->set_witness("stranger"); }),
            Refusal::kWitnessUnknown);
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures(1)->set_witness("w-source"); }),
            Refusal::kMalformed)
      << "twice";
  EXPECT_EQ(with([](auto& f) { f.mutable_cosignatures()->SwapElements(0, 1); }),
            Refusal::kMalformed)
      << "out of order";
  EXPECT_EQ(with([](auto&) {}), Refusal::kAllowed);
  EXPECT_EQ(with([](auto& f) { f.set_size(f.size() - 1); }), Refusal::kOutOfOrder)
      << "a witness never signs for less than before";
}

TEST_F(WitnessRulesTest, ARefusalForWantOfWitnessesIsDecidedAgain) {
  ledger::v1::Refused refused;
  refused.set_member("ice");
  refused.set_act(ledger::v1::Refused::RELEASE_KEYS);
  refused.set_refusal(static_cast<std::uint32_t>(Refusal::kNotWitnessed));
  EXPECT_EQ(policy::DecideRefusedAgain(world_.state(), refused), policy::RefusedAgain::kDisagrees);
  world_.Pass(11min);
  EXPECT_EQ(policy::DecideRefusedAgain(world_.state(), refused), policy::RefusedAgain::kAgrees);
}

TEST_F(WitnessRulesTest, ASnapshotAndAFoldKnowTheSameWitnesses) {
  world_.Pass(3min);
  Sign({"w-source-2"});
  const auto read = policy::StateFromSnapshot(policy::SnapshotOf(world_.state()),
                                              world_.state().shared_agreement());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Digest(), world_.state().Digest());
  EXPECT_EQ(read->evidence().witnesses, world_.state().evidence().witnesses);
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST(NoWitnessTest, AnAgreementWithoutWitnessesDemandsNone) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  const std::uint32_t lease = world.OpenLease(t);
  world.Pass(5min);
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kAllowed);
  EXPECT_EQ(world.Try(Signed(world, {"w-source"}, world.late())).refusal, Refusal::kWitnessUnknown);
}

class ReadingRulesTest : public ::testing::Test {
 protected:
  Refusal Read(std::string_view member, std::uint64_t first) {
    ledger::v1::LedgerRead fact;
    fact.set_member(std::string(member));
    fact.set_first(first);
    return world_.Try(fact).refusal;
  }
  World world_;
};

TEST_F(ReadingRulesTest, AReadingIsRecordedOnceAndCausesNoOther) {
  const std::uint64_t acts = world_.state().ledger_size();
  EXPECT_EQ(Read("audra", 0), Refusal::kAllowed);
  // All that is new is the reading itself.
  EXPECT_EQ(Read("audra", acts), Refusal::kReadRecorded);
  world_.Pass(1min);
  EXPECT_EQ(Read("audra", acts), Refusal::kReadRecorded) << "and time";
  EXPECT_EQ(Read("audra", world_.state().ledger_size()), Refusal::kReadRecorded);
  // Whoever reads what was done before is on the record again.
  EXPECT_EQ(Read("audra", 0), Refusal::kAllowed);
  world_.CreateTransfer();
  EXPECT_EQ(Read("audra", acts), Refusal::kAllowed);
  EXPECT_EQ(Read("audra", world_.state().ledger_size() - 1), Refusal::kReadRecorded);
}

TEST_F(ReadingRulesTest, TwoReadersDoNotKeepEachOtherReading) {
  EXPECT_EQ(Read("audra", 0), Refusal::kAllowed);
  const std::uint64_t size = world_.state().ledger_size();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Read("audra", size - 1), Refusal::kReadRecorded);
  EXPECT_EQ(world_.state().ledger_size(), size);
}

TEST_F(ReadingRulesTest, OnlyAuditorsRead) {
  for (const char* member : {"ice", "irs", "carol", "paula", "otto"}) {
    EXPECT_EQ(Read(member, 0), Refusal::kRoleForbids) << member;
  }
  EXPECT_EQ(Read("nobody", 0), Refusal::kMemberUnknown);
  world_.DoOrder(world_.Order("cora", World::StrikeAct("audra")));
  world_.AdvanceEpoch();
  EXPECT_EQ(Read("audra", 0), Refusal::kStruckOff);
}

class PersonRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  static order::v1::Order Account(std::initializer_list<const char*> people,
                                  const char* reason = "a request of the person") {
    order::v1::Order act;
    for (const char* person : people) act.mutable_account_person()->add_people(person);
    act.mutable_account_person()->set_reason(reason);
    return act;
  }
  static order::v1::Order Destroy(std::uint64_t first,
                                  const char* reason = "the exchange is over") {
    order::v1::Order act;
    act.mutable_destroy_pseudonym_key()->set_reason(reason);
    act.mutable_destroy_pseudonym_key()->set_first_index(first);
    return act;
  }
  std::uint64_t First() {
    EXPECT_EQ(Submit("paula", Destroy(0)), Refusal::kAllowed);
    EXPECT_FALSE(world_.state().epoch_pending()) << "the first of two changes nothing";
    return world_.state().ledger_size() - 1;
  }

  static constexpr const char* kOne = "00000000000000000000000000000001";
  static constexpr const char* kTwo = "0000000000000000000000000000000a";
  World world_;
};

TEST_F(PersonRulesTest, ACustodianOpensAnAccountAndNobodyElse) {
  for (const char* person : {"carol", "dan", "judge"}) {
    EXPECT_EQ(Submit(person, Account({kOne})), Refusal::kRoleForbids) << person;
  }
  EXPECT_EQ(Submit("paula", Account({kOne, kTwo})), Refusal::kAllowed);
  const auto& accounts = world_.state().evidence().accounts;
  ASSERT_EQ(accounts.size(), 1);
  const auto& [index, account] = *accounts.begin();
  EXPECT_EQ(index, world_.state().ledger_size() - 1);
  EXPECT_EQ(world_.agreement().member(account.reader).id, "paula");
  EXPECT_EQ(account.people.size(), 2);
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST_F(PersonRulesTest, AnAccountNamesPeopleInOneWay) {
  EXPECT_EQ(Submit("paula", Account({})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({kTwo, kOne})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({kOne, kOne})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({"0000000000000000000000000000000A"})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({"00"})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({"Maria Lopez"})), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", Account({kOne}, "")), Refusal::kMalformed);
}

TEST_F(PersonRulesTest, TheKeyIsDestroyedByTwoCustodiansWithOneReason) {
  EXPECT_EQ(Submit("carol", Destroy(0)), Refusal::kRoleForbids);
  EXPECT_EQ(Submit("pete", Destroy(77)), Refusal::kProposalUnknown);
  const std::uint64_t first = First();
  EXPECT_EQ(Submit("paula", Destroy(first)), Refusal::kKeyDestructionSamePerson);
  EXPECT_EQ(Submit("pete", Destroy(first + 1)), Refusal::kProposalUnknown);
  EXPECT_EQ(Submit("pete", Destroy(first, "another one")), Refusal::kKeyDestructionDiffers);
  EXPECT_FALSE(world_.state().evidence().pseudonym_key_destroyed());
  EXPECT_EQ(Submit("pete", Destroy(first)), Refusal::kAllowed);
  EXPECT_TRUE(world_.state().evidence().pseudonym_key_destroyed());
  EXPECT_TRUE(world_.state().epoch_pending()) << "the root key has to be replaced";
  world_.AdvanceEpoch();
  EXPECT_EQ(Submit("paula", Destroy(0)), Refusal::kPseudonymKeyDestroyed);
  const auto read = policy::StateFromSnapshot(policy::SnapshotOf(world_.state()),
                                              world_.state().shared_agreement());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Digest(), world_.state().Digest());
}

TEST_F(PersonRulesTest, WithoutTheKeyNobodyIsFoundOrAskedFor) {
  const std::uint32_t open = world_.CreateTransfer();
  const std::uint64_t first = First();
  ASSERT_EQ(Submit("pete", Destroy(first)), Refusal::kAllowed);
  world_.AdvanceEpoch();
  EXPECT_EQ(Submit("paula", Account({kOne})), Refusal::kPseudonymKeyDestroyed);
  EXPECT_EQ(world_.Try(world_.Subject(open, 0)).refusal, Refusal::kPseudonymKeyDestroyed);
  ledger::v1::PersonIdentified identified;
  identified.set_member("carol");
  EXPECT_EQ(world_.Try(identified).refusal, Refusal::kPseudonymKeyDestroyed);
  // What is there can still be held, by everything but identity.
  world_.PlaceHold("hold-1", Everything());
}

TEST_F(PersonRulesTest, AHoldThatPreservesOrIsAboutAPersonKeepsTheKey) {
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  EXPECT_EQ(Submit("paula", Destroy(0)), Refusal::kPseudonymKeyNeeded);
  world_.Lift("hold-1");
  world_.PlaceHold("hold-2", OfPeople({1, 2}), order::v1::FREEZE);
  world_.Pass(240h);
  EXPECT_EQ(Submit("paula", Destroy(0)), Refusal::kPseudonymKeyNeeded);
  world_.Lift("hold-2");
  world_.Pass(240h);
  const std::uint64_t first = First();
  // A hold between the two orders stands in the way of the second.
  world_.PlaceHold("hold-3", Everything(), order::v1::PRESERVE);
  EXPECT_EQ(Submit("pete", Destroy(first)), Refusal::kPseudonymKeyNeeded);
  EXPECT_FALSE(world_.state().evidence().pseudonym_key_destroyed());
}

TEST_F(PersonRulesTest, WhoIsStruckOffDestroysNoKey) {
  const std::uint64_t first = First();
  world_.DoOrder(world_.Order("erin", World::StrikeAct("paula")));
  world_.AdvanceEpoch();
  EXPECT_EQ(Submit("pete", Destroy(first)), Refusal::kProposalUnknown);
}

}  // namespace
}  // namespace holdfast::test
