// SPDX-License-Identifier: Apache-2.0
// Certificates of cryptographic erase: what they say, what a file shows by itself, that nobody can
// alter one, and that the page can be printed and read by everybody.
#include "evidence/erasure_certificate.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "evidence/erasure_search.h"
#include "evidence/html_page.h"
#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
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

class ErasureCertificateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint());
    for (std::uint64_t i = 0; i < story_.entries.size(); ++i) {
      ledger::v1::Entry entry;
      ASSERT_TRUE(entry.ParseFromString(story_.entries[i]));
      if (entry.has_records_destroyed()) {
        destroyed_ = i;
        revocation_ = entry.records_destroyed().revocation_index();
      }
    }
    ASSERT_NE(revocation_, 0U);
  }

  ExchangeId exchange() const { return story_.world.agreement().exchange_id(); }

  absl::StatusOr<ErasureSearch::Found> Find(std::uint64_t index) {
    ErasureSearch search(index);
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = exchange();
    request.readers = {&search};
    EXPECT_THAT(VerifyExport(files_, request, [](std::uint64_t) {}), IsOk());
    return search.Result(story_.Checkpoint());
  }

  // A certificate that `by` signs with `key`.
  absl::StatusOr<std::string> Make(const std::string& by = "audra", std::string_view key = "") {
    auto found = Find(revocation_);
    EXPECT_THAT(found, IsOk());
    found->asserted.verified_by = by;
    found->asserted.verified_at = kVerifiedAt;
    return SignErasure(exchange(), found->asserted, found->evidence,
                       test::KeyOf(key.empty() ? by : key));
  }

  const test::SignedWorld story_ = test::Whole();
  test::MemoryFileSystem files_;
  std::uint64_t revocation_ = 0;
  std::uint64_t destroyed_ = 0;
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
  test::WriteExport(files_, "/cut", cut.entries, cut.Checkpoint());
  ErasureSearch search(revocation_);
  VerificationRequest request;
  request.folder = "/cut";
  request.exchange = exchange();
  request.readers = {&search};
  ASSERT_THAT(VerifyExport(files_, request, [](std::uint64_t) {}), IsOk());
  const auto found = search.Result(cut.Checkpoint());
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
  auto found = Find(revocation_);
  ASSERT_THAT(found, IsOk());
  found->asserted.verified_by = "audra";
  found->asserted.verified_at = kVerifiedAt;
  const auto key = test::KeyOf("audra");
  for (std::size_t i = 0; i < found->evidence.entries.size(); ++i) {
    ErasureSearch::Found without = *found;
    without.evidence.entries.erase(without.evidence.entries.begin() +
                                   static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(SignErasure(exchange(), without.asserted, without.evidence, key).ok()) << i;
    ErasureSearch::Found twice = *found;
    twice.evidence.entries.insert(twice.evidence.entries.begin() + static_cast<std::ptrdiff_t>(i),
                                  twice.evidence.entries[i]);
    EXPECT_FALSE(SignErasure(exchange(), twice.asserted, twice.evidence, key).ok()) << i;
    ErasureSearch::Found moved = *found;
    ++moved.evidence.entries[i].index;
    EXPECT_FALSE(SignErasure(exchange(), moved.asserted, moved.evidence, key).ok()) << i;
  }
}

TEST_F(ErasureCertificateTest, EveryFlippedBitIsRefused) {
  const auto file = Make();
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(OpenErasure(*file, exchange()), IsOk());
  std::string damaged = *file;
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    for (unsigned bit = HF_EVERY_BIT ? 0 : i % 8; bit < 8; bit += HF_EVERY_BIT ? 1 : 8) {
      if (!HF_EVERY_BIT && i % 83 != 0) continue;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      ASSERT_FALSE(OpenErasure(damaged, exchange()).ok()) << "byte " << i << ", bit " << bit;
      damaged[i] = (*file)[i];
    }
  }
  for (std::size_t size = 0; size < file->size(); size += HF_EVERY_BIT ? 1 : 97) {
    ASSERT_FALSE(OpenErasure(file->substr(0, size), exchange()).ok()) << size;
  }
  for (const char* more : {" ", "\n", "{}", "x"}) {
    EXPECT_FALSE(OpenErasure(*file + more, exchange()).ok());
  }
}

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
  void SetUp() override {
    test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint());
    for (std::uint64_t i = 0; i < story_.entries.size(); ++i) {
      ledger::v1::Entry entry;
      ASSERT_TRUE(entry.ParseFromString(story_.entries[i]));
      if (entry.has_records_destroyed()) revocation_ = entry.records_destroyed().revocation_index();
    }
  }

  absl::StatusOr<ErasureSearch::Found> Find() {
    ErasureSearch search(revocation_);
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    request.readers = {&search};
    EXPECT_THAT(VerifyExport(files_, request, [](std::uint64_t) {}), IsOk());
    auto found = search.Result(story_.Checkpoint());
    EXPECT_THAT(found, IsOk());
    found->asserted.verified_by = "audra";
    found->asserted.verified_at = kVerifiedAt;
    return found;
  }

  const test::SignedWorld story_ = Lost();
  test::MemoryFileSystem files_;
  std::uint64_t revocation_ = 0;
};

