// SPDX-License-Identifier: Apache-2.0
// What a requester does: opens a transfer, submits subjects, collects envelopes, asks for keys.
//
// When to use  With a channel whose certificate is the requester's. Everything can be done again
//              after a failure: nothing happens twice.
// Threads      Each call blocks until it is done. Calls may be made concurrently.
// Ownership    Shares the channel. Functions that are passed in are called during the call only,
// one
//              at a time.
// Errors       Those of the channel (client/channel.h), and those of the functions passed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/clock.h"
#include "base/ids.h"
#include "client/channel.h"
#include "client/encoded_chunk.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "crypto/wiped_key.h"
#include "holdfast/v1/key_service.pb.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

// How many streams are used side by side, and how many messages may be unanswered on each.
struct StreamOptions {
  std::size_t streams = 1;
  std::size_t window = 32;
};

// A key that was released, for as long as the caller keeps it; a lease says for how long it may.
struct ReleasedKey {
  std::uint32_t row = 0;
  std::uint64_t ledger_index = 0;  // The entry that says so.
  crypto::RecordKey key;
};

// Who asks for keys.
struct KeyRequester {
  ExchangeId exchange;
  std::string member;             // As in the agreement.
  const crypto::SigningKey& key;  // The member's own.
  std::uint64_t ledger_size = 0;  // The last checkpoint that was verified;
  Digest32 ledger_root{};         // 0 and zeros if none.
};

class RequesterClient final {
 public:
  explicit RequesterClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // Opens a transfer. `request_id` has 16 random bytes; the same again returns the same transfer.
  absl::StatusOr<v1::Transfer> Create(const v1::TransferTerms& terms, ByteSpan request_id);

  // Submits chunks until `next` returns nothing. Each message names its transfer and its chunk.
  using NextChunk = std::function<absl::StatusOr<std::optional<EncodedSubjects>>()>;
  using ChunkAnswer =
      std::function<absl::Status(const EncodedSubjects&, const v1::SubmitSubjectsResponse&)>;
  absl::Status Submit(const NextChunk& next, const ChunkAnswer& answer,
                      const StreamOptions& options = {});

  absl::StatusOr<v1::Transfer> Finish(const std::string& transfer, std::uint32_t rows);
  absl::StatusOr<v1::Transfer> Get(const std::string& transfer);

  // All transfers, oldest first.
  absl::StatusOr<std::vector<v1::Transfer>> List();

  // Returns the transfer once `enough` says so of it.
  // Errors: kUnavailable with `deadline` = "yes" if that takes longer than `patience`.
  absl::StatusOr<v1::Transfer> WaitFor(const std::string& transfer,
                                       const std::function<bool(const v1::Transfer&)>& enough,
                                       std::chrono::milliseconds patience);

  // Collects envelopes from `first_chunk` on.
  using TakeEnvelopes = std::function<absl::Status(v1::CollectEnvelopesResponse&)>;
  absl::Status Collect(const std::string& transfer, std::uint32_t first_chunk,
                       const TakeEnvelopes& take);

  // Asks for the keys of the rows that `next` returns, at most kMaxKeyBatch at a time. `take` gets
  // them, and the rows of the same batch that were not released.
  //
  // A lease that ends is followed by another one. Errors also: kHeld, with `matter`; the batches
  // before it have been taken. kEnvelopeRejected for keys that do not unwrap.
  static constexpr std::size_t kMaxKeyBatch = 1024;
  using NextRows = std::function<absl::StatusOr<std::optional<std::vector<std::uint32_t>>>()>;
  using TakeKeys = std::function<absl::Status(std::vector<ReleasedKey>,
                                              std::span<const std::uint32_t> not_released)>;
  absl::Status ReleaseKeys(const std::string& transfer, const KeyRequester& requester,
                           const NextRows& next, const TakeKeys& take, const Clock& clock,
                           crypto::Random& random, std::size_t window = 8);

 private:
  const std::shared_ptr<Channel> channel_;
};

// Returns the id in `transfers/{32 hexadecimal digits}`. Errors: kRequestMalformed.
absl::StatusOr<TransferId> ParseTransferName(std::string_view name);

}  // namespace holdfast::client
