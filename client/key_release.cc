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
#include "client/internal/wire.h"
#include "client/requester_client.h"
#include "crypto/lease.h"
#include "holdfast/v1/key_service.grpc.pb.h"

namespace holdfast::client {
namespace {

using Rows = std::vector<std::uint32_t>;
using Stream = internal::ByteStream<v1::ReleaseKeysResponse>;

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
    if (!stream.Write(internal::Encode(message)) || !stream.Read(&answer)) {
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

  // A batch, tied to the lease of the present stream.
  grpc::ByteBuffer Encode(const Rows& rows) {
    v1::ReleaseKeysRequest request;
    v1::KeyBatch& batch = *request.mutable_batch();
    batch.mutable_rows()->Add(rows.begin(), rows.end());
    batch.set_chain(ToString(chain_->Extend(rows)));
    return internal::Encode(request);
  }

  absl::StatusOr<std::vector<ReleasedKey>> Unwrap(const Rows& asked,
                                                  const v1::KeyBatchResult& result) const {
    const std::set<std::uint32_t> refused(result.refused_rows().begin(),
                                          result.refused_rows().end());
    const ByteSpan sealed = AsBytes(result.sealed_keys());
    const std::size_t released = asked.size() - refused.size();
    if (refused.size() > asked.size() ||
        sealed.size() != released * crypto::kSealedRecordKeyBytes) {
      return MakeError(Reason::kInternal, "the gateway's answer does not fit the batch");
    }
    std::vector<ReleasedKey> keys;
    keys.reserve(released);
    for (const std::uint32_t row : asked) {
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
  Leases leases(transfer, requester, clock, random);
  internal::PumpFunctions<Rows, v1::ReleaseKeysResponse> functions;
  functions.open = [&](grpc::ClientContext* context) {
    return internal::OpenByteStream<v1::KeyService, v1::ReleaseKeysResponse>(
        channel_->connection(), "ReleaseKeys", context);
  };
  functions.greet = [&](Stream& stream) { return leases.Open(stream); };
  functions.next = next;
  functions.encode = [&](const Rows& rows) { return leases.Encode(rows); };
  functions.answer = [&](const Rows& rows,
                         const v1::ReleaseKeysResponse& response) -> absl::Status {
    if (!response.has_batch()) {
      return MakeError(Reason::kInternal, "the gateway answered a batch with a lease");
    }
    HF_ASSIGN_OR_RETURN(std::vector<ReleasedKey> keys, leases.Unwrap(rows, response.batch()));
    const auto& refused = response.batch().refused_rows();
    return take(std::move(keys),
                std::span(refused.data(), static_cast<std::size_t>(refused.size())));
  };
  // A new stream begins with a new lease.
  functions.may_resume = [](const absl::Status& error) {
    return ReasonOf(error) == Reason::kLeaseEnded;
  };
  return internal::Pump<Rows, v1::ReleaseKeysResponse>(channel_->connection(), functions, window)
      .Run();
}

}  // namespace holdfast::client
