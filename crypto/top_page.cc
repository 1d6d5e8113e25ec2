// SPDX-License-Identifier: Apache-2.0
#include "crypto/top_page.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::string_view kMagic = "HFT1";
constexpr std::string_view kLabel = "holdfast/1/top-page";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;
constexpr std::uint8_t kImageVersion = 1;

// Magic, version, suite, epoch, anchor; then the nonce.
constexpr std::size_t kNonceOffset = 6 + 8 + 8 + 32;
constexpr std::size_t kHeaderBytes = kNonceOffset + internal::kNonceBytes;
constexpr std::size_t kAssociatedBytes = kLabel.size() + 32 + kHeaderBytes;

// Id, kind, page key.
constexpr std::size_t kImageSegmentBytes = 16 + 1 + internal::kKeyBytes;

// Room for this many page keys at first; doubled when it is full.
constexpr std::size_t kFirstCapacity = 64;

using Associated = std::array<std::byte, kAssociatedBytes>;

Associated AssociatedData(const ExchangeId& exchange, ByteSpan header) {
  Associated associated{};
  internal::Writer writer(associated);
  writer.Put(kLabel);
  writer.Put(BytesOf(exchange));
  writer.Put(header);
  HF_CHECK(writer.full());
  return associated;
}

bool IsSecretName(std::string_view name) {
  return !name.empty() && name.size() <= TopPage::kMaxSecretNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool IsSecretSize(std::size_t size) { return size >= 1 && size <= TopPage::kMaxSecretBytes; }

bool IsKind(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::kRecord:
    case SegmentKind::kSubject:
      return true;
    case SegmentKind::kUnspecified:
      return false;
  }
  return false;
}

absl::Status Corrupt() { return MakeError(Reason::kStoreCorrupt, "the top page does not open"); }

absl::Status NoSuchSegment() {
  return MakeError(Reason::kNotFound, "the top page names no such segment");
}

absl::Status NoSuchSecret() {
  return MakeError(Reason::kNotFound, "the top page holds no such secret");
}

}  // namespace

absl::StatusOr<SecretBytes> NewRootKey(Random& random) {
  return SecretBytes::FromRandom(random, internal::kKeyBytes);
}

absl::StatusOr<TopPage> TopPage::Create() {
  HF_ASSIGN_OR_RETURN(SecretBytes keys, SecretBytes::Zeroed(kFirstCapacity * internal::kKeyBytes));
  return TopPage(std::move(keys));
}

absl::StatusOr<TopPage> TopPage::Duplicate() const {
  HF_ASSIGN_OR_RETURN(SecretBytes keys, keys_.Duplicate());
  TopPage copy(std::move(keys));
  copy.segments_ = segments_;
  for (const auto& [name, secret] : secrets_) {
    HF_ASSIGN_OR_RETURN(SecretBytes second, secret.Duplicate());
    copy.secrets_.emplace(name, std::move(second));
  }
  return copy;
}

std::size_t TopPage::LowerBound(const SegmentId& segment) const {
  const auto at =
      std::lower_bound(segments_.begin(), segments_.end(), segment,
                       [](const Segment& entry, const SegmentId& id) { return entry.id < id; });
  return static_cast<std::size_t>(at - segments_.begin());
}

bool TopPage::Has(const SegmentId& segment, std::size_t at) const {
  return at < segments_.size() && segments_[at].id == segment;
}

PageKey TopPage::KeyAt(std::size_t index) const {
  PageKey key;
  const ByteSpan source =
      SecretAccess::Read(keys_).subspan(index * internal::kKeyBytes, internal::kKeyBytes);
  std::copy(source.begin(), source.end(), SecretAccess::Write(key).begin());
  return key;
}

void TopPage::SetKeyAt(std::size_t index, const PageKey& key) {
  const auto source = SecretAccess::Read(key);
  const auto target = SecretAccess::Write(keys_).subspan(index * internal::kKeyBytes);
  std::copy(source.begin(), source.end(), target.begin());
}

