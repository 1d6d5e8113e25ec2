// SPDX-License-Identifier: Apache-2.0
// Certificates of cryptographic erase: what they say, what a file shows by itself, that nobody can
// alter one, and that the page can be printed and read by everybody.
#include "evidence/erasure_certificate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "evidence/cosignatures.h"
#include "evidence/erasure_search.h"
#include "evidence/html_page.h"
#include "evidence/prior_releases.h"
#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/strict_json.h"
#include "crypto/dsse.h"
#include "policy/keyslot_strike_off.h"
#include "tests/evidence/story.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr UnixMillis kVerifiedAt(test::World::kStart + 9'000'000'000);

// A ledger that was exported, and the certificate of its destruction.
class Exported {
 public:
  explicit Exported(test::SignedWorld story, std::string note = "") : story_(std::move(story)) {
    note_ = note.empty() ? story_.Checkpoint() : std::move(note);
    test::WriteExport(files_, "/export", story_.entries, note_);
    for (std::uint64_t i = 0; i < story_.entries.size(); ++i) {
      ledger::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(story_.entries[i]));
      if (!entry.has_records_destroyed()) continue;
      destroyed = i;
      revocation = entry.records_destroyed().revocation_index();
    }
    EXPECT_NE(destroyed, 0U);
  }

  const test::SignedWorld& story() const { return story_; }
  const std::string& note() const { return note_; }
  ExchangeId exchange() const { return story_.world.agreement().exchange_id(); }

  // Verifies the export and shows it to `readers`.
  Verification Verify(std::vector<LedgerReader*> readers = {}) {
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = exchange();
    request.readers = std::move(readers);
    auto verification = VerifyExport(files_, request, [](std::uint64_t) {});
    EXPECT_THAT(verification, IsOk());
    return *std::move(verification);
  }

  absl::StatusOr<ErasureSearch::Found> Find(std::uint64_t index) {
    ErasureSearch search(index);
    Verify({&search});
    return search.Result(note_);
  }

  // What a certificate of the destruction by `by` is made of.
  ErasureSearch::Found Found(const std::string& by = "audra") {
    auto found = Find(revocation != 0 ? revocation : destroyed);
    EXPECT_THAT(found, IsOk());
    found->asserted.verified_by = by;
    found->asserted.verified_at = kVerifiedAt;
    return *std::move(found);
  }

  // A certificate that `by` signs with `key`.
  absl::StatusOr<std::string> Make(const std::string& by = "audra", std::string_view key = "") {
    const ErasureSearch::Found found = Found(by);
    return SignErasure(exchange(), found.asserted, found.evidence,
                       test::KeyOf(key.empty() ? by : key));
  }

  // That of the auditor, opened.
  ErasureCertificate Open() {
    const auto file = Make();
    EXPECT_THAT(file, IsOk());
    const auto opened = OpenErasure(*file, exchange());
    EXPECT_THAT(opened, IsOk());
    return *opened;
  }

  std::uint64_t revocation = 0;  // 0 where the records expired.
  std::uint64_t destroyed = 0;

 private:
  const test::SignedWorld story_;
  std::string note_;
  test::MemoryFileSystem files_;
};

class ErasureCertificateTest : public ::testing::Test {
 protected:
  ExchangeId exchange() const { return ledger_.exchange(); }
  auto Find(std::uint64_t index) { return ledger_.Find(index); }
  auto Make(const std::string& by = "audra", std::string_view key = "") {
    return ledger_.Make(by, key);
  }

  Exported ledger_{test::Whole()};
  const test::SignedWorld& story_ = ledger_.story();
  const std::uint64_t revocation_ = ledger_.revocation;
  const std::uint64_t destroyed_ = ledger_.destroyed;
};

TEST_F(ErasureCertificateTest, SaysWhatTheLedgerSaysAndOpensWithoutIt) {
  const auto file = Make();
  ASSERT_THAT(file, IsOk());
  const auto opened = OpenErasure(*file, exchange());
  ASSERT_THAT(opened, IsOk());
  const ErasureEvents& events = opened->events;
  EXPECT_EQ(events.basis, ledger::v1::RecordsDestroyed::REVOCATION);
  ASSERT_EQ(events.performed_by.size(), 1U);
  EXPECT_EQ(events.performed_by[0].member, "paula");
  EXPECT_EQ(events.performed_by[0].index, revocation_);
  ASSERT_EQ(events.approved_by.size(), 1U);
  EXPECT_EQ(events.approved_by[0].member, "pete");
  EXPECT_EQ(opened->asserted.verified_by, "audra");
  EXPECT_EQ(events.destroyed_index, destroyed_);
  EXPECT_EQ(events.epoch_index, destroyed_ + 1);
  EXPECT_EQ(events.keyslot_kind, "file");
  EXPECT_EQ(events.erasure_class, "medium");
  EXPECT_EQ(events.records, 6U);
  EXPECT_EQ(opened->asserted.released_before, 4U);  // Rows 0, 1, 2 and 5.
  EXPECT_EQ(opened->asserted.holds_in_force, 0U);
  EXPECT_EQ(events.checkpoint.size, story_.entries.size());

  const std::string text = DescribeErasure(*opened);
  EXPECT_THAT(text, HasSubstr("Method: Clear"));  // An overwritten file is no purge.
  EXPECT_THAT(text, HasSubstr("paula"));
  EXPECT_THAT(text, HasSubstr("Records whose key had left before: 4"));
  EXPECT_THAT(
      text,
      HasSubstr("Performed by: paula (paula, source), custodian, principal Tax agency, signed "
                "order in ledger entry " +
                std::to_string(revocation_) + " at 20"));
  EXPECT_THAT(text, HasSubstr("Verified by: audra (audra, court), auditor, at "));
  for (const char* field :
       {"Location and contact: not in the agreement", "Make, model and serial number: do not apply",
        "Property number: does not apply", "Source: the gateway of the exchange address-requests",
        "Classification before: none", "Backed up: unknown", "Classification after: none",
        "Destination: reuse in place"}) {
    EXPECT_THAT(text, HasSubstr(field));
  }
  EXPECT_THAT(text, HasSubstr(InGroupsOfFour(Hex(events.records_digest))));
  const std::string document = test::Prose(std::string(HF_SOURCE_DIR) + "/docs/evidence.md");
  for (const std::string& line : test::LinesUnder(text, "What it rests on")) {
    EXPECT_THAT(document, HasSubstr("- " + line));
  }
}

