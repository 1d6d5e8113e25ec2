// SPDX-License-Identifier: Apache-2.0
// Frozen bytes: what once opened must open for ever, and what was refused must stay refused.
//
// The vectors in tests/vectors are made here, from fixed inputs, and compared with the files byte
// for byte. After a deliberate change of a format (a new version, a new file) run this program with
// HOLDFAST_WRITE_VECTORS=1; a difference in an old file is a broken promise.
// tests/integration/reader_test.py reads the same files with nothing of ours but the documents.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sodium.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/ed25519.h"
#include "crypto/envelope.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/key_file.h"
#include "crypto/key_tree.h"
#include "crypto/lease.h"
#include "crypto/pseudonym.h"
#include "crypto/sealed_opening.h"
#include "crypto/sealed_subject.h"
#include "crypto/segment_page.h"
#include "crypto/top_page.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::Raw;
using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

// Keeps the order in which fields are added.
using Json = nlohmann::ordered_json;

std::string PathOf(const std::string& name) {
  return std::string(HF_SOURCE_DIR) + "/tests/vectors/" + name;
}

// A copy of one member, so that a loop over it does not outlive what it loops over.
Json Load(const std::string& name, const std::string& member) {
  std::ifstream in(PathOf(name));
  return Json::parse(in).at(member);
}

Bytes BytesAt(const Json& object, const char* key) {
  return FromHex(object.at(key).get<std::string>()).value();
}

template <typename Id>
Id IdAt(const Json& object, const char* key) {
  return IdFromBytes<Id>(BytesAt(object, key)).value();
}

template <typename Key>
Key KeyFrom(Bytes bytes) {
  return Key::TakeFrom(std::span<std::byte, Key::kBytes>(bytes));
}

SecretBytes SecretFrom(Bytes bytes) { return SecretBytes::TakeFrom(bytes).value(); }

void ExpectFrozen(const std::string& name, const Json& built) {
  const std::string text = built.dump(1) + "\n";
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    std::ofstream(PathOf(name)) << text;
  }
  std::ifstream in(PathOf(name));
  const std::string frozen{std::istreambuf_iterator<char>(in), {}};
  // Not EXPECT_EQ: nobody reads a difference of that length.
  EXPECT_TRUE(frozen == text) << name << " is not what is built today";
}

// ---------------------------------------------------------------------------------------------
// Envelopes and subjects

class EnvelopeVectors final {
 public:
  Json Build() {
    Json file;
    file["format"] = "holdfast envelope v1";
    file["documentation"] = "docs/envelope-format.md";

    random_.Fill(SecretAccess::Write(seed_));
    header_.exchange = ExchangeId(Draw<32>(random_));
    header_.transfer = TransferId(Draw<16>(random_));
    header_.segment = SegmentId(Draw<16>(random_));
    header_.leaf = 4711;
    header_.row = 815;
    header_.not_before = UnixMillis(1'700'000'000'000);
    header_.not_after = UnixMillis(1'800'000'000'000);
    header_.agreement = Draw<32>(random_);
    header_.salt = Draw<32>(random_);

    const BindingContext context{.nonce = Draw<32>(random_),
                                 .recipient = "enforcement",
                                 .officer = "officer-7",
                                 .case_number = "2026-000123",
                                 .purpose = "criminal investigation",
                                 .authority = "statute-i2",
                                 .attestation = Draw<32>(random_)};
    header_.binding = ComputeBinding(context);
    file["binding"] = {{"nonce", Hex(context.nonce)},
                       {"recipient", context.recipient},
                       {"officer", context.officer},
                       {"case", context.case_number},
                       {"purpose", context.purpose},
                       {"authority", context.authority},
                       {"attestation", Hex(context.attestation)},
                       {"result", Hex(header_.binding)}};

    key_ = DeriveRecordKey(seed_, header_.segment, header_.leaf);
    file["record_key"] = {{"leaf_seed", Hex(SecretAccess::Read(seed_))},
                          {"segment", Hex(BytesOf(header_.segment))},
                          {"leaf", header_.leaf},
                          {"result", Hex(SecretAccess::Read(key_))}};

    AddGood();
    AddBad();
    file["envelopes"] = cases_;
    file["subjects"] = BuildSubjects();
    return file;
  }

