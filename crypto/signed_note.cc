// SPDX-License-Identifier: Apache-2.0
#include "crypto/signed_note.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

namespace holdfast::crypto {
namespace {

constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // An em dash and a space.
constexpr std::size_t kKeyHashBytes = 4;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kHexHashDigits = 2 * kKeyHashBytes;

absl::Status NoNote(const char* message) { return MakeError(Reason::kRequestMalformed, message); }

// UTF-8 without control characters; line feeds are what makes lines.
bool IsNoteText(std::string_view text) {
  if (!IsUtf8(text)) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || static_cast<unsigned char>(c) >= 0x20; });
}

bool IsKeyName(std::string_view name) {
  return !name.empty() && name.find('+') == std::string_view::npos && IsNoteText(name) &&
         !HasUnicodeSpace(name);
}

std::array<std::byte, 1 + PublicKey::kBytes> AlgorithmAndKey(NoteAlgorithm algorithm,
                                                             const PublicKey& key) {
  std::array<std::byte, 1 + PublicKey::kBytes> bytes;
  bytes[0] = static_cast<std::byte>(algorithm);
  std::copy(key.bytes().begin(), key.bytes().end(), bytes.begin() + 1);
  return bytes;
}

// What a witness signs: the text below the time at which it saw it.
Bytes CosignedMessage(std::uint64_t seconds, std::string_view text) {
  std::string message = "cosignature/v1\ntime " + std::to_string(seconds) + "\n";
  message += text;
  return ToBytes(message);
}

absl::StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  const auto malformed = [] { return NoNote("a line of the note is not a signature"); };
  if (line.substr(0, kSignaturePrefix.size()) != kSignaturePrefix) return malformed();
  line.remove_prefix(kSignaturePrefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsKeyName(line.substr(0, space))) return malformed();
  auto bytes = FromBase64(line.substr(space + 1));
  if (!bytes.ok() || bytes->size() <= kKeyHashBytes) return malformed();
  NoteSignature signature;
  signature.name = std::string(line.substr(0, space));
  std::copy_n(bytes->begin(), kKeyHashBytes, signature.key_hash.begin());
  signature.bytes.assign(bytes->begin() + kKeyHashBytes, bytes->end());
  return signature;
}

std::string SignatureLine(const NoteSignature& signature) {
  Bytes bytes(signature.key_hash.begin(), signature.key_hash.end());
  bytes.insert(bytes.end(), signature.bytes.begin(), signature.bytes.end());
  std::string line(kSignaturePrefix);
  line += signature.name + " " + Base64(bytes) + "\n";
  return line;
}

bool IsBy(const NoteSignature& signature, const NoteKey& key) {
  return signature.key_hash == key.hash() && signature.name == key.name();
}

// Errors: kSignatureInvalid.
absl::StatusOr<NoteSigned> VerifySignature(const std::string& text, const NoteSignature& signature,
                                           const NoteKey& key) {
  if (key.algorithm() == NoteAlgorithm::kEd25519) {
    HF_RETURN_IF_ERROR(key.key().Verify(AsBytes(text), signature.bytes));
    return NoteSigned{key, std::nullopt};
  }
  const auto invalid = [] {
    return MakeError(Reason::kSignatureInvalid, "the witness's signature does not verify");
  };
  if (signature.bytes.size() != kTimeBytes + sizeof(Signature)) return invalid();
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    seconds = (seconds << 8) | std::to_integer<std::uint64_t>(signature.bytes[i]);
  }
  // What UnixMillis cannot hold is not a time at which anybody signed.
  if (seconds > static_cast<std::uint64_t>(kMaxTime.value()) / 1000) return invalid();
  HF_RETURN_IF_ERROR(key.key().Verify(CosignedMessage(seconds, text),
                                      ByteSpan(signature.bytes).subspan(kTimeBytes)));
  return NoteSigned{key, UnixMillis(static_cast<std::int64_t>(seconds) * 1000)};
}

NoteSignature MakeSignature(std::string_view text, const NoteSigner& signer,
                            std::optional<UnixMillis> at) {
  HF_CHECK(signer.key.public_key() == signer.as.key());
  NoteSignature made;
  made.name = signer.as.name();
  made.key_hash = signer.as.hash();
  Bytes message = ToBytes(text);
  if (signer.as.algorithm() == NoteAlgorithm::kCosignatureV1) {
    HF_CHECK(at.has_value() && at->value() >= 0);
    const auto seconds = static_cast<std::uint64_t>(at->value() / 1000);
    for (unsigned shift = 64; shift > 0; shift -= 8) {
      made.bytes.push_back(static_cast<std::byte>((seconds >> (shift - 8)) & 0xff));
    }
    message = CosignedMessage(seconds, text);
  }
  const Signature signature = signer.key.Sign(message);
  made.bytes.insert(made.bytes.end(), signature.begin(), signature.end());
  return made;
}

}  // namespace

NoteKey::NoteKey(std::string name, NoteAlgorithm algorithm, const PublicKey& key)
    : name_(std::move(name)), algorithm_(algorithm), key_(key) {
  const Digest32 digest =
      Sha256Of({AsBytes(name_), AsBytes("\n"), AlgorithmAndKey(algorithm, key)});
  std::copy_n(digest.begin(), hash_.size(), hash_.begin());
}

