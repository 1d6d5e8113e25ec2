// SPDX-License-Identifier: Apache-2.0
// What programs read with --json: within v1 members are only added, at the end of this file's
// texts.
#include <functional>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "cli/dossier_view.h"
#include "cli/exchange_view.h"
#include "cli/scope_options.h"
#include "google/protobuf/text_format.h"
#include "policy/dossier.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

v1::Transfer Transfer() {
  return Parse<v1::Transfer>(R"pb(
    name: "transfers/00112233445566778899aabbccddeeff"
    state: CLOSED
    subjects: 10
    accepted: 8
    refused { reason: "ADDRESS_MISSING" count: 2 }
    deposited: 8
    terms { authority: "26-usc-6103-i-2" purpose: "a proceeding" }
    not_before { seconds: 1767225600 }
    not_after { seconds: 1769817600 nanos: 5000000 }
    dossier_digest: "ab"
    approvals: 1
    matters: "1:26-cv-00001"
  )pb");
}

v1::Hold Hold() {
  return Parse<v1::Hold>(R"pb(
    id: "hold-1"
    matter: "1:26-cv-00001"
    court: "D. Example"
    order_reference: "ECF No. 12"
    document_sha256: "cd"
    freezes: true
    preserves: true
    scope {
      transfer: "transfers/1"
      rows { first: 0 last: 9 }
    }
    state: LIFT_CONFIRMED
    placed_index: 7
    placed_at { seconds: 1767225600 }
    placed_by: "counsel-1"
    proposal_index: 9
    lift_at { seconds: 1767484800 }
  )pb");
}

TEST(ViewTest, TransferIsAsSpecified) {
  EXPECT_EQ(
      TransferJson(Transfer()).text(),
      R"({"schema": "holdfast.cli.v1.Transfer", "name": "transfers/00112233445566778899aabbccddeeff", )"
      R"("state": "CLOSED", "authority": "26-usc-6103-i-2", "purpose": "a proceeding", "subjects": 10, )"
      R"("accepted": 8, "refused": {"ADDRESS_MISSING": 2}, "deposited": 8, "approvals": 1, )"
      R"("dossier_digest": "ab", "matters": ["1:26-cv-00001"], )"
      R"("not_before": "2026-01-01T00:00:00.000Z", "not_after": "2026-01-31T00:00:00.005Z", )"
      R"("stops": [], "waiting": 0})");
}

TEST(ViewTest, ATransferSaysWhyItIsStopped) {
  v1::Transfer transfer = Transfer();
  transfer.add_stops()->set_reason("SUSPENDED");
  transfer.add_stops()->set_reason("SECOND_ADDRESS");
  transfer.set_record_cap(0);
  transfer.mutable_ends_at()->set_seconds(1767225600);
  EXPECT_THAT(TransferJson(transfer).text(),
              HasSubstr(R"("stops": ["SUSPENDED", "SECOND_ADDRESS"], "record_cap": 0, )"
                        R"("ends_at": "2026-01-01T00:00:00.000Z")"));
  std::ostringstream out;
  Output output(out, out, Terminal::kNo);
  output.Configure(OutputForm::kPeople, Verbosity::kNormal, TimeForm::kUtc);
  const std::string text = TransferText(output, transfer);
  EXPECT_THAT(text, HasSubstr("STOPPED: SECOND_ADDRESS; it waits for a custodian"));
  EXPECT_THAT(text, HasSubstr("keys of at most 0 records leave"));
}

