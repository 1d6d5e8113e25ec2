// SPDX-License-Identifier: Apache-2.0
#include "evidence/erasure_certificate.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "crypto/dsse.h"

namespace holdfast::evidence {
namespace {

constexpr std::size_t kMostEntries = 64;
constexpr std::size_t kMostHashes = 64;

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "not a certificate of cryptographic erase");
}
absl::Status Inconsistent(const char* what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent, what), "rule", "CERTIFICATE");
}

JsonValue Text(std::string_view text) { return JsonValue::OfText(std::string(text)); }
JsonValue Number(std::uint64_t number) {
  return JsonValue::OfInteger(static_cast<std::int64_t>(number));
}

const std::string* FindText(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  return value != nullptr && value->is_text() ? &value->text() : nullptr;
}

std::optional<std::uint64_t> FindNumber(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  if (value == nullptr || value->kind() != JsonValue::Kind::kInteger || value->integer() < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(value->integer());
}

// What the statement says that the entries do not.
absl::StatusOr<ErasureAsserted> ReadAsserted(ByteSpan payload) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(AsText(payload)));
  const JsonValue* by = value.Find("verifiedBy");
  const JsonValue* holds = value.Find("holdCheck");
  if (by == nullptr || holds == nullptr) return Malformed();
  const std::string* member = FindText(*by, "member");
  const std::string* at = FindText(*by, "at");
  const std::string* tool = FindText(value, "tool");
  const auto in_force = FindNumber(*holds, "holdsInForce");
  const auto overridden = FindNumber(*holds, "overridden");
  const auto released = FindNumber(value, "releasedBefore");
  const auto leased = FindNumber(value, "underOpenLeases");
  if (member == nullptr || at == nullptr || tool == nullptr || !in_force || !overridden ||
      !released || !leased) {
    return Malformed();
  }
  ErasureAsserted asserted;
  asserted.verified_by = *member;
  HF_ASSIGN_OR_RETURN(asserted.verified_at, ParseRfc3339(*at));
  asserted.tool = *tool;
  asserted.holds_in_force = *in_force;
  asserted.overridden = *overridden;
  asserted.released_before = *released;
  asserted.under_open_leases = *leased;
  return asserted;
}

// The person who verified: one of the agreement's, not the one who revoked.
absl::StatusOr<std::vector<crypto::PublicKey>> KeysOfVerifier(const ErasureAsserted& asserted,
                                                              const ErasureEvents& events) {
  const policy::Member* member = events.agreement->FindMember(asserted.verified_by);
  const bool may =
      member != nullptr && (member->signs_orders() || member->role == agreement::v1::ROLE_AUDITOR);
  if (!may) {
    return MakeError(Reason::kSignatureInvalid,
                     "who verified is no custodian, counsel or auditor of the agreement");
  }
  for (const ErasurePart& part : events.performed_by) {
    if (part.member == asserted.verified_by) {
      return MakeError(Reason::kSignatureInvalid,
                       "who revoked cannot be the one who verified: it takes two people");
    }
  }
  std::vector<crypto::PublicKey> keys;
  for (const policy::MemberKey& key : member->keys) {
    if (key.ValidAt(asserted.verified_at)) keys.push_back(key.public_key);
  }
  return keys;
}

std::string RenderFile(const crypto::UnverifiedDsse& envelope, const ErasureEvidence& evidence) {
  JsonValue::Array entries;
  for (const ProvenEntry& entry : evidence.entries) {
    JsonValue::Array path;
    for (const Digest32& hash : entry.path) path.push_back(Text(Base64(hash)));
    entries.push_back(JsonValue::OfObject({{"index", Number(entry.index)},
                                           {"entry", Text(Base64(entry.bytes))},
                                           {"path", JsonValue::OfArray(std::move(path))}}));
  }
  JsonValue::Array signatures;
  for (const crypto::DsseSignature& signature : envelope.signatures) {
    signatures.push_back(JsonValue::OfObject(
        {{"keyid", Text(signature.key.value())}, {"sig", Text(Base64(signature.bytes))}}));
  }
  return WriteJson(JsonValue::OfObject({
      {"certificate",
       JsonValue::OfObject({{"payloadType", Text(envelope.payload_type)},
                            {"payload", Text(Base64(envelope.payload))},
                            {"signatures", JsonValue::OfArray(std::move(signatures))}})},
      {"entries", JsonValue::OfArray(std::move(entries))},
  }));
}

