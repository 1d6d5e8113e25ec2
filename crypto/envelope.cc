// SPDX-License-Identifier: Apache-2.0
#include "crypto/envelope.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/padding.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::string_view kMagic = "HFE1";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCommitmentBytes = 32;
constexpr std::size_t kBodyOffset = kEnvelopeHeaderBytes + kCommitmentBytes;

static_assert(kEnvelopeOverheadBytes == kBodyOffset + internal::kTagBytes);

// Key, nonce and eight bytes that nobody uses, from one hash.
struct SealKey {
  SealKey(const RecordKey& key, ByteSpan header) {
    internal::KeyedHash(SecretAccess::Read(key), "holdfast/1/seal", {header}, bytes);
  }
  SealKey(const SealKey&) = delete;
  SealKey& operator=(const SealKey&) = delete;
  ~SealKey() { Wipe(bytes); }

  internal::KeySpan key() const { return std::span(bytes).first<internal::kKeyBytes>(); }
  internal::NonceSpan nonce() const {
    return std::span(bytes).subspan<internal::kKeyBytes, internal::kNonceBytes>();
  }

  std::array<std::byte, 64> bytes{};
};

void Commit(const RecordKey& key, ByteSpan header, std::span<std::byte> out) {
  internal::KeyedHash(SecretAccess::Read(key), "holdfast/1/commit", {header}, out);
}

void EncodeHeader(const EnvelopeHeader& header, std::span<std::byte> out) {
  internal::Writer writer(out);
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(static_cast<std::uint8_t>(header.suite));
  writer.Put(BytesOf(header.exchange));
  writer.Put(BytesOf(header.transfer));
  writer.Put(BytesOf(header.segment));
  writer.PutInteger(header.leaf);
  writer.PutInteger(header.row);
  writer.PutInteger(header.not_before.value());
  writer.PutInteger(header.not_after.value());
  writer.Put(header.agreement);
  writer.Put(header.binding);
  writer.Put(header.salt);
  HF_CHECK(writer.full());
}

absl::Status Rejected() {
  return MakeError(Reason::kEnvelopeRejected, "the envelope does not open");
}

}  // namespace

Digest32 ComputeBinding(const BindingContext& context) {
  using Length = std::array<std::byte, 4>;
  const auto length_of = [](std::size_t size) {
    Length length{};
    internal::Writer(length).PutInteger(static_cast<std::uint32_t>(size));
    return length;
  };
  const Length recipient = length_of(context.recipient.size());
  const Length officer = length_of(context.officer.size());
  const Length case_number = length_of(context.case_number.size());
  const Length purpose = length_of(context.purpose.size());
  const Length authority = length_of(context.authority.size());
  const Length attestation = length_of(context.attestation.size());
  Digest32 binding{};
  // No label: the random nonce, as the transfer's own, already sets this hash apart.
  internal::Hash("",
                 {context.nonce,                              //
                  recipient, AsBytes(context.recipient),      //
                  officer, AsBytes(context.officer),          //
                  case_number, AsBytes(context.case_number),  //
                  purpose, AsBytes(context.purpose),          //
                  authority, AsBytes(context.authority),      //
                  attestation, context.attestation},
                 binding);
  return binding;
}

RecordKey DeriveRecordKey(const LeafSeed& seed, const SegmentId& segment, std::uint32_t leaf) {
  std::array<std::byte, 4> leaf_bytes{};
  internal::Writer(leaf_bytes).PutInteger(leaf);
  RecordKey key;
  internal::KeyedHash(SecretAccess::Read(seed), "holdfast/1/record", {BytesOf(segment), leaf_bytes},
                      SecretAccess::Write(key));
  return key;
}

absl::Status SealEnvelope(const EnvelopeHeader& header, const RecordKey& key, ByteSpan payload,
                          std::size_t padded_bytes, std::span<std::byte> out) {
  HF_CHECK(padded_bytes >= kMinPaddedBytes && padded_bytes <= kMaxPaddedBytes);
  HF_CHECK(out.size() == EnvelopeBytes(padded_bytes));
  // The payload is padded where its ciphertext goes, so an error must not leave it there.
  std::fill(out.begin(), out.end(), std::byte{0});
  if (header.suite != Suite::kXChaCha20Poly1305Blake2b) {
    return MakeError(Reason::kSuiteUnsupported, "only suite 1 can be sealed");
  }
  const auto body = out.subspan(kBodyOffset);
  HF_RETURN_IF_ERROR(internal::Pad(payload, body.first(padded_bytes)));

  const auto head = out.first(kEnvelopeHeaderBytes);
  EncodeHeader(header, head);
  Commit(key, head, out.subspan(kEnvelopeHeaderBytes, kCommitmentBytes));
  const SealKey seal(key, head);
  internal::SealAead(seal.key(), seal.nonce(), out.first(kBodyOffset), body.first(padded_bytes),
                     body);
  return absl::OkStatus();
}

absl::StatusOr<EnvelopeHeader> InspectEnvelope(ByteSpan envelope) {
  if (envelope.size() < EnvelopeBytes(kMinPaddedBytes) ||
      envelope.size() > EnvelopeBytes(kMaxPaddedBytes)) {
    return Rejected();
  }
  internal::Reader reader(envelope.first(kEnvelopeHeaderBytes));
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion) return Rejected();
  EnvelopeHeader header;
  header.suite = static_cast<Suite>(reader.TakeInteger<std::uint8_t>());
  if (header.suite != Suite::kXChaCha20Poly1305Blake2b) {
    return MakeError(Reason::kSuiteUnsupported, "the envelope's suite is not one of this version");
  }
  header.exchange = reader.TakeId<ExchangeId>();
  header.transfer = reader.TakeId<TransferId>();
  header.segment = reader.TakeId<SegmentId>();
  header.leaf = reader.TakeInteger<std::uint32_t>();
  header.row = reader.TakeInteger<std::uint32_t>();
  header.not_before = UnixMillis(reader.TakeInteger<std::int64_t>());
  header.not_after = UnixMillis(reader.TakeInteger<std::int64_t>());
  header.agreement = reader.TakeArray<Digest32>();
  header.binding = reader.TakeArray<Digest32>();
  header.salt = reader.TakeArray<Digest32>();
  HF_CHECK(reader.done());
  return header;
}

absl::StatusOr<WipedBuffer> OpenEnvelope(ByteSpan envelope, const RecordKey& key,
                                         const ExpectedEnvelope& expected) {
  const auto header = InspectEnvelope(envelope);
  if (!header.ok()) return Rejected();
  if (header->suite != expected.suite || header->exchange != expected.exchange ||
      header->transfer != expected.transfer || header->row != expected.row ||
      (expected.binding && header->binding != *expected.binding) ||
      (expected.agreement && header->agreement != *expected.agreement)) {
    return Rejected();
  }
  const auto head = envelope.first(kEnvelopeHeaderBytes);
  std::array<std::byte, kCommitmentBytes> commitment{};
  Commit(key, head, commitment);
  if (!internal::EqualInConstantTime(commitment,
                                     envelope.subspan(kEnvelopeHeaderBytes, kCommitmentBytes))) {
    return Rejected();
  }
  WipedBuffer padded(envelope.size() - kEnvelopeOverheadBytes);
  const SealKey seal(key, head);
  if (!internal::OpenAead(seal.key(), seal.nonce(), envelope.first(kBodyOffset),
                          envelope.subspan(kBodyOffset), padded.Mutable())) {
    return Rejected();
  }
  return internal::Unpad(std::move(padded));
}

}  // namespace holdfast::crypto
