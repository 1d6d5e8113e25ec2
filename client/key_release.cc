// SPDX-License-Identifier: Apache-2.0
// RequesterClient::ReleaseKeys: a lease, and batches of keys under it.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/pump.h"
#include "client/requester_client.h"
#include "crypto/lease.h"
#include "holdfast/v1/key_service.grpc.pb.h"

namespace holdfast::client {
namespace {

using Stream = grpc::ClientReaderWriter<v1::ReleaseKeysRequest, v1::ReleaseKeysResponse>;

// One lease after another. Each stream begins with its own.
class Leases final {
 public:
  Leases(const std::string& transfer, const KeyRequester& requester, const Clock& clock,
         crypto::Random& random)
      : transfer_(transfer), requester_(requester), clock_(clock), random_(random) {}

  // Opens a lease at the beginning of a stream.
  absl::StatusOr<internal::Greeting> Open(Stream& stream) {
    crypto::LeaseOpening opening;
    opening.exchange = requester_.exchange;
    HF_ASSIGN_OR_RETURN(opening.transfer, ParseTransferName(transfer_));
    opening.opened_at = clock_.WallNow();
    opening.ledger_size = requester_.ledger_size;
    opening.ledger_root = requester_.ledger_root;
    opening.member = requester_.member;
    HF_ASSIGN_OR_RETURN(const crypto::LeaseRequest request,
                        crypto::LeaseRequest::Create(std::move(opening), requester_.key, random_));
    v1::ReleaseKeysRequest message;
    v1::LeaseOpening& sent = *message.mutable_opening();
    sent.set_transfer(transfer_);
    sent.set_recipient_key(ToString(request.opening().recipient_key.value()));
    sent.set_opening(ToString(request.opening_bytes()));
    sent.set_signature(ToString(request.signature()));
    v1::ReleaseKeysResponse answer;
    if (!stream.Write(message) || !stream.Read(&answer)) {
      return internal::Greeting::kStreamEnded;
    }
    if (!answer.has_lease()) {
      return MakeError(Reason::kInternal, "the gateway's first answer is no lease");
    }
    HF_ASSIGN_OR_RETURN(crypto::Lease lease,
                        request.Accept(AsBytes(answer.lease().header()),
                                       AsBytes(answer.lease().sealed_lease_key())));
    if (lease.header().exchange != requester_.exchange) {
      return MakeError(Reason::kEnvelopeRejected, "the lease is of another exchange");
    }
    lease_.emplace(std::move(lease));
    chain_.emplace(request.digest());
    return internal::Greeting::kDone;
  }

  // Ties a batch to the lease of the present stream.
  void Chain(v1::ReleaseKeysRequest& request) {
    v1::KeyBatch& batch = *request.mutable_batch();
    const std::vector<std::uint32_t> rows(batch.rows().begin(), batch.rows().end());
    batch.set_chain(ToString(chain_->Extend(rows)));
  }

  absl::StatusOr<std::vector<ReleasedKey>> Unwrap(const v1::KeyBatch& asked,
                                                  const v1::KeyBatchResult& result) const {
    const std::set<std::uint32_t> refused(result.refused_rows().begin(),
                                          result.refused_rows().end());
    const ByteSpan sealed = AsBytes(result.sealed_keys());
    const std::size_t released = static_cast<std::size_t>(asked.rows_size()) - refused.size();
    if (refused.size() > static_cast<std::size_t>(asked.rows_size()) ||
        sealed.size() != released * crypto::kSealedRecordKeyBytes) {
      return MakeError(Reason::kInternal, "the gateway's answer does not fit the batch");
    }
    std::vector<ReleasedKey> keys;
    keys.reserve(released);
    for (const std::uint32_t row : asked.rows()) {
      if (refused.contains(row)) continue;
      if (keys.size() == released) {
        return MakeError(Reason::kInternal, "the gateway refused rows that nobody had asked for");
      }
      const std::uint64_t index = result.first_ledger_index() + keys.size();
      HF_ASSIGN_OR_RETURN(crypto::RecordKey key,
                          lease_->Unwrap(sealed.subspan(keys.size() * crypto::kSealedRecordKeyBytes,
                                                        crypto::kSealedRecordKeyBytes),
                                         row, index));
      keys.push_back({row, index, std::move(key)});
    }
    return keys;
  }

 private:
  const std::string transfer_;
  const KeyRequester& requester_;
  const Clock& clock_;
  crypto::Random& random_;
  std::optional<crypto::Lease> lease_;
  std::optional<crypto::BatchChain> chain_;
};

}  // namespace

absl::Status RequesterClient::ReleaseKeys(const std::string& transfer,
                                          const KeyRequester& requester, const NextRows& next,
                                          const TakeKeys& take, const Clock& clock,
                                          crypto::Random& random, std::size_t window) {
  const auto stub = v1::KeyService::NewStub(channel_->connection().channel());
  Leases leases(transfer, requester, clock, random);
  internal::PumpFunctions<v1::ReleaseKeysRequest, v1::ReleaseKeysResponse> functions;
  functions.open = [&](grpc::ClientContext* context) { return stub->ReleaseKeys(context); };
  functions.greet = [&](Stream& stream) { return leases.Open(stream); };
  functions.prepare = [&](v1::ReleaseKeysRequest& request) { leases.Chain(request); };
  functions.next = [&]() -> absl::StatusOr<std::optional<v1::ReleaseKeysRequest>> {
    HF_ASSIGN_OR_RETURN(const std::optional<std::vector<std::uint32_t>> rows, next());
    if (!rows) return std::optional<v1::ReleaseKeysRequest>();
    v1::ReleaseKeysRequest request;
    request.mutable_batch()->mutable_rows()->Add(rows->begin(), rows->end());
    return std::optional<v1::ReleaseKeysRequest>(std::move(request));
  };
  functions.answer = [&](const v1::ReleaseKeysRequest& request,
                         const v1::ReleaseKeysResponse& response) -> absl::Status {
    if (!response.has_batch()) {
      return MakeError(Reason::kInternal, "the gateway answered a batch with a lease");
    }
    HF_ASSIGN_OR_RETURN(std::vector<ReleasedKey> keys,
                        leases.Unwrap(request.batch(), response.batch()));
    const auto& refused = response.batch().refused_rows();
    return take(std::move(keys),
                std::span(refused.data(), static_cast<std::size_t>(refused.size())));
  };
  // A new stream begins with a new lease.
  functions.may_resume = [](const absl::Status& error) {
    return ReasonOf(error) == Reason::kLeaseEnded;
  };
  return internal::Pump<v1::ReleaseKeysRequest, v1::ReleaseKeysResponse>(channel_->connection(),
                                                                         functions, window)
      .Run();
}

}  // namespace holdfast::client
