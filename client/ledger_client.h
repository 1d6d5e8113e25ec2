// SPDX-License-Identifier: Apache-2.0
// The ledger as a client sees it: what the exchange is, a checkpoint that follows on the last one
// that was verified, and all of the entries.
//
// When to use  Checkpoint() by everybody, as often as they like: whoever remembers a checkpoint
// sees
//              a ledger that was rolled back or forked. Export() by auditors.
// Threads      Each call blocks until it is done. Objects and processes may share a state folder.
// Ownership    Shares the channel; borrows the file system.
// Errors       Those of the channel (client/channel.h). kLedgerInconsistent, loud: both checkpoints
//              are kept in files that `kept` and `refused` in the metadata name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "client/channel.h"
#include "crypto/checkpoint.h"
#include "holdfast/v1/ledger_service.pb.h"

namespace holdfast::client {

// The last checkpoint that was verified, in a folder of the client's.
class CheckpointMemory final {
 public:
  // Makes the folder if it is not there.
  CheckpointMemory(FileSystem& files, std::string folder, const ExchangeId& exchange)
      : files_(files), folder_(std::move(folder)), exchange_(exchange) {}

  struct Remembered {
    std::string key;   // The checkpoint key that was seen first, as C2SP writes a verifier key.
    std::string note;  // The newest signed note.
  };

  // Nothing yet is an empty note.
  absl::StatusOr<Remembered> Load() const;

  // Remembers it, unless a newer one was stored meanwhile. Several processes may do this: one waits
  // for the other, since what is not remembered could be rolled back unseen.
  // Errors: kAlreadyRunning if another process has held the memory for kPatience.
  static constexpr std::chrono::milliseconds kPatience{5'000};
  absl::Status Store(const Remembered& remembered) const;

  // Keeps a note that contradicts what is remembered. Returns its path.
  absl::StatusOr<std::string> KeepContradiction(std::string_view note) const;

  std::string path() const;

 private:
  FileSystem& files_;
  const std::string folder_;
  const ExchangeId exchange_;
};

struct VerifiedCheckpoint {
  crypto::Checkpoint checkpoint;
  std::string note;
  std::uint64_t followed_from = 0;  // The size of the one before, which it extends; 0 if none.
};

// Checks that `note` is a checkpoint of the exchange, signed by the key that is remembered, and an
// extension of the checkpoint that is remembered by this consistency proof; then remembers it.
// `announced_key` counts only where nothing is remembered.
// Errors: kLedgerInconsistent, kRequestMalformed, kSignatureInvalid.
absl::StatusOr<VerifiedCheckpoint> AcceptCheckpoint(const CheckpointMemory& memory,
                                                    const ExchangeId& exchange,
                                                    ByteSpan announced_key,
                                                    const v1::Checkpoint& answer);

// The same, where the proof was asked for while `asked` was remembered, which is what it has to
// begin with. Another process of the same client may have gone on since.
absl::StatusOr<VerifiedCheckpoint> AcceptCheckpoint(const CheckpointMemory& memory,
                                                    const CheckpointMemory::Remembered& asked,
                                                    const ExchangeId& exchange,
                                                    ByteSpan announced_key,
                                                    const v1::Checkpoint& answer);

// The same for a checkpoint that came with all of its entries: `root_at` returns the root of the
// first so many of them, and is asked only for what they have.
using RootAtSize = std::function<absl::StatusOr<Digest32>(std::uint64_t size)>;
absl::StatusOr<VerifiedCheckpoint> AcceptExport(const CheckpointMemory& memory,
                                                const ExchangeId& exchange, ByteSpan announced_key,
                                                const std::string& note, const RootAtSize& root_at);

class LedgerClient final {
 public:
  explicit LedgerClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  absl::StatusOr<v1::Exchange> GetExchange();

  // Gets the newest checkpoint, verifies that it extends the remembered one, and remembers it.
  absl::StatusOr<VerifiedCheckpoint> Checkpoint(const CheckpointMemory& memory,
                                                const ExchangeId& exchange);

  // Gets the newest checkpoint with the proof that it extends the first `known_size` entries.
  // Nothing is verified: this is for whoever hands both on to a witness.
  absl::StatusOr<v1::Checkpoint> CheckpointFrom(std::uint64_t known_size);

  absl::StatusOr<v1::InclusionProof> GetInclusionProof(std::uint64_t ledger_index,
                                                       std::uint64_t tree_size);

  // Reads all entries from `first` on. Returns the checkpoint that came with the last bundle.
  using TakeBundle = std::function<absl::Status(const v1::EntryBundle&)>;
  absl::StatusOr<std::string> Export(std::uint64_t first, const TakeBundle& take);

 private:
  const std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
