// SPDX-License-Identifier: Apache-2.0
// What a source does: fetches accepted subjects, deposits what it found, closes the transfer.
//
// When to use  With a channel whose certificate is the source's. Serve() does all of it; it may be
//              stopped at any time and started again from the beginning.
// Threads      Each call blocks until it is done. The lookup is called on several threads at once.
// Ownership    Shares the channel. Functions are called during the call only, `progress`, `take`
// and
//              `answer` by one thread at a time. A lookup is borrowed for the call.
// Errors       Those of the channel (client/channel.h), and those of the functions passed in.
//              Nothing here writes a log, and no error names a field's value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "client/channel.h"
#include "client/encoded_chunk.h"
#include "client/requester_client.h"
#include "client/source_lookup.h"
#include "crypto/ed25519.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

// How far Serve() is.
struct ServeProgress {
  std::uint64_t fetched = 0;    // Accepted subjects.
  std::uint64_t deposited = 0;  // Of these, with an envelope.
  std::uint64_t released = 0;   // Of these, with a record in it.
  std::uint64_t candidates = 0;
};

// What Serve() did.
struct ServeReport {
  ServeProgress counts;
  std::vector<std::uint64_t> verdicts = std::vector<std::uint64_t>(256);  // By number.
  std::uint64_t waiting = 0;  // Doubtful cases that a custodian has not settled yet.
  v1::Transfer transfer;      // Closed, if none waits.
};

class SourceClient final {
 public:
  explicit SourceClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // Fetches the accepted subjects from `first_chunk` on, a chunk a call of `take`.
  using TakeSubjects = std::function<absl::Status(v1::FetchSubjectsResponse&)>;
  absl::Status Fetch(const std::string& transfer, std::uint32_t first_chunk,
                     const TakeSubjects& take);

  // Deposits chunks until `next` returns nothing. It is called on several threads at once where
  // there are several streams.
  using NextFindings = std::function<absl::StatusOr<std::optional<EncodedFindings>>()>;
  using FindingsAnswer =
      std::function<absl::Status(const EncodedFindings&, const v1::DepositRecordsResponse&)>;
  absl::Status Deposit(const NextFindings& next, const FindingsAnswer& answer,
                       const StreamOptions& options = {});

  // Closes a transfer over `envelopes` envelopes with this root, signed by the source's key.
  absl::StatusOr<v1::Transfer> Close(const std::string& transfer, const ExchangeId& exchange,
                                     std::uint32_t envelopes, const Digest32& envelopes_root,
                                     const crypto::SigningKey& key);

  // Fetches, looks up, deposits, and closes the transfer unless cases wait for a review: it can
  // then be called again once they are settled. `progress` may be empty.
  absl::StatusOr<ServeReport> Serve(const std::string& transfer, const ExchangeId& exchange,
                                    const crypto::SigningKey& key, SourceLookup& lookup,
                                    const std::function<void(const ServeProgress&)>& progress,
                                    const StreamOptions& options = {2, 32});

 private:
  const std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