TEST_F(LostKeyslotTest, IsNamedInEveryCertificateThatFollowsAndSoIsTheDevice) {
  const auto found = Find();
  const ExchangeId exchange = story_.world.agreement().exchange_id();
  const auto file = SignErasure(exchange, found->asserted, found->evidence, test::KeyOf("audra"));
  ASSERT_THAT(file, IsOk());
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/erasure_lost_keyslot_v1";
    std::ofstream(path + ".json", std::ios::binary) << *file;
    const auto opened = OpenErasure(*file, exchange);
    ASSERT_THAT(opened, IsOk());
    std::ofstream(path + ".txt", std::ios::binary) << Hex(BytesOf(exchange)) << "\n"
                                                   << DescribeErasure(*opened) << "\n";
  }
  const auto opened = OpenErasure(*file, exchange);
  ASSERT_THAT(opened, IsOk());
  ASSERT_EQ(opened->events.lost.size(), 1U);
  EXPECT_EQ(opened->events.lost[0].keyslots, "mirror(tpm2,pkcs11)");
  EXPECT_EQ(opened->events.lost[0].members, std::vector<std::uint32_t>{2});
  const std::string text = DescribeErasure(*opened);
  EXPECT_THAT(text, HasSubstr("Erased in: tpm2, erasure class device: Maker, Model, storage root "
                              "key 0011223344556677"));
  EXPECT_THAT(text, HasSubstr("NOT erased: lost, and struck off: member 2 of mirror(tpm2,pkcs11)"));
  EXPECT_THAT(text, HasSubstr("nobody erased them"));
  EXPECT_THAT(text, HasSubstr("Method: Clear"));  // One copy was not purged.
  EXPECT_THAT(ErasurePage(*opened), HasSubstr("NOT erased"));
}

TEST_F(LostKeyslotTest, IsSaidByWhoeverVerifiesTheLedger) {
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = story_.world.agreement().exchange_id();
  const auto verification = VerifyExport(files_, request, [](std::uint64_t) {});
  ASSERT_THAT(verification, IsOk());
  const std::string text = DescribeVerification(*verification);
  EXPECT_THAT(text, HasSubstr("Lost keyslots were struck off 1 time, each time by two people"));
  EXPECT_THAT(text, Not(HasSubstr("went on from a backup")));
}

// What the entries of a file show, its statement says: one that leaves the strike-off out is
// signed over other entries, and with the ledger at hand it is found out.
TEST_F(LostKeyslotTest, IsNotLeftOutOfACertificate) {
  const auto found = Find();
  const ExchangeId exchange = story_.world.agreement().exchange_id();
  const auto whole = ReadErasure(exchange, found->evidence);
  ASSERT_THAT(whole, IsOk());
  ErasureEvidence less = found->evidence;
  std::erase_if(less.entries,
                [&](const ProvenEntry& entry) { return entry.index == whole->lost[0].index; });
  const auto cut = ReadErasure(exchange, less);
  ASSERT_THAT(cut, IsOk());
  EXPECT_NE(RenderErasure({exchange, found->asserted, less, *cut}),
            RenderErasure({exchange, found->asserted, found->evidence, *whole}));
}

// The files of version 1 open for ever, and say the same.
TEST(ErasureVector, OpensAsItDidWhenItWasFrozen) {
  for (const char* name : {"erasure_v1", "erasure_lost_keyslot_v1"}) {
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
  void SetUp() override {
    ErasureCertificateTest::SetUp();
    const auto file = Make();
    ASSERT_THAT(file, IsOk());
    const auto opened = OpenErasure(*file, exchange());
    ASSERT_THAT(opened, IsOk());
    page_ = ErasurePage(*opened);
  }

  std::size_t Count(const std::string& what) const {
    std::size_t count = 0;
    for (std::size_t at = page_.find(what); at != std::string::npos;
         at = page_.find(what, at + 1)) {
      ++count;
    }
    return count;
  }

  std::string page_;
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