absl::StatusOr<NoteKey> NoteKey::Make(std::string name, NoteAlgorithm algorithm,
                                      const PublicKey& key) {
  if (!IsKeyName(name)) return NoNote("not the name of a note's key");
  if (algorithm != NoteAlgorithm::kEd25519 && algorithm != NoteAlgorithm::kCosignatureV1) {
    return NoNote("an unknown algorithm of a note's key");
  }
  return NoteKey(std::move(name), algorithm, key);
}

absl::StatusOr<NoteKey> NoteKey::Parse(std::string_view vkey) {
  const auto malformed = [] { return NoNote("not a verifier key"); };
  const std::size_t first = vkey.find('+');
  if (first == std::string_view::npos || vkey.size() < first + 2 + kHexHashDigits ||
      vkey[first + 1 + kHexHashDigits] != '+') {
    return malformed();
  }
  const auto bytes = FromBase64(vkey.substr(first + 2 + kHexHashDigits));
  if (!bytes.ok() || bytes->empty()) return malformed();
  const auto algorithm = static_cast<NoteAlgorithm>(bytes->front());
  HF_ASSIGN_OR_RETURN(const PublicKey public_key,
                      PublicKey::FromBytes(ByteSpan(*bytes).subspan(1)));
  HF_ASSIGN_OR_RETURN(NoteKey key, Make(std::string(vkey.substr(0, first)), algorithm, public_key));
  if (Hex(key.hash()) != vkey.substr(first + 1, kHexHashDigits)) return malformed();
  return key;
}

std::string NoteKey::ToString() const {
  return name_ + "+" + Hex(hash_) + "+" + Base64(AlgorithmAndKey(algorithm_, key_));
}

absl::StatusOr<UnverifiedNote> ParseNote(std::string_view note) {
  if (note.size() > kMaxNoteBytes) {
    return MakeError(Reason::kRequestTooLarge, "the note is too long");
  }
  if (!IsNoteText(note)) return NoNote("the note is not UTF-8 text");
  // The last blank line separates: the text may have some of its own.
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos || blank == 0) return NoNote("the note has no signatures");
  UnverifiedNote parsed;
  parsed.text = std::string(note.substr(0, blank + 1));
  std::string_view lines = note.substr(blank + 2);
  if (lines.empty() || lines.back() != '\n') return NoNote("the note has no signatures");
  while (!lines.empty()) {
    if (parsed.signatures.size() == kMaxNoteSignatures) {
      return NoNote("the note has too many signatures");
    }
    const std::size_t end = lines.find('\n');
    HF_ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(lines.substr(0, end)));
    parsed.signatures.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return parsed;
}

absl::StatusOr<OpenedNote> OpenNote(std::string_view note, std::span<const NoteKey> keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (keys[i].name() == keys[j].name() && keys[i].hash() == keys[j].hash()) {
        return NoNote("two keys have one name and hash");
      }
    }
  }
  HF_ASSIGN_OR_RETURN(UnverifiedNote parsed, ParseNote(note));
  OpenedNote opened;
  std::vector<bool> seen(keys.size());
  for (const NoteSignature& signature : parsed.signatures) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&signature](const NoteKey& candidate) {
      return IsBy(signature, candidate);
    });
    if (key == keys.end()) continue;
    HF_ASSIGN_OR_RETURN(NoteSigned verified, VerifySignature(parsed.text, signature, *key));
    const auto index = static_cast<std::size_t>(key - keys.begin());
    if (seen[index]) continue;  // Verified all the same: a wrong one is never passed over.
    seen[index] = true;
    opened.by.push_back(std::move(verified));
  }
  if (opened.by.empty()) {
    return MakeError(Reason::kSignatureInvalid, "no known key has signed the note");
  }
  opened.text = std::move(parsed.text);
  return opened;
}

absl::StatusOr<std::string> SignNote(std::string_view text, const NoteSigner& signer,
                                     std::optional<UnixMillis> at) {
  if (text.empty() || text.back() != '\n' || !IsNoteText(text)) {
    return NoNote("not a text that a note can have");
  }
  std::string note(text);
  note += "\n" + SignatureLine(MakeSignature(text, signer, at));
  if (note.size() > kMaxNoteBytes) {
    return MakeError(Reason::kRequestTooLarge, "the note is too long");
  }
  return note;
}

absl::StatusOr<std::string> AddNoteSignature(std::string_view note, const NoteSigner& signer,
                                             std::optional<UnixMillis> at) {
  HF_ASSIGN_OR_RETURN(const UnverifiedNote parsed, ParseNote(note));
  if (parsed.signatures.size() == kMaxNoteSignatures) {
    return MakeError(Reason::kRequestTooLarge, "the note has too many signatures");
  }
  std::string longer(note);
  longer += SignatureLine(MakeSignature(parsed.text, signer, at));
  if (longer.size() > kMaxNoteBytes) {
    return MakeError(Reason::kRequestTooLarge, "the note is too long");
  }
  return longer;
}

}  // namespace holdfast::crypto
