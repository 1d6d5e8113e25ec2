// SPDX-License-Identifier: Apache-2.0
// OpenOrder: policy/opened_order.h.
#include "policy/opened_order.h"

#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/dsse.h"
#include "crypto/sha256.h"
#include "policy/drill.h"
#include "policy/order_json.h"
#include "policy/proto_time.h"
#include "tests/policy/policy_world.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using policy::OpenOrder;

class OpenedOrderTest : public ::testing::Test {
 protected:
  absl::StatusOr<OpenedOrder> Open(const order::v1::Order& order, std::string_view key) {
    return OpenOrder(AsBytes(SignOrder(order, key)), world_.agreement());
  }
  order::v1::Order Hold(std::string_view person) {
    return world_.Order(person, world_.HoldAct("hold-1", Everything())).order;
  }

  World world_;
};

TEST_F(OpenedOrderTest, OpensWhatAPersonSigned) {
  const order::v1::Order order = Hold("carol");
  const std::string dsse = SignOrder(order, "carol");
  const auto opened = OpenOrder(AsBytes(dsse), world_.agreement());
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->order.SerializeAsString(), order.SerializeAsString());
  EXPECT_EQ(opened->person, world_.agreement().FindMember("carol")->number);
  EXPECT_EQ(opened->payload_digest, crypto::Sha256Of(AsBytes(*policy::RenderOrder(order))));
  EXPECT_EQ(opened->envelope_digest, crypto::Sha256Of(AsBytes(dsse)));
  EXPECT_EQ(opened->exchange_id, world_.agreement().digest());
  EXPECT_EQ(opened->issued_at.value(), World::kStart);
  EXPECT_EQ(Hex(BytesOf(opened->id)), order.id());
  EXPECT_EQ(opened->head_size, world_.state().ledger_size());
  EXPECT_FALSE(opened->prev.any);
  EXPECT_EQ(opened->key_valid_until, kMaxTime);
  // Nobody has looked at the tree yet: closed.
  EXPECT_EQ(opened->head_check, policy::HeadCheck::kNotAPrefix);
}

