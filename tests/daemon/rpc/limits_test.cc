// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/limits.h"

#include <vector>

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using rpc::Lane;
using rpc::Load;
using rpc::LoadLimits;

LoadLimits Small() {
  LoadLimits limits;
  limits.calls_per_peer = 2;
  limits.calls_total = 3;
  limits.bytes_in_flight = 100;
  limits.reserved_calls_per_peer = 1;
  limits.reserved_calls = 2;
  limits.reserved_bytes = 50;
  return limits;
}

TEST(Load, GivesEachPeerItsSlotsAndTakesThemBack) {
  const auto load = Load::Create(Small());
  {
    const auto first = load->TakeSlot("a", Lane::kOrdinary);
    const auto second = load->TakeSlot("a", Lane::kOrdinary);
    EXPECT_THAT(first, IsOk());
    EXPECT_THAT(second, IsOk());
    EXPECT_THAT(load->TakeSlot("a", Lane::kOrdinary), HasReason(Reason::kOverloaded));
    EXPECT_THAT(load->TakeSlot("b", Lane::kOrdinary), IsOk());
    EXPECT_EQ(load->calls(), 2u);
  }
  EXPECT_EQ(load->calls(), 0u);
  EXPECT_THAT(load->TakeSlot("a", Lane::kOrdinary), IsOk());
}

TEST(Load, GivesNoMoreSlotsThanThereAre) {
  const auto load = Load::Create(Small());
  const auto a = load->TakeSlot("a", Lane::kOrdinary);
  const auto b = load->TakeSlot("b", Lane::kOrdinary);
  const auto c = load->TakeSlot("c", Lane::kOrdinary);
  EXPECT_THAT(load->TakeSlot("d", Lane::kOrdinary), HasReason(Reason::kOverloaded));
}

TEST(Load, KeepsSlotsForTheReservedLane) {
  const auto load = Load::Create(Small());
  std::vector<Load::Slot> slots;
  for (const char* peer : {"a", "a", "b"}) slots.push_back(*load->TakeSlot(peer, Lane::kOrdinary));
  const auto order = load->TakeSlot("a", Lane::kReserved);
  EXPECT_THAT(order, IsOk());
  // It has bounds too: of each peer, and in all.
  EXPECT_THAT(load->TakeSlot("a", Lane::kReserved), HasReason(Reason::kOverloaded));
  const auto another = load->TakeSlot("b", Lane::kReserved);
  EXPECT_THAT(another, IsOk());
  EXPECT_THAT(load->TakeSlot("c", Lane::kReserved), HasReason(Reason::kOverloaded));
}

TEST(Load, CountsBytesExactly) {
  const auto load = Load::Create(Small());
  auto first = load->TakeBytes(60, Lane::kOrdinary);
  EXPECT_THAT(first, IsOk());
  EXPECT_THAT(load->TakeBytes(41, Lane::kOrdinary), HasReason(Reason::kOverloaded));
  {
    const auto second = load->TakeBytes(40, Lane::kOrdinary);
    EXPECT_THAT(second, IsOk());
    EXPECT_EQ(load->bytes(), 100u);
  }
  EXPECT_EQ(load->bytes(), 60u);
  *first = Load::Share();
  EXPECT_EQ(load->bytes(), 0u);
  EXPECT_THAT(load->TakeBytes(std::size_t{0} - 1, Lane::kOrdinary), HasReason(Reason::kOverloaded));
}

TEST(Load, KeepsBytesForTheReservedLaneAndRefusesNoReply) {
  const auto load = Load::Create(Small());
  const Load::Share reply = load->CountBytes(120);
  EXPECT_THAT(load->TakeBytes(1, Lane::kOrdinary), HasReason(Reason::kOverloaded));
  EXPECT_THAT(load->TakeBytes(0, Lane::kOrdinary), HasReason(Reason::kOverloaded));
  EXPECT_THAT(load->TakeBytes(30, Lane::kReserved), IsOk());
  EXPECT_THAT(load->TakeBytes(31, Lane::kReserved), HasReason(Reason::kOverloaded));
}

TEST(Load, OutlivesItsOwnerWhileSomethingIsTaken) {
  auto load = Load::Create(Small());
  const auto slot = load->TakeSlot("a", Lane::kOrdinary);
  const Load::Share share = load->CountBytes(10);
  load.reset();
}

}  // namespace
}  // namespace holdfast::test
