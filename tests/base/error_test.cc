// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/status_macros.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ErrorTest, EveryReasonHasAWireNameOfItsOwn) {
  std::set<std::string> names;
  for (const Reason reason : AllReasons()) {
    const std::string name(ReasonName(reason));
    EXPECT_TRUE(names.insert(name).second) << name;
    for (const char c : name) EXPECT_TRUE(c == '_' || (c >= 'A' && c <= 'Z')) << name;
  }
}

TEST(ErrorTest, EveryReasonIsFoundByItsName) {
  for (const Reason reason : AllReasons()) EXPECT_EQ(ReasonFromName(ReasonName(reason)), reason);
  EXPECT_EQ(ReasonFromName(""), std::nullopt);
  EXPECT_EQ(ReasonFromName("held"), std::nullopt);
  EXPECT_EQ(ReasonFromName("SOMETHING_NEWER"), std::nullopt);
}

TEST(ErrorTest, AnErrorKeepsItsReasonCodeAndMessage) {
  for (const Reason reason : AllReasons()) {
    const absl::Status status = MakeError(reason, "it did not work");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.code(), ReasonCode(reason));
    EXPECT_EQ(status.message(), "it did not work");
    EXPECT_EQ(ReasonOf(status), reason);
  }
}

TEST(ErrorTest, SuccessHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), std::nullopt);
  EXPECT_THAT(MetadataOf(absl::OkStatus()), IsEmpty());
}

TEST(ErrorTest, AForeignErrorIsInternal) {
  EXPECT_EQ(ReasonOf(absl::NotFoundError("from a library")), Reason::kInternal);
}

TEST(ErrorTest, AForeignPayloadIsInternal) {
  absl::Status status = absl::NotFoundError("");
  status.SetPayload("holdfast.dev/reason", absl::Cord("NO_SUCH_REASON"));
  EXPECT_EQ(ReasonOf(status), Reason::kInternal);
}

TEST(ErrorTest, MetadataIsKeptBesideTheReason) {
  absl::Status status = MakeError(Reason::kHeld, "a hold covers the record");
  status = AddMetadata(std::move(status), "hold", "h1");
  status = AddMetadata(std::move(status), "record", "7");
  EXPECT_THAT(status, HasReason(Reason::kHeld));
  EXPECT_THAT(MetadataOf(status), ElementsAre(Pair("hold", "h1"), Pair("record", "7")));
  EXPECT_THAT(status, HasMetadata("hold", Eq("h1")));
}

TEST(ErrorTest, MetadataSetTwiceHasTheLaterValue) {
  absl::Status status = MakeError(Reason::kHeld, "");
  status = AddMetadata(std::move(status), "hold", "h1");
  status = AddMetadata(std::move(status), "hold", "h2");
  EXPECT_THAT(MetadataOf(status), ElementsAre(Pair("hold", "h2")));
}

TEST(ErrorTest, MetadataValuesMayHoldAnyBytes) {
  const std::string value("\0\xff/", 3);
  const absl::Status status = AddMetadata(MakeError(Reason::kHeld, ""), "k", value);
  EXPECT_EQ(MetadataOf(status).at("k"), value);
}

TEST(ErrorDeathTest, MetadataKeysAreWireFormat) {
  for (const std::string& key :
       std::vector<std::string>{"", "Upper", "1st", "a b", "_a", std::string(64, 'a')}) {
    EXPECT_DEATH((void)AddMetadata(MakeError(Reason::kHeld, ""), key, ""), "IsMetadataKey");
  }
  EXPECT_DEATH((void)AddMetadata(absl::OkStatus(), "key", ""), "ok");
}

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return MakeError(Reason::kRequestMalformed, "odd");
  return number / 2;
}

absl::StatusOr<int> Quarter(int number) {
  HF_ASSIGN_OR_RETURN(const int half, Half(number));
  HF_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

absl::Status RequireQuarter(int number) {
  HF_RETURN_IF_ERROR(Quarter(number).status());
  return absl::OkStatus();
}

TEST(StatusMacrosTest, HandErrorsOnAndUnwrapValues) {
  EXPECT_THAT(Quarter(12), IsOkAndHolds(3));
  EXPECT_THAT(Quarter(6), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Quarter(5), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(RequireQuarter(4), IsOk());
  EXPECT_THAT(RequireQuarter(2), HasReason(Reason::kRequestMalformed));
}

absl::StatusOr<std::unique_ptr<int>> Own(int number) { return std::make_unique<int>(number); }

absl::StatusOr<int> TakeOver() {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<int> owned, Own(9));
  return *owned;
}

TEST(StatusMacrosTest, MoveWhatCannotBeCopied) { EXPECT_THAT(TakeOver(), IsOkAndHolds(9)); }

}  // namespace
}  // namespace holdfast