// The two are told apart by what was signed, and not by how they are delivered.
TEST_F(OpenedOrderTest, ADrillIsNoOrderAndAnOrderIsNoDrill) {
  const order::v1::Order order = Hold("carol");
  const std::string text = *policy::RenderOrder(order);
  // With the signature over the one payload type, and the name of another on it.
  const auto envelope = [&](std::string_view signed_as, std::string_view named) {
    auto dsse = crypto::SignDsse(signed_as, AsBytes(text), KeyOf("carol"));
    EXPECT_THAT(dsse, IsOk());
    dsse->payload_type = std::string(named);
    return crypto::RenderDsse(*dsse);
  };
  const std::string_view real = crypto::kOrderPayloadType;
  const std::string_view drill = policy::kDrillPayloadType;
  const auto as_order = [&](const std::string& dsse) {
    return OpenOrder(AsBytes(dsse), world_.agreement());
  };
  const auto as_drill = [&](const std::string& dsse) {
    return policy::OpenDrill(AsBytes(dsse), world_.agreement());
  };
  EXPECT_THAT(as_order(envelope(real, real)), IsOk());
  const auto opened = as_drill(envelope(drill, drill));
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->order.SerializeAsString(), order.SerializeAsString());
  EXPECT_THAT(as_order(envelope(drill, drill)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(as_drill(envelope(real, real)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(as_order(envelope(drill, real)), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(as_drill(envelope(real, drill)), HasReason(Reason::kSignatureInvalid));
}

TEST_F(OpenedOrderTest, OnlyTheNamedPersonsKeyWillDo) {
  EXPECT_THAT(Open(Hold("carol"), "dan"), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(Open(Hold("carol"), "root"), HasReason(Reason::kSignatureInvalid));
  order::v1::Order order = Hold("carol");
  order.set_person("nobody");
  EXPECT_THAT(Open(order, "carol"), HasReason(Reason::kSignatureInvalid));
  order.clear_person();
  EXPECT_FALSE(Open(order, "carol").ok());
}

TEST_F(OpenedOrderTest, TheKeyMustHaveBeenValidWhenItSigned) {
  AgreementOptions options;
  options.more = "members { id: \"rita\" role: ROLE_COUNSEL side: COURT keys { public_key: \"" +
                 KeyOf("rita").public_key().ToBase64() +
                 "\" valid_from { seconds: 1000 } valid_until { seconds: 2000 } } }\n";
  World world(options);
  order::v1::Order order = world.Order("rita", world.HoldAct("hold-1", Everything())).order;
  const auto at = [&](std::int64_t second) {
    order.mutable_issued_at()->set_seconds(second);
    return OpenOrder(AsBytes(SignOrder(order, "rita")), world.agreement());
  };
  EXPECT_THAT(at(999), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(at(1'000), IsOk());
  EXPECT_THAT(at(1'999), IsOk());
  EXPECT_EQ(at(1'999)->key_valid_until.value(), 2'000'000);
  EXPECT_THAT(at(2'000), HasReason(Reason::kSignatureInvalid));
}

TEST_F(OpenedOrderTest, EveryFieldIsRead) {
  const auto refuses = [&](auto change) {
    order::v1::Order order = Hold("carol");
    change(order);
    EXPECT_THAT(Open(order, "carol"), HasReason(Reason::kRequestMalformed))
        << order.ShortDebugString();
  };
  refuses([](auto& o) { o.clear_exchange_id(); });
  refuses([](auto& o) { o.set_exchange_id("ab"); });
  refuses([](auto& o) { o.clear_id(); });
  refuses([](auto& o) { o.set_id(std::string(31, '0')); });
  refuses([](auto& o) { o.clear_issued_at(); });
  refuses([](auto& o) { o.clear_void_after(); });
  refuses([](auto& o) { *o.mutable_void_after() = o.issued_at(); });
  refuses([](auto& o) { o.mutable_issued_at()->set_nanos(1); });
  refuses([](auto& o) { o.clear_head(); });
  refuses([](auto& o) { o.mutable_head()->set_root("00"); });
  refuses([](auto& o) { o.set_prev("00"); });
  refuses([](auto& o) { o.clear_act(); });
}

TEST_F(OpenedOrderTest, AnEnvelopeForSomethingElseIsRefused) {
  const auto payload = policy::RenderOrder(Hold("carol"));
  auto envelope =
      crypto::SignDsse(crypto::kAttestationPayloadType, AsBytes(*payload), KeyOf("carol"));
  EXPECT_THAT(OpenOrder(AsBytes(crypto::RenderDsse(*envelope)), world_.agreement()),
              HasReason(Reason::kRequestMalformed));
  envelope = crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(*payload), KeyOf("carol"));
  ASSERT_THAT(crypto::AddDsseSignature(*envelope, KeyOf("erin")), IsOk());
  EXPECT_THAT(OpenOrder(AsBytes(crypto::RenderDsse(*envelope)), world_.agreement()),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(OpenedOrderTest, TooLargeIsSaidBeforeAnythingIsRead) {
  const std::string large(crypto::kMaxDsseBytes + 1, ' ');
  EXPECT_THAT(OpenOrder(AsBytes(large), world_.agreement()), HasReason(Reason::kRequestTooLarge));
  const std::string payload(kMaxOrderBytes + 1, ' ');
  const auto envelope =
      crypto::SignDsse(crypto::kOrderPayloadType, AsBytes(payload), KeyOf("carol"));
  EXPECT_THAT(OpenOrder(AsBytes(crypto::RenderDsse(*envelope)), world_.agreement()),
              HasReason(Reason::kRequestTooLarge));
}

// damage_slow_test.cc tries every mutation.
TEST_F(OpenedOrderTest, MutationsAreRefusedOrSayTheSame) {
  const std::string dsse = SignOrder(Hold("carol"), "carol");
  const auto whole = crypto::ParseDsse(dsse);
  ASSERT_THAT(whole, IsOk());
  const std::vector<Mutation> mutations = BitFlipsAndTruncations(AsBytes(dsse));
  for (std::size_t i = 0; i < mutations.size(); i += 23) {
    const auto parsed = crypto::ParseDsse(AsText(mutations[i].bytes));
    // White space between members may change without changing what is said.
    if (parsed.ok() && *parsed == *whole) continue;
    EXPECT_FALSE(OpenOrder(mutations[i].bytes, world_.agreement()).ok())
        << mutations[i].description;
  }
}

}  // namespace
}  // namespace holdfast::test
