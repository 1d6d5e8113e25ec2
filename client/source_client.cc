// SPDX-License-Identifier: Apache-2.0
#include "client/source_client.h"

#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/pull.h"
#include "client/internal/pump.h"
#include "client/internal/wire.h"
#include "crypto/closing_statement.h"
#include "crypto/merkle.h"
#include "holdfast/v1/transfer_service.grpc.pb.h"

namespace holdfast::client {
namespace {

constexpr std::uint32_t kReleasedVerdict = 1;
constexpr std::uint32_t kReleasedByReview = 2;
constexpr std::size_t kFetchedAhead = 64;  // Chunks.

std::unique_ptr<v1::TransferService::Stub> StubOf(Channel& channel) {
  return v1::TransferService::NewStub(channel.connection().channel());
}

// Chunks between the stream that fetches and the streams that deposit. Bounded.
class ChunkQueue final {
 public:
  // Waits for room. False once nobody takes any more.
  bool Put(v1::FetchSubjectsResponse chunk) {
    const MutexLock lock(mutex_);
    while (chunks_.size() >= kFetchedAhead && !closed_) changed_.Wait(mutex_);
    if (closed_) return false;
    chunks_.push_back(std::move(chunk));
    changed_.NotifyAll();
    return true;
  }

  // Waits for a chunk. Nothing at the end.
  std::optional<v1::FetchSubjectsResponse> Take() {
    const MutexLock lock(mutex_);
    while (chunks_.empty() && !closed_) changed_.Wait(mutex_);
    if (chunks_.empty()) return std::nullopt;
    v1::FetchSubjectsResponse chunk = std::move(chunks_.front());
    chunks_.pop_front();
    changed_.NotifyAll();
    return chunk;
  }

  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<v1::FetchSubjectsResponse> chunks_ HF_GUARDED_BY(mutex_);
  bool closed_ HF_GUARDED_BY(mutex_) = false;
};

// The digests of all envelopes, as they come, and their root in order of row.
class Digests final {
 public:
  void Add(std::uint32_t chunk, const std::string& digests) { by_chunk_[chunk] = digests; }

  std::uint32_t count() const {
    std::size_t count = 0;
    for (const auto& [chunk, digests] : by_chunk_) count += digests.size() / sizeof(Digest32);
    return static_cast<std::uint32_t>(count);
  }

  Digest32 Root() const {
    crypto::Frontier frontier;
    for (const auto& [chunk, digests] : by_chunk_) {
      const ByteSpan bytes = AsBytes(digests);
      for (std::size_t at = 0; at < bytes.size(); at += sizeof(Digest32)) {
        frontier.Append(crypto::LeafHash(bytes.subspan(at, sizeof(Digest32))));
      }
    }
    return frontier.Root();
  }

