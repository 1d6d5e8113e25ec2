// SPDX-License-Identifier: Apache-2.0
// Scopes and their index, lists of rows, the envelopes' root, refusals, permissions.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "holdfast/options/v1/options.pb.h"
#include "holdfast/v1/account_service.pb.h"
#include "holdfast/v1/disposal_service.pb.h"
#include "holdfast/v1/drill_service.pb.h"
#include "holdfast/v1/hold_service.pb.h"
#include "holdfast/v1/key_service.pb.h"
#include "holdfast/v1/ledger_service.pb.h"
#include "holdfast/v1/person_service.pb.h"
#include "holdfast/v1/review_service.pb.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/disposal.h"
#include "policy/envelopes_root.h"
#include "policy/permissions.h"
#include "policy/records.h"
#include "policy/refusal.h"
#include "policy/scope.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using test::HasReason;
using test::SeededRandom;

CompiledScope RandomScope(SeededRandom& random) {
  CompiledScope scope;
  if (random.OneIn(20)) {
    scope.everything = true;
    return scope;
  }
  while (!scope.transfer && !scope.officer && !scope.authority && scope.people.empty() &&
         !scope.dates && scope.verdicts.none()) {
    if (random.OneIn(2)) {
      scope.transfer = static_cast<std::uint32_t>(random.Below(3));
      std::uint32_t at = 0;
      while (random.OneIn(2)) {
        at += static_cast<std::uint32_t>(random.Below(700)) + 2;
        const auto last =
            at + static_cast<std::uint32_t>(random.Below(random.OneIn(4) ? 30'000 : 300));
        scope.rows.push_back({at, last});
        at = last;
      }
    }
    if (random.OneIn(4)) scope.officer = OfficerNumber(static_cast<std::uint32_t>(random.Below(3)));
    if (random.OneIn(5)) {
      scope.authority = AuthorityNumber(static_cast<std::uint16_t>(random.Below(2)));
    }
    if (random.OneIn(4)) {
      for (unsigned person = 1; person < 5; ++person) {
        if (random.OneIn(2)) scope.people.push_back(PersonKey({static_cast<std::byte>(person)}));
      }
    }
    if (random.OneIn(3)) {
      const auto from = static_cast<std::uint32_t>(random.Between(1, 40));
      scope.dates = DateSpan{static_cast<RecordDate>(random.Between(1, 4)), from,
                             from + static_cast<std::uint32_t>(random.Between(1, 15))};
    }
    while (random.OneIn(4)) scope.verdicts.set(random.Below(4));
  }
  if (scope.verdicts.any() && random.OneIn(3)) {
    scope.gate_version = static_cast<std::uint8_t>(random.Between(1, 2));
  }
  return scope;
}

RecordFacts RandomRecord(SeededRandom& random) {
  // A date that it has, or none.
  const auto date = [&] {
    return random.OneIn(4) ? 0 : static_cast<std::uint32_t>(random.Between(1, 60));
  };
  RecordFacts record;
  record.transfer = static_cast<std::uint32_t>(random.Below(3));
  record.row = static_cast<std::uint32_t>(random.Below(2'000));
  record.officer = OfficerNumber(static_cast<std::uint32_t>(random.Below(3)));
  record.authority = AuthorityNumber(static_cast<std::uint16_t>(random.Below(2)));
  record.person = PersonKey({static_cast<std::byte>(random.Below(5))});
  if (random.OneIn(2)) record.alias = PersonKey({static_cast<std::byte>(random.Below(5))});
  record.requested_at = date();
  record.approved_at = date();
  record.deposited_at = date();
  record.first_released_at = date();
  if (record.first_released_at != 0) {
    record.last_released_at =
        record.first_released_at + static_cast<std::uint32_t>(random.Below(20));
  }
  record.release_verdict = static_cast<std::uint8_t>(random.Below(4));
  record.outcome = static_cast<std::uint8_t>(random.Below(4));
  record.gate_version = static_cast<std::uint8_t>(random.Below(3));
  return record;
}

TransferFacts TransferOf(const RecordFacts& record) {
  return {record.transfer, record.authority, record.requested_at, record.approved_at};
}

TEST(ScopeIndexTest, FindsOneExactlyIfOneCovers) {
  SeededRandom random;
  ScopeIndex index;
  std::map<std::uint32_t, CompiledScope> scopes;
  std::uint32_t next = 0;
  for (int step = 0; step < 4'000; ++step) {
    if (scopes.size() < 6 && random.OneIn(2)) {
      scopes[next] = RandomScope(random);
      index.Add(next, scopes[next]);
      ++next;
    } else if (!scopes.empty() && random.OneIn(3)) {
      auto at = scopes.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random.Below(scopes.size())));
      index.Remove(at->first, at->second);
      scopes.erase(at);
    }
    ASSERT_EQ(index.size(), scopes.size());
    const RecordFacts record = RandomRecord(random);
    const bool covered = std::any_of(scopes.begin(), scopes.end(), [&](const auto& scope) {
      return scope.second.Covers(record);
    });
    const auto found = index.Find(record);
    ASSERT_EQ(found.has_value(), covered);
    if (found) {
      ASSERT_TRUE(scopes.at(*found).Covers(record));
    }
    const bool whole = std::any_of(scopes.begin(), scopes.end(), [&](const auto& scope) {
      return scope.second.CoversWholeTransfer(TransferOf(record));
    });
    ASSERT_EQ(index.FindWhole(TransferOf(record)).has_value(), whole);
    // With a wish: found exactly if one that is wanted covers it.
    const auto wanted = [&](std::uint32_t tag) { return tag % 2 == 0; };
    const bool covered_by_wanted = std::any_of(
        scopes.begin(), scopes.end(),
        [&](const auto& scope) { return wanted(scope.first) && scope.second.Covers(record); });
    ASSERT_EQ(index.FindIf(record, wanted).has_value(), covered_by_wanted);
  }
}

TEST(ScopeIndexTest, WhatWasRemovedIsFoundNoMoreAmongManyDates) {
  SeededRandom random;
  ScopeIndex index;
  std::vector<CompiledScope> scopes;
  for (std::uint32_t tag = 0; tag < 300; ++tag) {
    CompiledScope scope;
    scope.dates = DateSpan{RecordDate::kDeposited, 10 * tag + 1, 10 * tag + 11};
    scopes.push_back(scope);
  }
  random.Shuffle(scopes);
  for (std::uint32_t tag = 0; tag < 300; ++tag) index.Add(tag, scopes[tag]);
  for (std::uint32_t tag = 0; tag < 300; ++tag) {
    RecordFacts record;
    record.deposited_at = scopes[tag].dates->from;
    ASSERT_EQ(index.Find(record), tag);
    record.deposited_at = scopes[tag].dates->until - 1;
    ASSERT_EQ(index.Find(record), tag);
    index.Remove(tag, scopes[tag]);
    ASSERT_EQ(index.Find(record), std::nullopt);
  }
  EXPECT_TRUE(index.empty());
}

// What Contains() says of a scope, its records say too.
TEST(CompiledScopeTest, AScopeThatContainsAnotherCoversAllThatTheOtherDoes) {
  SeededRandom random;
  int contained = 0;
  for (int round = 0; round < 4'000; ++round) {
    const CompiledScope wide = RandomScope(random);
    CompiledScope narrow = random.OneIn(2) ? RandomScope(random) : wide;
    if (random.OneIn(3)) narrow.officer = OfficerNumber(1);
    if (random.OneIn(3) && narrow.dates) --narrow.dates->until;
    if (narrow.dates && narrow.dates->until <= narrow.dates->from) continue;
    if (!wide.Contains(narrow)) continue;
    ++contained;
    for (int i = 0; i < 50; ++i) {
      const RecordFacts record = RandomRecord(random);
      ASSERT_TRUE(!narrow.Covers(record) || wide.Covers(record));
    }
  }
  EXPECT_GT(contained, 500);
}

TEST(CompiledScopeTest, AScopeContainsItselfAndWhatIsNarrowed) {
  CompiledScope scope;
  scope.transfer = 1;
  scope.rows = {{5, 9}, {20, 30}};
  scope.dates = DateSpan{RecordDate::kReleased, 10, 20};
  scope.verdicts.set(3).set(4);
  EXPECT_TRUE(scope.Contains(scope));
  const auto narrower = [&](auto change) {
    CompiledScope other = scope;
    change(other);
    return scope.Contains(other) && !other.Contains(scope);
  };
  EXPECT_TRUE(narrower([](auto& s) { s.rows = {{6, 9}}; }));
  EXPECT_TRUE(narrower([](auto& s) { s.dates->from = 11; }));
  EXPECT_TRUE(narrower([](auto& s) { s.verdicts.reset(4); }));
  EXPECT_TRUE(narrower([](auto& s) { s.authority = AuthorityNumber(1); }));
  EXPECT_FALSE(narrower([](auto& s) { s.transfer = 2; }));
  EXPECT_FALSE(narrower([](auto& s) { s.dates->of = RecordDate::kDeposited; }));
  CompiledScope all;
  all.everything = true;
  EXPECT_TRUE(all.Contains(scope));
  EXPECT_FALSE(scope.Contains(all));
}

TEST(DateSpanTest, ARangeBeginsWithItsFirstSecondAndEndsBeforeItsLast) {
  const DateSpan span{RecordDate::kReleased, 100, 200};
  const auto meets = [&](std::uint32_t first, std::uint32_t last) {
    RecordFacts record;
    record.first_released_at = first;
    record.last_released_at = last;
    return span.Meets(record);
  };
  EXPECT_FALSE(meets(0, 0));  // Never.
  EXPECT_FALSE(meets(99, 99));
  EXPECT_TRUE(meets(100, 100));
  EXPECT_TRUE(meets(199, 199));
  EXPECT_FALSE(meets(200, 200));
  EXPECT_TRUE(meets(50, 500));  // It may have left in between as well.
  EXPECT_EQ(RecordSeconds(UnixMillis(100'999)), 100U);
  EXPECT_EQ(RecordSeconds(UnixMillis(0)), 1U);
  EXPECT_EQ(RecordSeconds(kMaxTime), std::numeric_limits<std::uint32_t>::max());
}

TEST(CompiledScopeTest, TheDefaultCoversNothing) {
  EXPECT_FALSE(CompiledScope().Covers(RecordFacts()));
  EXPECT_FALSE(CompiledScope().CoversWholeTransfer(TransferFacts()));
}

TEST(RowRunsTest, OneListHasOneForm) {
  RowRuns runs{7, {}};
  for (const std::uint32_t row : {0U, 1U, 2U, 5U, 9U, 10U}) runs.Append(row);
  EXPECT_EQ(runs.size(), 6U);
  const ledger::v1::Rows rows = ToLedgerRows(runs);
  EXPECT_EQ(rows.ShortDebugString(), "transfer: 7 runs: 0 runs: 3 runs: 2 runs: 1 runs: 3 runs: 2");
  EXPECT_EQ(*ReadRows(rows), runs);
}

TEST(RowRunsTest, EveryOtherFormIsRefused) {
  const auto read = [](const std::vector<std::uint32_t>& runs) {
    ledger::v1::Rows rows;
    for (const std::uint32_t run : runs) rows.add_runs(run);
    return ReadRows(rows);
  };
  EXPECT_TRUE(read({0, 1}).ok());
  EXPECT_TRUE(read({5, 1, 1, 1}).ok());
  EXPECT_TRUE(read({0xffff'fffe, 1}).ok());
  EXPECT_THAT(read({}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({1}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({0, 0}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({0, 1, 0, 1}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({0, 1, 1}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({0xffff'ffff, 1}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(read({0, 0xffff'ffff, 1, 0xffff'ffff}), HasReason(Reason::kRequestMalformed));
}

TEST(RowRunsTest, RandomSetsComeBack) {
  SeededRandom random;
  for (int round = 0; round < 200; ++round) {
    std::set<std::uint32_t> rows;
    while (rows.size() < 50) rows.insert(static_cast<std::uint32_t>(random.Below(100)));
    RowRuns runs;
    for (const std::uint32_t row : rows) runs.Append(row);
    EXPECT_EQ(runs.size(), rows.size());
    EXPECT_EQ(*ReadRows(ToLedgerRows(runs)), runs);
  }
}

// The oracle is the whole list, hashed at once.
TEST(EnvelopesRootTest, IsTheRootOfAllDigestsInWhateverOrderTheyCome) {
  SeededRandom random;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::uint16_t> sizes;
    for (std::uint64_t i = random.Below(6); i > 0; --i) {
      sizes.push_back(static_cast<std::uint16_t>(random.Below(round % 2 == 0 ? 5 : 257)));
    }
    std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
    std::vector<Digest32> leaves;
    for (std::uint32_t k = 0; k < sizes.size(); ++k) {
      for (std::uint32_t i = 0; i < sizes[k]; ++i) {
        places.emplace_back(k, i);
        leaves.push_back(crypto::LeafHash(
            crypto::Sha256Of(AsBytes(std::to_string(k) + "." + std::to_string(i)))));
      }
    }
    random.Shuffle(places);
    EnvelopesRoot root(sizes);
    for (const auto& [k, i] : places) {
      ASSERT_FALSE(root.complete());
      root.Add(k, i, crypto::Sha256Of(AsBytes(std::to_string(k) + "." + std::to_string(i))));
    }
    ASSERT_TRUE(root.complete());
    ASSERT_EQ(root.Root(), crypto::RootOf(leaves));
  }
}

TEST(RefusalTest, NumbersAndNamesAreOneToOne) {
  std::set<std::string_view> names;
  for (const Refusal refusal : AllRefusals()) {
    EXPECT_EQ(RefusalFromNumber(static_cast<std::uint32_t>(refusal)), refusal);
    EXPECT_TRUE(names.insert(RefusalName(refusal)).second) << RefusalName(refusal);
  }
  EXPECT_EQ(RefusalFromNumber(14), std::nullopt);
  EXPECT_EQ(RefusalFromNumber(0xffff'ffff), std::nullopt);
}

TEST(RefusalTest, EachOneIsAnErrorThatNamesIt) {
  for (const Refusal refusal : AllRefusals()) {
    if (refusal == Refusal::kAllowed) continue;
    const absl::Status status = RefusalError(refusal);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status, HasReason(RefusalReason(refusal)));
    EXPECT_THAT(status, test::HasMetadata("refusal", std::string(RefusalName(refusal))));
  }
  EXPECT_EQ(RefusalReason(Refusal::kFrozen), Reason::kHeld);
  EXPECT_EQ(RefusalReason(Refusal::kOpenRecords), Reason::kBrakeOn);
}

// The numbers are in ledgers for ever. A changed line here is a broken ledger.
TEST(RefusalTest, NumbersNeverChange) {
  std::string all;
  for (const Refusal refusal : AllRefusals()) {
    all += std::to_string(static_cast<std::uint32_t>(refusal)) + " " +
           std::string(RefusalName(refusal)) + "\n";
  }
  EXPECT_EQ(AllRefusals().size(), 132U);
  EXPECT_EQ(Hex(crypto::Sha256Of(AsBytes(all))),
            "ddbb8e2688d61f6caa8db8748f8697daa9798b72b250ae9e58ef010243127b96")
      << all;
}

TEST(PermissionsTest, EveryMethodCanBeCalledByARoleAndEveryPermissionCallsAMethod) {
  std::set<std::string> of_methods = {"health.check"};
  for (const auto* file :
       {v1::Scope::descriptor()->file(), v1::Disposal::descriptor()->file(),
        v1::Hold::descriptor()->file(), v1::KeyBatch::descriptor()->file(),
        v1::EntryBundle::descriptor()->file(), v1::ReviewCase::descriptor()->file(),
        v1::PersonRecord::descriptor()->file(), v1::PersonPseudonym::descriptor()->file(),
        v1::RehearseOrderRequest::descriptor()->file(), v1::Transfer::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        of_methods.insert(
            file->service(s)->method(m)->options().GetExtension(options::v1::permission));
      }
    }
  }
  std::set<std::string> of_roles;
  for (int role = agreement::v1::ROLE_REQUESTER; role <= agreement::v1::ROLE_OPERATOR; ++role) {
    for (const auto permission : PermissionsOf(static_cast<agreement::v1::Role>(role))) {
      of_roles.emplace(permission);
    }
  }
  EXPECT_EQ(of_methods, of_roles);
}

TEST(PermissionsTest, RolesAreApart) {
  using namespace agreement::v1;
  EXPECT_TRUE(RoleAllows(ROLE_REQUESTER, "keys.release"));
  for (const Role role : {ROLE_SOURCE, ROLE_COUNSEL, ROLE_CUSTODIAN, ROLE_AUDITOR, ROLE_OPERATOR}) {
    EXPECT_FALSE(RoleAllows(role, "keys.release"));
    EXPECT_FALSE(RoleAllows(role, "envelopes.collect"));
  }
  EXPECT_TRUE(RoleAllows(ROLE_AUDITOR, "ledger.read"));
  for (const Role role :
       {ROLE_REQUESTER, ROLE_SOURCE, ROLE_COUNSEL, ROLE_CUSTODIAN, ROLE_OPERATOR}) {
    EXPECT_FALSE(RoleAllows(role, "ledger.read"));
  }
  EXPECT_FALSE(RoleAllows(ROLE_AUDITOR, "orders.submit"));
  EXPECT_FALSE(RoleAllows(ROLE_OPERATOR, "orders.submit"));
  EXPECT_FALSE(RoleAllows(ROLE_UNSPECIFIED, "health.check"));
  EXPECT_FALSE(RoleAllows(static_cast<Role>(77), "health.check"));
  EXPECT_TRUE(RoleName(ROLE_UNSPECIFIED).empty());
}

}  // namespace
}  // namespace holdfast::policy