// A dossier as a gateway shows it, with the digest that belongs to it.
v1::Transfer TransferWithDossier() {
  v1::Transfer transfer = Transfer();
  v1::Dossier& view = *transfer.mutable_dossier();
  view = Parse<v1::Dossier>(R"pb(
    requester: "requester-1"
    terms {
      authority: "26-usc-6103-i-2"
      purpose: "a proceeding"
      requesting_official: "deputy-director-1"
      periods { first_year: 2023 last_year: 2023 }
      periods { first_year: 2024 last_year: 2025 }
    }
    officers { officer: "officer-1" accepted: 5 open_cases: 7 }
    officers { officer: "officer-2" accepted: 3 open_cases: 190 }
    subjects: 10
    verdicts { verdict: 1 rows: 8 }
    verdicts { verdict: 61 rows: 2 }
    second_addresses: 1
    brakes: 4
    brakes: 7
  )pb");
  view.set_agreement_digest(std::string(32, 'a'));
  view.set_transfer(ToString(*FromHex("00112233445566778899aabbccddeeff")));
  view.mutable_terms()->set_attestation_digest(std::string(32, 't'));
  view.set_subjects_digest(std::string(32, 's'));
  policy::Dossier dossier;
  dossier.agreement.fill(std::byte{'a'});
  dossier.transfer = *IdFromBytes<TransferId>(AsBytes(view.transfer()));
  dossier.requester = "requester-1";
  dossier.authority = "26-usc-6103-i-2";
  dossier.purpose = "a proceeding";
  dossier.requesting_official = "deputy-director-1";
  dossier.officers = {{"officer-1", 5, 7}, {"officer-2", 3, 190}};
  dossier.periods = {{2023, 2023}, {2024, 2025}};
  dossier.attestation_digest = std::string(32, 't');
  dossier.rows = 10;
  dossier.verdicts = {{1, 8}, {61, 2}};
  dossier.second_addresses = 1;
  dossier.brakes = {4, 7};
  dossier.subjects_digest.fill(std::byte{'s'});
  transfer.set_dossier_digest(Hex(policy::DossierDigest(dossier)));
  return transfer;
}

