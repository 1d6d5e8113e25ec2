// SPDX-License-Identifier: Apache-2.0
#include "client/requester_client.h"

#include <utility>

#include "base/error.h"
#include "base/escape.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/pull.h"
#include "client/internal/pump.h"
#include "client/internal/wire.h"
#include "holdfast/v1/transfer_service.grpc.pb.h"

namespace holdfast::client {
namespace {

constexpr std::string_view kTransferPrefix = "transfers/";
constexpr int kPageSize = 1000;

std::unique_ptr<v1::TransferService::Stub> StubOf(Channel& channel) {
  return v1::TransferService::NewStub(channel.connection().channel());
}

}  // namespace

absl::StatusOr<TransferId> ParseTransferName(std::string_view name) {
  if (name.starts_with(kTransferPrefix)) {
    const auto bytes = FromHex(name.substr(kTransferPrefix.size()));
    if (bytes.ok() && bytes->size() == sizeof(TransferId)) return IdFromBytes<TransferId>(*bytes);
  }
  return MakeError(Reason::kRequestMalformed, "not a transfer's name: " + EscapeForLog(name) +
                                                  " (transfers/ and 32 hexadecimal digits)");
}

absl::StatusOr<v1::Transfer> RequesterClient::Create(const v1::TransferTerms& terms,
                                                     ByteSpan request_id) {
  v1::CreateTransferRequest request;
  *request.mutable_terms() = terms;
  request.set_request_id(ToString(request_id));
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Transfer>([&](auto* context, auto* response) {
    return stub->CreateTransfer(context, request, response);
  });
}

absl::Status RequesterClient::Submit(const NextChunk& next, const ChunkAnswer& answer,
                                     const StreamOptions& options) {
  internal::PumpFunctions<EncodedSubjects, v1::SubmitSubjectsResponse> functions;
  functions.open = [&](grpc::ClientContext* context) {
    return internal::OpenByteStream<v1::TransferService, v1::SubmitSubjectsResponse>(
        channel_->connection(), "SubmitSubjects", context);
  };
  Mutex next_mutex;
  functions.next = [&] {
    const MutexLock lock(next_mutex);
    return next();
  };
  functions.encode = [](const EncodedSubjects& chunk) { return internal::Lend(chunk.bytes()); };
  functions.answer = [&](const EncodedSubjects& request,
                         const v1::SubmitSubjectsResponse& response) -> absl::Status {
    if (response.chunk() != request.chunk() || response.verdicts().size() != request.rows()) {
      return MakeError(Reason::kInternal, "the gateway answered for another chunk");
    }
    return answer(request, response);
  };
  return internal::RunPumps(channel_->connection(), functions, options.streams, options.window);
}

absl::StatusOr<v1::Transfer> RequesterClient::Finish(const std::string& transfer,
                                                     std::uint32_t rows) {
  v1::FinishSubmissionRequest request;
  request.set_transfer(transfer);
  request.set_rows(rows);
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Transfer>([&](auto* context, auto* response) {
    return stub->FinishSubmission(context, request, response);
  });
}

absl::StatusOr<v1::Transfer> RequesterClient::Get(const std::string& transfer) {
  v1::GetTransferRequest request;
  request.set_name(transfer);
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Transfer>(
      [&](auto* context, auto* response) { return stub->GetTransfer(context, request, response); });
}

absl::StatusOr<std::vector<v1::Transfer>> RequesterClient::List() {
  const auto stub = StubOf(*channel_);
  std::vector<v1::Transfer> transfers;
  v1::ListTransfersRequest request;
  request.set_page_size(kPageSize);
  do {
    HF_ASSIGN_OR_RETURN(
        v1::ListTransfersResponse page,
        channel_->connection().Unary<v1::ListTransfersResponse>([&](auto* context, auto* response) {
          return stub->ListTransfers(context, request, response);
        }));
    for (v1::Transfer& transfer : *page.mutable_transfers()) {
      transfers.push_back(std::move(transfer));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return transfers;
}

absl::StatusOr<v1::Transfer> RequesterClient::WaitFor(
    const std::string& transfer, const std::function<bool(const v1::Transfer&)>& enough,
    std::chrono::milliseconds patience) {
  v1::GetTransferRequest request;
  request.set_name(transfer);
  const auto stub = StubOf(*channel_);
  const auto deadline = std::chrono::system_clock::now() + patience;
  std::optional<v1::Transfer> found;
  const absl::Status status = internal::Pull<v1::Transfer>(
      channel_->connection(),
      [&](grpc::ClientContext* context) {
        context->set_deadline(deadline);
        return stub->WatchTransfer(context, request);
      },
      [&](v1::Transfer& now) -> absl::StatusOr<internal::Pulled> {
        if (!enough(now)) return internal::Pulled::kMore;
        found = now;
        return internal::Pulled::kEnough;
      });
  HF_RETURN_IF_ERROR(status);
  if (found) return *found;
  return MakeError(Reason::kUnavailable, "the gateway stopped telling about the transfer");
}

absl::Status RequesterClient::Collect(const std::string& transfer, std::uint32_t first_chunk,
                                      const TakeEnvelopes& take) {
  const auto stub = StubOf(*channel_);
  v1::CollectEnvelopesRequest request;
  request.set_transfer(transfer);
  request.set_first_chunk(first_chunk);
  bool complete = false;
  const absl::Status status = internal::Pull<v1::CollectEnvelopesResponse>(
      channel_->connection(),
      [&](grpc::ClientContext* context) { return stub->CollectEnvelopes(context, request); },
      [&](v1::CollectEnvelopesResponse& chunk) -> absl::StatusOr<internal::Pulled> {
        if (chunk.chunk() != request.first_chunk()) {
          return MakeError(Reason::kInternal, "the gateway sent another chunk than the next one");
        }
        HF_RETURN_IF_ERROR(take(chunk));
        request.set_first_chunk(chunk.chunk() + 1);
        complete = chunk.last();
        return internal::Pulled::kMore;
      });
  HF_RETURN_IF_ERROR(status);
  if (complete) return absl::OkStatus();
  return MakeError(Reason::kUnavailable, "the gateway ended the stream before the last chunk");
}

}  // namespace holdfast::client
