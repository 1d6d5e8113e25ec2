// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed_subject.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/envelope.h"
#include "crypto/internal/padding.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::string_view kMagic = "HFS1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;

// Magic, version, suite, segment, leaf, row; then the nonce.
constexpr std::size_t kNonceOffset = 30;
constexpr std::size_t kHeaderBytes = kNonceOffset + kSubjectNonceBytes;
constexpr std::size_t kAssociatedBytes = 32 + 16 + kHeaderBytes;

static_assert(kSubjectOverheadBytes == kHeaderBytes + internal::kTagBytes);
static_assert(kSubjectNonceBytes == internal::kNonceBytes);

using Associated = std::array<std::byte, kAssociatedBytes>;

Associated AssociatedData(const SubjectName& name, ByteSpan header) {
  Associated associated{};
  internal::Writer writer(associated);
  writer.Put(BytesOf(name.exchange));
  writer.Put(BytesOf(name.transfer));
  writer.Put(header);
  HF_CHECK(writer.full());
  return associated;
}

// Its own key and not the leaf's seed, so that a seed is used for one purpose.
class SubjectKey final {
 public:
  SubjectKey(const SubjectName& name, const LeafSeed& seed) {
    std::array<std::byte, 4> leaf{};
    internal::Writer(leaf).PutInteger(name.leaf);
    internal::KeyedHash(SecretAccess::Read(seed), "holdfast/1/subject",
                        {BytesOf(name.segment), leaf}, bytes_);
  }
  SubjectKey(const SubjectKey&) = delete;
  SubjectKey& operator=(const SubjectKey&) = delete;
  ~SubjectKey() { Wipe(bytes_); }

  internal::KeySpan span() const { return bytes_; }

 private:
  std::array<std::byte, internal::kKeyBytes> bytes_{};
};

absl::Status Rejected() {
  return MakeError(Reason::kEnvelopeRejected, "the subject does not open");
}

}  // namespace

absl::Status SealSubject(const SubjectName& name, const LeafSeed& seed, const SubjectNonce& nonce,
                         ByteSpan payload, std::size_t padded_bytes, std::span<std::byte> out) {
  HF_CHECK(padded_bytes >= kMinPaddedBytes && padded_bytes <= kMaxPaddedBytes);
  HF_CHECK(out.size() == SealedSubjectBytes(padded_bytes));
  std::fill(out.begin(), out.end(), std::byte{0});
  const auto body = out.subspan(kHeaderBytes);
  HF_RETURN_IF_ERROR(internal::Pad(payload, body.first(padded_bytes)));

  internal::Writer writer(out.first(kHeaderBytes));
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.Put(BytesOf(name.segment));
  writer.PutInteger(name.leaf);
  writer.PutInteger(name.row);
  writer.Put(nonce);
  HF_CHECK(writer.full());
  const SubjectKey key(name, seed);
  internal::SealAead(key.span(), nonce, AssociatedData(name, out.first(kHeaderBytes)),
                     body.first(padded_bytes), body);
  return absl::OkStatus();
}

absl::StatusOr<SubjectPosition> InspectSubject(ByteSpan sealed) {
  if (sealed.size() < SealedSubjectBytes(kMinPaddedBytes) ||
      sealed.size() > SealedSubjectBytes(kMaxPaddedBytes)) {
    return Rejected();
  }
  internal::Reader reader(sealed.first(kNonceOffset));
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
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

absl::StatusOr<WipedBuffer> OpenSubject(ByteSpan sealed, const SubjectName& name,
                                        const LeafSeed& seed) {
  HF_ASSIGN_OR_RETURN(const SubjectPosition position, InspectSubject(sealed));
  if (position.segment != name.segment || position.leaf != name.leaf || position.row != name.row) {
    return Rejected();
  }
  const auto header = sealed.first(kHeaderBytes);
  const auto nonce = header.subspan<kNonceOffset, internal::kNonceBytes>();
  WipedBuffer padded(sealed.size() - kSubjectOverheadBytes);
  const SubjectKey key(name, seed);
  if (!internal::OpenAead(key.span(), nonce, AssociatedData(name, header),
                          sealed.subspan(kHeaderBytes), padded.Mutable())) {
    return Rejected();
  }
  return internal::Unpad(std::move(padded));
}

}  // namespace holdfast::crypto
