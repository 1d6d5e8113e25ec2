// SPDX-License-Identifier: Apache-2.0
// A text with signatures below it (C2SP signed-note), and the signatures of witnesses (C2SP
// tlog-cosignature).
//
//   holdfast.dev/exchange/…
//   1300000
//   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//   — holdfast.dev/exchange/… Az3grlgtzPICa5OS8npVmf1Myq/…
//
// When to use  For checkpoints (crypto/checkpoint.h), so that tools that others wrote can verify
// them.
//              Orders and agreements are DSSE (crypto/dsse.h).
// Threads      Functions may be called concurrently.
// Ownership    Values. A NoteSigner borrows its key.
// Errors       Parsing: kRequestMalformed. Opening: also kSignatureInvalid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/time.h"
#include "crypto/ed25519.h"

namespace holdfast::crypto {

// Inclusive limits. They come before any signature is looked at.
inline constexpr std::size_t kMaxNoteBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxNoteSignatures = 64;

// What kind of signature a key makes. The numbers are C2SP's, and part of what a key hash covers.
enum class NoteAlgorithm : std::uint8_t {
  kUnknown = 0,
  kEd25519 = 1,        // Over the text. A ledger.
  kCosignatureV1 = 4,  // Over the text and a time. A witness.
};

// A name and a key, as a verifier knows them.
class NoteKey final {
 public:
  // Errors: kRequestMalformed if `name` is empty, is not UTF-8, or has white space, a control
  // character or a plus in it; or if `algorithm` is kUnknown.
  static absl::StatusOr<NoteKey> Make(std::string name, NoteAlgorithm algorithm,
                                      const PublicKey& key);

  // Reads "name+hash+base64", as C2SP writes a verifier key.
  // Errors: kRequestMalformed, also if the hash is not that of the key.
  static absl::StatusOr<NoteKey> Parse(std::string_view vkey);

  std::string ToString() const;

  const std::string& name() const { return name_; }
  NoteAlgorithm algorithm() const { return algorithm_; }
  const PublicKey& key() const { return key_; }

  // The first four bytes of SHA-256(name, line feed, algorithm, key).
  const std::array<std::byte, 4>& hash() const { return hash_; }

 private:
  NoteKey(std::string name, NoteAlgorithm algorithm, const PublicKey& key);

  std::string name_;
  NoteAlgorithm algorithm_;
  PublicKey key_;
  std::array<std::byte, 4> hash_;
};

struct NoteSignature {
  std::string name;
  std::array<std::byte, 4> key_hash{};
  Bytes bytes;  // Algorithm-specific; not empty.

  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

// A note as it stands there. Nothing in it is verified.
struct UnverifiedNote {
  std::string text;  // Ends with a line feed.
  std::vector<NoteSignature> signatures;
};

absl::StatusOr<UnverifiedNote> ParseNote(std::string_view note);

// One signature that verified.
struct NoteSigned {
  NoteKey key;
  std::optional<UnixMillis>
      at;  // What a witness said that it was. Whole seconds. Only kCosignatureV1.
};

struct OpenedNote {
  std::string text;
  std::vector<NoteSigned> by;  // At least one; each key once, in the order of the note.
};

// Returns the text and which of `keys` signed it. Signatures by other keys are ignored, as they
// must be: a note collects them on its way.
//
// Errors: kRequestMalformed if `note` is not one, or if two of `keys` have one name and hash;
//         kSignatureInvalid if none of `keys` signed it, or if a signature by one of them is wrong.
absl::StatusOr<OpenedNote> OpenNote(std::string_view note, std::span<const NoteKey> keys);

// Who signs. Borrows the key.
struct NoteSigner {
  const NoteKey& as;
  const SigningKey& key;
};

// Returns `text` with one signature. `at` is written by a witness and ignored for other algorithms.
// REQUIRES: signer.key is the key of signer.as; a witness has an `at` that is not negative.
// Errors: kRequestMalformed if `text` is empty, does not end with a line feed, is not UTF-8 or has
//         control characters; kRequestTooLarge.
absl::StatusOr<std::string> SignNote(std::string_view text, const NoteSigner& signer,
                                     std::optional<UnixMillis> at = std::nullopt);

// Returns `note` with a further signature at its end. Errors: as SignNote() and ParseNote().
absl::StatusOr<std::string> AddNoteSignature(std::string_view note, const NoteSigner& signer,
                                             std::optional<UnixMillis> at = std::nullopt);

}  // namespace holdfast::crypto
