// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.h"

#include <cstddef>
#include <memory>

#include <openssl/evp.h>

#include "base/check.h"

namespace holdfast::crypto {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// Fetching looks through every provider and takes longer than hashing a small entry, so it is done
// once. Never freed: it is used until the process ends.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  HF_CHECK(algorithm != nullptr);
  return algorithm;
}

Context NewContext() {
  Context context(EVP_MD_CTX_new());
  HF_CHECK(context != nullptr);
  HF_CHECK(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr) == 1);
  return context;
}

void UpdateWith(EVP_MD_CTX* context, ByteSpan bytes) {
  HF_CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

// Leaves the context ready for the next digest. Without an algorithm in the call OpenSSL keeps the
// one that the context has, and allocates nothing.
void FinishInto(EVP_MD_CTX* context, Digest32& digest) {
  HF_CHECK(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
           1);
  HF_CHECK(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1);
}

// One for each thread, so that the one-shot functions neither allocate nor lock.
EVP_MD_CTX* ThreadContext() {
  thread_local const Context context = NewContext();
  return context.get();
}

EVP_MD_CTX* In(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256() : context_(NewContext().release()) {}
Sha256::~Sha256() { EVP_MD_CTX_free(In(context_)); }

Sha256& Sha256::Update(ByteSpan bytes) {
  UpdateWith(In(context_), bytes);
  return *this;
}

Digest32 Sha256::Finish() {
  Digest32 digest;
  FinishInto(In(context_), digest);
  return digest;
}

Digest32 Sha256Of(ByteSpan bytes) { return Sha256Of({bytes}); }

Digest32 Sha256Of(std::initializer_list<ByteSpan> parts) {
  EVP_MD_CTX* const context = ThreadContext();
  for (const ByteSpan part : parts) UpdateWith(context, part);
  Digest32 digest;
  FinishInto(context, digest);
  return digest;
}

void Sha256Batch(ByteSpan prefix, std::span<const ByteSpan> inputs, std::span<Digest32> digests) {
  HF_CHECK(inputs.size() == digests.size());
  EVP_MD_CTX* const context = ThreadContext();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    UpdateWith(context, prefix);
    UpdateWith(context, inputs[i]);
    FinishInto(context, digests[i]);
  }
}

}  // namespace holdfast::crypto
