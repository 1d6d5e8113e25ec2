// SPDX-License-Identifier: Apache-2.0
// RequesterClient and SourceClient against a gateway whose streams break.
#include <atomic>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/clock.h"
#include "base/error.h"
#include "client/requester_client.h"
#include "client/source_client.h"
#include "tests/client/fake_gateway.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

const std::string kTransfer = "transfers/00112233445566778899aabbccddeeff";

class StreamsTest : public ::testing::Test {
 protected:
  // Submits `count` chunks of one subject. Returns the answers by chunk.
  absl::StatusOr<std::map<std::uint32_t, int>> Submit(std::uint32_t count, StreamOptions options) {
    std::uint32_t next = 0;
    std::map<std::uint32_t, int> answers;
    const absl::Status status =
        RequesterClient(gateway_.Dial())
            .Submit(
                [&]() -> std::optional<EncodedSubjects> {
                  if (next == count) return std::nullopt;
                  v1::SubmitSubjectsRequest request;
                  request.set_transfer(kTransfer);
                  request.set_chunk(next++);
                  request.add_subjects();
                  return EncodedSubjects(request);
                },
                [&](const EncodedSubjects& request, const v1::SubmitSubjectsResponse&) {
                  ++answers[request.chunk()];
                  return absl::OkStatus();
                },
                options);
    if (!status.ok()) return status;
    return answers;
  }

  FakeGateway gateway_;
  SystemClock clock_;
};

TEST_F(StreamsTest, AnswersEachChunkOnceHoweverOftenTheStreamBreaks) {
  gateway_.transfers.breaks.Plan(/*times=*/4, /*messages=*/7);
  const auto answers = Submit(50, {1, 8});
  ASSERT_THAT(answers, IsOk());
  EXPECT_THAT(*answers, SizeIs(50));
  EXPECT_THAT(*answers, Each(Pair(testing::_, 1)));
  EXPECT_EQ(gateway_.transfers.breaks.streams(), 5);
}

TEST_F(StreamsTest, TellsOfEachFailureThatIsTriedAgain) {
  gateway_.transfers.breaks.Plan(/*times=*/3, /*messages=*/1);
  std::atomic<int> told = 0;
  gateway_.options.on_retry = [&](const absl::Status& error) {
    EXPECT_THAT(error, HasReason(Reason::kUnavailable));
    ++told;
  };
  ASSERT_THAT(Submit(10, {1, 8}), IsOk());
  EXPECT_EQ(told, 3);
}

TEST(EncodedChunkTest, HasTheMessagesOwnBytes) {
  v1::DepositRecordsRequest findings;
  findings.set_transfer(kTransfer);
  findings.set_chunk(7);
  for (std::uint32_t row = 0; row < 3; ++row) findings.add_findings()->set_row(row);
  const EncodedFindings encoded(findings);
  EXPECT_EQ(encoded.chunk(), 7U);
  EXPECT_EQ(encoded.rows(), 3U);
  EXPECT_EQ(*encoded.bytes(), findings.SerializeAsString());
  const EncodedFindings copy = encoded;
  EXPECT_EQ(copy.bytes(), encoded.bytes());
  const EncodedSubjects empty((v1::SubmitSubjectsRequest()));
  EXPECT_EQ(empty.rows(), 0U);
  ASSERT_NE(empty.bytes(), nullptr);
  EXPECT_TRUE(empty.bytes()->empty());
}

TEST_F(StreamsTest, SharesChunksAmongStreams) {
  gateway_.transfers.breaks.Plan(2, 3);
  const auto answers = Submit(200, {4, 32});
  ASSERT_THAT(answers, IsOk());
  EXPECT_THAT(*answers, SizeIs(200));
  EXPECT_THAT(*answers, Each(Pair(testing::_, 1)));
}

TEST_F(StreamsTest, WorksWithAWindowOfOneAndWithNothingToSend) {
  const auto answers = Submit(5, {1, 1});
  ASSERT_THAT(answers, IsOk());
  EXPECT_THAT(*answers, SizeIs(5));
  EXPECT_THAT(Submit(0, {2, 4}), IsOk());
}