TEST_F(ErasureCertificateTest, IsMadeAgainFromTheExportAndComesOutTheSame) {
  const auto file = Make();
  ASSERT_THAT(file, IsOk());
  const auto opened = OpenErasure(*file, exchange());
  ASSERT_THAT(opened, IsOk());
  auto again = Find(revocation_);
  ASSERT_THAT(again, IsOk());
  again->asserted.verified_by = opened->asserted.verified_by;
  again->asserted.verified_at = opened->asserted.verified_at;
  EXPECT_EQ(again->asserted, opened->asserted);
}

TEST_F(ErasureCertificateTest, IsNotMadeOfWhatWasNotDestroyed) {
  EXPECT_THAT(Find(1), HasReason(Reason::kNotFound));
  EXPECT_THAT(Find(destroyed_), HasReason(Reason::kNotFound));  // Not its revocation.
}

TEST_F(ErasureCertificateTest, IsNotMadeBeforeTheOldRootKeyIsErased) {
  test::SignedWorld cut = test::Whole();
  cut.entries.resize(destroyed_ + 2);
  Exported short_one(std::move(cut));
  const auto found = short_one.Find(revocation_);
  EXPECT_THAT(found, HasReason(Reason::kNotFound));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("before the old root key"));
}

TEST_F(ErasureCertificateTest, TakesTwoPeople) {
  EXPECT_THAT(Make("paula"), HasReason(Reason::kSignatureInvalid));  // Who revoked.
  EXPECT_THAT(Make("pete"), IsOk());
  EXPECT_THAT(Make("carol"), IsOk());
  EXPECT_THAT(Make("ice"), HasReason(Reason::kSignatureInvalid));     // A machine.
  EXPECT_THAT(Make("nobody"), HasReason(Reason::kSignatureInvalid));  // Not of the agreement.
  EXPECT_THAT(Make("audra", "pete"), HasReason(Reason::kSignatureInvalid));
}

TEST_F(ErasureCertificateTest, IsOfOneExchange) {
  const auto file = Make();
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(OpenErasure(*file, ExchangeId{}), HasReason(Reason::kLedgerInconsistent));
}

// What the signer says beyond the entries, changed by the signer: the entries contradict nothing,
// so it is the signer's word. What the entries show, nobody can say otherwise.
TEST_F(ErasureCertificateTest, DoesNotSayWhatItsEntriesDoNotShow) {
  const ErasureSearch::Found found = ledger_.Found();
  const auto key = test::KeyOf("audra");
  for (std::size_t i = 0; i < found.evidence.entries.size(); ++i) {
    ErasureSearch::Found without = found;
    without.evidence.entries.erase(without.evidence.entries.begin() +
                                   static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(SignErasure(exchange(), without.asserted, without.evidence, key).ok()) << i;
    ErasureSearch::Found twice = found;
    twice.evidence.entries.insert(twice.evidence.entries.begin() + static_cast<std::ptrdiff_t>(i),
                                  twice.evidence.entries[i]);
    EXPECT_FALSE(SignErasure(exchange(), twice.asserted, twice.evidence, key).ok()) << i;
    ErasureSearch::Found moved = found;
    ++moved.evidence.entries[i].index;
    EXPECT_FALSE(SignErasure(exchange(), moved.asserted, moved.evidence, key).ok()) << i;
  }
}

// Who had got keys, when and of how many, as Disclosures() has it: three records an hour after the
// start, one of them twice, and one two days after it.
TEST_F(ErasureCertificateTest, SaysToWhomAndWhenKeysHadLeft) {
  const ErasureCertificate opened = ledger_.Open();
  const PriorReleases& prior = opened.asserted.prior;
  const UnixMillis first(test::World::kStart + 3'600'000);
  const UnixMillis second(test::World::kStart + 48 * 3'600'000);
  ASSERT_EQ(prior.requesters.size(), 1U);
  EXPECT_EQ(prior.requesters[0], (PriorRelease{"ice", 0, 2, 4, first, second}));
  ASSERT_EQ(prior.leases.size(), 2U);
  EXPECT_EQ(prior.leases[0], (PriorRelease{"ice", prior.leases[0].lease, 1, 3, first, first}));
  EXPECT_EQ(prior.leases[1], (PriorRelease{"ice", prior.leases[1].lease, 1, 1, second, second}));
  for (const PriorRelease& lease : prior.leases) {
    ledger::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(story_.entries[lease.lease]));
    EXPECT_TRUE(entry.has_lease_opened());
  }
  EXPECT_FALSE(prior.more_requesters);
  EXPECT_FALSE(prior.more_leases);
  const std::string lease = std::to_string(prior.leases[0].lease);
  EXPECT_THAT(
      DescribeErasure(opened),
      HasSubstr("Left to ice (ice, requester), requester, principal Enforcement agency: 4 records "
                "under 2 leases, the first at " +
                FormatRfc3339(first) + ", the last at " + FormatRfc3339(second) +
                "\n  Under the lease of ledger entry " + lease + ": ice: 3 records, "));
  EXPECT_THAT(ErasurePage(opened), HasSubstr("Under the lease of ledger entry " + lease));
}

