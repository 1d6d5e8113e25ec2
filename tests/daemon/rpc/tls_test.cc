// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/tls.h"

#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/clock.h"
#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using rpc::CheckTlsFiles;
using rpc::TlsFiles;
using testing::HasSubstr;

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest() {
    const PemPair pair = pki_.IssueServer();
    Write("key.pem", pair.key);
    Write("cert.pem", pair.certificate);
    Write("ca.pem", pki_.certificate());
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_.File(name)) << text;
  }
  TlsFiles Files() const {
    return {dir_.File("key.pem"), dir_.File("cert.pem"), dir_.File("ca.pem")};
  }
  auto Check() const { return CheckTlsFiles(Files(), SystemClock().WallNow()); }
  // The message says which file is at fault.
  void ExpectFault(const std::string& name, const std::string& what) const {
    const auto result = Check();
    ASSERT_THAT(result, HasReason(Reason::kConfigInvalid));
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(what));
    EXPECT_EQ(MetadataOf(result.status()).at("file"), dir_.File(name));
  }

  TempDir dir_;
  TestAuthority pki_{"test authority"};
};

TEST_F(TlsFilesTest, AGoodSetSaysWhenItExpires) {
  const auto expiry = Check();
  ASSERT_THAT(expiry, IsOk());
  const auto in = expiry->certificate - SystemClock().WallNow();
  EXPECT_NEAR(static_cast<double>(in.count()), 24 * 3600e3, 60e3);
  EXPECT_GT(expiry->client_ca, expiry->certificate);
}

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateIsNoticed) {
  Write("key.pem", pki_.IssueServer().key);
  ExpectFault("key.pem", "does not match");
}

TEST_F(TlsFilesTest, AnExpiredCertificateIsNoticed) {
  CertificateSpec spec;
  spec.valid_from = std::chrono::hours(-2);
  spec.valid_until = std::chrono::seconds(-1);
  const PemPair pair = pki_.Issue(spec);
  Write("key.pem", pair.key);
  Write("cert.pem", pair.certificate);
  ExpectFault("cert.pem", "has expired");
}

