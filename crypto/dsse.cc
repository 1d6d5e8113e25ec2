// SPDX-License-Identifier: Apache-2.0
#include "crypto/dsse.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "crypto/sha256.h"

namespace holdfast::crypto {
namespace {

constexpr std::size_t kMaxPayloadTypeBytes = 200;
constexpr std::string_view kKeyIdPrefix = "ed25519:";

absl::Status Malformed(const char* message) {
  return MakeError(Reason::kRequestMalformed, message);
}

bool IsPayloadType(std::string_view type) {
  return !type.empty() && type.size() <= kMaxPayloadTypeBytes &&
         std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// The algorithm is part of the id: what is not Ed25519 by its own word is not verified as Ed25519.
bool IsKeyId(std::string_view id) {
  if (id.substr(0, kKeyIdPrefix.size()) != kKeyIdPrefix) return false;
  const auto digest = FromHex(id.substr(kKeyIdPrefix.size()));
  return digest.ok() && digest->size() == sizeof(Digest32);
}

// Returns the text of member `name`. An object with as many members as were asked for has no
// others.
absl::StatusOr<std::string> TextOf(const JsonValue& object, std::string_view name) {
  const JsonValue* const value = object.Find(name);
  if (value == nullptr || !value->is_text()) {
    return Malformed("a member of the DSSE envelope is missing or no text");
  }
  return value->text();
}

absl::StatusOr<DsseSignature> ParseSignature(const JsonValue& value) {
  if (!value.is_object() || value.object().size() != 2) {
    return Malformed("a DSSE signature has keyid and sig, and nothing else");
  }
  HF_ASSIGN_OR_RETURN(std::string id, TextOf(value, "keyid"));
  HF_ASSIGN_OR_RETURN(const std::string text, TextOf(value, "sig"));
  if (!IsKeyId(id)) return Malformed("a keyid of the DSSE envelope names no known kind of key");
  HF_ASSIGN_OR_RETURN(const Bytes bytes, FromBase64(text));
  HF_ASSIGN_OR_RETURN(const Signature signature, ArrayFromBytes<Signature>(bytes));
  return DsseSignature{KeyId(std::move(id)), signature};
}

bool IsSignedBy(const UnverifiedDsse& envelope, const KeyId& key) {
  return std::any_of(envelope.signatures.begin(), envelope.signatures.end(),
                     [&key](const DsseSignature& signature) { return signature.key == key; });
}

}  // namespace

Bytes DssePreAuthEncoding(std::string_view payload_type, ByteSpan payload) {
  std::string head = "DSSEv1 " + std::to_string(payload_type.size()) + " ";
  head += payload_type;
  head += " " + std::to_string(payload.size()) + " ";
  Bytes bytes = ToBytes(head);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

absl::StatusOr<UnverifiedDsse> ParseDsse(std::string_view text) {
  JsonLimits limits;
  limits.max_bytes = kMaxDsseBytes;
  limits.max_depth = 3;
  limits.max_values = 4 + 3 * kMaxDsseSignatures;
  HF_ASSIGN_OR_RETURN(const JsonValue json, ParseStrictJson(text, limits));
  if (!json.is_object() || json.object().size() != 3) {
    return Malformed("a DSSE envelope has payloadType, payload and signatures, and nothing else");
  }
  UnverifiedDsse envelope;
  HF_ASSIGN_OR_RETURN(envelope.payload_type, TextOf(json, "payloadType"));
  if (!IsPayloadType(envelope.payload_type)) return Malformed("not a DSSE payload type");
  HF_ASSIGN_OR_RETURN(const std::string payload, TextOf(json, "payload"));
  HF_ASSIGN_OR_RETURN(envelope.payload, FromBase64(payload));
  if (envelope.payload.size() > kMaxDssePayloadBytes) {
    return MakeError(Reason::kRequestTooLarge, "the DSSE payload is too long");
  }
  const JsonValue* const signatures = json.Find("signatures");
  if (signatures == nullptr || !signatures->is_array() || signatures->array().empty() ||
      signatures->array().size() > kMaxDsseSignatures) {
    return Malformed("a DSSE envelope has 1 to 16 signatures");
  }
  for (const JsonValue& value : signatures->array()) {
    HF_ASSIGN_OR_RETURN(DsseSignature signature, ParseSignature(value));
    if (IsSignedBy(envelope, signature.key)) {
      return Malformed("one key has two signatures in the DSSE envelope");
    }
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

std::string RenderDsse(const UnverifiedDsse& envelope) {
  JsonValue::Array signatures;
  for (const DsseSignature& signature : envelope.signatures) {
    signatures.push_back(JsonValue::OfObject({
        {"keyid", JsonValue::OfText(signature.key.value())},
        {"sig", JsonValue::OfText(Base64(signature.bytes))},
    }));
  }
  return WriteJson(JsonValue::OfObject({
      {"payloadType", JsonValue::OfText(envelope.payload_type)},
      {"payload", JsonValue::OfText(Base64(envelope.payload))},
      {"signatures", JsonValue::OfArray(std::move(signatures))},
  }));
}

absl::StatusOr<UnverifiedDsse> SignDsse(std::string_view payload_type, ByteSpan payload,
                                        const SigningKey& key) {
  if (!IsPayloadType(payload_type)) return Malformed("not a DSSE payload type");
  if (payload.size() > kMaxDssePayloadBytes) {
    return MakeError(Reason::kRequestTooLarge, "the DSSE payload is too long");
  }
  UnverifiedDsse envelope;
  envelope.payload_type = std::string(payload_type);
  envelope.payload = ToBytes(payload);
  HF_RETURN_IF_ERROR(AddDsseSignature(envelope, key));
  return envelope;
}

absl::Status AddDsseSignature(UnverifiedDsse& envelope, const SigningKey& key) {
  if (envelope.signatures.size() >= kMaxDsseSignatures) {
    return MakeError(Reason::kRequestTooLarge, "the DSSE envelope has all signatures it can hold");
  }
  KeyId id = key.public_key().id();
  if (IsSignedBy(envelope, id)) {
    return MakeError(Reason::kAlreadyExists, "this key has signed the DSSE envelope");
  }
  const Bytes message = DssePreAuthEncoding(envelope.payload_type, envelope.payload);
  envelope.signatures.push_back(DsseSignature{std::move(id), key.Sign(message)});
  return absl::OkStatus();
}

KeyLookup LookupIn(std::span<const PublicKey> keys) {
  std::map<KeyId, PublicKey> by_id;
  for (const PublicKey& key : keys) by_id.emplace(key.id(), key);
  return [by_id = std::move(by_id)](const KeyId& id) -> std::optional<PublicKey> {
    const auto found = by_id.find(id);
    if (found == by_id.end()) return std::nullopt;
    return found->second;
  };
}

absl::StatusOr<OpenedDsse> VerifyDsse(const UnverifiedDsse& envelope, std::string_view payload_type,
                                      const KeyLookup& lookup) {
  if (envelope.payload_type != payload_type) {
    return Malformed("the DSSE envelope is of another payload type");
  }
  if (envelope.signatures.empty()) return Malformed("the DSSE envelope has no signature");
  const Bytes message = DssePreAuthEncoding(envelope.payload_type, envelope.payload);
  OpenedDsse opened;
  for (const DsseSignature& signature : envelope.signatures) {
    const std::optional<PublicKey> key = lookup(signature.key);
    // A lookup is somebody else's code: what it returns must be what was asked for.
    if (!key.has_value() || key->id() != signature.key) {
      return MakeError(Reason::kSignatureInvalid, "a signature is by a key that may not sign this");
    }
    HF_RETURN_IF_ERROR(key->Verify(message, signature.bytes));
    if (std::find(opened.signers.begin(), opened.signers.end(), *key) != opened.signers.end()) {
      return Malformed("one key has two signatures in the DSSE envelope");
    }
    opened.signers.push_back(*key);
  }
  opened.payload = envelope.payload;
  opened.payload_digest = Sha256Of(envelope.payload);
  return opened;
}

absl::StatusOr<OpenedDsse> OpenDsse(std::string_view text, std::string_view payload_type,
                                    const KeyLookup& lookup) {
  HF_ASSIGN_OR_RETURN(const UnverifiedDsse envelope, ParseDsse(text));
  return VerifyDsse(envelope, payload_type, lookup);
}

}  // namespace holdfast::crypto
