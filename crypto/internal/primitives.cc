// SPDX-License-Identifier: Apache-2.0
#include "crypto/internal/primitives.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {
namespace {

static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(kKeyBytes == crypto_stream_chacha20_ietf_KEYBYTES);

// A fixed nonce is right where a key is used for one stream only: a node's seed makes its two
// children and nothing else.
constexpr std::array<unsigned char, crypto_stream_chacha20_ietf_NONCEBYTES> kZeroNonce{};

void HashInto(ByteSpan key, std::string_view label, std::initializer_list<ByteSpan> parts,
              std::span<std::byte> out) {
  HF_CHECK(out.size() >= crypto_generichash_BYTES_MIN &&
           out.size() <= crypto_generichash_BYTES_MAX);
  crypto_generichash_state state;
  // None of the three fails for lengths in range. The last one wipes the state.
  HF_CHECK(crypto_generichash_init(&state, key.empty() ? nullptr : Raw(key.data()), key.size(),
                                   out.size()) == 0);
  const auto update = [&state](ByteSpan part) {
    HF_CHECK(crypto_generichash_update(&state, Raw(part.data()), part.size()) == 0);
  };
  update(AsBytes(label));
  for (const ByteSpan part : parts) update(part);
  HF_CHECK(crypto_generichash_final(&state, Raw(out.data()), out.size()) == 0);
}

}  // namespace

void Hash(std::string_view label, std::initializer_list<ByteSpan> parts, std::span<std::byte> out) {
  HashInto({}, label, parts, out);
}

void KeyedHash(KeySpan key, std::string_view label, std::initializer_list<ByteSpan> parts,
               std::span<std::byte> out) {
  HashInto(key, label, parts, out);
}

void SealAead(KeySpan key, NonceSpan nonce, ByteSpan associated, ByteSpan plaintext,
              std::span<std::byte> out) {
  HF_CHECK(out.size() == plaintext.size() + kTagBytes);
  HF_CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
               Raw(out.data()), nullptr, Raw(plaintext.data()), plaintext.size(),
               Raw(associated.data()), associated.size(), nullptr, Raw(nonce.data()),
               Raw(key.data())) == 0);
}

bool OpenAead(KeySpan key, NonceSpan nonce, ByteSpan associated, ByteSpan sealed,
              std::span<std::byte> out) {
  HF_CHECK(sealed.size() == out.size() + kTagBytes);
  const bool authentic =
      crypto_aead_xchacha20poly1305_ietf_decrypt(
          Raw(out.data()), nullptr, nullptr, Raw(sealed.data()), sealed.size(),
          Raw(associated.data()), associated.size(), Raw(nonce.data()), Raw(key.data())) == 0;
  if (!authentic) Wipe(out);
  return authentic;
}

void ExpandSeed(KeySpan seed, std::span<std::byte, 64> out) { ExpandStream(seed, out); }

void ExpandStream(KeySpan seed, std::span<std::byte> out) {
  HF_CHECK(crypto_stream_chacha20_ietf(Raw(out.data()), out.size(), kZeroNonce.data(),
                                       Raw(seed.data())) == 0);
}

bool EqualInConstantTime(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

WipeOnExit::~WipeOnExit() { Wipe(bytes_); }

}  // namespace holdfast::crypto::internal