 private:
  static constexpr std::size_t kPaddedBytes = 64;

  Bytes Seal(std::string_view payload, std::size_t padded_bytes = kPaddedBytes) {
    Bytes envelope(EnvelopeBytes(padded_bytes));
    EXPECT_THAT(SealEnvelope(header_, key_, AsBytes(payload), padded_bytes, envelope), IsOk());
    return envelope;
  }

  Json Case(const std::string& name, ByteSpan envelope) {
    Json one;
    one["name"] = name;
    one["record_key"] = Hex(SecretAccess::Read(key_));
    one["exchange"] = Hex(BytesOf(header_.exchange));
    one["transfer"] = Hex(BytesOf(header_.transfer));
    one["row"] = header_.row;
    one["binding"] = Hex(header_.binding);
    one["agreement"] = Hex(header_.agreement);
    one["envelope"] = Hex(envelope);
    return one;
  }

  void Good(const std::string& name, ByteSpan envelope, std::string_view payload) {
    Json one = Case(name, envelope);
    one["payload"] = Hex(AsBytes(payload));
    cases_.push_back(one);
  }

  void Bad(const std::string& name, ByteSpan envelope) { BadWith(name, envelope, "", Json()); }

  // Bad because the reader expects something else.
  void BadWith(const std::string& name, ByteSpan envelope, const char* field, const Json& value) {
    Json one = Case(name, envelope);
    if (*field != '\0') one[field] = value;
    one["payload"] = nullptr;
    cases_.push_back(one);
  }

  // What sealing would do, had it padded to `padded` and committed with `committed`.
  Bytes SealPadded(ByteSpan padded, const RecordKey& committed) {
    Bytes envelope = Seal("", padded.size());
    const std::span<std::byte> bytes(envelope);
    const ByteSpan head = bytes.first(kEnvelopeHeaderBytes);
    internal::KeyedHash(SecretAccess::Read(committed), "holdfast/1/commit", {head},
                        bytes.subspan(kEnvelopeHeaderBytes, 32));
    std::array<std::byte, 64> seal{};
    internal::KeyedHash(SecretAccess::Read(key_), "holdfast/1/seal", {head}, seal);
    const std::span<const std::byte> k(seal);
    internal::SealAead(k.first<32>(), k.subspan<32, 24>(), bytes.first(222), padded,
                       bytes.subspan(222));
    return envelope;
  }

