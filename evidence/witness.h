// SPDX-License-Identifier: Apache-2.0
// A witness of one ledger (C2SP tlog-witness, tlog-cosignature): it signs each checkpoint that
// extends the last one that it signed, with the time, and nothing else.
//
// When to use  Behind `holdfast ledger witness`, and Cosign*() behind `ledger cosign`.
// Threads      A Witness: not safe for concurrent use. Functions may be called concurrently.
// Ownership    Borrows the file system. Owns its key.
// Errors       Open(): the file system's; kStoreCorrupt. A request is answered, whatever it is.
//
// Invariant: what was signed is durable before the signature is given out, so no crash makes it
// sign two ledgers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/time.h"
#include "crypto/checkpoint.h"
#include "crypto/ed25519.h"
#include "crypto/merkle_proof.h"
#include "crypto/signed_note.h"

namespace holdfast::evidence {

// The largest request: 63 hashes and a note.
inline constexpr std::size_t kMaxWitnessRequestBytes =
    crypto::kMaxNoteBytes + (std::size_t{8} << 10);

// Where a witness takes what is posted to it.
inline constexpr std::string_view kWitnessPath = "/add-checkpoint";

// What is posted there.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  crypto::MerkleProof proof;  // From `old_size` to the checkpoint's size.
  std::string note;

  friend bool operator==(const AddCheckpoint&, const AddCheckpoint&) = default;
};

std::string FormatAddCheckpoint(const AddCheckpoint& request);

// Errors: kRequestMalformed, kRequestTooLarge.
absl::StatusOr<AddCheckpoint> ParseAddCheckpoint(std::string_view body);

// An HTTP answer.
struct WitnessAnswer {
  int status = 500;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class Witness final {
 public:
  // Goes on from what is in `folder`, which is made if it is not there, and is this witness's
  // alone. REQUIRES: `name` is of kCosignatureV1 and has the public key of `key`.
  static absl::StatusOr<std::unique_ptr<Witness>> Open(FileSystem& files, std::string folder,
                                                       crypto::NoteKey ledger, crypto::NoteKey name,
                                                       crypto::SigningKey key);

  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  // Answers one request to add a checkpoint: 200 with the cosignature's line, 409 with the size
  // that this witness knows, 400, 403 (another ledger, or not signed by it) or 422 (no proof).
  WitnessAnswer Add(std::string_view body, UnixMillis now);

  // The size that was signed last.
  std::uint64_t known() const { return known_.size; }

 private:
  Witness(FileSystem& files, std::string folder, std::unique_ptr<FileLock> lock,
          crypto::NoteKey ledger, crypto::NoteKey name, crypto::SigningKey key)
      : files_(files),
        folder_(std::move(folder)),
        lock_(std::move(lock)),
        ledger_(std::move(ledger)),
        name_(std::move(name)),
        key_(std::move(key)) {}
  std::string path() const;
  absl::Status Load();

  FileSystem& files_;
  const std::string folder_;
  const std::unique_ptr<FileLock> lock_;
  const crypto::NoteKey ledger_;
  const crypto::NoteKey name_;
  const crypto::SigningKey key_;
  crypto::Checkpoint known_;
};

// Returns `note` with the lines of a witness's answer added, once `witness` is seen to have signed
// it. Errors: kRequestMalformed, kSignatureInvalid.
absl::StatusOr<std::string> AddCosignature(std::string_view note, std::string_view lines,
                                           const crypto::NoteKey& witness);

}  // namespace holdfast::evidence
