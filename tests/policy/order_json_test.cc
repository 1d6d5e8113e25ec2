// SPDX-License-Identifier: Apache-2.0
// Orders as JSON and as words: policy/order_json.h. What is signed is what is decided.

#include "policy/order_json.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;

MATCHER_P(SaysWhat, order, "says the same") { return MessageDifferencer::Equals(arg, order); }

order::v1::Order PlaceHoldOrder() {
  order::v1::Order order;
  order.set_exchange_id(std::string(64, 'a'));
  order.set_agreement_version(3);
  order.set_id(std::string(32, '7'));
  order.set_person("counsel-1");
  order.mutable_issued_at()->set_seconds(1'800'000'000);
  order.mutable_void_after()->set_seconds(1'800'086'400);
  order.mutable_void_after()->set_nanos(250'000'000);
  order.mutable_head()->set_size(1'300'001);
  order.mutable_head()->set_root(std::string(64, 'b'));
  order.set_prev(std::string(64, 'c'));
  order::v1::PlaceHold& hold = *order.mutable_place_hold();
  hold.set_hold_id("hold-1");
  hold.set_matter("1:26-cv-00001");
  hold.set_court("D.D.C. <\xc3\xa9>");
  hold.set_order_reference("ECF 12");
  hold.set_document_sha256(std::string(64, 'd'));
  hold.set_kind(order::v1::FREEZE_AND_PRESERVE);
  hold.mutable_scope()->set_transfer("transfers/" + std::string(32, '1'));
  auto& range = *hold.mutable_scope()->add_rows();
  range.set_first(1);
  range.set_last(4'000'000'000);
  hold.mutable_scope()->add_people(std::string(32, 'e'));
  hold.mutable_scope()->add_people(std::string(32, 'f'));
  hold.mutable_review_at()->set_seconds(1'810'000'000);
  return order;
}

// One order of each kind, with every field set.
std::vector<order::v1::Order> EveryKind() {
  std::vector<order::v1::Order> orders;
  const auto add = [&orders]() -> order::v1::Order& {
    orders.push_back(PlaceHoldOrder());
    orders.back().clear_act();
    return orders.back();
  };
  orders.push_back(PlaceHoldOrder());
  auto& approve = *add().mutable_approve_transfer();
  approve.set_transfer("transfers/1");
  approve.set_dossier_digest("e1");
  auto& deny = *add().mutable_deny_transfer();
  deny.set_transfer("transfers/2");
  deny.set_reason("no authority");
  auto& propose = *add().mutable_propose_lift();
  propose.set_hold_id("hold-2");
  propose.set_placed_index(77);
  propose.set_reason("order vacated");
  auto& confirm = *add().mutable_confirm_lift();
  confirm.set_hold_id("hold-3");
  confirm.set_placed_index(78);
  confirm.set_proposal_index(79);
  auto& cancel = *add().mutable_cancel_lift();
  cancel.set_hold_id("hold-4");
  cancel.set_proposal_index(80);
  auto& amend = *add().mutable_amend_hold();
  *amend.mutable_hold() = PlaceHoldOrder().place_hold();
  amend.set_placed_index(84);
  amend.set_reason("the court has ordered more");
  auto& narrow = *add().mutable_confirm_amendment();
  narrow.set_hold_id("hold-5");
  narrow.set_placed_index(85);
  narrow.set_proposal_index(86);
  auto& attach = *add().mutable_attach_document();
  attach.set_hold_id("hold-6");
  attach.set_court("D.D.C.");
  attach.set_order_reference("ECF 13");
  attach.set_document_sha256("e6");
  auto& acknowledge = *add().mutable_acknowledge_notice();
  acknowledge.set_hold_id("hold-7");
  acknowledge.set_placed_index(87);
  acknowledge.set_requester("requester-1");
  auto& restore = *add().mutable_restore_hold();
  restore.set_hold_id("hold-8");
  restore.set_placed_index(88);
  restore.set_reason("the appeal");
  auto& revoke = *add().mutable_revoke_records();
  revoke.mutable_scope()->set_everything(true);
  revoke.set_count(47'289);
  revoke.set_list_digest("e2");
  revoke.set_reason("address not compared");
  auto& destroy = *add().mutable_approve_destruction();
  destroy.set_revocation_index(81);
  destroy.set_count(47'289);
  destroy.set_list_digest("e3");
  auto& keep = *add().mutable_cancel_destruction();
  keep.set_revocation_index(82);
  keep.set_reason("evidence");
  auto& authorise = *add().mutable_authorise_destruction();
  authorise.set_revocation_index(89);
  authorise.set_count(47'290);
  authorise.set_list_digest("e7");
  authorise.set_matter("1:26-cv-00002");
  authorise.set_court("E.D. Va.");
  authorise.set_order_reference("ECF 14");
  authorise.set_document_sha256("e8");
  auto& over = *authorise.add_holds();
  over.set_hold_id("hold-9");
  over.set_placed_index(90);
  authorise.set_first_index(91);
  auto& strike = *add().mutable_strike_off();
  strike.set_member("counsel-9");
  strike.set_public_key("AAAA");
  strike.set_reason("the card was lost");
  auto& account = *add().mutable_account_person();
  account.add_people("00000000000000000000000000000001");
  account.add_people("00000000000000000000000000000002");
  account.set_reason("the person asked");
  auto& destroy_key = *add().mutable_destroy_pseudonym_key();
  destroy_key.set_reason("the exchange is over");
  destroy_key.set_first_index(92);
  add().mutable_trust_clock()->set_reason("synchronised by hand");
  auto& suspend = *add().mutable_suspend_transfer();
  suspend.set_transfer("transfers/3");
  suspend.set_reason("the privacy office asked to wait");
  auto& resume = *add().mutable_resume_transfer();
  resume.set_transfer("transfers/3");
  resume.set_suspension_index(83);
  resume.set_reason("it has answered");
  auto& cap = *add().mutable_cap_transfer();
  cap.set_transfer("transfers/4");
  cap.set_records(100);
  cap.set_reason("a pilot");
  auto& end = *add().mutable_end_transfer();
  end.set_transfer("transfers/5");
  end.mutable_end_at()->set_seconds(1'801'000'000);
  end.set_reason("the suit was settled");
  auto& go_on = *add().mutable_let_transfer_go_on();
  go_on.set_transfer("transfers/6");
  go_on.add_brakes(order::v1::OFFICER_SHARE);
  go_on.add_brakes(order::v1::SECOND_ADDRESS);
  go_on.set_dossier_digest("e4");
  go_on.set_reason("a small list");
  auto& release = *add().mutable_release_case();
  release.set_transfer("transfers/7");
  release.set_row(12);
  release.set_candidate(1);
  release.set_case_digest("e5");
  release.set_reason("the flat is the same");
  auto& refuse = *add().mutable_refuse_cases();
  refuse.set_transfer("transfers/7");
  auto& rows = *refuse.add_rows();
  rows.set_first(7);
  rows.set_last(12);
  refuse.set_count(6);
  refuse.set_reason("nobody knows");
  return orders;
}

std::string GoodText() { return *RenderOrder(PlaceHoldOrder()); }

// Returns the good text with the first `from` replaced.
std::string With(std::string_view from, std::string_view to) {
  std::string text = GoodText();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

absl::StatusOr<order::v1::Order> Parse(std::string_view text) { return ParseOrder(AsBytes(text)); }

TEST(OrderJsonTest, ReadsWhatItRenders) {
  for (const order::v1::Order& order : EveryKind()) {
    const auto text = RenderOrder(order);
    ASSERT_THAT(text, IsOk());
    EXPECT_THAT(Parse(*text), IsOkAndHolds(SaysWhat(order))) << *text;
  }
}

TEST(OrderJsonTest, KnowsEveryKindOfOrder) {
  EXPECT_EQ(EveryKind().size(),
            static_cast<std::size_t>(order::v1::Order::descriptor()->oneof_decl(0)->field_count()));
}

TEST(OrderJsonTest, RendersTextThatALawyerCanRead) {
  EXPECT_EQ(GoodText(),
            "{\n"
            "  \"exchangeId\": \"" +
                std::string(64, 'a') +
                "\",\n"
                "  \"agreementVersion\": 3,\n"
                "  \"id\": \"" +
                std::string(32, '7') +
                "\",\n"
                "  \"person\": \"counsel-1\",\n"
                "  \"issuedAt\": \"2027-01-15T08:00:00Z\",\n"
                "  \"voidAfter\": \"2027-01-16T08:00:00.250Z\",\n"
                "  \"head\": {\n"
                "    \"size\": \"1300001\",\n"
                "    \"root\": \"" +
                std::string(64, 'b') +
                "\"\n"
                "  },\n"
                "  \"prev\": \"" +
                std::string(64, 'c') +
                "\",\n"
                "  \"placeHold\": {\n"
                "    \"holdId\": \"hold-1\",\n"
                "    \"matter\": \"1:26-cv-00001\",\n"
                "    \"court\": \"D.D.C. <\xc3\xa9>\",\n"
                "    \"orderReference\": \"ECF 12\",\n"
                "    \"documentSha256\": \"" +
                std::string(64, 'd') +
                "\",\n"
                "    \"kind\": \"FREEZE_AND_PRESERVE\",\n"
                "    \"scope\": {\n"
                "      \"transfer\": \"transfers/" +
                std::string(32, '1') +
                "\",\n"
                "      \"rows\": [\n"
                "        {\n"
                "          \"first\": 1,\n"
                "          \"last\": 4000000000\n"
                "        }\n"
                "      ],\n"
                "      \"people\": [\n"
                "        \"" +
                std::string(32, 'e') +
                "\",\n"
                "        \"" +
                std::string(32, 'f') +
                "\"\n"
                "      ]\n"
                "    },\n"
                "    \"reviewAt\": \"2027-05-11T01:46:40Z\"\n"
                "  }\n"
                "}\n");
}

TEST(OrderJsonTest, LeavesWhiteSpaceAndOrderOfMembersToTheWriter) {
  EXPECT_THAT(Parse("{\"person\":\"p\",\"id\":\"i\",\"approveTransfer\":{}}"), IsOk());
  EXPECT_THAT(Parse(" { \"approveTransfer\" : { } ,\r\n\t\"id\" : \"i\" , \"person\" : \"p\" } "),
              IsOk());
  EXPECT_THAT(Parse("{}"), IsOk());
}

TEST(OrderJsonTest, RefusesMembersTwiceHoweverTheyAreSpelt) {
  for (const std::string& text : {
           With("\"matter\": \"1:26-cv-00001\",", "\"matter\": \"a\", \"matter\": \"b\","),
           With("\"matter\": \"1:26-cv-00001\",", "\"matter\": \"a\", \"m\\u0061tter\": \"b\","),
           With("\"holdId\": \"hold-1\",", "\"holdId\": \"a\", \"hold_id\": \"b\","),
           With("\"holdId\"", "\"hold_id\""),
           With("\"exchangeId\"", "\"exchange_id\""),
       }) {
    EXPECT_THAT(Parse(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(OrderJsonTest, RefusesTwoActs) {
  EXPECT_THAT(Parse("{\"approveTransfer\":{},\"denyTransfer\":{}}"),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Parse("{\"denyTransfer\":{\"reason\":\"x\"},\"approveTransfer\":{}}"),
              HasReason(Reason::kRequestMalformed));
}

TEST(OrderJsonTest, RefusesUnknownMembers) {
  for (const std::string& text : {
           With("\"agreementVersion\"", "\"extra\": 1, \"agreementVersion\""),
           With("\"matter\"", "\"Matter\""),
           With("\"matter\"", "\"note\": \"\", \"matter\""),
           With("\"first\"", "\"from\""),
           With("\"placeHold\"", "\"placeHolds\""),
           std::string("{\"@type\": \"x\"}"),
       }) {
    EXPECT_THAT(Parse(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

// Protobuf's reader takes all of these. Whoever signed them may have meant something else, and two
// texts would be one order.
TEST(OrderJsonTest, RefusesASecondSpellingOfAValue) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"agreementVersion\": 3", "\"agreementVersion\": \"3\""},
           {"\"agreementVersion\": 3", "\"agreementVersion\": 3.0"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": 3e0"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": 4294967299"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": -1"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": null"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": 0"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": true"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": [3]"},
           {"\"agreementVersion\": 3", "\"agreementVersion\": {}"},
           {"\"size\": \"1300001\"", "\"size\": 1300001"},
           {"\"size\": \"1300001\"", "\"size\": \"01300001\""},
           {"\"size\": \"1300001\"", "\"size\": \"1300001.0\""},
           {"\"size\": \"1300001\"", "\"size\": \" 1300001\""},
           {"\"size\": \"1300001\"", "\"size\": \"0\""},
           {"\"size\": \"1300001\"", "\"size\": \"18446744073709551616\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": 3"},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": \"3\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": \"freeze_and_preserve\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": \"FREEZE-AND-PRESERVE\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": \"HOLD_KIND_UNSPECIFIED\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": \"THAW\""},
           {"\"kind\": \"FREEZE_AND_PRESERVE\"", "\"kind\": 4"},
           {"2027-01-15T08:00:00Z", "2027-01-15T03:00:00-05:00"},
           {"2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000Z"},
           {"2027-01-15T08:00:00Z", "2027-01-15 08:00:00Z"},
           {"2027-01-15T08:00:00Z", "2027-01-15T08:00:00z"},
           {"2027-01-15T08:00:00Z", "2027-01-15T08:00:00"},
           {"2027-01-15T08:00:00Z", "2027-02-30T08:00:00Z"},
           {"2027-01-15T08:00:00Z", ""},
           {"\"issuedAt\": \"2027-01-15T08:00:00Z\"", "\"issuedAt\": 1800000000"},
           {"\"issuedAt\": \"2027-01-15T08:00:00Z\"", "\"issuedAt\": {\"seconds\": 1800000000}"},
           {"\"scope\": {", "\"scope\": {\"everything\": false,"},
           {"\"scope\": {", "\"scope\": {\"officer\": \"\","},
           {"\"scope\": {", "\"scope\": {\"everything\": \"true\","},
           {"\"scope\": {", "\"scope\": {\"everything\": 1,"},
           {"\"person\": \"counsel-1\"", "\"person\": 1"},
           {"\"person\": \"counsel-1\"", "\"person\": true"},
           {"\"person\": \"counsel-1\"", "\"person\": [\"counsel-1\"]"},
           {"\"person\": \"counsel-1\"", "\"person\": \"\""},
           {"counsel-1", "counsel-1\\u202e"},
           {"counsel-1", "counsel-1\\u0000"},
           {"counsel-1", "counsel-1\\n"},
           {"counsel-1", "counsel-1\xff"},
           {"\"last\": 4000000000", "\"last\": 4294967296"},
       }) {
    EXPECT_THAT(Parse(With(from, to)), HasReason(Reason::kRequestMalformed)) << to;
  }
}

TEST(OrderJsonTest, RefusesWhatIsNoObject) {
  for (const char* text :
       {"", " ", "[]", "\"\"", "1", "true", "null", "[{}]", "{}{}", "{},", "{", "\xef\xbb\xbf{}",
        "// x\n{}", "{\"person\": \"p\",}", "{'person': 'p'}", "{person: \"p\"}"}) {
    EXPECT_THAT(Parse(text), HasReason(Reason::kRequestMalformed)) << text;
  }
  EXPECT_THAT(Parse(std::string_view("{}\0", 3)), HasReason(Reason::kRequestMalformed));
}

TEST(OrderJsonTest, TakesTheLargestOrderAndNoByteMore) {
  order::v1::Order order;
  order.mutable_deny_transfer()->set_reason("");
  order.mutable_deny_transfer()->set_transfer("t");
  const std::size_t rest = RenderOrder(order)->size();
  const std::string member = ",\n    \"reason\": \"\"";
  order.mutable_deny_transfer()->set_reason(
      std::string(kMaxOrderBytes - rest - member.size(), 'x'));
  const auto text = RenderOrder(order);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(text->size(), kMaxOrderBytes);
  EXPECT_THAT(Parse(*text), IsOk());
  EXPECT_THAT(Parse(*text + " "), HasReason(Reason::kRequestTooLarge));
  order.mutable_deny_transfer()->mutable_reason()->push_back('x');
  EXPECT_THAT(RenderOrder(order), HasReason(Reason::kRequestTooLarge));
}

TEST(OrderJsonTest, WithstandsDeepAndWideText) {
  std::string deep = "{\"placeHold\":";
  for (int i = 0; i < 5'000; ++i) deep += "{\"scope\":";
  EXPECT_THAT(Parse(deep), HasReason(Reason::kRequestMalformed));
  std::string wide = "{\"placeHold\":{\"scope\":{\"rows\":[{}";
  for (int i = 0; i < 15'000; ++i) wide += ",{}";
  EXPECT_THAT(Parse(wide + "]}}}"), HasReason(Reason::kRequestMalformed));
}

TEST(OrderJsonTest, DoesNotRenderWhatItWouldNotRead) {
  order::v1::Order order = PlaceHoldOrder();
  order.mutable_place_hold()->set_matter("two\nlines");
  EXPECT_THAT(RenderOrder(order), HasReason(Reason::kRequestMalformed));
  order = PlaceHoldOrder();
  order.mutable_issued_at()->set_seconds(kMaxTime.value());
  EXPECT_THAT(RenderOrder(order), HasReason(Reason::kRequestMalformed));
  order = PlaceHoldOrder();
  order.mutable_place_hold()->set_kind(static_cast<order::v1::HoldKind>(17));
  EXPECT_THAT(RenderOrder(order), HasReason(Reason::kRequestMalformed));
}

TEST(OrderJsonTest, SaysSomethingElseOrNothingAfterAnyDamage) {
  order::v1::Order good;
  good.mutable_head()->set_size(1'300'001);
  order::v1::PlaceHold& hold = *good.mutable_place_hold();
  hold.set_matter("m \"1\"");
  hold.set_kind(order::v1::PRESERVE);
  auto& range = *hold.mutable_scope()->add_rows();
  range.set_first(1);
  range.set_last(20);
  hold.mutable_review_at()->set_seconds(1'810'000'000);
  const auto rendered = RenderOrder(good);
  ASSERT_THAT(rendered, IsOk());
  const std::string& text = *rendered;
  for (const test::Mutation& m : test::BitFlips(AsBytes(text))) {
    const auto read = ParseOrder(m.bytes);
    if (read.ok()) {
      EXPECT_THAT(*read, Not(SaysWhat(good))) << m.description;
    }
  }
  for (const test::Mutation& m : test::Truncations(AsBytes(text))) {
    // Without the last line feed it is the same JSON.
    if (m.bytes.size() + 1 == text.size()) continue;
    EXPECT_THAT(ParseOrder(m.bytes), HasReason(Reason::kRequestMalformed)) << m.description;
  }
}

TEST(SignedOrderTest, IsRefusedAfterAnyFlippedBitAndAnyTruncation) {
  crypto::SystemRandom random;
  const auto key = crypto::SigningKey::Generate(random);
  ASSERT_THAT(key, IsOk());
  order::v1::Order order;
  order.set_person("p");
  order.mutable_cancel_lift()->set_hold_id("h");
  const auto payload = RenderOrder(order);
  ASSERT_THAT(payload, IsOk());
  const auto envelope = crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(*payload), *key);
  ASSERT_THAT(envelope, IsOk());
  const std::string text = crypto::RenderDsse(*envelope);
  const auto lookup = crypto::LookupIn(std::vector{key->public_key()});
  const auto open = [&lookup](ByteSpan bytes) -> absl::StatusOr<order::v1::Order> {
    const auto opened = crypto::OpenDsse(AsText(bytes), crypto::kOrderPayloadType, lookup);
    if (!opened.ok()) return opened.status();
    return ParseOrder(opened->payload);
  };
  EXPECT_THAT(open(AsBytes(text)), IsOkAndHolds(SaysWhat(order)));
  for (const test::Mutation& m : test::BitFlips(AsBytes(text))) {
    EXPECT_FALSE(open(m.bytes).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Truncations(AsBytes(text))) {
    if (m.bytes.size() + 1 == text.size()) continue;
    EXPECT_FALSE(open(m.bytes).ok()) << m.description;
  }
}

TEST(DescribeOrderTest, SaysWhatAHoldDoes) {
  EXPECT_EQ(
      DescribeOrder(PlaceHoldOrder()),
      "PLACE A HOLD, at once.\n"
      "Hold hold-1 in matter 1:26-cv-00001, court: D.D.C. <\xc3\xa9>.\n"
      "By the court's order ECF 12; its document has SHA-256 " +
          std::string(64, 'd') +
          ".\n"
          "From then on no record that it covers is deposited, collected or released, and no key "
          "that it covers is destroyed.\n"
          "It covers, now and later, the records for which all of this is true:\n"
          "- of transfers/" +
          std::string(32, '1') +
          ";\n"
          "- in rows 1 to 4000000000;\n"
          "- of a person with the pseudonym " +
          std::string(32, 'e') + " or " + std::string(32, 'f') +
          ";\n"
          "and no others.\n"
          "Somebody must look at it again by 2027-05-11 01:46:40 UTC. That date lifts nothing.\n"
          "Order " +
          std::string(32, '7') +
          " by counsel-1.\n"
          "For exchange " +
          std::string(64, 'a') +
          ", under version 3 of its agreement.\n"
          "Signed at 2027-01-15 08:00:00 UTC; void from 2027-01-16 08:00:00.250 UTC on.\n"
          "The ledger that the signer had verified: 1300001 entries, root " +
          std::string(64, 'b') +
          ".\n"
          "The last accepted order of this person has SHA-256 " +
          std::string(64, 'c') + ".\n");
}

TEST(DescribeOrderTest, SaysWhatAHoldRestsOn) {
  order::v1::Order order = PlaceHoldOrder();
  order::v1::PlaceHold& hold = *order.mutable_place_hold();
  hold.clear_document_sha256();
  hold.set_basis(order::v1::ORAL_ORDER);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("By an oral order of the court, reference: ECF 12; "
                                              "its document is still to be named."));
  hold.set_basis(order::v1::ANTICIPATED_LITIGATION);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("In anticipation of litigation"));
  hold.set_basis(order::v1::WRITTEN_ORDER);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("its document has SHA-256 (not given)."));
  hold.set_basis(static_cast<order::v1::HoldBasis>(9));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("not known to this program"));
}

TEST(DescribeOrderTest, NamesEachHoldThatIsOverridden) {
  order::v1::Order order;
  order::v1::AuthoriseDestruction& act = *order.mutable_authorise_destruction();
  EXPECT_THAT(DescribeOrder(order), HasSubstr("none, and it will be refused"));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("the first of two"));
  order::v1::OverriddenHold& hold = *act.add_holds();
  hold.set_hold_id("hold-9");
  hold.set_placed_index(17);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("- hold hold-9, last placed by ledger entry 17;"));
}

TEST(DescribeOrderTest, ShowsEveryValueOfEveryKind) {
  for (const order::v1::Order& order : EveryKind()) {
    const std::string words = DescribeOrder(order);
    const auto* act = order.GetReflection()->GetOneofFieldDescriptor(
        order, order::v1::Order::descriptor()->oneof_decl(0));
    const auto& message = order.GetReflection()->GetMessage(order, act);
    for (int i = 0; i < act->message_type()->field_count(); ++i) {
      const auto* field = act->message_type()->field(i);
      if (field->is_repeated()) {
        for (int k = 0; k < message.GetReflection()->FieldSize(message, field); ++k) {
          if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) break;
          EXPECT_THAT(words,
                      HasSubstr(message.GetReflection()->GetRepeatedString(message, field, k)));
        }
      } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
        EXPECT_THAT(words, HasSubstr(message.GetReflection()->GetString(message, field)));
      } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
        EXPECT_THAT(words,
                    HasSubstr(std::to_string(message.GetReflection()->GetUInt64(message, field))));
      }
    }
    EXPECT_THAT(words, HasSubstr("by counsel-1.")) << words;
  }
}

TEST(DescribeOrderTest, DoesNotHideWhatIsMissing) {
  order::v1::Order order;
  EXPECT_THAT(DescribeOrder(order), HasSubstr("orders nothing, and will be refused"));
  order.mutable_place_hold()->mutable_scope();
  EXPECT_THAT(DescribeOrder(order), HasSubstr("covers nothing, and will be refused"));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("in matter (not given)"));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("Signed at (not given)"));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("No order of this person was accepted before."));
}

TEST(DescribeOrderTest, SaysWhatEachKindOfHoldLeavesAlone) {
  order::v1::Order order = PlaceHoldOrder();
  order.mutable_place_hold()->set_kind(order::v1::FREEZE);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("It keeps nothing from being destroyed."));
  order.mutable_place_hold()->set_kind(order::v1::PRESERVE);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("It stops no release."));
  order.mutable_place_hold()->set_kind(order::v1::HOLD_KIND_UNSPECIFIED);
  EXPECT_THAT(DescribeOrder(order), HasSubstr("released, and no key"));
  order.mutable_place_hold()->set_kind(static_cast<order::v1::HoldKind>(9));
  EXPECT_THAT(DescribeOrder(order), HasSubstr("not known to this program"));
}

}  // namespace
}  // namespace holdfast::policy
