// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <sodium.h>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/secret_access.h"
#include "crypto/library.h"
#include "crypto/random.h"

// docs/ledger-format.md, "Key files", has the lines.

namespace holdfast::crypto {
namespace {

constexpr std::string_view kTitle = "holdfast signing key 1\n";
constexpr std::string_view kEnd = "end\n";
constexpr std::size_t kSaltBytes = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kSealedBytes = SigningKey::kSeedBytes + kTagBytes;

unsigned char* RawToWrite(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

absl::Status NoKeyFile() {
  return MakeError(Reason::kRequestMalformed, "not a signing key's file");
}

// A file, read. `seed` is the seed itself, or the seed sealed.
struct Parsed {
  std::optional<PublicKey> public_key;
  KeyFileProtection protection = KeyFileProtection::kPassphrase;
  Bytes salt;
  KeyFileCost cost;
  Bytes nonce;
  std::string_view head;  // The lines before the seed, in the file's text.
  WipedBuffer seed;
};

// Takes the line "name value" off `text` and returns the value.
std::optional<std::string_view> TakeField(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (line.substr(0, name.size()) != name || line.substr(name.size(), 1) != " ") {
    return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  text.remove_prefix(end + 1);
  return line;
}

// Decimal without leading zeros: one number has one text.
std::optional<std::uint64_t> ParseNumber(std::optional<std::string_view> text) {
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), number);
  if (result.ec != std::errc() || std::to_string(number) != *text) return std::nullopt;
  return number;
}

std::optional<Bytes> ParseBytes(std::optional<std::string_view> text, std::size_t size) {
  if (!text) return std::nullopt;
  auto bytes = FromBase64(*text);
  if (!bytes.ok() || bytes->size() != size) return std::nullopt;
  return *std::move(bytes);
}

bool IsAllowed(const KeyFileCost& cost) {
  return cost.passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && cost.passes <= kMaxKeyFilePasses &&
         cost.memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
         cost.memory_bytes <= kMaxKeyFileMemoryBytes;
}

absl::StatusOr<Parsed> ParseKeyFile(ByteSpan file) {
  if (file.size() > kMaxKeyFileBytes) {
    return MakeError(Reason::kRequestTooLarge, "the key file is too long");
  }
  const std::string_view whole = AsText(file);
  std::string_view text = whole;
  if (text.substr(0, kTitle.size()) != kTitle) return NoKeyFile();
  text.remove_prefix(kTitle.size());
  Parsed parsed;
  const auto public_key = ParseBytes(TakeField(text, "public"), PublicKey::kBytes);
  if (!public_key) return NoKeyFile();
  HF_ASSIGN_OR_RETURN(parsed.public_key, PublicKey::FromBytes(*public_key));
  const auto protection = TakeField(text, "protection");
  std::size_t seed_bytes = SigningKey::kSeedBytes;
  if (protection == "none") {
    parsed.protection = KeyFileProtection::kNone;
  } else if (protection == "argon2id-xchacha20poly1305") {
    seed_bytes = kSealedBytes;
    auto salt = ParseBytes(TakeField(text, "salt"), kSaltBytes);
    const auto passes = ParseNumber(TakeField(text, "passes"));
    const auto memory = ParseNumber(TakeField(text, "memory"));
    auto nonce = ParseBytes(TakeField(text, "nonce"), kNonceBytes);
    if (!salt || !passes || !memory || !nonce) return NoKeyFile();
    parsed.salt = *std::move(salt);
    parsed.cost = KeyFileCost{*passes, *memory};
    parsed.nonce = *std::move(nonce);
    if (!IsAllowed(parsed.cost)) {
      return MakeError(Reason::kRequestTooLarge,
                       "the key file asks for too much or too little work");
    }
  } else {
    return NoKeyFile();
  }
  parsed.head = whole.substr(0, whole.size() - text.size());
  auto seed = ParseBytes(TakeField(text, "seed"), seed_bytes);
  if (!seed) return NoKeyFile();
  parsed.seed = WipedBuffer::TakeFrom(*seed);
  if (text != kEnd) return NoKeyFile();
  return parsed;
}

// Returns head, "seed", the bytes in base64 and the end, without a copy of the seed that is not
// wiped.
WipedBuffer Assemble(std::string_view head, ByteSpan seed) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  const std::size_t encoded =
      sodium_base64_encoded_len(seed.size(), kVariant);  // With a zero byte.
  WipedBuffer text(head.size() + 5 + encoded + kEnd.size());
  const std::span<std::byte> out = text.Mutable();
  std::copy_n(AsBytes(head).begin(), head.size(), out.begin());
  std::copy_n(AsBytes("seed ").begin(), 5, out.begin() + static_cast<std::ptrdiff_t>(head.size()));
  const std::span<std::byte> rest = out.subspan(head.size() + 5);
  sodium_bin2base64(reinterpret_cast<char*>(rest.data()), encoded, Raw(seed), seed.size(),
                    kVariant);
  rest[encoded - 1] = std::byte{'\n'};
  const ByteSpan end = AsBytes(kEnd);
  std::copy(end.begin(), end.end(), rest.subspan(encoded).begin());
  return text;
}

std::string Head(const SigningKey& key, std::string_view protection) {
  std::string head(kTitle);
  head += "public " + key.public_key().ToBase64() + "\nprotection ";
  head += protection;
  head += "\n";
  return head;
}

bool IsPublicKeyComment(std::string_view comment) {
  return comment.size() <= 200 &&
         std::all_of(comment.begin(), comment.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

absl::StatusOr<SecretBytes> WrappingKey(const WipedBuffer& passphrase, ByteSpan salt,
                                        const KeyFileCost& cost) {
  HF_ASSIGN_OR_RETURN(SecretBytes key,
                      SecretBytes::Zeroed(crypto_aead_xchacha20poly1305_ietf_KEYBYTES));
  const ByteSpan words = passphrase.Reveal();
  if (crypto_pwhash_argon2id(RawToWrite(internal::SecretAccess::Write(key)), key.size(),
                             words.empty() ? "" : AsText(words).data(), words.size(), Raw(salt),
                             cost.passes, static_cast<std::size_t>(cost.memory_bytes),
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return MakeError(Reason::kUnavailable, "no memory to derive a key from the passphrase");
  }
  return key;
}

}  // namespace

absl::StatusOr<WipedBuffer> WriteKeyFile(const SigningKey& key, const WipedBuffer& passphrase,
                                         const KeyFileCost& cost, Random& random) {
  HF_RETURN_IF_ERROR(InitLibrary().status());
  HF_CHECK(IsAllowed(cost));
  if (passphrase.empty() || passphrase.size() > kMaxPassphraseBytes) {
    return MakeError(Reason::kRequestMalformed, "a passphrase has 1 to 1024 bytes");
  }
  const auto salt = Draw<kSaltBytes>(random);
  const auto nonce = Draw<kNonceBytes>(random);
  std::string head = Head(key, "argon2id-xchacha20poly1305");
  head += "salt " + Base64(salt) + "\npasses " + std::to_string(cost.passes) + "\nmemory " +
          std::to_string(cost.memory_bytes) + "\nnonce " + Base64(nonce) + "\n";
  HF_ASSIGN_OR_RETURN(const SecretBytes seed, key.DuplicateSeed());
  HF_ASSIGN_OR_RETURN(const SecretBytes wrapping, WrappingKey(passphrase, salt, cost));
  std::array<std::byte, kSealedBytes> sealed;
  crypto_aead_xchacha20poly1305_ietf_encrypt(RawToWrite(sealed), nullptr,
                                             Raw(internal::SecretAccess::Read(seed)), seed.size(),
                                             Raw(AsBytes(head)), head.size(), nullptr, Raw(nonce),
                                             Raw(internal::SecretAccess::Read(wrapping)));
  return Assemble(head, sealed);
}

absl::StatusOr<WipedBuffer> WriteUnprotectedKeyFile(const SigningKey& key) {
  HF_ASSIGN_OR_RETURN(const SecretBytes seed, key.DuplicateSeed());
  return Assemble(Head(key, "none"), internal::SecretAccess::Read(seed));
}

absl::StatusOr<KeyFileProtection> KeyFileProtectionOf(ByteSpan text) {
  HF_ASSIGN_OR_RETURN(const Parsed parsed, ParseKeyFile(text));
  return parsed.protection;
}

absl::StatusOr<PublicKey> UnverifiedPublicKeyOf(ByteSpan text) {
  HF_ASSIGN_OR_RETURN(const Parsed parsed, ParseKeyFile(text));
  return *parsed.public_key;
}

absl::StatusOr<SigningKey> ReadKeyFile(ByteSpan text, const WipedBuffer& passphrase) {
  HF_RETURN_IF_ERROR(InitLibrary().status());
  HF_ASSIGN_OR_RETURN(Parsed parsed, ParseKeyFile(text));
  HF_ASSIGN_OR_RETURN(SecretBytes seed, SecretBytes::Zeroed(SigningKey::kSeedBytes));
  if (parsed.protection == KeyFileProtection::kNone) {
    HF_ASSIGN_OR_RETURN(seed, SecretBytes::TakeFrom(parsed.seed.Mutable()));
  } else {
    HF_ASSIGN_OR_RETURN(const SecretBytes wrapping,
                        WrappingKey(passphrase, parsed.salt, parsed.cost));
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            RawToWrite(internal::SecretAccess::Write(seed)), nullptr, nullptr,
            Raw(parsed.seed.Reveal()), parsed.seed.size(), Raw(AsBytes(parsed.head)),
            parsed.head.size(), Raw(parsed.nonce),
            Raw(internal::SecretAccess::Read(wrapping))) != 0) {
      return MakeError(Reason::kSignatureInvalid,
                       "the passphrase is wrong, or the key file was altered");
    }
  }
  HF_ASSIGN_OR_RETURN(SigningKey key, SigningKey::FromSeed(seed));
  if (key.public_key() != *parsed.public_key) {
    return MakeError(Reason::kSignatureInvalid,
                     "the key file's public key is not that of its seed");
  }
  return key;
}

std::string WritePublicKeyFile(const PublicKey& key, std::string_view comment) {
  HF_CHECK(IsPublicKeyComment(comment));
  std::string text = "ed25519 " + key.ToBase64();
  if (!comment.empty()) {
    text += " ";
    text += comment;
  }
  return text + "\n";
}

absl::StatusOr<PublicKeyFile> ReadPublicKeyFile(std::string_view text) {
  const auto malformed = [] {
    return MakeError(Reason::kRequestMalformed, "not a public key's file");
  };
  if (text.empty() || text.back() != '\n') return malformed();
  text.remove_suffix(1);
  if (text.substr(0, 8) != "ed25519 ") return malformed();
  text.remove_prefix(8);
  const std::size_t space = text.find(' ');
  std::string_view comment;
  if (space != std::string_view::npos) {
    comment = text.substr(space + 1);
    if (comment.empty()) return malformed();
  }
  if (!IsPublicKeyComment(comment)) return malformed();
  HF_ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBase64(text.substr(0, space)));
  return PublicKeyFile{key, std::string(comment)};
}

}  // namespace holdfast::crypto