 private:
  std::map<std::uint32_t, std::string> by_chunk_;
};

}  // namespace

absl::Status SourceClient::Fetch(const std::string& transfer, std::uint32_t first_chunk,
                                 const TakeSubjects& take) {
  const auto stub = StubOf(*channel_);
  v1::FetchSubjectsRequest request;
  request.set_transfer(transfer);
  request.set_first_chunk(first_chunk);
  bool complete = false;
  const absl::Status status = internal::Pull<v1::FetchSubjectsResponse>(
      channel_->connection(),
      [&](grpc::ClientContext* context) { return stub->FetchSubjects(context, request); },
      [&](v1::FetchSubjectsResponse& chunk) -> absl::StatusOr<internal::Pulled> {
        if (chunk.chunk() != request.first_chunk()) {
          return MakeError(Reason::kInternal, "the gateway sent another chunk than the next one");
        }
        request.set_first_chunk(chunk.chunk() + 1);
        complete = chunk.last();
        HF_RETURN_IF_ERROR(take(chunk));
        return internal::Pulled::kMore;
      });
  HF_RETURN_IF_ERROR(status);
  if (complete) return absl::OkStatus();
  return MakeError(Reason::kUnavailable, "the gateway ended the stream before the last chunk");
}

absl::Status SourceClient::Deposit(const NextFindings& next, const FindingsAnswer& answer,
                                   const StreamOptions& options) {
  internal::PumpFunctions<EncodedFindings, v1::DepositRecordsResponse> functions;
  functions.open = [&](grpc::ClientContext* context) {
    return internal::OpenByteStream<v1::TransferService, v1::DepositRecordsResponse>(
        channel_->connection(), "DepositRecords", context);
  };
  functions.next = next;
  functions.encode = [](const EncodedFindings& chunk) { return internal::Lend(chunk.bytes()); };
  functions.answer = [&](const EncodedFindings& request,
                         const v1::DepositRecordsResponse& response) -> absl::Status {
    if (response.chunk() != request.chunk() || response.verdicts().size() != request.rows() ||
        response.envelope_digests().size() != request.rows() * sizeof(Digest32)) {
      return MakeError(Reason::kInternal, "the gateway answered for another chunk");
    }
    return answer(request, response);
  };
  return internal::RunPumps(channel_->connection(), functions, options.streams, options.window);
}

absl::StatusOr<v1::Transfer> SourceClient::Close(const std::string& transfer,
                                                 const ExchangeId& exchange,
                                                 std::uint32_t envelopes,
                                                 const Digest32& envelopes_root,
                                                 const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(const TransferId id, ParseTransferName(transfer));
  v1::CloseTransferRequest request;
  request.set_transfer(transfer);
  request.set_envelopes(envelopes);
  request.set_envelopes_root(ToString(envelopes_root));
  request.set_signature(
      ToString(key.Sign(crypto::ClosingStatement(exchange, id, envelopes, envelopes_root))));
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Transfer>([&](auto* context, auto* response) {
    return stub->CloseTransfer(context, request, response);
  });
}

absl::StatusOr<ServeReport> SourceClient::Serve(
    const std::string& transfer, const ExchangeId& exchange, const crypto::SigningKey& key,
    SourceLookup& lookup, const std::function<void(const ServeProgress&)>& progress,
    const StreamOptions& options) {
  ChunkQueue queue;
  Digests digests;
  ServeReport report;
  Mutex mutex;  // Guards report.counts.
  absl::Status fetched;
  std::thread fetcher([&] {
    fetched = Fetch(transfer, 0, [&](v1::FetchSubjectsResponse& chunk) -> absl::Status {
      {
        const MutexLock lock(mutex);
        report.counts.fetched += static_cast<std::uint64_t>(chunk.subjects_size());
      }
      if (chunk.subjects_size() == 0) return absl::OkStatus();
      if (queue.Put(std::move(chunk))) return absl::OkStatus();
      return MakeError(Reason::kUnavailable, "nobody deposits any more");
    });
    queue.Close();
  });
  const absl::Status deposited = Deposit(
      [&]() -> absl::StatusOr<std::optional<EncodedFindings>> {
        const std::optional<v1::FetchSubjectsResponse> chunk = queue.Take();
        if (!chunk) return std::optional<EncodedFindings>();
        HF_ASSIGN_OR_RETURN(const v1::DepositRecordsRequest request,
                            LookUpChunk(lookup, transfer, *chunk));
        std::uint64_t candidates = 0;
        for (const v1::Findings& findings : request.findings()) {
          candidates += static_cast<std::uint64_t>(findings.candidates_size());
        }
        const MutexLock lock(mutex);
        report.counts.candidates += candidates;
        return std::optional<EncodedFindings>(request);
      },
      [&](const EncodedFindings& request, const v1::DepositRecordsResponse& response) {
        digests.Add(request.chunk(), response.envelope_digests());
        ServeProgress now;
        {
          const MutexLock lock(mutex);
          for (const char verdict : response.verdicts()) {
            const auto number = static_cast<unsigned char>(verdict);
            ++report.verdicts[number];
            if (number == kReleasedVerdict || number == kReleasedByReview) {
              ++report.counts.released;
            }
          }
          report.counts.deposited += response.verdicts().size() - response.waiting();
          report.waiting += response.waiting();
          now = report.counts;
        }
        if (progress) progress(now);
        return absl::OkStatus();
      },
      options);
  queue.Close();
  fetcher.join();
  HF_RETURN_IF_ERROR(deposited);
  HF_RETURN_IF_ERROR(fetched);
  if (report.waiting > 0) {
    HF_ASSIGN_OR_RETURN(report.transfer, RequesterClient(channel_).Get(transfer));
    return report;
  }
  HF_ASSIGN_OR_RETURN(report.transfer,
                      Close(transfer, exchange, digests.count(), digests.Root(), key));
  return report;
}

}  // namespace holdfast::client
