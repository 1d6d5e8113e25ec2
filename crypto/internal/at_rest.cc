// SPDX-License-Identifier: Apache-2.0
#include "crypto/internal/at_rest.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/padding.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto::internal {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;

// Magic, version, suite, segment, leaf, row; then the nonce.
constexpr std::size_t kNonceOffset = 30;
constexpr std::size_t kHeaderBytes = kNonceOffset + kSubjectNonceBytes;
constexpr std::size_t kAssociatedBytes = 32 + 16 + kHeaderBytes;

static_assert(kSubjectOverheadBytes == kHeaderBytes + kTagBytes);
static_assert(kSubjectNonceBytes == kNonceBytes);

using Associated = std::array<std::byte, kAssociatedBytes>;

Associated AssociatedData(const SubjectName& name, ByteSpan header) {
  Associated associated{};
  Writer writer(associated);
  writer.Put(BytesOf(name.exchange));
  writer.Put(BytesOf(name.transfer));
  writer.Put(header);
  HF_CHECK(writer.full());
  return associated;
}

// Its own key and not the leaf's seed, so that a seed is used for one purpose.
class AtRestKey final {
 public:
  AtRestKey(const AtRestKind& kind, const SubjectName& name, const LeafSeed& seed) {
    std::array<std::byte, 4> leaf{};
    Writer(leaf).PutInteger(name.leaf);
    KeyedHash(SecretAccess::Read(seed), kind.label, {BytesOf(name.segment), leaf}, bytes_);
  }
  AtRestKey(const AtRestKey&) = delete;
  AtRestKey& operator=(const AtRestKey&) = delete;
  ~AtRestKey() { Wipe(bytes_); }

  KeySpan span() const { return bytes_; }

 private:
  std::array<std::byte, kKeyBytes> bytes_{};
};

absl::Status Rejected() {
  return MakeError(Reason::kEnvelopeRejected, "what was sealed at rest does not open");
}

}  // namespace

absl::Status SealAtRest(const AtRestKind& kind, const SubjectName& name, const LeafSeed& seed,
                        const SubjectNonce& nonce, ByteSpan payload, std::span<std::byte> out) {
  HF_CHECK(out.size() >= kind.least_padded + kSubjectOverheadBytes &&
           out.size() <= kind.most_padded + kSubjectOverheadBytes);
  const std::size_t padded_bytes = out.size() - kSubjectOverheadBytes;
  std::fill(out.begin(), out.end(), std::byte{0});
  const auto body = out.subspan(kHeaderBytes);
  HF_RETURN_IF_ERROR(Pad(payload, body.first(padded_bytes)));

  Writer writer(out.first(kHeaderBytes));
  writer.Put(kind.magic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.Put(BytesOf(name.segment));
  writer.PutInteger(name.leaf);
  writer.PutInteger(name.row);
  writer.Put(nonce);
  HF_CHECK(writer.full());
  const AtRestKey key(kind, name, seed);
  SealAead(key.span(), nonce, AssociatedData(name, out.first(kHeaderBytes)),
           body.first(padded_bytes), body);
  return absl::OkStatus();
}

absl::StatusOr<SubjectPosition> InspectAtRest(const AtRestKind& kind, ByteSpan sealed) {
  if (sealed.size() < kind.least_padded + kSubjectOverheadBytes ||
      sealed.size() > kind.most_padded + kSubjectOverheadBytes) {
    return Rejected();
  }
  Reader reader(sealed.first(kNonceOffset));
  if (!reader.TakeText(kind.magic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return Rejected();
  }
  SubjectPosition position;
  position.segment = reader.TakeId<SegmentId>();
  position.leaf = reader.TakeInteger<std::uint32_t>();
  position.row = reader.TakeInteger<std::uint32_t>();
  HF_CHECK(reader.done());
  return position;
}

absl::StatusOr<WipedBuffer> OpenAtRest(const AtRestKind& kind, ByteSpan sealed,
                                       const SubjectName& name, const LeafSeed& seed) {
  HF_ASSIGN_OR_RETURN(const SubjectPosition position, InspectAtRest(kind, sealed));
  if (position.segment != name.segment || position.leaf != name.leaf || position.row != name.row) {
    return Rejected();
  }
  const auto header = sealed.first(kHeaderBytes);
  const auto nonce = header.subspan<kNonceOffset, kNonceBytes>();
  WipedBuffer padded(sealed.size() - kSubjectOverheadBytes);
  const AtRestKey key(kind, name, seed);
  if (!OpenAead(key.span(), nonce, AssociatedData(name, header), sealed.subspan(kHeaderBytes),
                padded.Mutable())) {
    return Rejected();
  }
  return Unpad(std::move(padded));
}

}  // namespace holdfast::crypto::internal
