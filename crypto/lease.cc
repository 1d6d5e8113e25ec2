// SPDX-License-Identifier: Apache-2.0
#include "crypto/lease.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <sodium.h>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::Raw;
using internal::SecretAccess;

constexpr std::string_view kOpeningMagic = "HFO1";
constexpr std::string_view kHeaderMagic = "HFL1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;

// Everything of an opening but the member's name, and its length.
constexpr std::size_t kOpeningFixedBytes = 6 + 32 + 16 + 32 + 16 + 8 + 8 + 32 + 1;
constexpr std::size_t kLeaseHeaderBytes = 6 + 32 + 16 + 32 + 4 + 8 + 8;

constexpr std::string_view kSignatureLabel = "holdfast/1/lease-opening";

static_assert(kSealedRecordKeyBytes == internal::kKeyBytes + internal::kTagBytes);

// In the box: the lease key, and the digest of the header that it belongs to.
constexpr std::size_t kBoxedBytes = internal::kKeyBytes + sizeof(Digest32);
static_assert(kSealedLeaseKeyBytes == kBoxedBytes + crypto_box_SEALBYTES);

// What is signed: a label, so that the signature cannot stand for anything else, and the opening.
Bytes SignedBytes(ByteSpan opening) {
  Bytes message(kSignatureLabel.size() + opening.size());
  internal::Writer writer(message);
  writer.Put(kSignatureLabel);
  writer.Put(opening);
  HF_CHECK(writer.full());
  return message;
}

Digest32 LeaseHeaderDigest(ByteSpan header_bytes) {
  Digest32 digest{};
  internal::Hash("holdfast/1/lease-header", {header_bytes}, digest);
  return digest;
}

// What a sealed record key is bound to.
class RecordBinding final {
 public:
  RecordBinding(const Digest32& header_digest, std::uint32_t row, std::uint64_t ledger_index) {
    internal::Writer nonce(nonce_);
    nonce.PutInteger(ledger_index);
    nonce.PutInteger(row);

    internal::Writer associated(associated_);
    associated.Put(kLabel);
    associated.Put(header_digest);
    associated.PutInteger(row);
    associated.PutInteger(ledger_index);
    HF_CHECK(associated.full());
  }

  // Ledger index and row, then zeros. Not random, because it need not be sent then: a lease key is
  // drawn for one lease, each release has a ledger index of its own, and a row has one record key,
  // so that even a repeated nonce would seal the same bytes again.
  internal::NonceSpan nonce() const { return nonce_; }
  ByteSpan associated() const { return associated_; }

 private:
  static constexpr std::string_view kLabel = "holdfast/1/lease-record";

  std::array<std::byte, internal::kNonceBytes> nonce_{};
  std::array<std::byte, kLabel.size() + 32 + 4 + 8> associated_{};
};

absl::Status Rejected() {
  return MakeError(Reason::kEnvelopeRejected, "the lease or a key under it does not open");
}

}  // namespace

bool CanSealTo(const X25519PublicKey& recipient_key) {
  // A clamped scalar is a multiple of 8, so a point of low order becomes zero, which the library
  // refuses, and no other point does. Which scalar it is makes no difference.
  constexpr std::array<unsigned char, crypto_scalarmult_SCALARBYTES> kAnyScalar = {1};
  std::array<unsigned char, crypto_scalarmult_BYTES> shared{};
  return crypto_scalarmult(shared.data(), kAnyScalar.data(), Raw(BytesOf(recipient_key).data())) ==
         0;
}