absl::StatusOr<ProvenEntry> ReadEntry(const JsonValue& value) {
  const auto index = FindNumber(value, "index");
  const std::string* bytes = FindText(value, "entry");
  const JsonValue* path = value.Find("path");
  if (!index || bytes == nullptr || path == nullptr || !path->is_array() ||
      path->array().size() > kMostHashes) {
    return Malformed();
  }
  ProvenEntry entry;
  entry.index = *index;
  HF_ASSIGN_OR_RETURN(entry.bytes, FromBase64(*bytes));
  for (const JsonValue& hash : path->array()) {
    if (!hash.is_text()) return Malformed();
    HF_ASSIGN_OR_RETURN(const Bytes digest, FromBase64(hash.text()));
    HF_ASSIGN_OR_RETURN(entry.path.emplace_back(), ArrayFromBytes<Digest32>(digest));
  }
  return entry;
}

struct OpenedFile {
  crypto::UnverifiedDsse envelope;
  ErasureEvidence evidence;  // Without the checkpoint, which the statement has.
};

absl::StatusOr<OpenedFile> ReadFile(std::string_view file) {
  JsonLimits limits;
  limits.max_bytes = kMaxErasureBytes;
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(file, limits));
  const JsonValue* certificate = value.Find("certificate");
  const JsonValue* entries = value.Find("entries");
  if (certificate == nullptr || entries == nullptr || !entries->is_array() ||
      entries->array().size() > kMostEntries) {
    return Malformed();
  }
  OpenedFile opened;
  HF_ASSIGN_OR_RETURN(opened.envelope, crypto::ParseDsse(WriteJson(*certificate)));
  if (opened.envelope.payload_type != kErasurePayloadType) return Malformed();
  for (const JsonValue& one : entries->array()) {
    HF_ASSIGN_OR_RETURN(ProvenEntry entry, ReadEntry(one));
    opened.evidence.entries.push_back(std::move(entry));
  }
  // One certificate has one text: not a byte of it is free.
  if (RenderFile(opened.envelope, opened.evidence) != file) return Malformed();
  return opened;
}
}  // namespace

absl::StatusOr<std::string> SignErasure(const ExchangeId& exchange, const ErasureAsserted& asserted,
                                        const ErasureEvidence& evidence,
                                        const crypto::SigningKey& key) {
  HF_ASSIGN_OR_RETURN(ErasureEvents events, ReadErasure(exchange, evidence));
  HF_ASSIGN_OR_RETURN(const std::vector<crypto::PublicKey> keys, KeysOfVerifier(asserted, events));
  if (std::find(keys.begin(), keys.end(), key.public_key()) == keys.end()) {
    return MakeError(Reason::kSignatureInvalid,
                     "the key is none that the agreement has for who verified");
  }
  const ErasureCertificate certificate{exchange, asserted, evidence, std::move(events)};
  HF_ASSIGN_OR_RETURN(
      const crypto::UnverifiedDsse envelope,
      crypto::SignDsse(kErasurePayloadType, AsBytes(RenderErasure(certificate)), key));
  return RenderFile(envelope, evidence);
}

absl::StatusOr<ErasureCertificate> OpenErasure(std::string_view file, const ExchangeId& exchange) {
  HF_ASSIGN_OR_RETURN(OpenedFile opened, ReadFile(file));
  ErasureCertificate certificate;
  certificate.exchange = exchange;
  HF_ASSIGN_OR_RETURN(certificate.asserted, ReadAsserted(opened.envelope.payload));
  HF_ASSIGN_OR_RETURN(const JsonValue statement, ParseStrictJson(AsText(opened.envelope.payload)));
  const std::string* note = FindText(statement, "checkpoint");
  if (note == nullptr) return Malformed();
  HF_ASSIGN_OR_RETURN(const Bytes note_bytes, FromBase64(*note));
  opened.evidence.checkpoint = ToString(note_bytes);
  certificate.evidence = std::move(opened.evidence);
  HF_ASSIGN_OR_RETURN(certificate.events, ReadErasure(exchange, certificate.evidence));
  HF_ASSIGN_OR_RETURN(const std::vector<crypto::PublicKey> keys,
                      KeysOfVerifier(certificate.asserted, certificate.events));
  HF_RETURN_IF_ERROR(
      crypto::VerifyDsse(opened.envelope, kErasurePayloadType, crypto::LookupIn(keys)).status());
  if (opened.envelope.signatures.size() != 1) return Malformed();
  if (RenderErasure(certificate) != AsText(opened.envelope.payload)) {
    return Inconsistent("the certificate does not say what its entries show");
  }
  return certificate;
}

}  // namespace holdfast::evidence