TEST_F(ErasureCertificateTest, DoesNotContradictItselfInWhoHadGotKeys) {
  const ErasureSearch::Found found = ledger_.Found();
  const auto key = test::KeyOf("audra");
  const auto refused = [&](const std::function<void(PriorReleases&)>& change) {
    ErasureAsserted asserted = found.asserted;
    change(asserted.prior);
    EXPECT_THAT(SignErasure(exchange(), asserted, found.evidence, key),
                HasReason(Reason::kLedgerInconsistent));
  };
  refused([](PriorReleases& prior) { prior = {}; });
  refused([](PriorReleases& prior) { --prior.requesters[0].records; });
  refused([](PriorReleases& prior) { ++prior.requesters[0].leases; });
  refused([](PriorReleases& prior) { prior.requesters[0].requester = "paula"; });
  refused([](PriorReleases& prior) { prior.requesters[0].requester = "nobody"; });
  refused([](PriorReleases& prior) { prior.leases.pop_back(); });
  refused([](PriorReleases& prior) { std::swap(prior.leases[0], prior.leases[1]); });
  refused([](PriorReleases& prior) { prior.leases[1].requester = "ice2"; });
  refused([&](PriorReleases& prior) { prior.leases[1].lease = destroyed_; });
  refused([](PriorReleases& prior) {  // A sum beside a list that is not full.
    prior.more_leases = prior.leases.back();
    prior.leases.pop_back();
  });
}

// As many leases as one likes: the file is no larger for it than a list of 256, and it opens.
TEST(ErasureOfManyLeases, IsAsShortAsItsLists) {
  test::SignedWorld story = test::Disclosures();
  constexpr std::uint32_t kMore = 300;
  for (std::uint32_t i = 0; i < kMore; ++i) {
    const std::uint32_t lease = test::OpenRealLease(story, 0);
    story.world.Do(test::World::Release(lease, i % 2 == 0 ? 0 : 2));
  }
  test::LiftAndDestroy(story, 0);
  test::EraseOldEpoch(story);
  Exported ledger(std::move(story));
  const auto file = ledger.Make();
  ASSERT_THAT(file, IsOk());
  EXPECT_LT(file->size(), std::size_t{256} << 10);
  const ErasureCertificate opened = ledger.Open();
  const PriorReleases& prior = opened.asserted.prior;
  EXPECT_EQ(prior.requesters[0].leases, kMore + 2);
  EXPECT_EQ(prior.requesters[0].records, 4U);
  EXPECT_EQ(prior.leases.size(), kMaxPriorLeases);
  ASSERT_TRUE(prior.more_leases);
  EXPECT_EQ(prior.more_leases->leases, kMore + 2 - kMaxPriorLeases);
  EXPECT_EQ(prior.more_leases->records, 2U);
  EXPECT_THAT(DescribeErasure(opened),
              HasSubstr("Under further leases: 2 records under 46 leases"));
}

// What nobody can contradict from the entries, a whole ledger does.
TEST_F(ErasureCertificateTest, IsComparedWithTheWholeLedgerInWhoHadGotKeys) {
  ErasureCertificate opened = ledger_.Open();
  const std::string said = RenderErasure(opened);
  opened.asserted.prior.leases[0].records = 2;
  EXPECT_NE(RenderErasure(opened), said);
  opened.version = 1;  // Had no such list.
  const std::string before = RenderErasure(opened);
  opened.asserted.prior = {};
  EXPECT_EQ(RenderErasure(opened), before);
  EXPECT_THAT(DescribeErasure(opened), Not(HasSubstr("Under the lease")));
}

