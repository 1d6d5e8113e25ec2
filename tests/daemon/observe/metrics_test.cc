// SPDX-License-Identifier: Apache-2.0
#include "daemon/observe/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using observe::Metrics;
using testing::HasSubstr;
using testing::Not;

// What a scrape gets over HTTP.
std::string Scrape(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  // The sockets API wants its base type.
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    ssize_t got = 0;
    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
  }
  close(fd);
  return answer;
}

TEST(Metrics, AreServedOnLoopback) {
  FakeClock clock;
  Metrics metrics(clock, "1.2.3");
  EXPECT_EQ(metrics.port(), 0);
  ASSERT_THAT(metrics.Serve("127.0.0.1:0"), IsOk());
  metrics.Epoch("tax", 7);
  const std::string answer = Scrape(metrics.port());
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("holdfast_build_info{version=\"1.2.3\"} 1"));
  EXPECT_THAT(answer, HasSubstr("holdfast_epoch{exchange=\"tax\"} 7"));
}

TEST(Metrics, AreServedNowhereElse) {
  FakeClock clock;
  Metrics metrics(clock, "1");
  for (const char* address :
       {"0.0.0.0:0", "[::]:0", ":9443", "9443", "", "localhost:9443", "10.0.0.1:9443", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:1,0.0.0.0:2", "0.0.0.0:1,127.0.0.1:2",
        "127.0.0.1:123456"}) {
    EXPECT_THAT(metrics.Serve(address), HasReason(Reason::kConfigInvalid)) << address;
  }
}

TEST(Metrics, OnATakenPortAreAnError) {
  FakeClock clock;
  Metrics first(clock, "1");
  ASSERT_THAT(first.Serve("127.0.0.1:0"), IsOk());
  Metrics second(clock, "1");
  EXPECT_THAT(second.Serve("127.0.0.1:" + std::to_string(first.port())),
              HasReason(Reason::kConfigInvalid));
}

TEST(Metrics, CountWhatTheyAreTold) {
  FakeClock clock;
  Metrics metrics(clock, "1");
  metrics.KeysReleased("tax", 1000);
  metrics.KeysReleased("tax", 24);
  metrics.Refused("HELD");
  metrics.Refused("HELD", 2);
  metrics.HoldsActive("tax", observe::HoldKind::kFreeze, 3);
  metrics.HoldsActive("tax", observe::HoldKind::kPreserve, 0);
  metrics.QueueDepth("tax", observe::QueueLane::kRestricting, 5);
  metrics.ClockTrusted("tax", false);
  metrics.TlsCredentialsValid(true);
  metrics.DestroyLag("tax", std::chrono::milliseconds(1500));
  metrics.KeyslotEpochs("tax", 49'999, 100'000);
  metrics.BackupEpoch("tax", 41);
  metrics.BackupEpoch("customs", 0);
  metrics.RpcDone("/a/B", "OK", std::chrono::milliseconds(2));
  const std::string text = metrics.Text();
  for (const char* line : {
           "holdfast_keys_released_total{exchange=\"tax\"} 1024",
           "holdfast_refusals_total{reason=\"HELD\"} 3",
           "holdfast_holds_active{exchange=\"tax\",kind=\"freeze\"} 3",
           "holdfast_holds_active{exchange=\"tax\",kind=\"preserve\"} 0",
           "holdfast_queue_depth{exchange=\"tax\",lane=\"restricting\"} 5",
           "holdfast_clock_trusted{exchange=\"tax\"} 0",
           "holdfast_tls_credentials_valid 1",
           "holdfast_destroy_lag_seconds{exchange=\"tax\"} 1.5",
           "holdfast_keyslot_epochs{exchange=\"tax\"} 49999",
           "holdfast_keyslot_epochs_budget{exchange=\"tax\"} 100000",
           "holdfast_backup_epoch{exchange=\"tax\"} 41",
           "holdfast_backup_epoch{exchange=\"customs\"} 0",
           "holdfast_rpc_duration_seconds_count{code=\"OK\",method=\"/a/B\"} 1",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, ReckonTheAgeOfACheckpointAtTheMomentOfTheScrape) {
  FakeClock clock;
  Metrics metrics(clock, "1");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("holdfast_checkpoint_age_seconds{")));
  metrics.CheckpointSigned("tax", clock.WallNow());
  clock.Advance(std::chrono::seconds(90));
  EXPECT_THAT(metrics.Text(), HasSubstr("holdfast_checkpoint_age_seconds{exchange=\"tax\"} 90"));
}

TEST(Metrics, ReckonTheAgeOfAQuorumOfWitnesses) {
  FakeClock clock;
  Metrics metrics(clock, "1");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("holdfast_witness_quorum_age_seconds{")));
  metrics.WitnessQuorum("tax", kMinTime);
  EXPECT_THAT(metrics.Text(),
              HasSubstr("holdfast_witness_quorum_age_seconds{exchange=\"tax\"} +Inf"));
  metrics.WitnessQuorum("tax", clock.WallNow());
  clock.Advance(std::chrono::seconds(75));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("holdfast_witness_quorum_age_seconds{exchange=\"tax\"} 75"));
  metrics.WitnessFailed("tax", "a.example/w", observe::WitnessFailure::kConflict);
  EXPECT_THAT(metrics.Text(), HasSubstr("holdfast_witness_failures_total{exchange=\"tax\",kind="
                                        "\"conflict\",witness=\"a.example/w\"} 1"));
}

}  // namespace
}  // namespace holdfast::test