TEST(ViewTest, ADossierIsShownInWordsWithTheDigestOfWhatIsShown) {
  const v1::Transfer transfer = TransferWithDossier();
  const auto dossier = OpenDossier(transfer);
  ASSERT_TRUE(dossier.ok()) << dossier.status();
  const std::string text = DossierText(*dossier);
  for (const char* words :
       {"requester-1 asks, by deputy-director-1, under 26-usc-6103-i-2", "for: a proceeding",
        "taxable years: 2023 2024-2025", "10 people asked for, 8 accepted",
        "2 refused: ADDRESS_PLACEHOLDER", "1 of them were asked for at another address before",
        "3 in this transfer, 190 in all: officer-2", "BRAKE: PLACEHOLDER_SHARE",
        "BRAKE: SECOND_ADDRESS"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_LT(text.find("officer-2"), text.find("officer-1"));
  EXPECT_THAT(text, HasSubstr("digest, computed here: " + transfer.dossier_digest()));
  EXPECT_THAT(
      DossierJson(*dossier).text(),
      HasSubstr(R"("verdicts": {"ACCEPTED": 8, "ADDRESS_PLACEHOLDER": 2}, )"
                R"("second_addresses": 1, "brakes": ["PLACEHOLDER_SHARE", "SECOND_ADDRESS"])"));
}

TEST(ViewTest, NothingIsSignedThatIsNotWhatIsShown) {
  const v1::Transfer good = TransferWithDossier();
  const std::function<void(v1::Dossier&)> changes[] = {
      [](auto& d) { d.mutable_agreement_digest()->back() ^= 1; },
      [](auto& d) { d.mutable_transfer()->back() ^= 1; },
      [](auto& d) { d.set_requester("requester-2"); },
      [](auto& d) { d.mutable_terms()->set_purpose("another"); },
      [](auto& d) { d.mutable_officers(1)->set_open_cases(19); },
      [](auto& d) { d.mutable_officers()->RemoveLast(); },
      [](auto& d) { d.mutable_verdicts(1)->set_rows(1); },
      [](auto& d) { d.set_second_addresses(0); },
      [](auto& d) { d.mutable_brakes()->RemoveLast(); },
      [](auto& d) { d.mutable_subjects_digest()->back() ^= 1; },
      [](auto& d) { d.clear_subjects_digest(); },
  };
  for (const auto& change : changes) {
    v1::Transfer transfer = good;
    change(*transfer.mutable_dossier());
    EXPECT_FALSE(OpenDossier(transfer).ok());
  }
  v1::Transfer transfer = good;
  transfer.clear_dossier();
  EXPECT_FALSE(OpenDossier(transfer).ok());
}

TEST(ViewTest, HoldIsAsSpecified) {
  EXPECT_EQ(HoldJson(Hold()).text(),
            R"({"schema": "holdfast.cli.v1.HoldView", "id": "hold-1", "state": "LIFT_CONFIRMED", )"
            R"("matter": "1:26-cv-00001", "court": "D. Example", "order_reference": "ECF No. 12", )"
            R"("document_sha256": "cd", "freezes": true, "preserves": true, )"
            R"("scope": "transfers/1, rows 0-9", "placed_index": 7, "placed_by": "counsel-1", )"
            R"("proposal_index": 9, "placed_at": "2026-01-01T00:00:00.000Z", )"
            R"("lift_at": "2026-01-04T00:00:00.000Z", "last_placed_index": 0, )"
            R"("basis": "BASIS_UNSPECIFIED", "document_overdue": false, "notices": 0, )"
            R"("notices_waiting": 0, "notices_overdue": 0})");
}

TEST(ViewTest, DisposalIsAsSpecified) {
  const auto disposal = Parse<v1::Disposal>(R"pb(
    revocation_index: 5
    state: DESTROYED
    count: 47
    list_digest: "ef"
    due_at { seconds: 1767225600 }
    destroyed_index: 8
    approvals: 1
    revoked_by: "custodian-1"
  )pb");
  EXPECT_EQ(
      DisposalJson(disposal).text(),
      R"({"schema": "holdfast.cli.v1.Disposal", "revocation_index": 5, "state": "DESTROYED", )"
      R"("count": 47, "list_digest": "ef", "revoked_by": "custodian-1", "approvals": 1, )"
      R"("destroyed_index": 8, "matter": "", "due_at": "2026-01-01T00:00:00.000Z"})");
}

TEST(ViewTest, SaysToPeopleUntilWhenALiftedHoldStaysInForce) {
  std::ostringstream out;
  Output output(out, out, Terminal::kNo);
  output.Configure(OutputForm::kPeople, Verbosity::kNormal, TimeForm::kUtc);
  EXPECT_THAT(HoldText(output, Hold()), HasSubstr("in force until 2026-01-04T00:00:00.000Z"));
  EXPECT_THAT(TransferText(output, Transfer()), HasSubstr("held in matter 1:26-cv-00001"));
  // A requester is not told what a hold covers.
  v1::Hold blind = Hold();
  blind.clear_scope();
  EXPECT_THAT(HoldText(output, blind), Not(HasSubstr("rows")));
}

TEST(ScopeOptionsTest, RefusesWhatIsContradictoryOrEmpty) {
  EXPECT_THAT(ScopeOptions().ToScope(), HasReason(Reason::kRequestMalformed));
  ScopeOptions both;
  both.everything = true;
  both.officer = "officer-1";
  EXPECT_THAT(both.ToScope(), HasReason(Reason::kRequestMalformed));
  ScopeOptions rows;
  rows.rows = {"0-9"};
  EXPECT_THAT(rows.ToScope(), HasReason(Reason::kRequestMalformed));
  rows.transfer = "transfers/1";
  EXPECT_THAT(rows.ToScope(), IsOk());
  for (const std::string text : {"", "-", "9-0", "1-", "-1", "x", "1-2-3", "4294967296", "1 "}) {
    EXPECT_THAT(ParseRowRange(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(ScopeOptionsTest, ADateRangeIsWholeAndSaysWhichDate) {
  ScopeOptions options;
  options.date = "released";
  options.from = "2026-03-01T00:00:00-05:00";
  EXPECT_THAT(options.ToScope(), HasReason(Reason::kRequestMalformed));
  options.until = "2026-04-01T00:00:00Z";
  const auto scope = options.ToScope();
  ASSERT_THAT(scope, IsOk());
  EXPECT_EQ(scope->dates().of(), v1::RELEASED);
  EXPECT_EQ(scope->dates().from().seconds(), 1'772'341'200);
  EXPECT_EQ(DescribeScope(*scope),
            "released from 2026-03-01T05:00:00.000Z until 2026-04-01T00:00:00.000Z");
  options.date = "born";
  EXPECT_THAT(options.ToScope(), HasReason(Reason::kRequestMalformed));
  options.date = "deposited";
  options.until = "2026-04-01T00:00:00.001Z";
  EXPECT_THAT(options.ToScope(), HasReason(Reason::kRequestMalformed));
  options.until = "2026-04-01";
  EXPECT_THAT(options.ToScope(), HasReason(Reason::kRequestMalformed));
}

TEST(ScopeOptionsTest, VerdictsAreNamedOneByOne) {
  ScopeOptions options;
  options.verdicts = {"ADDRESS_MISMATCHED", "ADDRESS_NOT_COMPARABLE"};
  const auto scope = options.ToScope();
  ASSERT_THAT(scope, IsOk());
  EXPECT_EQ(DescribeScope(*scope), "verdict ADDRESS_MISMATCHED, verdict ADDRESS_NOT_COMPARABLE");
}

}  // namespace
}  // namespace holdfast::cli