TEST_F(StreamsTest, StopsAtAnErrorOfTheCallersOwn) {
  const absl::Status status =
      RequesterClient(gateway_.Dial())
          .Submit([] { return MakeError(Reason::kRequestMalformed, "row 7"); },
                  [](const auto&, const auto&) { return absl::OkStatus(); }, {3, 4});
  EXPECT_THAT(status, HasReason(Reason::kRequestMalformed));
}

TEST_F(StreamsTest, StopsWhenAnAnswerIsNotTaken) {
  std::uint32_t next = 0;
  const absl::Status status =
      RequesterClient(gateway_.Dial())
          .Submit(
              [&]() -> std::optional<EncodedSubjects> {
                v1::SubmitSubjectsRequest request;
                request.set_chunk(next++);
                request.add_subjects();
                return EncodedSubjects(request);
              },
              [](const auto&, const auto&) { return MakeError(Reason::kStoreFull, "disk"); });
  EXPECT_THAT(status, HasReason(Reason::kStoreFull));
}

TEST_F(StreamsTest, GivesUpWhenPatienceEnds) {
  gateway_.options.retry_for = std::chrono::milliseconds(200);
  gateway_.transfers.breaks.Plan(1000, 0);
  const auto answers = Submit(5, {1, 8});
  EXPECT_THAT(answers, HasReason(Reason::kUnavailable));
  EXPECT_THAT(answers, HasMetadata("unreachable", "yes"));
}

TEST_F(StreamsTest, CollectsEveryChunkOnceAndInOrder) {
  gateway_.transfers.breaks.Plan(3, 2);
  std::vector<std::uint32_t> chunks;
  EXPECT_THAT(RequesterClient(gateway_.Dial())
                  .Collect(kTransfer, 1,
                           [&](v1::CollectEnvelopesResponse& chunk) {
                             chunks.push_back(chunk.chunk());
                             return absl::OkStatus();
                           }),
              IsOk());
  EXPECT_THAT(chunks, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(StreamsTest, ServesASourceAcrossBreaksAndSignsWhatWasDeposited) {
  gateway_.transfers.breaks.Plan(4, 1);
  const auto key = crypto::SigningKey::Generate(gateway_.random);
  ASSERT_THAT(key, IsOk());
  // The first of each chunk is found.
  FunctionLookup lookup(
      [](const LookupQuery& query) { return Candidates(query.subject.row() % 256 == 0 ? 1 : 0); });
  const auto report =
      SourceClient(gateway_.Dial()).Serve(kTransfer, ExchangeId(), *key, lookup, nullptr, {2, 4});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->counts.fetched, 9U);
  EXPECT_EQ(report->counts.deposited, 9U);
  EXPECT_EQ(report->counts.released, 3U);
  EXPECT_EQ(report->verdicts[10], 6U);
  EXPECT_EQ(report->transfer.state(), v1::Transfer::CLOSED);
}

TEST_F(StreamsTest, StopsServingWhenTheLookupFails) {
  const auto key = crypto::SigningKey::Generate(gateway_.random);
  ASSERT_THAT(key, IsOk());
  gateway_.transfers.chunks = 400;  // More than the queue holds.
  FunctionLookup lookup([](const LookupQuery& query) -> absl::StatusOr<Candidates> {
    if (query.subject.row() % 256 == 0) return Candidates();
    return MakeError(Reason::kStoreCorrupt, "the file changed");
  });
  const absl::Status served = SourceClient(gateway_.Dial())
                                  .Serve(kTransfer, ExchangeId(), *key, lookup, nullptr, {2, 4})
                                  .status();
  EXPECT_THAT(served, HasReason(Reason::kStoreCorrupt));
  EXPECT_TRUE(MetadataOf(served).contains("row"));
}

TEST_F(StreamsTest, ALookupThatThrowsEndsServingAndItsTextIsNotShown) {
  const auto key = crypto::SigningKey::Generate(gateway_.random);
  ASSERT_THAT(key, IsOk());
  FunctionLookup lookup([](const LookupQuery&) -> absl::StatusOr<Candidates> {
    throw std::runtime_error("no row for Ada Example");
  });
  const absl::Status served = SourceClient(gateway_.Dial())
                                  .Serve(kTransfer, ExchangeId(), *key, lookup, nullptr, {2, 4})
                                  .status();
  EXPECT_THAT(served, HasReason(Reason::kInternal));
  EXPECT_EQ(served.ToString().find("Ada"), std::string::npos);
}

TEST(LookUpChunkTest, SendsNobodysDataWhereThereAreTooMany) {
  v1::FetchSubjectsResponse chunk;
  chunk.set_chunk(3);
  for (std::uint32_t row = 768; row < 771; ++row) chunk.add_subjects()->set_row(row);
  v1::Candidate somebody;
  somebody.mutable_person()->set_name("Ada Example");
  FunctionLookup lookup([&](const LookupQuery& query) {
    return Candidates(kMaxOffered - 1 + query.subject.row() - 768, somebody);
  });
  const auto request = LookUpChunk(lookup, kTransfer, chunk);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->chunk(), 3U);
  ASSERT_EQ(request->findings_size(), 3);
  EXPECT_EQ(request->findings(1).row(), 769U);
  EXPECT_EQ(request->findings(1).candidates_size(), static_cast<int>(kMaxOffered));
  EXPECT_TRUE(request->findings(1).candidates(63).has_person());
  ASSERT_EQ(request->findings(2).candidates_size(), static_cast<int>(kMaxOffered) + 1);
  for (const v1::Candidate& candidate : request->findings(2).candidates()) {
    EXPECT_FALSE(candidate.has_person());
  }
}