absl::Status TopPage::GrowFor(std::size_t segments) {
  if (segments * internal::kKeyBytes <= keys_.size()) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(SecretBytes grown, SecretBytes::Zeroed(2 * keys_.size()));
  const ByteSpan source = SecretAccess::Read(keys_);
  std::copy(source.begin(), source.end(), SecretAccess::Write(grown).begin());
  keys_ = std::move(grown);
  return absl::OkStatus();
}

absl::StatusOr<Bytes> TopPage::AddSegment(const SegmentName& name, const SegmentTree& tree,
                                          Random& random) {
  HF_CHECK(IsKind(name.kind));
  const std::size_t at = LowerBound(name.segment);
  if (Has(name.segment, at)) {
    return MakeError(Reason::kAlreadyExists, "the top page names that segment already");
  }
  if (full()) return MakeError(Reason::kStoreFull, "the top page takes no more segments");
  HF_RETURN_IF_ERROR(GrowFor(segments_.size() + 1));
  const PageKey key = NewPageKey(random);
  HF_ASSIGN_OR_RETURN(Bytes page, SealSegmentPage(name, tree, key, random));

  const auto keys = SecretAccess::Write(keys_).first((segments_.size() + 1) * internal::kKeyBytes);
  const auto from = keys.begin() + static_cast<std::ptrdiff_t>(at * internal::kKeyBytes);
  std::copy_backward(from, keys.end() - internal::kKeyBytes, keys.end());
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(at),
                   Segment{.id = name.segment, .kind = name.kind});
  SetKeyAt(at, key);
  return page;
}

absl::StatusOr<Bytes> TopPage::ReplaceSegment(const SegmentName& name, const SegmentTree& tree,
                                              Random& random) {
  const std::size_t at = LowerBound(name.segment);
  if (!Has(name.segment, at) || segments_[at].kind != name.kind) return NoSuchSegment();
  const PageKey key = NewPageKey(random);
  HF_ASSIGN_OR_RETURN(Bytes page, SealSegmentPage(name, tree, key, random));
  SetKeyAt(at, key);
  return page;
}

absl::Status TopPage::RemoveSegment(const SegmentId& segment) {
  const std::size_t at = LowerBound(segment);
  if (!Has(segment, at)) return NoSuchSegment();
  const auto keys = SecretAccess::Write(keys_).first(segments_.size() * internal::kKeyBytes);
  const auto gone = keys.begin() + static_cast<std::ptrdiff_t>(at * internal::kKeyBytes);
  std::copy(gone + internal::kKeyBytes, keys.end(), gone);
  Wipe(keys.last(internal::kKeyBytes));
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(at));
  return absl::OkStatus();
}

absl::StatusOr<SegmentTree> TopPage::OpenSegment(const SegmentName& name, ByteSpan sealed) const {
  const std::size_t at = LowerBound(name.segment);
  if (!Has(name.segment, at) || segments_[at].kind != name.kind) return NoSuchSegment();
  return OpenSegmentPage(name, sealed, KeyAt(at));
}

absl::Status TopPage::AddSecret(std::string_view name, SecretBytes secret) {
  HF_CHECK(IsSecretName(name) && IsSecretSize(secret.size()));
  if (FindSecret(name) != nullptr) {
    return MakeError(Reason::kAlreadyExists, "the top page holds that secret already");
  }
  if (secrets_.size() == kMaxSecrets) {
    return MakeError(Reason::kStoreFull, "the top page takes no more secrets");
  }
  secrets_.emplace(name, std::move(secret));
  return absl::OkStatus();
}

absl::Status TopPage::ReplaceSecret(std::string_view name, SecretBytes secret) {
  HF_CHECK(IsSecretSize(secret.size()));
  const auto found = secrets_.find(name);
  if (found == secrets_.end()) return NoSuchSecret();
  found->second = std::move(secret);
  return absl::OkStatus();
}