TEST_F(ErasureCertificateTest, SaysWhoOfTheWitnessesCosigned) {
  EXPECT_THAT(DescribeErasure(ledger_.Open()), HasSubstr("- The agreement names no witness: "));
  test::SignedWorld story = test::Whole(test::WitnessedOptions());
  std::string note = story.Checkpoint();
  const std::string of =
      "- Witnesses of the agreement: source.example/witness (source), requester.example/witness "
      "(requester). The checkpoint was cosigned by ";
  Exported alone(test::Whole(test::WitnessedOptions()));
  EXPECT_THAT(DescribeErasure(alone.Open()),
              HasSubstr(of + "none of them, so that nobody but the gateway signed it."));
  const crypto::NoteKey witness = WitnessKeys(story.world.agreement()).back();
  const UnixMillis at = story.world.state().now().late;
  const auto cosigned = crypto::AddNoteSignature(note, {witness, test::KeyOf(witness.name())}, at);
  ASSERT_THAT(cosigned, IsOk());
  Exported both(std::move(story), *cosigned);
  const ErasureCertificate opened = both.Open();
  ASSERT_EQ(opened.events.cosigned.size(), 1U);
  EXPECT_THAT(DescribeErasure(opened), HasSubstr(of + "requester.example/witness at " +
                                                 FormatRfc3339(*opened.events.cosigned[0].at)));
}

// Nobody signs an order where records expire: there is nobody who cannot verify it.
TEST(ErasureBases, AnExpiryIsTheAgreements) {
  Exported ledger(test::Expired());
  ASSERT_EQ(ledger.revocation, 0U);
  EXPECT_THAT(ledger.Make("paula"), IsOk());
  const ErasureCertificate opened = ledger.Open();
  EXPECT_EQ(opened.events.basis, ledger::v1::RecordsDestroyed::EXPIRY);
  EXPECT_TRUE(opened.events.performed_by.empty());
  EXPECT_TRUE(opened.events.approved_by.empty());
  EXPECT_EQ(opened.events.records, 6U);
  EXPECT_EQ(opened.asserted.released_before, 4U);
  EXPECT_EQ(opened.asserted.prior.leases.size(), 2U);
  const std::string text = DescribeErasure(opened);
  EXPECT_THAT(text, HasSubstr("Basis: expiry\n"));
  EXPECT_THAT(text, HasSubstr("Performed by: the agreement, which both principals signed"));
  EXPECT_THAT(text, Not(HasSubstr("Reason given")));
  // Found by its own entry alone.
  EXPECT_THAT(ledger.Find(ledger.destroyed - 1), HasReason(Reason::kNotFound));
}

TEST(ErasureBases, ACourtsOrderIsSaidWithBothWhoActedOnIt) {
  Exported ledger(test::Ordered());
  const ErasureCertificate opened = ledger.Open();
  EXPECT_EQ(opened.events.basis, ledger::v1::RecordsDestroyed::COURT_ORDER);
  ASSERT_EQ(opened.events.authorised_by.size(), 2U);
  EXPECT_EQ(opened.events.authorised_by[0].member, "carol");
  EXPECT_EQ(opened.events.authorised_by[1].member, "judge");
  EXPECT_EQ(opened.asserted.holds_in_force, 1U);
  EXPECT_EQ(opened.asserted.overridden, 1U);
  const std::string text = DescribeErasure(opened);
  EXPECT_THAT(text, HasSubstr("Basis: court order\n"));
  EXPECT_THAT(text, HasSubstr("Authorised on a court's order by: carol (carol, source), counsel"));
  EXPECT_THAT(text, HasSubstr("but 1 that a court's order names"));
  EXPECT_THAT(ErasurePage(opened), HasSubstr("judge (judge, court), counsel, signed order in"));
  // One of the two is not enough.
  ErasureSearch::Found found = ledger.Found();
  for (const ErasurePart& part : opened.events.authorised_by) {
    ErasureEvidence less = found.evidence;
    std::erase_if(less.entries, [&](const ProvenEntry& one) { return one.index == part.index; });
    EXPECT_THAT(ReadErasure(ledger.exchange(), less), HasReason(Reason::kLedgerInconsistent));
  }
}

// The auditor is struck off before, after, and not at all.
class StruckOffVerifierTest : public ::testing::Test {
 protected:
  static test::SignedWorld Story() {
    test::SignedWorld s = test::Whole();
    test::World& w = s.world;
    EXPECT_EQ(s.Submit("judge", w.StrikeAct("audra")), test::Refusal::kAllowed);
    w.AdvanceEpoch();
    EXPECT_EQ(s.Submit("carol", w.StrikeAct("erin", KeyOf("erin"))), test::Refusal::kAllowed);
    w.AdvanceEpoch();
    s.Collect();
    return s;
  }
  static std::string KeyOf(const std::string& name) {
    return test::KeyOf(name).public_key().ToBase64();
  }

  absl::Status Check(const std::string& member, const std::string& key, UnixMillis at,
                     std::optional<std::uint64_t> size = std::nullopt) {
    ErasureSearch search(ledger_.revocation, size);
    ledger_.Verify({&search});
    return search.CheckVerifier(member, test::KeyOf(key).public_key(), at);
  }

  Exported ledger_{Story()};
  const std::uint64_t size_ = ledger_.story().entries.size();
  const UnixMillis late_{ledger_.story().world.late()};
};

TEST_F(StruckOffVerifierTest, IsRefusedWhereTheLedgerIsAtHand) {
  for (const char* struck : {"audra", "erin"}) {
    const absl::Status refused = Check(struck, struck, late_);
    EXPECT_THAT(refused, HasReason(Reason::kSignatureInvalid));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("was struck off in ledger entry"));
    // Whatever they say when they signed: the certificate is about entries that come later.
    EXPECT_THAT(Check(struck, struck, UnixMillis(0)), HasReason(Reason::kSignatureInvalid));
  }
  EXPECT_THAT(Check("pete", "pete", late_), IsOk());
  // With another key the person is refused too, but who lost a key only is not.
  EXPECT_THAT(Check("audra", "pete", late_), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(Check("erin", "pete", late_), IsOk());
}

