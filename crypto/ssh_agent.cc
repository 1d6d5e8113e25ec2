// SPDX-License-Identifier: Apache-2.0
#include "crypto/ssh_agent.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

// Message numbers of the draft, section 5.1.
constexpr std::uint8_t kFailure = 5;
constexpr std::uint8_t kRequestIdentities = 11;
constexpr std::uint8_t kIdentitiesAnswer = 12;
constexpr std::uint8_t kSignRequest = 13;
constexpr std::uint8_t kSignResponse = 14;

constexpr std::string_view kEd25519 = "ssh-ed25519";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kKeyBlobBytes =
    kLengthBytes + kEd25519.size() + kLengthBytes + PublicKey::kBytes;

absl::Status NoMessage() {
  return MakeError(Reason::kRequestMalformed, "the ssh-agent's answer cannot be read");
}

// A `string` of RFC 4251: its length, and as many bytes. None if they are not there.
std::optional<ByteSpan> TakeString(internal::Reader& in) {
  const auto size = in.TakeInteger<std::uint32_t>();
  if (!in.ok() || size > in.left()) return std::nullopt;
  return in.Take(size);
}

void PutString(internal::Writer& out, ByteSpan bytes) {
  out.PutInteger(static_cast<std::uint32_t>(bytes.size()));
  out.Put(bytes);
}

void PutKeyBlob(internal::Writer& out, const PublicKey& key) {
  PutString(out, AsBytes(kEd25519));
  PutString(out, key.bytes());
}

// The key in a blob of kind ssh-ed25519; none for another kind.
std::optional<PublicKey> KeyOf(ByteSpan blob) {
  internal::Reader in(blob);
  const auto kind = TakeString(in);
  if (!kind || AsText(*kind) != kEd25519) return std::nullopt;
  const auto bytes = TakeString(in);
  if (!bytes || !in.done()) return std::nullopt;
  const auto key = PublicKey::FromBytes(*bytes);
  if (!key.ok()) return std::nullopt;
  return *key;
}

// Reads the message's number. An agent that declines answers with kFailure to everything.
absl::StatusOr<internal::Reader> Begin(ByteSpan message, std::uint8_t number) {
  if (message.size() > kMaxAgentMessageBytes) {
    return MakeError(Reason::kRequestTooLarge, "the ssh-agent's answer is too long");
  }
  internal::Reader in(message);
  const auto found = in.TakeInteger<std::uint8_t>();
  if (in.ok() && found == number) return in;
  if (in.done() && found == kFailure) {
    return MakeError(Reason::kPermissionDenied, "the ssh-agent declined");
  }
  return NoMessage();
}

}  // namespace

absl::StatusOr<std::size_t> AgentMessageBytes(ByteSpan frame) {
  HF_CHECK(frame.size() == kAgentFrameBytes);
  internal::Reader in(frame);
  const auto size = in.TakeInteger<std::uint32_t>();
  if (size == 0) return NoMessage();
  if (size > kMaxAgentMessageBytes) {
    return MakeError(Reason::kRequestTooLarge, "the ssh-agent's answer is too long");
  }
  return size;
}

Bytes AgentIdentitiesRequest() {
  Bytes request(kAgentFrameBytes + 1);
  internal::Writer out(request);
  out.PutInteger(std::uint32_t{1});
  out.PutInteger(kRequestIdentities);
  return request;
}

absl::StatusOr<Bytes> AgentSignRequest(const PublicKey& key, ByteSpan message) {
  constexpr std::size_t kRest =
      1 + kLengthBytes + kKeyBlobBytes + kLengthBytes + sizeof(std::uint32_t);
  if (message.size() > kMaxAgentMessageBytes - kRest) {
    return MakeError(Reason::kRequestTooLarge, "too long for an ssh-agent to sign");
  }
  Bytes request(kAgentFrameBytes + kRest + message.size());
  internal::Writer out(request);
  out.PutInteger(static_cast<std::uint32_t>(kRest + message.size()));
  out.PutInteger(kSignRequest);
  out.PutInteger(static_cast<std::uint32_t>(kKeyBlobBytes));
  PutKeyBlob(out, key);
  PutString(out, message);
  out.PutInteger(std::uint32_t{0});  // No flags: they are for RSA.
  HF_CHECK(out.full());
  return request;
}

absl::StatusOr<std::vector<AgentIdentity>> ParseAgentIdentities(ByteSpan message) {
  HF_ASSIGN_OR_RETURN(internal::Reader in, Begin(message, kIdentitiesAnswer));
  const auto count = in.TakeInteger<std::uint32_t>();
  if (count > kMaxAgentIdentities) {
    return MakeError(Reason::kRequestTooLarge, "the ssh-agent has too many keys");
  }
  std::vector<AgentIdentity> identities;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto blob = TakeString(in);
    const auto comment = blob ? TakeString(in) : std::nullopt;
    if (!comment) return NoMessage();
    const auto key = KeyOf(*blob);
    if (key) identities.push_back({*key, ToString(*comment)});
  }
  if (!in.done()) return NoMessage();
  return identities;
}

absl::StatusOr<Signature> ParseAgentSignature(ByteSpan message) {
  HF_ASSIGN_OR_RETURN(internal::Reader in, Begin(message, kSignResponse));
  const auto blob = TakeString(in);
  if (!blob || !in.done()) return NoMessage();
  internal::Reader inside(*blob);
  const auto kind = TakeString(inside);
  const auto bytes = kind ? TakeString(inside) : std::nullopt;
  if (!bytes || !inside.done() || AsText(*kind) != kEd25519 || bytes->size() != sizeof(Signature)) {
    return NoMessage();
  }
  return *ArrayFromBytes<Signature>(*bytes);
}

absl::StatusOr<PublicKey> ReadOpenSshPublicKey(std::string_view line) {
  const auto malformed = [] {
    return MakeError(Reason::kRequestMalformed, "not an Ed25519 public key of OpenSSH");
  };
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\n') != std::string_view::npos) return malformed();
  if (!line.starts_with(kEd25519) || line.substr(kEd25519.size(), 1) != " ") return malformed();
  line.remove_prefix(kEd25519.size() + 1);
  const auto blob = FromBase64(line.substr(0, line.find(' ')));
  if (!blob.ok()) return malformed();
  const auto key = KeyOf(*blob);
  if (!key) return malformed();
  return *key;
}

}  // namespace holdfast::crypto
