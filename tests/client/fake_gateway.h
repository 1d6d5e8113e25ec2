// SPDX-License-Identifier: Apache-2.0
// A gateway that misbehaves on request, on a real port with real TLS: streams break, errors come.
// It decides nothing and keeps nothing safe.
//
// Threads      gRPC's. Settings are made before the calls that they are for.
// Ownership    Owns its server.
// Errors       A server that does not start ends the test.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "cli/certificates.h"
#include "client/channel.h"
#include "client/requester_client.h"
#include "crypto/envelope.h"
#include "crypto/lease.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "holdfast/v1/key_service.grpc.pb.h"
#include "holdfast/v1/ledger_service.grpc.pb.h"
#include "holdfast/v1/transfer_service.grpc.pb.h"

namespace holdfast::client {

// An error as the gateway sends it.
inline grpc::Status WireError(grpc::StatusCode code, const std::string& reason,
                              const std::map<std::string, std::string>& metadata = {}) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("holdfast.dev");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  google::rpc::Status status;
  status.set_code(code);
  status.add_details()->PackFrom(info);
  return {code, "told by the fake", status.SerializeAsString()};
}

// Counts down to a break of a stream.
class Breaks final {
 public:
  // The next `times` streams break after `messages` each.
  void Plan(int times, int messages) {
    const MutexLock lock(mutex_);
    times_ = times;
    messages_ = messages;
  }

  // How many messages the stream that begins now may answer; a great many if it does not break.
  int MessagesOfThisStream() {
    const MutexLock lock(mutex_);
    ++streams_;
    if (times_ == 0) return 1 << 30;
    --times_;
    return messages_;
  }

  int streams() const {
    const MutexLock lock(mutex_);
    return streams_;
  }

 private:
  mutable Mutex mutex_;
  int times_ HF_GUARDED_BY(mutex_) = 0;
  int messages_ HF_GUARDED_BY(mutex_) = 0;
  int streams_ HF_GUARDED_BY(mutex_) = 0;
};

inline grpc::Status Broken() { return {grpc::StatusCode::UNAVAILABLE, "the cable was pulled"}; }

class FakeTransfers final : public v1::TransferService::Service {
 public:
  Breaks breaks;
  grpc::Status next_error;   // What GetTransfer returns.
  std::uint32_t chunks = 6;  // Of subjects and envelopes.

  grpc::Status GetTransfer(grpc::ServerContext*, const v1::GetTransferRequest* request,
                           v1::Transfer* response) override {
    if (!next_error.ok()) return next_error;
    response->set_name(request->name());
    return grpc::Status::OK;
  }