  void AddGood() {
    Good("a record", Seal("{\"found\":true}"), "{\"found\":true}");
    Good("nothing is released", Seal(""), "");
    const std::string full(kPaddedBytes - 4, 'f');
    Good("a payload that fills the size", Seal(full), full);
    Good("the smallest size", Seal("", kMinPaddedBytes), "");
    Good("another size", Seal("a larger transfer", 1'024), "a larger transfer");

    const EnvelopeHeader usual = header_;
    header_.leaf = 65'535;
    header_.row = 0xffff'ffff;
    header_.not_before = UnixMillis(-1);
    header_.not_after = UnixMillis(253'402'300'799'999);
    key_ = DeriveRecordKey(seed_, header_.segment, header_.leaf);
    Good("the ends of every range", Seal("edges"), "edges");
    header_ = usual;
    key_ = DeriveRecordKey(seed_, header_.segment, header_.leaf);
  }

  void AddBad() {
    const Bytes good = Seal("{\"found\":true}");
    const std::vector<std::pair<const char*, std::size_t>> fields = {
        {"magic", 0},
        {"version", 4},
        {"suite", 5},
        {"exchange", 6},
        {"transfer", 38},
        {"segment", 54},
        {"leaf", 73},
        {"row", 77},
        {"not before", 85},
        {"not after", 93},
        {"agreement", 94},
        {"binding", 126},
        {"salt", 158},
        {"commitment", 190},
        {"first byte sealed", 222},
        {"last byte of the tag", good.size() - 1}};
    for (const auto& [field, at] : fields) {
      Bytes tampered = good;
      tampered[at] ^= std::byte{1};
      Bad(std::string("one bit changed: ") + field, tampered);
    }
    Bytes cut = good;
    cut.pop_back();
    Bad("one byte missing", cut);
    Bytes longer = good;
    longer.push_back(std::byte{0});
    Bad("one byte more", longer);
    Bad("nothing", {});
    Bad("a header alone", ByteSpan(good).first(kEnvelopeHeaderBytes));

    Bytes other_suite = good;
    other_suite[5] = std::byte{2};
    Bad("the reserved suite", other_suite);

    Bytes padded(kPaddedBytes);
    padded[3] = std::byte{2};
    padded[kPaddedBytes - 1] = std::byte{1};
    Bad("padding that is not zero", SealPadded(padded, key_));
    padded[kPaddedBytes - 1] = std::byte{0};
    padded[3] = std::byte{kPaddedBytes - 3};
    Bad("a length over the size", SealPadded(padded, key_));
    padded[3] = std::byte{0};
    Bad("a commitment to another key",
        SealPadded(padded, DeriveRecordKey(seed_, header_.segment, 1)));

    BadWith("another record's key", good, "record_key",
            Hex(SecretAccess::Read(DeriveRecordKey(seed_, header_.segment, 4712))));
    BadWith("expected of another exchange", good, "exchange", Hex(Digest32{}));
    BadWith("expected of another transfer", good, "transfer", Hex(TransferId().value()));
    BadWith("expected of another row", good, "row", header_.row + 1);
    BadWith("expected of another case", good, "binding", Hex(Digest32{}));
    BadWith("expected under another agreement", good, "agreement", Hex(Digest32{}));
  }

  Json BuildSubjects() {
    const SubjectName name{.exchange = header_.exchange,
                           .transfer = header_.transfer,
                           .segment = header_.segment,
                           .leaf = 12,
                           .row = 260};
    const auto nonce = Draw<kSubjectNonceBytes>(random_);
    Bytes sealed(SealedSubjectBytes(kPaddedBytes));
    EXPECT_THAT(SealSubject(name, seed_, nonce, AsBytes("a subject"), kPaddedBytes, sealed),
                IsOk());
    Json one;
    one["leaf_seed"] = Hex(SecretAccess::Read(seed_));
    one["exchange"] = Hex(BytesOf(name.exchange));
    one["transfer"] = Hex(BytesOf(name.transfer));
    one["segment"] = Hex(BytesOf(name.segment));
    one["leaf"] = name.leaf;
    one["row"] = name.row;
    one["sealed"] = Hex(sealed);
    one["payload"] = Hex(AsBytes("a subject"));
    return Json::array({one});
  }

  test::SeededCryptoRandom random_{1};
  EnvelopeHeader header_;
  LeafSeed seed_;
  RecordKey key_;
  Json cases_ = Json::array();
};

TEST(EnvelopeVectorsTest, AreFrozen) {
  ExpectFrozen("envelope_v1.json", EnvelopeVectors().Build());
}

TEST(EnvelopeVectorsTest, OpenOrAreRefusedAsTheySay) {
  int opened = 0;
  int refused = 0;
  for (const Json& one : Load("envelope_v1.json", "envelopes")) {
    SCOPED_TRACE(one.at("name"));
    const ExpectedEnvelope expected{
        .suite = Suite::kXChaCha20Poly1305Blake2b,
        .exchange = IdAt<ExchangeId>(one, "exchange"),
        .transfer = IdAt<TransferId>(one, "transfer"),
        .row = one.at("row").get<std::uint32_t>(),
        .binding = ArrayFromBytes<Digest32>(BytesAt(one, "binding")).value(),
        .agreement = ArrayFromBytes<Digest32>(BytesAt(one, "agreement")).value()};
    const auto payload = OpenEnvelope(BytesAt(one, "envelope"),
                                      KeyFrom<RecordKey>(BytesAt(one, "record_key")), expected);
    if (one.at("payload").is_null()) {
      EXPECT_THAT(payload, HasReason(Reason::kEnvelopeRejected));
      ++refused;
    } else {
      ASSERT_THAT(payload, IsOk());
      EXPECT_EQ(ToBytes(payload->Reveal()), BytesAt(one, "payload"));
      ++opened;
    }
  }
  EXPECT_EQ(opened, 6);
  EXPECT_EQ(refused, 30);
}

TEST(EnvelopeVectorsTest, HaveSubjectsThatOpen) {
  for (const Json& one : Load("envelope_v1.json", "subjects")) {
    const SubjectName name{.exchange = IdAt<ExchangeId>(one, "exchange"),
                           .transfer = IdAt<TransferId>(one, "transfer"),
                           .segment = IdAt<SegmentId>(one, "segment"),
                           .leaf = one.at("leaf").get<std::uint32_t>(),
                           .row = one.at("row").get<std::uint32_t>()};
    const auto payload =
        OpenSubject(BytesAt(one, "sealed"), name, KeyFrom<LeafSeed>(BytesAt(one, "leaf_seed")));
    ASSERT_THAT(payload, IsOk());
    EXPECT_EQ(ToBytes(payload->Reveal()), BytesAt(one, "payload"));
  }
}

// ---------------------------------------------------------------------------------------------
// Openings

Json BuildOpenings() {
  test::SeededCryptoRandom random(5);
  LeafSeed seed;
  random.Fill(SecretAccess::Write(seed));
  Json cases = Json::array();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{252}, std::size_t{253}}) {
    const SubjectName name{.exchange = ExchangeId(Draw<32>(random)),
                           .transfer = TransferId(Draw<16>(random)),
                           .segment = SegmentId(Draw<16>(random)),
                           .leaf = 12,
                           .row = 260};
    const Bytes payload(bytes, std::byte{0x61});
    Bytes sealed(SealedOpeningBytes(bytes));
    SealOpening(name, seed, Draw<kSubjectNonceBytes>(random), payload, sealed);
    Json one;
    one["leaf_seed"] = Hex(SecretAccess::Read(seed));
    one["exchange"] = Hex(BytesOf(name.exchange));
    one["transfer"] = Hex(BytesOf(name.transfer));
    one["segment"] = Hex(BytesOf(name.segment));
    one["leaf"] = name.leaf;
    one["row"] = name.row;
    one["sealed"] = Hex(sealed);
    one["payload"] = Hex(payload);
    cases.push_back(one);
  }
  Json file;
  file["openings"] = cases;
  return file;
}

