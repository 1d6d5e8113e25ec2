// SPDX-License-Identifier: Apache-2.0
#include "crypto/internal/padding.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto::internal {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

absl::Status Pad(ByteSpan payload, std::span<std::byte> out) {
  HF_CHECK(out.size() >= kLengthBytes);
  if (payload.size() > out.size() - kLengthBytes) {
    return MakeError(Reason::kRequestTooLarge, "the payload is over the transfer's one size");
  }
  Writer writer(out);
  writer.PutInteger(static_cast<std::uint32_t>(payload.size()));
  writer.Put(payload);
  const auto padding = out.subspan(writer.written());
  std::fill(padding.begin(), padding.end(), std::byte{0});
  return absl::OkStatus();
}

absl::StatusOr<WipedBuffer> Unpad(WipedBuffer padded) {
  Reader reader(padded.Reveal());
  const std::size_t length = reader.TakeInteger<std::uint32_t>();
  if (!reader.ok() || length > reader.left()) {
    return MakeError(Reason::kEnvelopeRejected, "the payload does not open");
  }
  std::byte any{0};
  for (const std::byte byte : padded.Reveal().subspan(kLengthBytes + length)) any |= byte;
  if (any != std::byte{0}) {
    return MakeError(Reason::kEnvelopeRejected, "the payload does not open");
  }
  const auto bytes = padded.Mutable();
  std::copy_n(bytes.begin() + kLengthBytes, length, bytes.begin());
  padded.Shrink(length);
  return padded;
}

}  // namespace holdfast::crypto::internal