  grpc::Status SubmitSubjects(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::SubmitSubjectsResponse, v1::SubmitSubjectsRequest>* stream)
      override {
    int left = breaks.MessagesOfThisStream();
    v1::SubmitSubjectsRequest request;
    while (stream->Read(&request)) {
      if (left-- == 0) return Broken();
      {
        const MutexLock lock(mutex_);
        ++submitted_[request.chunk()];
      }
      v1::SubmitSubjectsResponse response;
      response.set_chunk(request.chunk());
      response.set_verdicts(std::string(static_cast<std::size_t>(request.subjects_size()), 1));
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status CollectEnvelopes(grpc::ServerContext*, const v1::CollectEnvelopesRequest* request,
                                grpc::ServerWriter<v1::CollectEnvelopesResponse>* stream) override {
    int left = breaks.MessagesOfThisStream();
    for (std::uint32_t chunk = request->first_chunk(); chunk < chunks; ++chunk) {
      if (left-- == 0) return Broken();
      v1::CollectEnvelopesResponse response;
      response.set_chunk(chunk);
      response.add_rows(chunk * kRowsPerChunk);
      response.set_envelopes("envelope");
      response.set_envelope_bytes(8);
      response.set_last(chunk + 1 == chunks);
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status FetchSubjects(grpc::ServerContext*, const v1::FetchSubjectsRequest* request,
                             grpc::ServerWriter<v1::FetchSubjectsResponse>* stream) override {
    int left = breaks.MessagesOfThisStream();
    for (std::uint32_t chunk = request->first_chunk(); chunk < chunks; ++chunk) {
      if (left-- == 0) return Broken();
      v1::FetchSubjectsResponse response;
      response.set_chunk(chunk);
      // Every second chunk has nobody.
      for (std::uint32_t i = 0; chunk % 2 == 0 && i < 3; ++i) {
        v1::AcceptedSubject& subject = *response.add_subjects();
        subject.set_row(chunk * kRowsPerChunk + i);
        subject.mutable_person()->set_name("Ada Example");
      }
      response.set_last(chunk + 1 == chunks);
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status DepositRecords(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::DepositRecordsResponse, v1::DepositRecordsRequest>* stream)
      override {
    int left = breaks.MessagesOfThisStream();
    v1::DepositRecordsRequest request;
    while (stream->Read(&request)) {
      if (left-- == 0) return Broken();
      v1::DepositRecordsResponse response;
      response.set_chunk(request.chunk());
      const MutexLock lock(mutex_);
      for (const v1::Findings& findings : request.findings()) {
        const Digest32 digest = crypto::Sha256Of(AsBytes(std::to_string(findings.row())));
        response.mutable_verdicts()->push_back(findings.candidates_size() == 1 ? 1 : 10);
        response.mutable_envelope_digests()->append(ToString(digest));
        deposited_[findings.row()] = digest;
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status CloseTransfer(grpc::ServerContext*, const v1::CloseTransferRequest* request,
                             v1::Transfer* response) override {
    const MutexLock lock(mutex_);
    crypto::Frontier frontier;
    for (const auto& [row, digest] : deposited_) frontier.Append(crypto::LeafHash(digest));
    if (request->envelopes() != deposited_.size() ||
        request->envelopes_root() != ToString(frontier.Root())) {
      return WireError(grpc::StatusCode::FAILED_PRECONDITION, "TRANSFER_STATE");
    }
    response->set_state(v1::Transfer::CLOSED);
    return grpc::Status::OK;
  }

  // How often each chunk arrived.
  std::map<std::uint32_t, int> submitted() const {
    const MutexLock lock(mutex_);
    return submitted_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::uint32_t, int> submitted_ HF_GUARDED_BY(mutex_);
  std::map<std::uint32_t, Digest32> deposited_ HF_GUARDED_BY(mutex_);
};

// Releases keys that say nothing but their row.
class FakeKeys final : public v1::KeyService::Service {
 public:
  explicit FakeKeys(crypto::Random& random) : random_(random) {}

  Breaks breaks;
  std::atomic<int> held_after{-1};        // Batches, on each stream; then HELD.
  std::atomic<int> lease_ends_after{-1};  // Batches, on the first stream.
  std::atomic<bool> wrong_keys{false};

  grpc::Status ReleaseKeys(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::ReleaseKeysResponse, v1::ReleaseKeysRequest>* stream) override {
    int left = breaks.MessagesOfThisStream();
    v1::ReleaseKeysRequest request;
    if (!stream->Read(&request) || !request.has_opening()) {
      return WireError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_MALFORMED");
    }
    const auto opening = crypto::ParseLeaseOpening(AsBytes(request.opening().opening()));
    HF_CHECK(opening.ok());
    const Digest32 digest = crypto::LeaseOpeningDigest(AsBytes(request.opening().opening()),
                                                       AsBytes(request.opening().signature()));
    crypto::LeaseHeader header;
    header.exchange = opening->exchange;
    header.transfer = opening->transfer;
    header.opening = digest;
    auto issuer = crypto::LeaseIssuer::Issue(header, opening->recipient_key, random_);
    HF_CHECK(issuer.ok());
    v1::ReleaseKeysResponse granted;
    granted.mutable_lease()->set_header(ToString(issuer->header_bytes()));
    granted.mutable_lease()->set_sealed_lease_key(ToString(issuer->sealed_lease_key()));
    stream->Write(granted);
    crypto::BatchChain chain(digest);
    int batches = 0;
    while (stream->Read(&request)) {
      if (left-- == 0) return Broken();
      if (batches == held_after) {
        return WireError(grpc::StatusCode::FAILED_PRECONDITION, "HELD",
                         {{"matter", "1:26-cv-00001"}});
      }
      if (batches == lease_ends_after) {
        lease_ends_after = -1;
        return WireError(grpc::StatusCode::FAILED_PRECONDITION, "LEASE_ENDED");
      }
      ++batches;
      const std::vector<std::uint32_t> rows(request.batch().rows().begin(),
                                            request.batch().rows().end());
      if (!chain.Accept(rows, AsBytes(request.batch().chain())).ok()) {
        return WireError(grpc::StatusCode::UNAUTHENTICATED, "SIGNATURE_INVALID");
      }
      v1::ReleaseKeysResponse response;
      v1::KeyBatchResult& result = *response.mutable_batch();
      result.set_first_ledger_index(1000);
      std::uint64_t index = 1000;
      for (const std::uint32_t row : rows) {
        if (row % 10 == 7) {
          result.add_refused_rows(row);
          continue;
        }
        std::array<std::byte, crypto::kSealedRecordKeyBytes> sealed{};
        issuer->Wrap(KeyOf(row), wrong_keys ? row + 1 : row, index++, sealed);
        result.mutable_sealed_keys()->append(ToString(sealed));
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  static crypto::RecordKey KeyOf(std::uint32_t row) {
    std::array<std::byte, 32> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(row >> (8 * i));
    return crypto::RecordKey::TakeFrom(bytes);
  }

 private:
  crypto::Random& random_;
};

class FakeGateway final {
 public:
  FakeGateway() : keys(random) {
    auto authority = cli::CertificateAuthority::Create("holdfast.example", Now(), Life());
    HF_CHECK(authority.ok());
    const auto server = authority->IssueServer({"localhost"}, Now(), Life());
    const auto client = authority->IssueClient("requester", "requester-1", Now(), Life());
    HF_CHECK(server.ok() && client.ok());
    options.ca_pem = *authority->CertificatePem();
    options.certificate_pem = client->certificate_pem;
    options.key_pem = ToString(client->key_pem.Reveal());
    options.server_name = "localhost";
    options.timeout = std::chrono::seconds(10);
    grpc::SslServerCredentialsOptions ssl(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    ssl.pem_root_certs = options.ca_pem;
    ssl.pem_key_cert_pairs.push_back({ToString(server->key_pem.Reveal()), server->certificate_pem});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(ssl), &port);
    builder.RegisterService(&transfers);
    builder.RegisterService(&keys);
    server_ = builder.BuildAndStart();
    HF_CHECK(server_ != nullptr && port != 0);
    options.server = "127.0.0.1:" + std::to_string(port);
  }

  std::shared_ptr<Channel> Dial() {
    auto channel = Channel::Open(options);
    HF_CHECK(channel.ok());
    return *channel;
  }

  // Ends every call.
  void Stop() { server_->Shutdown(std::chrono::system_clock::now()); }

  ChannelOptions options;
  crypto::SystemRandom random;
  FakeTransfers transfers;
  FakeKeys keys;

 private:
  static UnixMillis Now() { return SystemClock().WallNow(); }
  static std::chrono::hours Life() { return std::chrono::hours(24); }

  std::unique_ptr<grpc::Server> server_;
};

}  // namespace holdfast::client