TEST(OpeningVectorsTest, AreFrozen) { ExpectFrozen("opening_v1.json", BuildOpenings()); }

TEST(OpeningVectorsTest, OpenAsTheySay) {
  for (const Json& one : Load("opening_v1.json", "openings")) {
    const SubjectName name{.exchange = IdAt<ExchangeId>(one, "exchange"),
                           .transfer = IdAt<TransferId>(one, "transfer"),
                           .segment = IdAt<SegmentId>(one, "segment"),
                           .leaf = one.at("leaf").get<std::uint32_t>(),
                           .row = one.at("row").get<std::uint32_t>()};
    const auto payload =
        OpenOpening(BytesAt(one, "sealed"), name, KeyFrom<LeafSeed>(BytesAt(one, "leaf_seed")));
    ASSERT_THAT(payload, IsOk());
    EXPECT_EQ(ToBytes(payload->Reveal()), BytesAt(one, "payload"));
  }
}

// ---------------------------------------------------------------------------------------------
// Key files

constexpr std::string_view kPassphrase = "correct horse battery staple";

WipedBuffer PassphraseOf(std::string_view text) {
  Bytes bytes = ToBytes(text);
  return WipedBuffer::TakeFrom(bytes);
}

Json BuildKeyFiles() {
  test::SeededCryptoRandom random(11);
  const SigningKey key = SigningKey::Generate(random).value();
  Json file;
  file["format"] = "holdfast signing key 1";
  file["documentation"] = "docs/ledger-format.md";
  file["public_key"] = Hex(key.public_key().bytes());
  file["message"] = "DSSEv1";
  file["signature"] = Hex(key.Sign(AsBytes("DSSEv1")));
  file["passphrase"] = std::string(kPassphrase);
  // As cheap as the format allows: these are opened in every test run.
  const auto sealed =
      WriteKeyFile(key, PassphraseOf(kPassphrase), KeyFileCost{1, 8192}, random).value();
  file["protected"] = ToString(sealed.Reveal());
  file["unprotected"] = ToString(WriteUnprotectedKeyFile(key).value().Reveal());
  return file;
}