absl::Status TopPage::RemoveSecret(std::string_view name) {
  const auto found = secrets_.find(name);
  if (found == secrets_.end()) return NoSuchSecret();
  secrets_.erase(found);
  return absl::OkStatus();
}

const SecretBytes* TopPage::FindSecret(std::string_view name) const {
  const auto found = secrets_.find(name);
  return found == secrets_.end() ? nullptr : &found->second;
}

std::vector<std::string> TopPage::SecretNames() const {
  std::vector<std::string> names;
  names.reserve(secrets_.size());
  for (const auto& [name, secret] : secrets_) names.push_back(name);
  return names;
}

bool TopPage::OnlyGainsOver(const TopPage& before) const {
  for (std::size_t i = 0; i < before.segments_.size(); ++i) {
    const Segment& segment = before.segments_[i];
    const std::size_t at = LowerBound(segment.id);
    if (!Has(segment.id, at) || segments_[at].kind != segment.kind) return false;
    const PageKey now = KeyAt(at);
    const PageKey then = before.KeyAt(i);
    if (!internal::EqualInConstantTime(SecretAccess::Read(now), SecretAccess::Read(then))) {
      return false;
    }
  }
  for (const auto& [name, secret] : before.secrets_) {
    const SecretBytes* found = FindSecret(name);
    if (found == nullptr || !ConstantTimeEquals(*found, secret)) return false;
  }
  return true;
}

absl::StatusOr<SecretBytes> TopPage::Serialize() const {
  std::size_t size = 1 + 2 + segments_.size() * kImageSegmentBytes + 1;
  for (const auto& [name, secret] : secrets_) size += 1 + name.size() + 2 + secret.size();
  HF_ASSIGN_OR_RETURN(SecretBytes image, SecretBytes::Zeroed(size));
  internal::Writer writer(SecretAccess::Write(image));
  writer.PutInteger(kImageVersion);
  writer.PutInteger(static_cast<std::uint16_t>(segments_.size()));
  const ByteSpan keys = SecretAccess::Read(keys_);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    writer.Put(BytesOf(segments_[i].id));
    writer.PutInteger(static_cast<std::uint8_t>(segments_[i].kind));
    writer.Put(keys.subspan(i * internal::kKeyBytes, internal::kKeyBytes));
  }
  writer.PutInteger(static_cast<std::uint8_t>(secrets_.size()));
  for (const auto& [name, secret] : secrets_) {
    writer.PutInteger(static_cast<std::uint8_t>(name.size()));
    writer.Put(name);
    writer.PutInteger(static_cast<std::uint16_t>(secret.size()));
    writer.Put(SecretAccess::Read(secret));
  }
  HF_CHECK(writer.full());
  return image;
}

absl::StatusOr<TopPage> TopPage::Parse(const SecretBytes& image) {
  internal::Reader reader(SecretAccess::Read(image));
  if (reader.TakeInteger<std::uint8_t>() != kImageVersion) return Corrupt();
  const std::size_t segments = reader.TakeInteger<std::uint16_t>();
  if (segments > kMaxSegments || segments * kImageSegmentBytes > reader.left()) return Corrupt();
  HF_ASSIGN_OR_RETURN(
      SecretBytes keys,
      SecretBytes::Zeroed(std::max(kFirstCapacity, std::bit_ceil(segments)) * internal::kKeyBytes));
  TopPage page(std::move(keys));
  page.segments_.resize(segments);
  for (std::size_t i = 0; i < segments; ++i) {
    Segment& segment = page.segments_[i];
    segment.id = reader.TakeId<SegmentId>();
    segment.kind = static_cast<SegmentKind>(reader.TakeInteger<std::uint8_t>());
    const ByteSpan key = reader.Take(internal::kKeyBytes);
    const bool in_order = i == 0 || page.segments_[i - 1].id < segment.id;
    if (!reader.ok() || !IsKind(segment.kind) || !in_order) return Corrupt();
    std::copy(key.begin(), key.end(),
              SecretAccess::Write(page.keys_).subspan(i * internal::kKeyBytes).begin());
  }
  const std::size_t secrets = reader.TakeInteger<std::uint8_t>();
  if (!reader.ok() || secrets > kMaxSecrets) return Corrupt();
  std::string_view last;
  for (std::size_t i = 0; i < secrets; ++i) {
    const std::string_view name = AsText(reader.Take(reader.TakeInteger<std::uint8_t>()));
    const ByteSpan value = reader.Take(reader.TakeInteger<std::uint16_t>());
    if (!reader.ok() || !IsSecretName(name) || !IsSecretSize(value.size()) || name <= last) {
      return Corrupt();
    }
    last = name;
    HF_ASSIGN_OR_RETURN(SecretBytes secret, SecretBytes::Zeroed(value.size()));
    std::copy(value.begin(), value.end(), SecretAccess::Write(secret).begin());
    page.secrets_.emplace(name, std::move(secret));
  }
  if (!reader.done()) return Corrupt();
  return page;
}

