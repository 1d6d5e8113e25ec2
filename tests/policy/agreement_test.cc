// SPDX-License-Identifier: Apache-2.0
// OpenAgreement, CheckAgreementText, DiffAgreements: policy/agreement.h. R47.
#include "policy/agreement.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "crypto/dsse.h"
#include "crypto/sha256.h"
#include "policy/agreement_gate.h"
#include "tests/policy/policy_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using policy::CheckAgreementText;
using policy::OpenAgreement;
using policy::OpenedAgreement;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// `text` with the first `from` replaced.
std::string Edited(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string Defects(std::string_view text) {
  const absl::Status status = CheckAgreementText(text);
  if (status.ok()) return "none";
  EXPECT_THAT(status, HasReason(Reason::kAgreementInvalid));
  return std::string(status.message());
}

std::string MemberOf(std::string_view id, std::string_view role, std::string_view side,
                     std::string_view key) {
  return "members { id: \"" + std::string(id) + "\" role: " + std::string(role) +
         " side: " + std::string(side) + " keys { public_key: \"" +
         KeyOf(key).public_key().ToBase64() + "\" } }\n";
}

TEST(AgreementTest, OpensWhatBothPrincipalsSigned) {
  const std::string text = AgreementText();
  const auto opened = OpenAgreement(AsBytes(SignAgreement(text)));
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->digest(), crypto::Sha256Of(AsBytes(text)));
  EXPECT_EQ(opened->exchange_id().value(), opened->digest());
  EXPECT_EQ(opened->name(), "address-requests");
  EXPECT_EQ(opened->version(), 1U);
}

TEST(AgreementTest, OneSignatureIsNotEnough) {
  for (const char* name : {"source", "requester"}) {
    const auto envelope =
        crypto::SignDsse(crypto::kAgreementPayloadType, AsBytes(AgreementText()), KeyOf(name));
    EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(*envelope))),
                HasReason(Reason::kSignatureInvalid));
  }
}

TEST(AgreementTest, ASignatureOfSomebodyElseSpoilsIt) {
  auto envelope =
      crypto::SignDsse(crypto::kAgreementPayloadType, AsBytes(AgreementText()), KeyOf("source"));
  ASSERT_THAT(crypto::AddDsseSignature(*envelope, KeyOf("root")), IsOk());
  EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(*envelope))),
              HasReason(Reason::kSignatureInvalid));
  ASSERT_THAT(crypto::AddDsseSignature(*envelope, KeyOf("requester")), IsOk());
  EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(*envelope))),
              HasReason(Reason::kSignatureInvalid));
}

TEST(AgreementTest, AnEditedFileIsRefused) {
  // Whoever owns the machine can edit the text, and even the signatures' list, but cannot sign.
  auto envelope = *crypto::ParseDsse(SignAgreement(AgreementText()));
  const std::string edited =
      Edited(AgreementText(), "destruction_approvals: 1", "destruction_approvals: 2");
  envelope.payload = ToBytes(edited);
  EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(envelope))),
              HasReason(Reason::kSignatureInvalid));
}

TEST(AgreementTest, AKeyThatRootEnrolledIsRefused) {
  auto envelope = *crypto::ParseDsse(SignAgreement(AgreementText()));
  AgreementOptions options;
  options.more = MemberOf("mallory", "ROLE_COUNSEL", "COURT", "mallory");
  envelope.payload = ToBytes(AgreementText(options));
  EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(envelope))),
              HasReason(Reason::kSignatureInvalid));
}

TEST(AgreementTest, AnotherKindOfPayloadIsNoAgreement) {
  auto envelope =
      crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(AgreementText()), KeyOf("source"));
  ASSERT_THAT(crypto::AddDsseSignature(*envelope, KeyOf("requester")), IsOk());
  EXPECT_THAT(OpenAgreement(AsBytes(crypto::RenderDsse(*envelope))),
              HasReason(Reason::kAgreementInvalid));
}

