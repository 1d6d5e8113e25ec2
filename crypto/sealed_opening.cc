// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed_opening.h"

#include "base/check.h"
#include "base/error.h"
#include "crypto/internal/at_rest.h"

namespace holdfast::crypto {
namespace {

constexpr internal::AtRestKind kOpening{"HFQ1", "holdfast/1/opening", kOpeningStepBytes,
                                        kMaxOpeningBytes};

}  // namespace

void SealOpening(const SubjectName& name, const LeafSeed& seed, const SubjectNonce& nonce,
                 ByteSpan payload, std::span<std::byte> out) {
  HF_CHECK(out.size() == SealedOpeningBytes(payload.size()));
  const absl::Status sealed = internal::SealAtRest(kOpening, name, seed, nonce, payload, out);
  HF_CHECK(sealed.ok());
}

absl::StatusOr<SubjectPosition> InspectOpening(ByteSpan sealed) {
  if (sealed.size() < kSubjectOverheadBytes ||
      (sealed.size() - kSubjectOverheadBytes) % kOpeningStepBytes != 0) {
    return MakeError(Reason::kEnvelopeRejected, "what was sealed at rest does not open");
  }
  return internal::InspectAtRest(kOpening, sealed);
}

absl::StatusOr<WipedBuffer> OpenOpening(ByteSpan sealed, const SubjectName& name,
                                        const LeafSeed& seed) {
  if (const auto position = InspectOpening(sealed); !position.ok()) return position.status();
  return internal::OpenAtRest(kOpening, sealed, name, seed);
}

}  // namespace holdfast::crypto
