// SPDX-License-Identifier: Apache-2.0
// EchoPeer of gateway_baselines.h.
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "echo.grpc.pb.h"
#include "grpcpp/grpcpp.h"

#include "base/check.h"
#include "base/mutex.h"
#include "tests/bench/gateway_baselines.h"
#include "tests/bench/gateway_table.h"
#include "tests/bench/require.h"
#include "tests/support/test_pki.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Stream = grpc::ClientReaderWriter<EchoRequest, EchoReply>;

constexpr int kMaxMessageBytes = 16 << 20;

EchoRequest RequestOf(std::size_t bytes, std::size_t reply_bytes, std::uint64_t replies) {
  EchoRequest request;
  request.set_payload(std::string(bytes, 'q'));
  request.set_reply_bytes(static_cast<std::uint32_t>(reply_bytes));
  request.set_replies(static_cast<std::uint32_t>(replies));
  return request;
}

class Service final : public EchoService::Service {
 public:
  grpc::Status Echo(grpc::ServerContext*, const EchoRequest* request, EchoReply* reply) override {
    reply->set_payload(std::string(request->reply_bytes(), 'a'));
    return grpc::Status::OK;
  }

  grpc::Status Chat(grpc::ServerContext*,
                    grpc::ServerReaderWriter<EchoReply, EchoRequest>* stream) override {
    EchoRequest request;
    EchoReply reply;
    while (stream->Read(&request)) {
      if (reply.payload().size() != request.reply_bytes()) {
        reply.set_payload(std::string(request.reply_bytes(), 'a'));
      }
      for (std::uint32_t i = 0; i < request.replies(); ++i) {
        if (!stream->Write(reply)) return grpc::Status::OK;
      }
    }
    return grpc::Status::OK;
  }
};

// Writes on the caller's thread and reads on another, with a window between them.
void Exchange(Stream& stream, const EchoRequest& request, std::uint64_t messages,
              std::size_t window) {
  Mutex mutex;
  CondVar changed;
  std::size_t waiting = 0;
  std::thread reader([&] {
    EchoReply reply;
    for (std::uint64_t i = 0; i < messages; ++i) {
      HF_CHECK(stream.Read(&reply));
      const MutexLock lock(mutex);
      --waiting;
      changed.NotifyAll();
    }
  });
  for (std::uint64_t i = 0; i < messages; ++i) {
    {
      const MutexLock lock(mutex);
      while (waiting >= window) changed.Wait(mutex);
      ++waiting;
    }
    HF_CHECK(stream.Write(request));
  }
  reader.join();
}

void Finish(Stream& stream) {
  HF_CHECK(stream.WritesDone());
  HF_CHECK(stream.Finish().ok());
}

double MedianSeconds(int times, const std::function<void()>& act) {
  act();  // The first one connects.
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const auto start = SteadyClock::now();
    act();
    seconds.push_back(SecondsSince(start));
  }
  return MedianOf(std::move(seconds));
}

}  // namespace

struct EchoPeer::Parts {
  Service service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<EchoService::Stub> stub;
};

EchoPeer::EchoPeer() : parts_(std::make_unique<Parts>()) {
  test::TestAuthority authority("bench");
  const test::PemPair ours = authority.IssueServer();
  const test::PemPair theirs = authority.IssueClient("spiffe://bench/requester/requester-1");
  grpc::SslServerCredentialsOptions server_tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  server_tls.pem_root_certs = authority.certificate();
  server_tls.pem_key_cert_pairs.push_back({ours.key, ours.certificate});
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(server_tls), &port);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(&parts_->service);
  parts_->server = builder.BuildAndStart();
  HF_CHECK(parts_->server != nullptr);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority.certificate();
  tls.pem_private_key = theirs.key;
  tls.pem_cert_chain = theirs.certificate;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  parts_->stub = EchoService::NewStub(grpc::CreateCustomChannel(
      "ipv4:127.0.0.1:" + std::to_string(port), grpc::SslCredentials(tls), arguments));
  static_cast<void>(Unary(1, 1, 1));
}

EchoPeer::~EchoPeer() { parts_->server->Shutdown(); }

double EchoPeer::Upload(const Traffic& traffic) const {
  const EchoRequest request = RequestOf(traffic.request_bytes, traffic.reply_bytes, 1);
  const auto start = SteadyClock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < traffic.streams; ++i) {
    const std::uint64_t messages =
        traffic.messages / traffic.streams + (i < traffic.messages % traffic.streams ? 1 : 0);
    threads.emplace_back([this, &request, &traffic, messages] {
      grpc::ClientContext context;
      const std::unique_ptr<Stream> stream = parts_->stub->Chat(&context);
      Exchange(*stream, request, messages, traffic.window);
      Finish(*stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return SecondsSince(start);
}

double EchoPeer::Download(std::uint64_t messages, std::size_t reply_bytes) const {
  const auto start = SteadyClock::now();
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = parts_->stub->Chat(&context);
  HF_CHECK(stream->Write(RequestOf(16, reply_bytes, messages)));
  EchoReply reply;
  for (std::uint64_t i = 0; i < messages; ++i) HF_CHECK(stream->Read(&reply));
  Finish(*stream);
  return SecondsSince(start);
}

double EchoPeer::PingPong(int times, std::size_t request_bytes, std::size_t reply_bytes) const {
  const EchoRequest request = RequestOf(request_bytes, reply_bytes, 1);
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = parts_->stub->Chat(&context);
  EchoReply reply;
  const double median = MedianSeconds(times, [&] {
    HF_CHECK(stream->Write(request));
    HF_CHECK(stream->Read(&reply));
  });
  Finish(*stream);
  return median;
}

std::vector<double> EchoPeer::OpenLoop(const Traffic& traffic, double messages_a_second) const {
  const EchoRequest request = RequestOf(traffic.request_bytes, traffic.reply_bytes, 1);
  const std::size_t each = traffic.messages / traffic.streams;
  // Time to open all streams.
  const Pace pace(SteadyClock::now() + std::chrono::milliseconds(100), messages_a_second,
                  traffic.streams);
  std::vector<std::vector<double>> seconds(traffic.streams);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < traffic.streams; ++i) {
    threads.emplace_back([&, i] {
      grpc::ClientContext context;
      const std::unique_ptr<Stream> stream = parts_->stub->Chat(&context);
      std::thread reader([&] {
        EchoReply reply;
        for (std::size_t message = 0; message < each; ++message) {
          HF_CHECK(stream->Read(&reply));
          seconds[i].push_back(SecondsSince(pace.DueAt(i, message)));
        }
      });
      for (std::size_t message = 0; message < each; ++message) {
        pace.WaitUntilDue(i, message);
        HF_CHECK(stream->Write(request));
      }
      reader.join();
      Finish(*stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const std::vector<double>& of : seconds) all.insert(all.end(), of.begin(), of.end());
  return all;
}

double EchoPeer::Unary(int times, std::size_t request_bytes, std::size_t reply_bytes) const {
  const EchoRequest request = RequestOf(request_bytes, reply_bytes, 1);
  return MedianSeconds(times, [&] {
    grpc::ClientContext context;
    EchoReply reply;
    HF_CHECK(parts_->stub->Echo(&context, request, &reply).ok());
  });
}

}  // namespace holdfast::bench
