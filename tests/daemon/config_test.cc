// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using daemon::ParseConfig;
using testing::HasSubstr;

// A good configuration, a field a line.
std::string Good() {
  return "listen {\n"
         "  address: \"127.0.0.1:0\"\n"
         "  key_path: \"k\"\n"
         "  certificate_path: \"c\"\n"
         "  client_ca_path: \"a\"\n"
         "}\n"
         "exchanges {\n"
         "  name: \"tax\"\n"
         "  agreement_path: \"agreement\"\n"
         "  exchange_id: \"" +
         std::string(64, 'a') +
         "\"\n"
         "  state_directory: \"/var/state\"\n"
         "  keyslot_directory: \"/var/keyslot\"\n"
         "}\n";
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void ExpectFault(const std::string& text, const std::string& fault) {
  const auto config = ParseConfig(text, "f");
  ASSERT_THAT(config, HasReason(Reason::kConfigInvalid)) << fault;
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(fault));
}

TEST(Config, ThatIsGoodIsTaken) {
  const auto config = ParseConfig(Good(), "f");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->exchanges(0).name(), "tax");
}

TEST(Config, FaultsHaveFileLineAndColumn) {
  ExpectFault(Replaced(Good(), "  key_path", "  key_paht"), "f:3:11: ");
  ExpectFault(Replaced(Good(), "exchanges {", "exchanges ["), "f:8:3: ");
  ExpectFault(Replaced(Good(), "127.0.0.1:0", "127.0.0.1"), "f:2:3: address: is not HOST:PORT");
  ExpectFault(Replaced(Good(), "127.0.0.1:0", "127.0.0.1:65536"), "f:2:3: address: ");
  ExpectFault(Good() + "log { level: \"loud\" }\n", "f:14:7: level: ");
  ExpectFault(Good() + "metrics_address: \"0.0.0.0:1\"", "f:14:1: metrics_address: ");
  ExpectFault(Good() + "limits { max_deadline_seconds: 4000 }", "f:14:10: max_deadline_seconds: ");
  ExpectFault(Good() + "limits { bytes_in_flight: 1 }", "f:14:10: bytes_in_flight: ");
}

TEST(Config, WhatIsMissingIsReportedWhereItBelongs) {
  ExpectFault(Replaced(Good(), "  client_ca_path: \"a\"\n", ""),
              "f:1:1: client_ca_path: is missing");
  ExpectFault(Replaced(Good(), "  agreement_path: \"agreement\"\n", ""),
              "f:7:1: agreement_path: is missing");
  ExpectFault("", "f: address: is missing");
  ExpectFault("", "f: exchanges: there is none");
}

TEST(Config, ReportsEveryFaultAtOnceUpToABound) {
  const auto config = ParseConfig("listen { address: \"x\" }", "f");
  ASSERT_THAT(config, HasReason(Reason::kConfigInvalid));
  const std::string message(config.status().message());
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 4);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "exchanges {}\n";
  const auto worse = ParseConfig(many, "f");
  EXPECT_LT(worse.status().message().size(), 5000u);
  EXPECT_THAT(std::string(worse.status().message()), HasSubstr("more)"));
}

TEST(Config, TheKeyslotIsNeverWhereABackupOfTheStateFindsIt) {
  for (const char* folder : {"/var/state", "/var/state/", "/var/state/keys", "/var",
                             "/var/x/../state/k", "/var//state/k", "/"}) {
    ExpectFault(Replaced(Good(), "/var/keyslot", folder), "f:12:3: keyslot_directory: is inside");
  }
  EXPECT_THAT(ParseConfig(Replaced(Good(), "/var/keyslot", "/var/state2"), "f"), IsOk());
}

std::string WithKeyslots(const std::string& keyslots) {
  return Replaced(Good(), "  keyslot_directory: \"/var/keyslot\"\n", keyslots);
}

TEST(Config, KeyslotsOfEveryKindAreTaken) {
  EXPECT_THAT(
      ParseConfig(WithKeyslots("keyslots { file { directory: \"/k\" } }\n"
                               "keyslots { pkcs11 { directory: \"/l\" module_path: \"m\" "
                               "token_label: \"t\" pin_path: \"p\" } }\n"
                               "keyslots { tpm2 { directory: \"/m\" nv_index: 0x01800100 } }\n"
                               "migrate_from { file { directory: \"/n\" } }\n"),
                  "f"),
      IsOk());
}