TEST_F(TlsFilesTest, FilesThatAreMissingOrNotPemAreNamed) {
  for (const std::string name : {"key.pem", "cert.pem", "ca.pem"}) {
    const std::string path = dir_.File(name);
    std::ifstream in(path);
    const std::string good((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (const std::string& bad :
         {std::string(), std::string("nonsense"), good.substr(0, good.size() / 2)}) {
      Write(name, bad);
      ExpectFault(name, "PEM");
    }
    std::remove(path.c_str());
    ExpectFault(name, "cannot be read");
    Write(name, good);
  }
  EXPECT_THAT(Check(), IsOk());
}

TEST_F(TlsFilesTest, ADamagedSecondCertificateIsNoticed) {
  Write("ca.pem", pki_.certificate() + "-----BEGIN CERTIFICATE-----\nAAAA\n");
  ExpectFault("ca.pem", "PEM");
}

TEST_F(TlsFilesTest, AKeyWithAPasswordIsRefusedWithoutAsking) {
  Write("key.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8=\n-----END ENCRYPTED PRIVATE KEY-----\n");
  ExpectFault("key.pem", "PEM");
}

// Tries until the files have been read again: gRPC looks once a second.
bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

ToyRequest Saying(const std::string& text) {
  ToyRequest request;
  request.set_text(text);
  return request;
}

TEST(TlsReload, NewConnectionsSeeTheNewFilesAndOldOnesGoOn) {
  Door door;
  const auto old_channel = door.Alice();
  RawCall stream(old_channel, kChat);
  ASSERT_TRUE(stream.Write(Saying("before")));
  ASSERT_TRUE(stream.ReadToy().has_value());

  TestAuthority next("next authority");
  door.SwapTlsFiles(next.IssueServer(), next.certificate());
  const PemPair alice = next.IssueClient(kAlice);
  EXPECT_TRUE(Eventually([&] {
    return CallUnary(door.Connect(alice, next.certificate()), kEcho, Saying("new")).ok();
  }));
  door.server->CheckCredentials();
  EXPECT_THAT(door.metrics.Text(), HasSubstr("holdfast_tls_credentials_valid 1"));

  // Clients of the old authority are strangers now, but for their open connections.
  EXPECT_EQ(
      CallUnary(door.Connect(door.pki.IssueClient(kAlice), next.certificate()), kEcho, Saying("x"))
          .error_code(),
      grpc::UNAVAILABLE);
  ASSERT_TRUE(stream.Write(Saying("after")));
  EXPECT_EQ(stream.ReadToy()->text(), "after");
  EXPECT_TRUE(CallUnary(old_channel, kEcho, Saying("old")).ok());
}

TEST(TlsReload, APairThatDoesNotMatchIsNoticedAndMended) {
  Door door;
  const auto old_channel = door.Alice();
  EXPECT_TRUE(CallUnary(old_channel, kEcho, Saying("x")).ok());
  EXPECT_THAT(door.metrics.Text(), HasSubstr("holdfast_tls_credentials_valid 1"));
  EXPECT_THAT(door.metrics.Text(),
              HasSubstr("holdfast_certificate_expiry_timestamp_seconds{kind=\"server\"}"));

  PemPair mixed = door.pki.IssueServer();
  mixed.key = door.pki.IssueServer().key;
  door.SwapTlsFiles(mixed, door.pki.certificate());
  door.server->CheckCredentials();
  EXPECT_THAT(door.metrics.Text(), HasSubstr("holdfast_tls_credentials_valid 0"));
  EXPECT_TRUE(CallUnary(old_channel, kEcho, Saying("x")).ok());

  const PemPair good = door.pki.IssueServer();
  door.SwapTlsFiles(good, door.pki.certificate());
  door.server->CheckCredentials();
  EXPECT_THAT(door.metrics.Text(), HasSubstr("holdfast_tls_credentials_valid 1"));
  EXPECT_TRUE(Eventually([&] { return CallUnary(door.Alice(), kEcho, Saying("x")).ok(); }));
}

TEST(ServerStart, RefusesWhatCannotServe) {
  Door good;
  TempDir dir;
  const auto start = [&](rpc::ServerOptions options, rpc::MethodTable table) {
    return rpc::Server::Start(options, std::move(table), good.authority, good.clock, good.files,
                              good.metrics)
        .status();
  };
  rpc::ServerOptions options;
  options.address = "127.0.0.1:0";
  options.tls = {good.dir.File("tls/key.pem"), good.dir.File("tls/cert.pem"),
                 good.dir.File("tls/ca.pem")};
  const auto table = [] {
    rpc::MethodTable methods;
    methods.Unary<ToyRequest, ToyResponse>(
        kEcho, [](const ToyRequest&, const rpc::Call&, const rpc::Responder<ToyResponse>&) {});
    return methods;
  };
  // A method without a handler.
  EXPECT_THAT(start(options, table()), HasReason(Reason::kInternal));

  rpc::ServerOptions bad = options;
  bad.tls.key_path = dir.File("none");
  EXPECT_THAT(start(bad, rpc::MethodTable()), HasReason(Reason::kConfigInvalid));
  bad = options;
  bad.address = "127.0.0.1:" + std::to_string(good.server->port());  // Taken.
  EXPECT_THAT(start(bad, rpc::MethodTable()), HasReason(Reason::kConfigInvalid));
  bad = options;
  bad.port_file = dir.File("none/port");
  EXPECT_FALSE(start(bad, rpc::MethodTable()).ok());
}

TEST(ServerStart, WritesThePortFile) {
  Door door;
  TempDir dir;
  rpc::ServerOptions options;
  options.address = "127.0.0.1:0";
  options.tls = {door.dir.File("tls/key.pem"), door.dir.File("tls/cert.pem"),
                 door.dir.File("tls/ca.pem")};
  options.port_file = dir.File("port");
  rpc::MethodTable table;
  rpc::Health health;
  health.Register(&table);
  const auto server = rpc::Server::Start(options, std::move(table), door.authority, door.clock,
                                         door.files, door.metrics);
  ASSERT_THAT(server, IsOk());
  std::ifstream file(options.port_file);
  int port = 0;
  file >> port;
  EXPECT_EQ(port, (*server)->port());
}

}  // namespace
}  // namespace holdfast::test