TEST_F(StruckOffVerifierTest, IsRefusedForWhatTheySignedAfterwardsOverAnEarlierLedger) {
  const std::uint64_t before = size_ - 4;
  EXPECT_THAT(Check("audra", "audra", late_, before), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(Check("audra", "audra", UnixMillis(late_.value() - 1), before), IsOk());
  ErasureSearch search(ledger_.revocation, before);
  ledger_.Verify({&search});
  const auto found = search.FindStrikeOff("audra", test::KeyOf("audra").public_key());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->index, before);
  EXPECT_FALSE(search.FindStrikeOff("pete", test::KeyOf("pete").public_key()));
}

// A list stays short whatever the ledger holds, and what it leaves out is summed up.
TEST(PriorReleases, SumUpWhatIsTooMuchForAList) {
  test::AgreementOptions options;
  const auto id = [](std::uint32_t i) { return "desk-" + std::to_string(i); };
  constexpr std::uint32_t kRequesters = kMaxPriorRequesters + 3;
  for (std::uint32_t i = 0; i < kRequesters; ++i) {
    options.more += "members { id: \"" + id(i) + "\" role: ROLE_REQUESTER side: REQUESTER keys { " +
                    "public_key: \"" + test::KeyOf(id(i)).public_key().ToBase64() + "\" } }\n";
  }
  const test::World world(options);
  PriorReleaseSearch search;
  // Of the leases 5 i to 5 i + 4 each is of transfer i and requester i, and the row of each is
  // that of the one before and the next one; every third row is not meant.
  constexpr std::uint32_t kLeases = 5 * kRequesters;
  for (std::uint32_t lease = 0; lease < kLeases; ++lease) {
    ledger::v1::LeaseOpened fact;
    fact.set_transfer(lease / 5);
    fact.set_requester(id(lease / 5));
    search.Take(1'000 + lease, fact, world.state());
  }
  std::vector<policy::RowRuns> meant;
  for (std::uint32_t transfer = 0; transfer < kRequesters; ++transfer) {
    policy::RowRuns& rows = meant.emplace_back();
    rows.transfer = transfer;
    for (const std::uint32_t row : {0U, 1U, 3U, 4U}) rows.Append(row);
  }
  for (std::uint32_t lease = 0; lease < kLeases; ++lease) {
    for (const std::uint32_t row : {lease % 5, lease % 5 + 1, lease % 5}) {
      search.Take(test::World::Release(lease, row), UnixMillis(10 * lease + row));
    }
  }
  // Rows of a lease: its number modulo 5, and the next. Meant of these: 01, 1, 3, 34, 4.
  const PriorReleases prior = search.Of(meant, world.agreement());
  ASSERT_EQ(prior.leases.size(), kMaxPriorLeases);
  EXPECT_EQ(prior.leases[0], (PriorRelease{id(0), 1'000, 1, 2, UnixMillis(0), UnixMillis(0)}));
  EXPECT_EQ(prior.leases[1], (PriorRelease{id(0), 1'001, 1, 1, UnixMillis(11), UnixMillis(11)}));
  EXPECT_EQ(prior.leases[255].lease, 1'255U);
  ASSERT_EQ(prior.requesters.size(), kMaxPriorRequesters);
  EXPECT_EQ(prior.requesters[2], (PriorRelease{id(2), 0, 5, 4, UnixMillis(100), UnixMillis(144)}));
  ASSERT_TRUE(prior.more_leases);
  constexpr std::uint32_t kMore = kLeases - kMaxPriorLeases;
  // Lease 256 is the second of its transfer: its row 1 and the others' 3 and 4.
  EXPECT_EQ(prior.more_leases->leases, kMore);
  EXPECT_EQ(prior.more_leases->records, 3U + 4 * (kMore / 5));
  EXPECT_EQ(prior.more_leases->first, UnixMillis(2'561));
  ASSERT_TRUE(prior.more_requesters);
  EXPECT_EQ(*prior.more_requesters,
            (PriorRelease{"", 0, 15, 12, UnixMillis(10 * 5 * kMaxPriorRequesters),
                          UnixMillis(10 * (kLeases - 1) + 4)}));
  EXPECT_EQ(search.Of({}, world.agreement()), PriorReleases());
}

// Says of the same entries what it said before, so that a file which differs elsewhere costs no
// more than it must.
ErasureReader Remembering() {
  struct Memory {
    std::string checkpoint;
    std::vector<ProvenEntry> entries;
    std::optional<absl::StatusOr<ErasureEvents>> said;
  };
  return [memory = std::make_shared<Memory>()](const ExchangeId& exchange,
                                               const ErasureEvidence& evidence) {
    const auto same = [](const ProvenEntry& a, const ProvenEntry& b) {
      return a.index == b.index && a.bytes == b.bytes && a.path == b.path;
    };
    if (memory->said && memory->checkpoint == evidence.checkpoint &&
        std::equal(memory->entries.begin(), memory->entries.end(), evidence.entries.begin(),
                   evidence.entries.end(), same)) {
      return *memory->said;
    }
    auto said = ReadErasure(exchange, evidence);
    if (said.ok()) *memory = {evidence.checkpoint, evidence.entries, said};
    return said;
  };
}

// One bit of every `step`-th byte of the file, another one from byte to byte; or every bit of every
// byte, each file read anew. `step` has no factor in common with 8, nor with the 4 of base64.
void ExpectFlippedBitsRefused(Exported& ledger, std::size_t step) {
  const auto file = ledger.Make();
  ASSERT_THAT(file, IsOk());
  const ErasureReader read = HF_EVERY_BIT ? ErasureReader(ReadErasure) : Remembering();
  ASSERT_THAT(OpenErasure(*file, ledger.exchange(), read), IsOk());
  std::string damaged = *file;
  for (std::size_t i = 0; i < damaged.size(); i += HF_EVERY_BIT ? 1 : step) {
    for (unsigned bit = HF_EVERY_BIT ? 0 : i % 8; bit < 8; bit += HF_EVERY_BIT ? 1 : 8) {
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      ASSERT_FALSE(OpenErasure(damaged, ledger.exchange(), read).ok())
          << "byte " << i << ", bit " << bit;
      damaged[i] = (*file)[i];
    }
  }
  for (std::size_t size = 0; size < file->size(); size += HF_EVERY_BIT ? 1 : 97) {
    ASSERT_FALSE(OpenErasure(file->substr(0, size), ledger.exchange(), read).ok()) << size;
  }
  for (const char* more : {" ", "\n", "{}", "x"}) {
    EXPECT_FALSE(OpenErasure(*file + more, ledger.exchange(), read).ok());
  }
}

// One bit of every byte of what the file has in base64, wherever that is looked at: reading the
// whole file once for each of them is what the slow run does.
void ExpectEveryByteCounts(Exported& ledger) {
  const auto file = ledger.Make();
  ASSERT_THAT(file, IsOk());
  const auto opened = OpenErasure(*file, ledger.exchange());
  ASSERT_THAT(opened, IsOk());
  ErasureEvidence evidence = opened->evidence;
  const auto expect_refused = [&](auto& bytes, const char* what) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto before = bytes[i];
      using Byte = std::remove_cvref_t<decltype(before)>;
      bytes[i] = static_cast<Byte>(static_cast<unsigned>(before) ^ (1U << i % 7));
      ASSERT_FALSE(ReadErasure(ledger.exchange(), evidence).ok()) << what << ", byte " << i;
      bytes[i] = before;
    }
  };
  for (ProvenEntry& entry : evidence.entries) {
    expect_refused(entry.bytes, "entry");
    for (Digest32& hash : entry.path) expect_refused(hash, "path");
    for (unsigned bit = 0; bit < 64; ++bit) {
      entry.index ^= std::uint64_t{1} << bit;
      ASSERT_FALSE(ReadErasure(ledger.exchange(), evidence).ok()) << "index, bit " << bit;
      entry.index ^= std::uint64_t{1} << bit;
    }
  }
  expect_refused(evidence.checkpoint, "checkpoint");
  ASSERT_THAT(ReadErasure(ledger.exchange(), evidence), IsOk());

  JsonLimits limits;
  limits.max_bytes = kMaxErasureBytes;
  const auto json = ParseStrictJson(*file, limits);
  ASSERT_THAT(json, IsOk());
  auto envelope = crypto::ParseDsse(WriteJson(*json->Find("certificate")));
  ASSERT_THAT(envelope, IsOk());
  const crypto::PublicKey keys[] = {*opened->key};
  const auto lookup = crypto::LookupIn(keys);
  const std::string type = envelope->payload_type;
  ASSERT_THAT(crypto::VerifyDsse(*envelope, type, lookup), IsOk());
  for (std::size_t i = 0; i < envelope->payload.size(); ++i) {
    const std::byte bit{static_cast<unsigned char>(1U << i % 8)};
    envelope->payload[i] ^= bit;
    ASSERT_FALSE(crypto::VerifyDsse(*envelope, type, lookup).ok()) << "payload, byte " << i;
    envelope->payload[i] ^= bit;
  }
}

TEST_F(ErasureCertificateTest, EveryFlippedBitIsRefused) { ExpectFlippedBitsRefused(ledger_, 83); }
TEST_F(ErasureCertificateTest, EveryByteOfItsPartsCounts) { ExpectEveryByteCounts(ledger_); }

// Of a mirror that lost its second member before the destruction.
test::SignedWorld Lost() {
  test::SignedWorld s = test::Disclosures();
  test::World& w = s.world;
  ledger::v1::ProcessStarted started;
  started.set_process(std::string(16, 'p'));
  started.set_version("test");
  for (const char* keyslots : {"moving(file,mirror(tpm2,pkcs11))", "mirror(tpm2,pkcs11)"}) {
    started.set_keyslot_kind(keyslots);
    w.Do(started);
  }
  policy::KeyslotStrikeOffTerms terms;
  terms.exchange = w.agreement().exchange_id();
  terms.epoch = w.state().epoch();
  terms.keyslots = "mirror(tpm2,pkcs11)";
  terms.members = {2};
  terms.reason = "the token does not answer any more";
  terms.made_at = UnixMillis(w.late());
  const auto first = policy::SignKeyslotStrikeOff(terms, test::KeyOf("paula"));
  EXPECT_THAT(first, IsOk());
  const auto both = policy::CountersignKeyslotStrikeOff(*first, test::KeyOf("carol"));
  EXPECT_THAT(both, IsOk());
  ledger::v1::KeyslotStruckOff struck;
  struck.set_order_dsse(*both);
  w.Do(struck);
  started.set_keyslot_kind("tpm2");
  w.Do(started);
  w.AdvanceEpoch();
  test::LiftAndDestroy(s, 0);
  ledger::v1::EpochErased erased;
  erased.set_epoch(w.state().epoch() - 1);
  erased.set_keyslot_kind("tpm2");
  erased.set_erasure_class("device");
  ledger::v1::KeyslotPart& part = *erased.add_parts();
  part.set_kind("tpm2");
  part.set_erasure_class("device");
  part.set_device("Maker, Model, storage root key 0011223344556677");
  w.Do(erased);
  s.Collect();
  return s;
}

class LostKeyslotTest : public ::testing::Test {
 protected:
  Exported ledger_{Lost()};
};

TEST_F(LostKeyslotTest, EveryFlippedBitIsRefused) { ExpectFlippedBitsRefused(ledger_, 83); }
TEST_F(LostKeyslotTest, EveryByteOfItsPartsCounts) { ExpectEveryByteCounts(ledger_); }

TEST_F(LostKeyslotTest, IsNamedInEveryCertificateThatFollowsAndSoIsTheDevice) {
  const ErasureCertificate opened = ledger_.Open();
  ASSERT_EQ(opened.events.lost.size(), 1U);
  EXPECT_EQ(opened.events.lost[0].keyslots, "mirror(tpm2,pkcs11)");
  EXPECT_EQ(opened.events.lost[0].members, std::vector<std::uint32_t>{2});
  const std::string text = DescribeErasure(opened);
  EXPECT_THAT(text, HasSubstr("Erased in: tpm2, erasure class device: Maker, Model, storage root "
                              "key 0011223344556677"));
  EXPECT_THAT(text, HasSubstr("NOT erased: lost, and struck off: member 2 of mirror(tpm2,pkcs11)"));
  EXPECT_THAT(text, HasSubstr("nobody erased them"));
  EXPECT_THAT(text, HasSubstr("Method: Clear"));  // One copy was not purged.
  EXPECT_THAT(ErasurePage(opened), HasSubstr("NOT erased"));
}

TEST_F(LostKeyslotTest, IsSaidByWhoeverVerifiesTheLedger) {
  const Verification verification = ledger_.Verify();
  const std::string text = DescribeVerification(verification);
  EXPECT_THAT(text, HasSubstr("Lost keyslots were struck off 1 time, each time by two people"));
  EXPECT_THAT(text, Not(HasSubstr("went on from a backup")));
}

// What the entries of a file show, its statement says: one that leaves the strike-off out is
// signed over other entries, and with the ledger at hand it is found out.
TEST_F(LostKeyslotTest, IsNotLeftOutOfACertificate) {
  const ErasureCertificate whole = ledger_.Open();
  ErasureCertificate less = whole;
  std::erase_if(less.evidence.entries, [&](const ProvenEntry& entry) {
    return entry.index == whole.events.lost[0].index;
  });
  const auto cut = ReadErasure(ledger_.exchange(), less.evidence);
  ASSERT_THAT(cut, IsOk());
  less.events = *cut;
  EXPECT_NE(RenderErasure(less), RenderErasure(whole));
}

// The files of each version open for ever, and say the same. After a deliberate change of what is
// made, with a new version, run this program with HOLDFAST_WRITE_VECTORS=1 and new names here.
TEST(ErasureVector, OpensAsItDidWhenItWasFrozen) {
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    const auto write = [](const std::string& name, test::SignedWorld story) {
      Exported ledger(std::move(story));
      const auto made = ledger.Make();
      ASSERT_THAT(made, IsOk());
      const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/" + name;
      std::ofstream(path + ".json", std::ios::binary) << *made;
      std::ofstream(path + ".txt", std::ios::binary) << Hex(BytesOf(ledger.exchange())) << "\n"
                                                     << DescribeErasure(ledger.Open()) << "\n";
    };
    write("erasure_v2", test::Whole());
    write("erasure_lost_keyslot_v2", Lost());
    write("erasure_court_order_v2", test::Ordered());
  }
  for (const char* name : {"erasure_v1", "erasure_lost_keyslot_v1", "erasure_v2",
                           "erasure_lost_keyslot_v2", "erasure_court_order_v2"}) {
    SCOPED_TRACE(name);
    const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/" + name;
    std::ostringstream file;
    file << std::ifstream(path + ".json", std::ios::binary).rdbuf();
    std::ostringstream text;
    text << std::ifstream(path + ".txt", std::ios::binary).rdbuf();
    // The first line is the exchange's id.
    const std::string expected = text.str();
    ASSERT_GT(expected.size(), 65U);
    const auto exchange = IdFromBytes<ExchangeId>(FromHex(expected.substr(0, 64)).value());
    ASSERT_THAT(exchange, IsOk());
    const auto opened = OpenErasure(file.str(), *exchange);
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(DescribeErasure(*opened) + "\n", expected.substr(65));
    EXPECT_EQ(opened->version, std::string(name).ends_with("_v1") ? 1 : 2);
  }
}

// How light a colour is, by WCAG 2.0.
double Luminance(const std::string& hex) {
  double sum = 0;
  const double weights[] = {0.2126, 0.7152, 0.0722};
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(std::string(2, hex[i]), nullptr, 16) / 255.0;
    sum += weights[i] * (c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}

class ErasurePageTest : public ErasureCertificateTest {
 protected:
  std::size_t Count(const std::string& what) const {
    std::size_t count = 0;
    for (std::size_t at = page_.find(what); at != std::string::npos;
         at = page_.find(what, at + 1)) {
      ++count;
    }
    return count;
  }

  const std::string page_ = ErasurePage(ledger_.Open());
};

// The success criteria of WCAG 2.0, level AA, that a page without pictures, forms, scripts and
// links can miss, each by its number.
TEST_F(ErasurePageTest, KeepsWcag20Aa) {
  // 3.1.1 language, 2.4.2 title.
  EXPECT_THAT(page_, HasSubstr("<html lang=\"en\">"));
  EXPECT_EQ(Count("<title>"), 1U);
  EXPECT_THAT(page_, HasSubstr("<title>Certificate of cryptographic erase</title>"));
  // 1.3.1 and 2.4.6: one h1, then h2 and nothing deeper; every row has a header cell that says so.
  EXPECT_EQ(Count("<h1>"), 1U);
  EXPECT_GT(Count("<h2>"), 4U);
  EXPECT_EQ(Count("<h3"), 0U);
  EXPECT_LT(page_.find("<h1>"), page_.find("<h2>"));
  EXPECT_GT(Count("<tr>"), 15U);
  EXPECT_EQ(Count("<tr>"), Count("<th scope=\"row\">"));
  EXPECT_EQ(Count("<tr>"), Count("<td"));
  EXPECT_EQ(Count("<th"), Count("<th scope=\"row\">"));
  // 1.4.1 and 1.4.3: two colours, of which neither says anything, and 7 to 1 at the least.
  std::set<std::string> colours;
  const std::regex colour("#([0-9a-f]{3})\\b");
  for (auto it = std::sregex_iterator(page_.begin(), page_.end(), colour);
       it != std::sregex_iterator(); ++it) {
    colours.insert((*it)[1]);
  }
  EXPECT_THAT(colours, ::testing::ElementsAre("000", "fff"));
  EXPECT_GE((Luminance("fff") + 0.05) / (Luminance("000") + 0.05), 7.0);
  // 1.4.4: it scales: no size in pixels, nothing fixed, zooming not stopped.
  EXPECT_FALSE(std::regex_search(page_, std::regex("[0-9]px")));
  EXPECT_THAT(page_, Not(HasSubstr("user-scalable")));
  EXPECT_THAT(page_, Not(HasSubstr("maximum-scale")));
  EXPECT_THAT(page_, Not(HasSubstr("position:")));
  // 4.1.1: each element is closed.
  for (const char* element : {"html", "head", "body", "main", "table", "tr", "th", "td", "h1", "h2",
                              "p", "style", "title"}) {
    const std::string name(element);
    EXPECT_EQ(Count("<" + name + ">") + Count("<" + name + " "), Count("</" + name + ">")) << name;
  }
  // 1.1.1, 1.4.5, 2.x: no pictures, media, scripts, forms, links; nothing moves or blinks.
  for (const char* element :
       {"<img", "<svg", "<video", "<audio", "<script", "<form", "<input", "<a ", "<iframe",
        "<object", "<marquee", "http-equiv=\"refresh", "animation", "url(", "onload"}) {
    EXPECT_THAT(page_, Not(HasSubstr(element)));
  }
}

TEST_F(ErasurePageTest, FitsLetterAndA4AndGroupsDigestsByFour) {
  EXPECT_THAT(page_, HasSubstr("@page { margin: 20mm; }"));
  // Neither paper is named, and nothing is wider than the narrower of them.
  EXPECT_FALSE(std::regex_search(page_, std::regex("@page[^}]*size")));
  EXPECT_THAT(page_, HasSubstr("@media print { body { margin: 0; max-width: none; } }"));
  EXPECT_THAT(page_, HasSubstr("overflow-wrap: anywhere"));
  // No digest stands there in one piece.
  EXPECT_FALSE(std::regex_search(page_, std::regex("[0-9a-f]{64}")));
  EXPECT_TRUE(std::regex_search(page_, std::regex("([0-9a-f]{4} ){15}[0-9a-f]{4}")));
}

TEST(HtmlPage, EscapesWhatIsPutIn) {
  HtmlPage page;
  page.Heading("<b>");
  page.Begin();
  page.Row("\"&'", "<script>");
  page.End();
  const std::string text = page.Finish("</title>");
  EXPECT_THAT(text, HasSubstr("<h2>&lt;b&gt;</h2>"));
  EXPECT_THAT(text, HasSubstr("&quot;&amp;&#39;</th><td>&lt;script&gt;</td>"));
  EXPECT_THAT(text, Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace holdfast::evidence