TEST(Config, FaultsOfKeyslotsAreFound) {
  ExpectFault(WithKeyslots(""), "f:7:1: keyslot_directory: is missing");
  ExpectFault(WithKeyslots("keyslots { }\n"), "f:12:1: file: exactly one of");
  ExpectFault(WithKeyslots("keyslots { file { } }\n"), "f:12:12: directory: is missing");
  ExpectFault(WithKeyslots("keyslots { file { directory: \"/k\" } tpm2 { } }\n"), "exactly one of");
  ExpectFault(WithKeyslots("keyslot_directory: \"/j\"\nkeyslots { file { directory: \"/k\" } }\n"),
              "f:12:1: keyslot_directory: is there beside keyslots");
  ExpectFault(WithKeyslots("keyslots { file { directory: \"/var/state/k\" } }\n"),
              "keyslots: is inside of the state_directory");
  ExpectFault(WithKeyslots("keyslots { file { directory: \"/k\" } }\n"
                           "migrate_from { file { directory: \"/k/\" } }\n"),
              "migrate_from: is another folder of this daemon");
  ExpectFault(WithKeyslots("keyslots { pkcs11 { directory: \"/k\" } }\n"),
              "token_label: is not 1 to");
  ExpectFault(WithKeyslots("keyslots { tpm2 { directory: \"/k\" nv_index: 1 } }\n"),
              "nv_index: is not from");
  ExpectFault(WithKeyslots("keyslots { tpm2 { directory: \"/k\" nv_index: 0x01800100 "
                           "srk_name: \"XY\" pcr_policy { pcrs: 24 } } }\n"),
              "srk_name: is not in lower-case");
  ExpectFault(WithKeyslots("keyslots { tpm2 { directory: \"/k\" nv_index: 0x01800100 "
                           "pcr_policy { pcrs: 24 } } }\n"),
              "pcrs: is not from 0 to 23");
  ExpectFault(WithKeyslots("keyslots { tpm2 { directory: \"/k\" nv_index: 0x01800100 } }\n"
                           "keyslots { tpm2 { directory: \"/l\" nv_index: 0x01800101 } }\n"),
              "keyslots: has an NV index of another keyslot");
  std::string five;
  for (const char* folder : {"/k", "/l", "/m", "/n", "/o"}) {
    five += "keyslots { file { directory: \"" + std::string(folder) + "\" } }\n";
  }
  ExpectFault(WithKeyslots(five), "keyslots: there are more than 4");
}

TEST(Config, FaultsOfWitnessesAreFound) {
  const auto with = [](const std::string& witnesses) {
    const std::string keyslot = "  keyslot_directory: \"/var/keyslot\"\n";
    return Replaced(Good(), keyslot, keyslot + witnesses);
  };
  const std::string good = "witnesses { name: \"a/w\" url: \"http://127.0.0.1:1\" }\n";
  EXPECT_THAT(ParseConfig(with(good), "f"), IsOk());
  ExpectFault(with(good + good), "f:14:13: name: is there twice");
  ExpectFault(with("witnesses { url: \"http://127.0.0.1:1\" }\n"), "name: is missing");
  ExpectFault(with("witnesses { name: \"a/w\" url: \"https://127.0.0.1\" }\n"),
              "url: is not http://");
  ExpectFault(with("witnesses { name: \"a/w\" }\n"), "url: is not http://");
}

TEST(Config, ExchangesShareNothing) {
  const std::string exchange = Good().substr(Good().find("exchanges"));
  std::string other = Replaced(exchange, "tax", "tax-2");
  other = Replaced(other, std::string(64, 'a'), std::string(64, 'b'));
  other = Replaced(other, "/var/state", "/var/state-2");
  other = Replaced(other, "/var/keyslot", "/var/keyslot-2");
  EXPECT_THAT(ParseConfig(Good() + other, "f"), IsOk());
  ExpectFault(Good() + Replaced(other, "tax-2", "tax"), "f:15:3: name: is there twice");
  ExpectFault(Good() + Replaced(other, std::string(64, 'b'), std::string(64, 'a')),
              "f:17:3: exchange_id: is there twice");
  ExpectFault(Good() + Replaced(other, "/var/state-2", "/var/state/."),
              "f:18:3: state_directory: is another folder");
  ExpectFault(Good() + Replaced(other, "/var/keyslot-2", "/var/state"),
              "f:19:3: keyslot_directory: is another folder");
}

TEST(Config, NamesAndIdsAreStrict) {
  for (const char* name : {"", "Tax", "a b", "a_b", "../x"}) {
    ExpectFault(Replaced(Good(), "\"tax\"", "\"" + std::string(name) + "\""),
                "name: is not 1 to 63");
  }
  ExpectFault(Replaced(Good(), std::string(64, 'a'), std::string(64, 'A')), "exchange_id: is not");
  ExpectFault(Replaced(Good(), std::string(64, 'a'), std::string(62, 'a')), "exchange_id: is not");
}

TEST(Config, TextThatIsDamagedIsReadOrRefused) {
  for (const Mutation& mutation : BitFlipsAndTruncations(AsBytes(Good()))) {
    SCOPED_TRACE(mutation.description);
    const auto config = ParseConfig(ToString(mutation.bytes), "f");
    if (config.ok()) continue;
    EXPECT_THAT(config, HasReason(Reason::kConfigInvalid));
    const std::string message(config.status().message());
    for (const char c : message) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
  }
}

TEST(Config, TheSampleIsGood) {
  std::ifstream file(HF_SOURCE_DIR "/daemon/holdfastd.conf");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(ParseConfig(text.str(), "sample"), IsOk());
}

TEST(ConfigReference, HasEveryFieldWithItsComment) {
  const std::string reference = daemon::ConfigReference();
  for (const char* line :
       {"# Where clients connect.\nlisten {\n",
        "  # PEM file of the server's private key. Reloaded when it changes.\n"
        "  key_path: <string>\n",
        "exchanges {  # repeated\n", "  keyslot_allow_any_file_system: <bool>\n",
        "  format: <FORMAT_UNSPECIFIED | TEXT | JSON>\n", "  bytes_in_flight: <uint64>\n"}) {
    EXPECT_THAT(reference, HasSubstr(line));
  }
}

}  // namespace
}  // namespace holdfast::test
