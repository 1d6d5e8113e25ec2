// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed_subject.h"

#include "base/check.h"
#include "crypto/envelope.h"
#include "crypto/internal/at_rest.h"

namespace holdfast::crypto {
namespace {

constexpr internal::AtRestKind kSubject{"HFS1", "holdfast/1/subject", kMinPaddedBytes,
                                        kMaxPaddedBytes};

}  // namespace

absl::Status SealSubject(const SubjectName& name, const LeafSeed& seed, const SubjectNonce& nonce,
                         ByteSpan payload, std::size_t padded_bytes, std::span<std::byte> out) {
  HF_CHECK(out.size() == SealedSubjectBytes(padded_bytes));
  return internal::SealAtRest(kSubject, name, seed, nonce, payload, out);
}

absl::StatusOr<SubjectPosition> InspectSubject(ByteSpan sealed) {
  return internal::InspectAtRest(kSubject, sealed);
}

absl::StatusOr<WipedBuffer> OpenSubject(ByteSpan sealed, const SubjectName& name,
                                        const LeafSeed& seed) {
  return internal::OpenAtRest(kSubject, sealed, name, seed);
}

}  // namespace holdfast::crypto
