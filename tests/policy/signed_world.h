// SPDX-License-Identifier: Apache-2.0
//
// An exchange in memory whose ledger can be handed to somebody: a World with signed orders.
//
// When to use  In tests of what reads a ledger's bytes.
// Threads      One thread.
// Ownership    Owns everything.
// Errors       Fails the test where the policy refuses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/checkpoint.h"
#include "crypto/merkle.h"
#include "policy/opened_order.h"
#include "tests/policy/policy_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {

// A world whose orders are signed, so that its entries stand for themselves.
class SignedWorld {
 public:
  SignedWorld() = default;
  explicit SignedWorld(const AgreementOptions& options) : world(options) {}

  World world;
  std::vector<std::string> entries;

  // Takes over what the world has done since, with real envelopes.
  void Collect() {
    for (; taken_ < world.ledger().size(); ++taken_) {
      ledger::v1::Entry entry = world.ledger()[taken_].entry;
      EXPECT_FALSE(entry.has_order_accepted()) << "use Submit()";
      entries.push_back(entry.SerializeAsString());
    }
  }

  // The root over `entries`.
  Digest32 Root() const {
    std::vector<Digest32> leaves;
    for (const std::string& entry : entries) leaves.push_back(crypto::LeafHash(AsBytes(entry)));
    return crypto::RootOf(leaves);
  }

  // The checkpoint over `entries`, signed by KeyOf("ledger").
  std::string Checkpoint() const {
    const std::string origin = crypto::LedgerOrigin(world.agreement().exchange_id());
    const crypto::SigningKey key = KeyOf("ledger");
    const auto name =
        crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519, key.public_key());
    EXPECT_THAT(name, IsOk());
    const auto note = crypto::SignCheckpoint({origin, entries.size(), Root(), {}}, {*name, key});
    EXPECT_THAT(note, IsOk());
    return *note;
  }

  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    Collect();
    order::v1::Order signed_order = world.Order(person, act).order;
    signed_order.mutable_head()->set_size(entries.size());
    signed_order.mutable_head()->set_root(Hex(Root()));
    const std::string dsse = SignOrder(signed_order, person);
    auto order = policy::OpenOrder(AsBytes(dsse), world.agreement());
    EXPECT_THAT(order, IsOk());
    order->head_check = policy::HeadCheck::kPrefix;
    ledger::v1::OrderAccepted fact;
    fact.set_order_dsse(dsse);
    const Decision decision = world.TryEntry(EntryOf(fact), &*order);
    if (decision.allowed()) {
      entries.push_back(EntryOf(fact).SerializeAsString());
      ++taken_;
    }
    return decision.refusal;
  }

 private:
  std::size_t taken_ = 0;
};

// What comes after a hold "hold-1" on `transfer`: two people lift it, one revokes the transfer's
// records, and another approves their destruction, which happens.
inline void LiftAndDestroy(SignedWorld& s, std::uint32_t transfer) {
  World& w = s.world;
  EXPECT_EQ(s.Submit("carol", w.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(s.Submit("erin", w.ConfirmAct("hold-1")), Refusal::kAllowed);
  w.Pass(w.agreement().terms().cooling_period);
  const std::uint64_t revocation = w.state().ledger_size();
  EXPECT_EQ(s.Submit("paula", w.RevokeAct(OfTransfer(w, transfer))), Refusal::kAllowed);
  w.AdvanceEpoch();
  EXPECT_EQ(s.Submit("pete", w.ApproveDestructionAct(revocation)), Refusal::kAllowed);
  w.Pass(w.agreement().terms().destruction_window);
  w.Do(w.DestructionOf(revocation));
  w.AdvanceEpoch();
  s.Collect();
}

}  // namespace holdfast::test