TEST(KeyFileVectorsTest, AreFrozen) { ExpectFrozen("key_file_v1.json", BuildKeyFiles()); }

TEST(KeyFileVectorsTest, OpenAsTheySay) {
  for (const char* kind : {"protected", "unprotected"}) {
    const auto text = Load("key_file_v1.json", kind).get<std::string>();
    const auto key = ReadKeyFile(AsBytes(text), PassphraseOf(kPassphrase));
    ASSERT_THAT(key, IsOk());
    EXPECT_EQ(Hex(key->Sign(AsBytes("DSSEv1"))), Load("key_file_v1.json", "signature"));
  }
}

// ---------------------------------------------------------------------------------------------
// Key trees and pages

Json LeafList(const SegmentTree& tree, const std::vector<std::uint32_t>& leaves) {
  Json list = Json::array();
  for (const std::uint32_t leaf : leaves) {
    LeafSeed seed;
    Json one;
    one["leaf"] = leaf;
    if (tree.DeriveLeaf(leaf, seed).ok()) {
      one["seed"] = Hex(SecretAccess::Read(seed));
    } else {
      one["seed"] = nullptr;
    }
    list.push_back(one);
  }
  return list;
}

Json BuildKeyTree() {
  test::SeededCryptoRandom random(2);
  Json file;
  file["format"] = "holdfast key tree v1";
  file["documentation"] = "docs/key-tree.md";
  file["trees"] = Json::array();
  const std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> shapes = {
      {16, {}}, {16, {0, 4711, 4712, 65'535}}, {4, {5}}, {4, {0, 1, 2, 3, 9}}, {1, {0, 1}}};
  for (const auto& shape : shapes) {
    const auto& destroyed = shape.second;
    const SegmentTree fresh = SegmentTree::Create(random, shape.first).value();
    const SegmentTree tree = fresh.Puncture(destroyed).value();
    std::vector<std::uint32_t> leaves;
    for (const std::uint32_t leaf :
         {0u, 1u, 5u, 6u, 9u, 4'710u, 4'711u, 4'713u, 65'534u, 65'535u}) {
      if (leaf < tree.leaves()) leaves.push_back(leaf);
    }
    Json one;
    one["depth"] = shape.first;
    one["root"] = Hex(SecretAccess::Read(fresh.Serialize().value()).last(32));
    one["destroyed"] = destroyed;
    one["positions"] = std::vector<std::uint32_t>(tree.positions().begin(), tree.positions().end());
    one["image"] = Hex(SecretAccess::Read(tree.Serialize().value()));
    one["leaves"] = LeafList(tree, leaves);
    file["trees"].push_back(one);
  }
  return file;
}

TEST(KeyTreeVectorsTest, AreFrozen) { ExpectFrozen("key_tree_v1.json", BuildKeyTree()); }

TEST(KeyTreeVectorsTest, DeriveWhatTheySay) {
  for (const Json& one : Load("key_tree_v1.json", "trees")) {
    const auto tree = SegmentTree::Parse(SecretFrom(BytesAt(one, "image")));
    ASSERT_THAT(tree, IsOk());
    for (const Json& leaf : one.at("leaves")) {
      const auto number = leaf.at("leaf").get<std::uint32_t>();
      EXPECT_EQ(LeafList(*tree, {number})[0], leaf);
    }
  }
}

Json BuildPages() {
  test::SeededCryptoRandom random(3);
  Json file;
  file["format"] = "holdfast pages v1";
  file["documentation"] = "docs/key-tree.md";

  const SegmentName name{.exchange = ExchangeId(Draw<32>(random)),
                         .segment = SegmentId(Draw<16>(random)),
                         .kind = SegmentKind::kSubject};
  const SegmentTree tree =
      SegmentTree::Create(random).value().Puncture(std::vector<std::uint32_t>{300}).value();
  const PageKey key = NewPageKey(random);
  Json segment;
  segment["exchange"] = Hex(BytesOf(name.exchange));
  segment["segment"] = Hex(BytesOf(name.segment));
  segment["kind"] = 2;
  segment["page_key"] = Hex(SecretAccess::Read(key));
  segment["page"] = Hex(SealSegmentPage(name, tree, key, random).value());
  segment["image"] = Hex(SecretAccess::Read(tree.Serialize().value()));
  file["segment_page"] = segment;

  TopPage page = TopPage::Create().value();
  Json segments = Json::array();
  for (const SegmentKind kind : {SegmentKind::kRecord, SegmentKind::kSubject}) {
    const SegmentName each{
        .exchange = name.exchange, .segment = SegmentId(Draw<16>(random)), .kind = kind};
    const SegmentTree fresh = SegmentTree::Create(random, 2).value();
    segments.push_back({{"segment", Hex(BytesOf(each.segment))},
                        {"kind", static_cast<int>(kind)},
                        {"page", Hex(page.AddSegment(each, fresh, random).value())},
                        {"image", Hex(SecretAccess::Read(fresh.Serialize().value()))}});
  }
  const SecretBytes pseudonym_key = SecretBytes::FromRandom(random, 32).value();
  EXPECT_THAT(page.AddSecret(kPseudonymSecret, pseudonym_key.Duplicate().value()), IsOk());
  const SecretBytes root_key = NewRootKey(random).value();
  const TopPageHeader header{.epoch = Epoch(3),
                             .anchor = {.ledger_size = 77, .ledger_root = Draw<32>(random)}};
  Json top;
  top["exchange"] = Hex(BytesOf(name.exchange));
  top["epoch"] = header.epoch.value();
  top["ledger_size"] = header.anchor.ledger_size;
  top["ledger_root"] = Hex(header.anchor.ledger_root);
  top["root_key"] = Hex(SecretAccess::Read(root_key));
  top["page"] = Hex(page.Seal(root_key, name.exchange, header, random).value());
  top["segments"] = segments;
  top["secrets"] = {{"pseudonym", Hex(SecretAccess::Read(pseudonym_key))}};
  file["top_page"] = top;

  file["pseudonym"] = {
      {"key", Hex(SecretAccess::Read(pseudonym_key))},
      {"identity", Hex(AsBytes("a canonical identity"))},
      {"result", Hex(BytesOf(PseudonymOf(pseudonym_key, AsBytes("a canonical identity"))))}};
  return file;
}

TEST(PageVectorsTest, AreFrozen) { ExpectFrozen("pages_v1.json", BuildPages()); }

TEST(PageVectorsTest, HaveASegmentPageThatOpens) {
  const Json one = Load("pages_v1.json", "segment_page");
  const SegmentName name{.exchange = IdAt<ExchangeId>(one, "exchange"),
                         .segment = IdAt<SegmentId>(one, "segment"),
                         .kind = SegmentKind::kSubject};
  const auto tree =
      OpenSegmentPage(name, BytesAt(one, "page"), KeyFrom<PageKey>(BytesAt(one, "page_key")));
  ASSERT_THAT(tree, IsOk());
  EXPECT_EQ(Hex(SecretAccess::Read(tree->Serialize().value())), one.at("image"));
}

TEST(PageVectorsTest, HaveATopPageThatOpens) {
  const Json one = Load("pages_v1.json", "top_page");
  const Bytes sealed = BytesAt(one, "page");
  const auto header = TopPage::Inspect(sealed);
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->epoch.value(), one.at("epoch"));
  EXPECT_EQ(header->anchor.ledger_size, one.at("ledger_size"));
  const ExchangeId exchange = IdAt<ExchangeId>(one, "exchange");
  const auto page = TopPage::Open(sealed, SecretFrom(BytesAt(one, "root_key")), exchange, *header);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->segments().size(), 2u);
  for (const Json& segment : one.at("segments")) {
    const SegmentName name{.exchange = exchange,
                           .segment = IdAt<SegmentId>(segment, "segment"),
                           .kind = static_cast<SegmentKind>(segment.at("kind").get<int>())};
    const auto tree = page->OpenSegment(name, BytesAt(segment, "page"));
    ASSERT_THAT(tree, IsOk());
    EXPECT_EQ(Hex(SecretAccess::Read(tree->Serialize().value())), segment.at("image"));
  }
  ASSERT_NE(page->FindSecret(kPseudonymSecret), nullptr);
  EXPECT_EQ(Hex(SecretAccess::Read(*page->FindSecret(kPseudonymSecret))),
            one.at("secrets").at("pseudonym"));
}

// ---------------------------------------------------------------------------------------------
// Leases

// crypto_box_seal() with an ephemeral key of our choice, so that the vector stays the same.
Bytes SealedBox(ByteSpan message, const X25519PublicKey& recipient, Random& random) {
  const auto secret = Draw<32>(random);
  Bytes box(32);
  EXPECT_EQ(crypto_scalarmult_base(Raw(box.data()), Raw(secret.data())), 0);
  Bytes keys = box;
  keys.insert(keys.end(), recipient.value().begin(), recipient.value().end());
  std::array<std::byte, 24> nonce{};
  internal::Hash("", {keys}, nonce);
  box.resize(32 + 16 + message.size());
  EXPECT_EQ(crypto_box_easy(Raw(box.data() + 32), Raw(message.data()), message.size(),
                            Raw(nonce.data()), Raw(recipient.value().data()), Raw(secret.data())),
            0);
  return box;
}

// Gives out what it was told to.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void Fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) byte = bytes_.at(at_++);
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

Json BuildLease() {
  test::SeededCryptoRandom random(4);
  Json file;
  file["format"] = "holdfast lease v1";
  file["documentation"] = "docs/envelope-format.md";

  const SecretBytes seed = SecretBytes::FromRandom(random, 32).value();
  const SigningKey signing_key = SigningKey::FromSeed(seed).value();
  LeaseOpening opening;
  opening.exchange = ExchangeId(Draw<32>(random));
  opening.transfer = TransferId(Draw<16>(random));
  opening.opened_at = UnixMillis(1'800'000'000'000);
  opening.ledger_size = 8'999;
  opening.ledger_root = Draw<32>(random);
  opening.member = "enforcement";
  // Create() draws the X25519 secret first, and then the nonce.
  const auto recipient_secret = Draw<32>(random);
  const auto nonce = Draw<16>(random);
  Bytes drawn = ToBytes(recipient_secret);
  drawn.insert(drawn.end(), nonce.begin(), nonce.end());
  FixedRandom fixed(drawn);
  const LeaseRequest request = LeaseRequest::Create(opening, signing_key, fixed).value();
  file["opening"] = {{"signing_seed", Hex(SecretAccess::Read(seed))},
                     {"signing_key", Hex(signing_key.public_key().bytes())},
                     {"recipient_secret", Hex(recipient_secret)},
                     {"recipient_key", Hex(BytesOf(request.opening().recipient_key))},
                     {"exchange", Hex(BytesOf(opening.exchange))},
                     {"transfer", Hex(BytesOf(opening.transfer))},
                     {"nonce", Hex(nonce)},
                     {"opened_at", opening.opened_at.value()},
                     {"ledger_size", opening.ledger_size},
                     {"ledger_root", Hex(opening.ledger_root)},
                     {"member", opening.member},
                     {"bytes", Hex(request.opening_bytes())},
                     {"signature", Hex(request.signature())},
                     {"digest", Hex(request.digest())}};

  const LeaseHeader header{.exchange = opening.exchange,
                           .transfer = opening.transfer,
                           .opening = request.digest(),
                           .lease = 12,
                           .ledger_index = 9'000,
                           .not_after = UnixMillis(1'800'000'900'000)};
  const auto lease_key = Draw<32>(random);
  FixedRandom lease_random(ToBytes(lease_key));
  const LeaseIssuer issuer =
      LeaseIssuer::Issue(header, request.opening().recipient_key, lease_random).value();
  Digest32 header_digest{};
  internal::Hash("holdfast/1/lease-header", {issuer.header_bytes()}, header_digest);
  Bytes boxed = ToBytes(lease_key);
  boxed.insert(boxed.end(), header_digest.begin(), header_digest.end());
  file["grant"] = {
      {"header", Hex(issuer.header_bytes())},
      {"lease_key", Hex(lease_key)},
      {"sealed_lease_key", Hex(SealedBox(boxed, request.opening().recipient_key, random))}};

  file["keys"] = Json::array();
  std::uint64_t ledger_index = 9'001;
  for (const std::uint32_t row : {7u, 815u, 0xffff'ffffu}) {
    RecordKey key;
    random.Fill(SecretAccess::Write(key));
    SealedRecordKey sealed{};
    issuer.Wrap(key, row, ledger_index, sealed);
    file["keys"].push_back({{"row", row},
                            {"ledger_index", ledger_index},
                            {"record_key", Hex(SecretAccess::Read(key))},
                            {"sealed", Hex(sealed)}});
    ++ledger_index;
  }

  file["batches"] = Json::array();
  BatchChain chain(request.digest());
  for (const auto& rows : std::vector<std::vector<std::uint32_t>>{{7, 815, 0xffff'ffff}, {1}, {}}) {
    file["batches"].push_back({{"rows", rows}, {"chain", Hex(chain.Extend(rows))}});
  }
  return file;
}

TEST(LeaseVectorsTest, AreFrozen) { ExpectFrozen("lease_v1.json", BuildLease()); }

TEST(LeaseVectorsTest, VerifyAndOpen) {
  const Json first = Load("lease_v1.json", "opening");
  const Json grant = Load("lease_v1.json", "grant");
  const Bytes opening_bytes = BytesAt(first, "bytes");
  const Bytes signature = BytesAt(first, "signature");
  const auto opening = VerifyLeaseOpening(
      opening_bytes, signature, PublicKey::FromBytes(BytesAt(first, "signing_key")).value());
  ASSERT_THAT(opening, IsOk());
  EXPECT_EQ(opening->member, first.at("member"));
  const Digest32 digest = LeaseOpeningDigest(opening_bytes, signature);
  EXPECT_EQ(Hex(digest), first.at("digest"));

  Bytes drawn = BytesAt(first, "recipient_secret");
  const Bytes nonce = BytesAt(first, "nonce");
  drawn.insert(drawn.end(), nonce.begin(), nonce.end());
  FixedRandom fixed(drawn);
  const auto request = LeaseRequest::Create(
      *opening, SigningKey::FromSeed(SecretFrom(BytesAt(first, "signing_seed"))).value(), fixed);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->opening_bytes(), opening_bytes);
  const auto lease = request->Accept(BytesAt(grant, "header"), BytesAt(grant, "sealed_lease_key"));
  ASSERT_THAT(lease, IsOk());
  for (const Json& one : Load("lease_v1.json", "keys")) {
    const auto key = lease->Unwrap(BytesAt(one, "sealed"), one.at("row").get<std::uint32_t>(),
                                   one.at("ledger_index").get<std::uint64_t>());
    ASSERT_THAT(key, IsOk());
    EXPECT_EQ(Hex(key->RevealForKeeping()), one.at("record_key"));
  }
  BatchChain chain(digest);
  for (const Json& one : Load("lease_v1.json", "batches")) {
    EXPECT_THAT(
        chain.Accept(one.at("rows").get<std::vector<std::uint32_t>>(), BytesAt(one, "chain")),
        IsOk());
  }
}

}  // namespace
}  // namespace holdfast::crypto