TEST(LookUpChunkTest, RefusesWhatDoesNotFitInAMessageAndACountThatIsWrong) {
  v1::FetchSubjectsResponse chunk;
  for (std::uint32_t row = 0; row < 256; ++row) chunk.add_subjects()->set_row(row);
  v1::Candidate large;
  large.add_fields()->set_value(std::string(17'000, 'x'));
  FunctionLookup lookup([&](const LookupQuery&) { return Candidates(1, large); });
  EXPECT_THAT(LookUpChunk(lookup, kTransfer, chunk), HasReason(Reason::kRequestTooLarge));
  class Short final : public SourceLookup {
   public:
    absl::StatusOr<Candidates> Find(const LookupQuery&) override { return Candidates(); }
    absl::StatusOr<std::vector<Candidates>> FindAll(const v1::FetchSubjectsResponse&) override {
      return std::vector<Candidates>(255);
    }
  };
  Short wrong;
  EXPECT_THAT(LookUpChunk(wrong, kTransfer, chunk), HasReason(Reason::kInternal));
}

class KeysTest : public StreamsTest {
 protected:
  struct Outcome {
    absl::Status status;
    std::map<std::uint32_t, std::string> keys;
    std::set<std::uint32_t> refused;
  };

  Outcome Release(std::uint32_t rows) {
    Outcome outcome;
    const auto key = crypto::SigningKey::Generate(gateway_.random);
    HF_CHECK(key.ok());
    std::uint32_t next = 0;
    outcome.status =
        RequesterClient(gateway_.Dial())
            .ReleaseKeys(
                kTransfer, {ExchangeId(), "requester-1", *key, 0, {}},
                [&]() -> std::optional<std::vector<std::uint32_t>> {
                  std::vector<std::uint32_t> batch;
                  while (next < rows && batch.size() < 10) batch.push_back(next++);
                  if (batch.empty()) return std::nullopt;
                  return batch;
                },
                [&](std::vector<ReleasedKey> keys, std::span<const std::uint32_t> refused) {
                  for (const ReleasedKey& released : keys) {
                    outcome.keys[released.row] = ToString(released.key.RevealForKeeping());
                  }
                  outcome.refused.insert(refused.begin(), refused.end());
                  return absl::OkStatus();
                },
                clock_, gateway_.random);
    return outcome;
  }

  static std::string KeyOf(std::uint32_t row) {
    return ToString(FakeKeys::KeyOf(row).RevealForKeeping());
  }
};

TEST_F(KeysTest, UnwrapsEachKeyAndNamesTheRefusedRows) {
  const Outcome outcome = Release(95);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.refused, (std::set<std::uint32_t>{7, 17, 27, 37, 47, 57, 67, 77, 87}));
  EXPECT_EQ(outcome.keys.size() + outcome.refused.size(), 95U);
  for (const auto& [row, key] : outcome.keys) EXPECT_EQ(key, KeyOf(row)) << row;
}

TEST_F(KeysTest, GoesOnUnderANewLeaseAfterABreak) {
  gateway_.keys.breaks.Plan(3, 2);
  const Outcome outcome = Release(200);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.keys.size() + outcome.refused.size(), 200U);
}