absl::StatusOr<Bytes> TopPage::Seal(const SecretBytes& root_key, const ExchangeId& exchange,
                                    const TopPageHeader& header, Random& random) const {
  HF_CHECK(root_key.size() == internal::kKeyBytes);
  HF_CHECK(header.epoch.value() != 0);
  HF_ASSIGN_OR_RETURN(const SecretBytes image, Serialize());
  Bytes page(kHeaderBytes + image.size() + internal::kTagBytes);
  const std::span<std::byte> out(page);
  internal::Writer writer(out.first(kHeaderBytes));
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.PutInteger(header.epoch.value());
  writer.PutInteger(header.anchor.ledger_size);
  writer.Put(header.anchor.ledger_root);
  // A root key seals a page each time that it gains an entry, so the nonce has to be random.
  writer.Put(Draw<internal::kNonceBytes>(random));
  HF_CHECK(writer.full());
  const ByteSpan head = out.first(kHeaderBytes);
  internal::SealAead(SecretAccess::Read(root_key).first<internal::kKeyBytes>(),
                     head.subspan<kNonceOffset, internal::kNonceBytes>(),
                     AssociatedData(exchange, head), SecretAccess::Read(image),
                     out.subspan(kHeaderBytes));
  return page;
}

absl::StatusOr<TopPageHeader> TopPage::Inspect(ByteSpan sealed) {
  if (sealed.size() <= kHeaderBytes + internal::kTagBytes) return Corrupt();
  internal::Reader reader(sealed.first(kNonceOffset));
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return Corrupt();
  }
  TopPageHeader header;
  header.epoch = Epoch(reader.TakeInteger<std::uint64_t>());
  header.anchor.ledger_size = reader.TakeInteger<std::uint64_t>();
  header.anchor.ledger_root = reader.TakeArray<Digest32>();
  HF_CHECK(reader.done());
  if (header.epoch.value() == 0) return Corrupt();
  return header;
}

absl::StatusOr<TopPage> TopPage::Open(ByteSpan sealed, const SecretBytes& root_key,
                                      const ExchangeId& exchange, const TopPageHeader& header) {
  HF_CHECK(root_key.size() == internal::kKeyBytes);
  HF_ASSIGN_OR_RETURN(const TopPageHeader found, Inspect(sealed));
  if (!(found == header)) return Corrupt();
  const ByteSpan head = sealed.first(kHeaderBytes);
  HF_ASSIGN_OR_RETURN(SecretBytes image,
                      SecretBytes::Zeroed(sealed.size() - kHeaderBytes - internal::kTagBytes));
  if (!internal::OpenAead(SecretAccess::Read(root_key).first<internal::kKeyBytes>(),
                          head.subspan<kNonceOffset, internal::kNonceBytes>(),
                          AssociatedData(exchange, head), sealed.subspan(kHeaderBytes),
                          SecretAccess::Write(image))) {
    return Corrupt();
  }
  return Parse(image);
}

}  // namespace holdfast::crypto