// damage_slow_test.cc flips every bit.
TEST(AgreementTest, FlippedBitsOfTheSignedFileAreRefused) {
  const std::string signed_file = SignAgreement(AgreementText());
  const Bytes original = ToBytes(signed_file);
  const auto whole = crypto::ParseDsse(signed_file);
  ASSERT_THAT(whole, IsOk());
  for (std::size_t bit = 0; bit < original.size() * 8; bit += 101) {
    Bytes flipped = original;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto parsed = crypto::ParseDsse(AsText(flipped));
    // White space between members may change without changing what is said.
    if (parsed.ok() && *parsed == *whole) continue;
    EXPECT_FALSE(OpenAgreement(flipped).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < original.size(); size += 97) {
    EXPECT_FALSE(OpenAgreement(ByteSpan(original).first(size)).ok()) << size;
  }
}

TEST(AgreementTest, DefaultsAreFilledIn) {
  const auto agreement = MakeAgreement();
  const policy::Terms& terms = agreement->terms();
  EXPECT_EQ(terms.lease_duration, 15min);
  EXPECT_EQ(terms.cooling_period, 72h);
  EXPECT_EQ(terms.destruction_window, 72h);
  EXPECT_EQ(terms.notice_deadline, 120h);
  EXPECT_EQ(terms.document_deadline, 24h * 14);
  EXPECT_EQ(terms.witness_max_age, 1h);
  EXPECT_EQ(terms.record_size_bytes, 1024U);
  const policy::Brakes& brakes = agreement->brakes();
  EXPECT_EQ(brakes.officer_open_cases, 200U);
  EXPECT_EQ(brakes.officer_share_basis_points, 500U);
  EXPECT_EQ(brakes.transfer_subjects, 2'000'000U);
  EXPECT_EQ(brakes.refused_basis_points, 2'000U);
  EXPECT_EQ(brakes.placeholder_basis_points, 100U);
  EXPECT_EQ(brakes.open_records, 10'000U);
  EXPECT_EQ(brakes.daily_subjects, 2'000'000U);
  EXPECT_EQ(brakes.total_subjects, 10'000'000U);
  EXPECT_EQ(brakes.address_memory, 24h * 365);
  EXPECT_EQ(brakes.open_leases, 4'096U);
}

TEST(AgreementTest, MembersAreFoundByIdAndBySpiffeId) {
  const auto agreement = MakeAgreement();
  const policy::Member* carol = agreement->FindMember("carol");
  ASSERT_NE(carol, nullptr);
  EXPECT_EQ(carol->spiffe_id, "spiffe://holdfast.example/counsel/carol");
  EXPECT_EQ(agreement->FindMemberBySpiffeId(carol->spiffe_id), carol);
  EXPECT_EQ(&agreement->member(carol->number), carol);
  EXPECT_EQ(agreement->FindMember("Carol"), nullptr);
  EXPECT_EQ(agreement->FindMemberBySpiffeId("spiffe://holdfast.example/custodian/carol"), nullptr);
  EXPECT_TRUE(agreement->Allows(carol->spiffe_id, "holds.read"));
  EXPECT_FALSE(agreement->Allows(carol->spiffe_id, "keys.release"));
  EXPECT_FALSE(agreement->Allows("spiffe://holdfast.example/counsel/nobody", "holds.read"));
  EXPECT_FALSE(agreement->Allows("", "health.check"));
  ASSERT_NE(agreement->FindAuthority("sunset"), nullptr);
  EXPECT_FALSE(agreement->FindAuthority("sunset")->InForceAt(UnixMillis(World::kStart)));
  EXPECT_EQ(agreement->FindAuthority("none"), nullptr);
}

TEST(AgreementTest, KeysAreValidInTheirTime) {
  AgreementOptions options;
  options.more =
      "members { id: \"rita\" role: ROLE_COUNSEL side: COURT keys { public_key: \"" +
      KeyOf("rita").public_key().ToBase64() +
      "\" valid_from { seconds: 1000 } valid_until { seconds: 2000 nanos: 500000000 } } }\n";
  const auto agreement = MakeAgreement(options);
  const policy::MemberKey& key = agreement->FindMember("rita")->keys.at(0);
  EXPECT_FALSE(key.ValidAt(UnixMillis(999'999)));
  EXPECT_TRUE(key.ValidAt(UnixMillis(1'000'000)));
  EXPECT_TRUE(key.ValidAt(UnixMillis(2'000'499)));
  EXPECT_FALSE(key.ValidAt(UnixMillis(2'000'500)));
}

TEST(AgreementTest, ErrorsSayWhereTheyAre) {
  EXPECT_THAT(Defects("name: \"a\"\nversion: 1\nsurprise: 3\n"), HasSubstr("3:9"));
  EXPECT_THAT(Defects("name: \"a\"\nversion: 1\nsurprise: 3\n"), HasSubstr("surprise"));
  EXPECT_THAT(Defects(AgreementText() + "members { id: \"x y\" }\n"), HasSubstr("id: must be"));
  const std::string text = Edited(AgreementText(), "suite: 1", "suite: 2");
  EXPECT_THAT(Defects(text), HasSubstr("4:1: suite: the only suite is 1"));
}

TEST(AgreementTest, UnknownFieldsAtEveryLevelAreRefused) {
  const std::string text = AgreementText();
  for (const char* place :
       {"principals {", "members {", "keys {", "authorities {", "terms {", "brakes {", "gate {"}) {
    EXPECT_THAT(Defects(Edited(text, place, std::string(place) + " unheard_of: 1")),
                HasSubstr("unheard_of"))
        << place;
  }
  EXPECT_NE(Defects(Edited(text, "version: 1", "version: 1 version: 1")), "none");
  EXPECT_NE(Defects(Edited(text, "version: 1", "version: -1")), "none");
  EXPECT_NE(Defects(text + "\x01"), "none");
  EXPECT_NE(Defects(std::string("\0", 1)), "none");
  EXPECT_NE(Defects(""), "none");
}

TEST(AgreementTest, NobodyMayBeTwoMembers) {
  AgreementOptions options;
  options.more = MemberOf("carol2", "ROLE_CUSTODIAN", "SOURCE", "carol");
  EXPECT_THAT(Defects(AgreementText(options)), HasSubstr("nobody may be two members"));
  options.more = MemberOf("carol", "ROLE_CUSTODIAN", "SOURCE", "other");
  EXPECT_THAT(Defects(AgreementText(options)), HasSubstr("another member has this id"));
  options.more = MemberOf("x", "ROLE_REQUESTER", "REQUESTER", "paula");
  EXPECT_THAT(Defects(AgreementText(options)), HasSubstr("nobody may be two members"));
}

TEST(AgreementTest, ARoleStandsOnTheSideThatItServes) {
  const auto with = [](const char* role, const char* side) {
    AgreementOptions options;
    options.more = MemberOf("new", role, side, "new");
    return Defects(AgreementText(options));
  };
  EXPECT_THAT(with("ROLE_REQUESTER", "SOURCE"), HasSubstr("side"));
  EXPECT_THAT(with("ROLE_SOURCE", "REQUESTER"), HasSubstr("side"));
  EXPECT_THAT(with("ROLE_CUSTODIAN", "REQUESTER"), HasSubstr("does not approve for itself"));
  EXPECT_THAT(with("ROLE_UNSPECIFIED", "SOURCE"), HasSubstr("role"));
  EXPECT_THAT(with("99", "SOURCE"), HasSubstr("role"));
  EXPECT_THAT(with("ROLE_COUNSEL", "SIDE_UNSPECIFIED"), HasSubstr("side"));
  EXPECT_EQ(with("ROLE_COUNSEL", "REQUESTER"), "none");
  EXPECT_EQ(with("ROLE_CUSTODIAN", "COURT"), "none");
}

TEST(AgreementTest, EachFieldIsChecked) {
  const std::string good = AgreementText();
  ASSERT_EQ(Defects(good), "none");
  const std::string key = KeyOf("paula").public_key().ToBase64();
  struct Case {
    std::string from, to;
  };
  const std::vector<Case> cases = {
      {"name: \"address-requests\"", "name: \"Address\""},
      {"name: \"address-requests\"", ""},
      {"version: 1", "version: 0"},
      {"suite: 1", ""},
      {"trust_domain: \"holdfast.example\"", "trust_domain: \"Hold fast\""},
      {"principals { side: SOURCE", "principals { side: REQUESTER"},
      {"principals { side: SOURCE", "principals { side: COURT"},
      {KeyOf("source").public_key().ToBase64(), KeyOf("requester").public_key().ToBase64()},
      {KeyOf("source").public_key().ToBase64(), "AAAA"},
      {key, key.substr(0, 43)},
      {key, std::string(43, 'A') + "="},
      {"keys { public_key: \"" + key + "\" }", ""},
      {"keys { public_key: \"" + key + "\" }",
       "keys { public_key: \"" + key + "\" valid_from { seconds: 5 } valid_until { seconds: 5 } }"},
      {"keys { public_key: \"" + key + "\" }",
       "keys { public_key: \"" + key + "\" valid_from { nanos: 5 } }"},
      {"id: \"statute\"", "id: \"sunset\""},
      {"id: \"statute\"", "id: \"\""},
      {"fields: \"address\"", "fields: \"address\" fields: \"address\""},
      {"fields: \"address\"", "fields: \"\""},
      {"valid_until { seconds: 1767225600 }",
       "valid_from { seconds: 2 } valid_until { seconds: 1 }"},
      {"transfer_approvals: 1", "transfer_approvals: 0"},
      {"transfer_approvals: 1", "transfer_approvals: 5"},
      {"destruction_approvals: 1", "destruction_approvals: 0"},
      {"destruction_approvals: 1", "destruction_approvals: 4"},
      {"record_lifetime { seconds: 2592000 }", ""},
      {"record_lifetime { seconds: 2592000 }", "record_lifetime { seconds: -1 }"},
      {"record_lifetime { seconds: 2592000 }", "record_lifetime { nanos: 1 }"},
      {"record_lifetime { seconds: 2592000 }", "record_lifetime { seconds: 31536000000 }"},
      {"destroy_on_expiry: true", "lease_duration { seconds: 86401 }"},
      {"destroy_on_expiry: true", "cooling_period { seconds: 0 }"},
      {"destroy_on_expiry: true", "record_size_bytes: 63"},
      {"destroy_on_expiry: true", "record_size_bytes: 65537"},
      {"brakes {", "brakes { refused_basis_points: 10001"},
      {"brakes {", "brakes { officer_share_basis_points: 10001"},
      {"brakes {", "brakes { transfer_subjects: 16000001"},
      {"brakes {", "brakes { address_memory { seconds: 86399 }"},
      {"brakes {", "brakes { address_memory { seconds: -1 }"},
      {"brakes {", "brakes { open_leases: 32769"},  // There are two requesters.
      {"address_scheme: GENERIC", "address_scheme: US"},
      {"address_scheme: GENERIC", "address_scheme: 7"},
      {"address_scheme: GENERIC", "address_scheme: GENERIC place_table_path: \"zip.csv\""},
      {"address_scheme: GENERIC", "place_table_path: \"z\" place_table_sha256: \"abc\""},
  };
  for (const Case& c : cases) EXPECT_NE(Defects(Edited(good, c.from, c.to)), "none") << c.to;
}

// The rules that the agreement's gate compiles to.
policy::GateConfig ConfigOf(const std::string& gate) {
  const auto agreement = OpenedAgreement::CompileUnsigned(
      Edited(AgreementText(), "address_scheme: GENERIC", "address_scheme: GENERIC " + gate));
  EXPECT_THAT(agreement, IsOk());
  auto rules = policy::GateRulesOf(*agreement, nullptr);
  EXPECT_THAT(rules, IsOk());
  return rules->config();
}

TEST(AgreementTest, TheGateComparesWhatTheAgreementSays) {
  const policy::GateConfig defaults;
  const policy::GateConfig silent = ConfigOf("");
  EXPECT_EQ(silent.name_allowed, defaults.name_allowed);
  EXPECT_EQ(silent.name_allowed_with_both, defaults.name_allowed_with_both);
  EXPECT_EQ(silent.address_allowed, defaults.address_allowed);
  EXPECT_EQ(silent.address_allowed_with_both, defaults.address_allowed_with_both);

  const policy::GateConfig none = ConfigOf(
      "name_allowed: NAME_NO_DIFFERENCE name_allowed_with_both: NAME_NO_DIFFERENCE "
      "address_allowed: ADDRESS_NO_DIFFERENCE address_allowed_with_both: ADDRESS_NO_DIFFERENCE");
  EXPECT_EQ(none.name_allowed | none.name_allowed_with_both | none.address_allowed |
                none.address_allowed_with_both,
            0U);

  // Each word means its own difference.
  using agreement::v1::Gate;
  const std::pair<const char*, std::uint32_t> names[] = {
      {"NAME_MIDDLE_MISSING", policy::kNameMiddleMissing},
      {"NAME_MIDDLE_INITIAL", policy::kNameMiddleInitial},
      {"NAME_SUFFIX_MISSING", policy::kNameSuffixMissing},
      {"NAME_SPACING", policy::kNameSpacing},
      {"NAME_ORDER", policy::kNameOrder},
      {"NAME_TYPING", policy::kNameTyping},
      {"NAME_FAMILY_PART", policy::kNameFamilyPart}};
  for (const auto& [word, bit] : names) {
    EXPECT_EQ(ConfigOf("name_allowed: " + std::string(word)).name_allowed, bit) << word;
  }
  const std::pair<const char*, std::uint32_t> addresses[] = {
      {"ADDRESS_UNIT_MISSING", policy::kAddressUnitMissing},
      {"ADDRESS_SUFFIX_MISSING", policy::kAddressSuffixMissing},
      {"ADDRESS_DIRECTIONAL_MISSING", policy::kAddressDirectionalMissing},
      {"ADDRESS_SECOND_LINE", policy::kAddressSecondLine},
      {"ADDRESS_TYPING", policy::kAddressTyping},
      {"ADDRESS_CITY_NAME", policy::kAddressCityName},
      {"ADDRESS_ORDER", policy::kAddressOrder},
      {"ADDRESS_ONE_PART", policy::kAddressOnePart}};
  for (const auto& [word, bit] : addresses) {
    const policy::GateConfig config =
        ConfigOf("address_allowed_with_both: [ADDRESS_DIRECTIONAL_MISSING, " +
                 std::string(bit == policy::kAddressDirectionalMissing ? "ADDRESS_TYPING" : word) +
                 "] address_allowed: " + word);
    EXPECT_EQ(config.address_allowed, bit) << word;
    EXPECT_NE(config.address_allowed_with_both & policy::kAddressDirectionalMissing, 0U);
  }
  EXPECT_EQ(ConfigOf("facility_names: \"Riverside Staging Annex\"").facility_names,
            std::vector<std::string>{"Riverside Staging Annex"});
}

TEST(AgreementTest, AListOfDifferencesMeansOneThing) {
  const auto with = [](const char* gate) {
    return Defects(Edited(AgreementText(), "address_scheme: GENERIC",
                          "address_scheme: GENERIC " + std::string(gate)));
  };
  EXPECT_EQ(with("name_allowed: [NAME_ORDER, NAME_TYPING]"), "none");
  EXPECT_THAT(with("name_allowed: [NAME_ORDER, NAME_ORDER]"), HasSubstr("twice"));
  EXPECT_THAT(with("name_allowed_with_both: [NAME_NO_DIFFERENCE, NAME_ORDER]"),
              HasSubstr("beside it"));
  EXPECT_THAT(with("address_allowed: ADDRESS_DIFFERENCE_UNSPECIFIED"),
              HasSubstr("no such difference"));
  EXPECT_THAT(with("address_allowed_with_both: 17"), HasSubstr("address_allowed_with_both"));
  EXPECT_THAT(with("name_allowed: NAME_NICKNAME"), HasSubstr("NAME_NICKNAME"));
  EXPECT_THAT(with("check_city_of_zip: true"), HasSubstr("check_city_of_zip"));
}

// R7.
TEST(AgreementTest, DocumentsHaveADigestASignerAndAnEnd) {
  const std::string text = AgreementText();
  const std::string digest = Hex(crypto::Sha256Of(AsBytes("delegation")));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"official: \"director\"", ""},
      {"signed_by: \"Secretary\"", ""},
      {"signed_by: \"Safeguards office\"", ""},
      {digest, std::string(64, '0')},
      {digest, digest.substr(1)},
      {"valid_from { seconds: 0 }", ""},
      {"valid_from { seconds: 0 }", "valid_from { seconds: 4102444800 }"},
      {" valid_until { seconds: 4102444800 } }\nsafeguards", " }\nsafeguards"},
      {" valid_until { seconds: 4102444800 } }\ngate", " }\ngate"},
  };
  for (const auto& [from, to] : cases) EXPECT_NE(Defects(Edited(text, from, to)), "none") << from;

  // Without any document the agreement has to say that it demands none.
  const std::size_t first = text.find("delegations {");
  const std::size_t second = text.find("safeguards {");
  const std::size_t end = text.find("gate {");
  const std::string no_delegation = text.substr(0, first) + text.substr(second);
  const std::string no_safeguard = text.substr(0, second) + text.substr(end);
  EXPECT_THAT(Defects(no_delegation), HasSubstr("skip_delegation"));
  EXPECT_THAT(Defects(no_safeguard), HasSubstr("skip_safeguard"));
  const std::string skips = "address_scheme: GENERIC skip_delegation: true skip_safeguard: true";
  const std::string neither = text.substr(0, first) + text.substr(end);
  EXPECT_EQ(Defects(Edited(neither, "address_scheme: GENERIC", skips)), "none");
}

TEST(AgreementTest, DocumentsAreInForceInTheirTime) {
  AgreementOptions options;
  options.delegation_until = 2'000;
  options.safeguard_until = 3'000;
  const auto agreement = MakeAgreement(options);
  EXPECT_TRUE(agreement->IsDelegatedAt("director", UnixMillis(1'999'999)));
  EXPECT_TRUE(agreement->IsDelegatedAt(" Director ", UnixMillis(0)));
  EXPECT_FALSE(agreement->IsDelegatedAt("director", UnixMillis(2'000'000)));
  EXPECT_FALSE(agreement->IsDelegatedAt("director", UnixMillis(-1)));
  EXPECT_FALSE(agreement->IsDelegatedAt("deputy", UnixMillis(0)));
  EXPECT_TRUE(agreement->IsSafeguardedAt(UnixMillis(2'999'999)));
  EXPECT_FALSE(agreement->IsSafeguardedAt(UnixMillis(3'000'000)));
}

TEST(AgreementTest, WitnessesHaveNamesKeysAndSides) {
  const std::string key = KeyOf("witness").public_key().ToBase64();
  const auto with = [](const std::string& more) {
    AgreementOptions options;
    options.more = more;
    return Defects(AgreementText(options));
  };
  const std::string witness = "witnesses { name: \"w\" public_key: \"" + key + "\" side: COURT }\n";
  EXPECT_EQ(with(witness), "none");
  EXPECT_NE(with(witness + witness), "none");
  EXPECT_NE(with("witnesses { public_key: \"" + key + "\" side: COURT }"), "none");
  EXPECT_NE(with("witnesses { name: \"w\" public_key: \"" + key + "\" }"), "none");
  // Names that no signed note can carry.
  for (const char* name : {"a b", "a+b", "a\\tb", "a\\342\\200\\213b"}) {
    EXPECT_THAT(with("witnesses { name: \"" + std::string(name) + "\" public_key: \"" + key +
                     "\" side: COURT }"),
                HasSubstr("no white space and no plus"))
        << name;
  }
}

TEST(AgreementTest, SomebodyMustBeAbleToPlaceAHold) {
  std::string text = AgreementText();
  for (std::size_t at = 0; (at = text.find("ROLE_COUNSEL", at)) != std::string::npos;) {
    text.replace(at, 12, "ROLE_AUDITOR");
  }
  EXPECT_THAT(Defects(text), HasSubstr("nobody is counsel"));
}

TEST(AgreementTest, ADifferenceIsSaidInPlainWords) {
  const auto before = MakeAgreement();
  EXPECT_TRUE(policy::DiffAgreements(*before, *before).empty());
  std::string text = Edited(AgreementText(), "version: 1", "version: 2");
  text = Edited(text, "destruction_approvals: 1", "destruction_approvals: 2");
  text = Edited(text, "destroy_on_expiry: true", "cooling_period { seconds: 3600 }");
  text = Edited(text, "id: \"otto\"", "id: \"olga\"");
  text = Edited(text, KeyOf("erin").public_key().ToBase64(),
                KeyOf("erin's next").public_key().ToBase64());
  text = Edited(text, "fields: \"address\"", "fields: \"address\" fields: \"phone\"");
  const auto after = OpenedAgreement::CompileUnsigned(text);
  ASSERT_THAT(after, IsOk());
  const auto lines = policy::DiffAgreements(*before, *after);
  EXPECT_THAT(lines, ::testing::IsSupersetOf({
                         std::string("version: 1 becomes 2"),
                         std::string("approvals of a destruction: 1 becomes 2"),
                         std::string("cooling period of a lift: 72 h becomes 1 h"),
                         std::string("destruction on expiry: yes becomes no"),
                         std::string("member otto (operator) is no longer one"),
                         std::string("authority statute, fields: address becomes address, phone"),
                     }));
  EXPECT_EQ(lines.size(), 8U);
}

TEST(AgreementTest, ADifferenceOfTheGateIsSaidInPlainWords) {
  const auto before = MakeAgreement();
  AgreementOptions options;
  options.delegation_until = 1'800'000'000;
  const std::string text = Edited(AgreementText(options), "address_scheme: GENERIC",
                                  "address_scheme: GENERIC name_allowed: [NAME_ORDER, NAME_TYPING] "
                                  "facility_names: \"Annex\" skip_safeguard: true");
  const auto after = OpenedAgreement::CompileUnsigned(text);
  ASSERT_THAT(after, IsOk());
  const auto lines = policy::DiffAgreements(*before, *after);
  EXPECT_THAT(
      lines,
      ::testing::IsSupersetOf({
          std::string("gate, differences of names allowed: the default becomes NAME_ORDER, "
                      "NAME_TYPING"),
          std::string("gate, facility names: none becomes \"Annex\""),
          std::string("gate, no safeguard status demanded: no becomes yes"),
          "delegation of \"director\", document " + Hex(crypto::Sha256Of(AsBytes("delegation"))) +
              " signed by \"Secretary\", from 1970-01-01T00:00:00.000Z until "
              "2027-01-15T08:00:00.000Z is new",
      }));
  EXPECT_EQ(lines.size(), 5U);
}

}  // namespace
}  // namespace holdfast::test
