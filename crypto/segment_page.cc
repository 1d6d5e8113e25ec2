// SPDX-License-Identifier: Apache-2.0
#include "crypto/segment_page.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::string_view kMagic = "HFP1";
constexpr std::string_view kLabel = "holdfast/1/segment-page";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;

// Magic, version, suite; then the nonce.
constexpr std::size_t kNonceOffset = 6;
constexpr std::size_t kHeaderBytes = kNonceOffset + internal::kNonceBytes;
constexpr std::size_t kAssociatedBytes = kLabel.size() + 32 + 16 + 1 + kHeaderBytes;

using Associated = std::array<std::byte, kAssociatedBytes>;

Associated AssociatedData(const SegmentName& name, ByteSpan header) {
  Associated associated{};
  internal::Writer writer(associated);
  writer.Put(kLabel);
  writer.Put(BytesOf(name.exchange));
  writer.Put(BytesOf(name.segment));
  writer.PutInteger(static_cast<std::uint8_t>(name.kind));
  writer.Put(header);
  HF_CHECK(writer.full());
  return associated;
}

}  // namespace

PageKey NewPageKey(Random& random) {
  PageKey key;
  random.Fill(SecretAccess::Write(key));
  return key;
}

absl::StatusOr<Bytes> SealSegmentPage(const SegmentName& name, const SegmentTree& tree,
                                      const PageKey& key, Random& random) {
  HF_CHECK(name.kind != SegmentKind::kUnspecified);
  HF_ASSIGN_OR_RETURN(const SecretBytes image, tree.Serialize());
  Bytes page(kHeaderBytes + image.size() + internal::kTagBytes);
  const std::span<std::byte> out(page);
  internal::Writer writer(out.first(kHeaderBytes));
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  // A page key seals once, so any nonce would do; a random one costs nothing and forgives a
  // mistake.
  writer.Put(Draw<internal::kNonceBytes>(random));
  HF_CHECK(writer.full());
  const ByteSpan header = out.first(kHeaderBytes);
  internal::SealAead(SecretAccess::Read(key), header.subspan<kNonceOffset, internal::kNonceBytes>(),
                     AssociatedData(name, header), SecretAccess::Read(image),
                     out.subspan(kHeaderBytes));
  return page;
}

absl::StatusOr<SegmentTree> OpenSegmentPage(const SegmentName& name, ByteSpan sealed,
                                            const PageKey& key) {
  const auto corrupt = [] {
    return MakeError(Reason::kStoreCorrupt, "a segment page does not open");
  };
  if (sealed.size() <= kHeaderBytes + internal::kTagBytes) return corrupt();
  internal::Reader reader(sealed.first(kNonceOffset));
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return corrupt();
  }
  const ByteSpan header = sealed.first(kHeaderBytes);
  HF_ASSIGN_OR_RETURN(SecretBytes image,
                      SecretBytes::Zeroed(sealed.size() - kHeaderBytes - internal::kTagBytes));
  if (!internal::OpenAead(
          SecretAccess::Read(key), header.subspan<kNonceOffset, internal::kNonceBytes>(),
          AssociatedData(name, header), sealed.subspan(kHeaderBytes), SecretAccess::Write(image))) {
    return corrupt();
  }
  return SegmentTree::Parse(image);
}

}  // namespace holdfast::crypto