Bytes EncodeLeaseOpening(const LeaseOpening& opening) {
  HF_CHECK(!opening.member.empty() && opening.member.size() <= kMaxMemberBytes);
  Bytes bytes(kOpeningFixedBytes + opening.member.size());
  internal::Writer writer(bytes);
  writer.Put(kOpeningMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.Put(BytesOf(opening.exchange));
  writer.Put(BytesOf(opening.transfer));
  writer.Put(BytesOf(opening.recipient_key));
  writer.Put(opening.nonce);
  writer.PutInteger(opening.opened_at.value());
  writer.PutInteger(opening.ledger_size);
  writer.Put(opening.ledger_root);
  writer.PutInteger(static_cast<std::uint8_t>(opening.member.size()));
  writer.Put(opening.member);
  HF_CHECK(writer.full());
  return bytes;
}

absl::StatusOr<LeaseOpening> ParseLeaseOpening(ByteSpan bytes) {
  internal::Reader reader(bytes);
  LeaseOpening opening;
  const bool known = reader.TakeText(kOpeningMagic) &&
                     reader.TakeInteger<std::uint8_t>() == kVersion &&
                     reader.TakeInteger<std::uint8_t>() == kSuite;
  opening.exchange = reader.TakeId<ExchangeId>();
  opening.transfer = reader.TakeId<TransferId>();
  opening.recipient_key = reader.TakeId<X25519PublicKey>();
  opening.nonce = reader.TakeArray<std::array<std::byte, 16>>();
  opening.opened_at = UnixMillis(reader.TakeInteger<std::int64_t>());
  opening.ledger_size = reader.TakeInteger<std::uint64_t>();
  opening.ledger_root = reader.TakeArray<Digest32>();
  opening.member = ToString(reader.Take(reader.TakeInteger<std::uint8_t>()));
  if (!known || !reader.done() || opening.member.empty()) {
    return MakeError(Reason::kRequestMalformed, "not the opening of a lease");
  }
  return opening;
}

absl::StatusOr<LeaseOpening> VerifyLeaseOpening(ByteSpan opening, ByteSpan signature,
                                                const PublicKey& enrolled_key) {
  if (opening.size() > kOpeningFixedBytes + kMaxMemberBytes) {
    return MakeError(Reason::kRequestMalformed, "not the opening of a lease");
  }
  HF_RETURN_IF_ERROR(enrolled_key.Verify(SignedBytes(opening), signature));
  return ParseLeaseOpening(opening);
}

Digest32 LeaseOpeningDigest(ByteSpan opening, ByteSpan signature) {
  Digest32 digest{};
  internal::Hash("holdfast/1/lease-signed-opening", {signature, opening}, digest);
  return digest;
}

Bytes EncodeLeaseHeader(const LeaseHeader& header) {
  Bytes bytes(kLeaseHeaderBytes);
  internal::Writer writer(bytes);
  writer.Put(kHeaderMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.Put(BytesOf(header.exchange));
  writer.Put(BytesOf(header.transfer));
  writer.Put(header.opening);
  writer.PutInteger(header.lease);
  writer.PutInteger(header.ledger_index);
  writer.PutInteger(header.not_after.value());
  HF_CHECK(writer.full());
  return bytes;
}

absl::StatusOr<LeaseHeader> ParseLeaseHeader(ByteSpan bytes) {
  internal::Reader reader(bytes);
  LeaseHeader header;
  const bool known = reader.TakeText(kHeaderMagic) &&
                     reader.TakeInteger<std::uint8_t>() == kVersion &&
                     reader.TakeInteger<std::uint8_t>() == kSuite;
  header.exchange = reader.TakeId<ExchangeId>();
  header.transfer = reader.TakeId<TransferId>();
  header.opening = reader.TakeArray<Digest32>();
  header.lease = reader.TakeInteger<std::uint32_t>();
  header.ledger_index = reader.TakeInteger<std::uint64_t>();
  header.not_after = UnixMillis(reader.TakeInteger<std::int64_t>());
  if (!known || !reader.done()) {
    return MakeError(Reason::kRequestMalformed, "not the header of a lease");
  }
  return header;
}

LeaseIssuer::LeaseIssuer(LeaseHeader header, SecretBytes lease_key)
    : header_(std::move(header)),
      header_bytes_(EncodeLeaseHeader(header_)),
      header_digest_(LeaseHeaderDigest(header_bytes_)),
      lease_key_(std::move(lease_key)) {}

absl::StatusOr<LeaseIssuer> LeaseIssuer::Issue(const LeaseHeader& header,
                                               const X25519PublicKey& recipient_key,
                                               Random& random) {
  HF_ASSIGN_OR_RETURN(SecretBytes lease_key, SecretBytes::FromRandom(random, internal::kKeyBytes));
  LeaseIssuer issuer(header, std::move(lease_key));
  std::array<std::byte, kBoxedBytes> boxed{};
  const internal::WipeOnExit wipe(boxed);
  internal::Writer writer(boxed);
  writer.Put(SecretAccess::Read(issuer.lease_key_));
  writer.Put(issuer.header_digest_);
  HF_CHECK(writer.full());
  issuer.sealed_lease_key_.resize(kSealedLeaseKeyBytes);
  if (crypto_box_seal(Raw(issuer.sealed_lease_key_.data()), Raw(boxed.data()), boxed.size(),
                      Raw(recipient_key.value().data())) != 0) {
    // A point of small order: everybody would know the shared secret.
    return MakeError(Reason::kRequestMalformed, "the recipient key is not usable");
  }
  return issuer;
}

void LeaseIssuer::Wrap(const RecordKey& key, std::uint32_t row, std::uint64_t ledger_index,
                       std::span<std::byte, kSealedRecordKeyBytes> out) const {
  const RecordBinding binding(header_digest_, row, ledger_index);
  internal::SealAead(SecretAccess::Read(lease_key_).first<internal::kKeyBytes>(), binding.nonce(),
                     binding.associated(), SecretAccess::Read(key), out);
}

Lease::Lease(LeaseHeader header, Digest32 header_digest, SecretBytes lease_key)
    : header_(std::move(header)), header_digest_(header_digest), lease_key_(std::move(lease_key)) {}

absl::StatusOr<RecordKey> Lease::Unwrap(ByteSpan sealed, std::uint32_t row,
                                        std::uint64_t ledger_index) const {
  if (sealed.size() != kSealedRecordKeyBytes) return Rejected();
  const RecordBinding binding(header_digest_, row, ledger_index);
  RecordKey key;
  if (!internal::OpenAead(SecretAccess::Read(lease_key_).first<internal::kKeyBytes>(),
                          binding.nonce(), binding.associated(), sealed,
                          SecretAccess::Write(key))) {
    return Rejected();
  }
  return key;
}

LeaseRequest::LeaseRequest(LeaseOpening opening, SecretBytes secret_key)
    : opening_(std::move(opening)), secret_key_(std::move(secret_key)) {}

absl::StatusOr<LeaseRequest> LeaseRequest::Create(LeaseOpening opening,
                                                  const SigningKey& signing_key, Random& random) {
  HF_ASSIGN_OR_RETURN(SecretBytes secret_key,
                      SecretBytes::FromRandom(random, crypto_box_SECRETKEYBYTES));
  X25519PublicKey::value_type public_key{};
  HF_CHECK(crypto_scalarmult_base(Raw(public_key.data()),
                                  Raw(SecretAccess::Read(secret_key).data())) == 0);
  opening.recipient_key = X25519PublicKey(public_key);
  random.Fill(opening.nonce);
  LeaseRequest request(std::move(opening), std::move(secret_key));
  request.opening_bytes_ = EncodeLeaseOpening(request.opening_);

  request.signature_ = signing_key.Sign(SignedBytes(request.opening_bytes_));
  request.digest_ = LeaseOpeningDigest(request.opening_bytes_, request.signature_);
  return request;
}

absl::StatusOr<Lease> LeaseRequest::Accept(ByteSpan header_bytes, ByteSpan sealed_lease_key) const {
  auto header = ParseLeaseHeader(header_bytes);
  if (!header.ok() || header->opening != digest_ || header->exchange != opening_.exchange ||
      header->transfer != opening_.transfer || sealed_lease_key.size() != kSealedLeaseKeyBytes) {
    return Rejected();
  }
  std::array<std::byte, kBoxedBytes> boxed{};
  const internal::WipeOnExit wipe(boxed);
  if (crypto_box_seal_open(Raw(boxed.data()), Raw(sealed_lease_key.data()), sealed_lease_key.size(),
                           Raw(opening_.recipient_key.value().data()),
                           Raw(SecretAccess::Read(secret_key_).data())) != 0) {
    return Rejected();
  }
  const Digest32 digest = LeaseHeaderDigest(header_bytes);
  const std::span<std::byte> inside(boxed);
  if (!internal::EqualInConstantTime(digest, inside.subspan(internal::kKeyBytes)))
    return Rejected();
  HF_ASSIGN_OR_RETURN(SecretBytes lease_key,
                      SecretBytes::TakeFrom(inside.first(internal::kKeyBytes)));
  return Lease(*std::move(header), digest, std::move(lease_key));
}

Digest32 BatchChain::Next(std::span<const std::uint32_t> rows) const {
  Bytes batch(8 + 4 * rows.size());
  internal::Writer writer(batch);
  writer.PutInteger(batches_);
  for (const std::uint32_t row : rows) writer.PutInteger(row);
  Digest32 next{};
  internal::Hash("holdfast/1/lease-batch", {head_, batch}, next);
  return next;
}

const Digest32& BatchChain::Extend(std::span<const std::uint32_t> rows) {
  head_ = Next(rows);
  ++batches_;
  return head_;
}

absl::Status BatchChain::Accept(std::span<const std::uint32_t> rows, ByteSpan claimed) {
  const Digest32 next = Next(rows);
  if (!internal::EqualInConstantTime(next, claimed)) {
    return MakeError(Reason::kSignatureInvalid, "the batch is not chained to the opening");
  }
  head_ = next;
  ++batches_;
  return absl::OkStatus();
}

}  // namespace holdfast::crypto