TEST_F(KeysTest, OpensAnotherLeaseWhenOneEnds) {
  gateway_.keys.lease_ends_after = 3;
  const Outcome outcome = Release(100);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.keys.size() + outcome.refused.size(), 100U);
  EXPECT_EQ(gateway_.keys.breaks.streams(), 2);
}

TEST_F(KeysTest, StopsAtAHoldAndKeepsWhatCameBefore) {
  gateway_.keys.held_after = 2;
  const Outcome outcome = Release(100);
  EXPECT_THAT(outcome.status, HasReason(Reason::kHeld));
  EXPECT_THAT(outcome.status, HasMetadata("matter", "1:26-cv-00001"));
  EXPECT_EQ(outcome.keys.size() + outcome.refused.size(), 20U);
}

TEST_F(KeysTest, RefusesAKeyThatWasWrappedForAnotherRow) {
  gateway_.keys.wrong_keys = true;
  EXPECT_THAT(Release(5).status, HasReason(Reason::kEnvelopeRejected));
}

TEST_F(StreamsTest, TellsTheGatewaysReasonAndMetadata) {
  gateway_.transfers.next_error = WireError(grpc::StatusCode::FAILED_PRECONDITION, "HELD",
                                            {{"matter", "1:26-cv-1"}, {"Bad", "x"}});
  const auto result = RequesterClient(gateway_.Dial()).Get(kTransfer);
  EXPECT_THAT(result, HasReason(Reason::kHeld));
  EXPECT_THAT(result, HasMetadata("matter", "1:26-cv-1"));
  EXPECT_THAT(result, HasMetadata("gateway", "yes"));
}

TEST_F(StreamsTest, UnderstandsAReasonThatIsNewerThanItself) {
  gateway_.transfers.next_error =
      WireError(grpc::StatusCode::PERMISSION_DENIED, "SOMETHING_OF_NEXT_YEAR");
  EXPECT_THAT(RequesterClient(gateway_.Dial()).Get(kTransfer),
              HasReason(Reason::kPermissionDenied));
}

TEST_F(StreamsTest, SaysThatNobodyIsThere) {
  gateway_.Stop();
  gateway_.options.retry_for = std::chrono::milliseconds(100);
  const auto result = RequesterClient(gateway_.Dial()).Get(kTransfer);
  EXPECT_THAT(result, HasReason(Reason::kUnavailable));
  EXPECT_THAT(result, HasMetadata("unreachable", "yes"));
}

TEST_F(StreamsTest, DoesNotTalkToAServerOfAnotherAuthority) {
  FakeGateway other;
  ChannelOptions options = gateway_.options;
  options.ca_pem = other.options.ca_pem;
  options.retry_for = std::chrono::milliseconds(100);
  auto channel = Channel::Open(options);
  ASSERT_THAT(channel, IsOk());
  EXPECT_THAT(RequesterClient(*channel).Get(kTransfer), HasReason(Reason::kUnavailable));
}

TEST(ChannelTest, RefusesWhatItCannotUse) {
  ChannelOptions options;
  options.certificate_pem = options.key_pem = options.ca_pem = "x";
  for (const std::string server : {"", "localhost", ":1", "localhost:", "a:b", "a:123456"}) {
    options.server = server;
    EXPECT_THAT(Channel::Open(options).status(), HasReason(Reason::kConfigInvalid)) << server;
  }
  options.server = "127.0.0.1:1";
  options.ca_pem.clear();
  EXPECT_THAT(Channel::Open(options).status(), HasReason(Reason::kConfigInvalid));
}

}  // namespace
}  // namespace holdfast::client
