// SPDX-License-Identifier: Apache-2.0
#include "evidence/erasure_certificate.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
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

// By version, from 1.
constexpr std::string_view kPayloadTypes[] = {
    "application/vnd.holdfast.cryptographic-erase.v1+json",
    "application/vnd.holdfast.cryptographic-erase.v2+json",
};
static_assert(std::size(kPayloadTypes) == kErasureVersion);

std::string_view PayloadType(int version) { return kPayloadTypes[version - 1]; }

std::optional<int> VersionOf(std::string_view payload_type) {
  for (int version = 1; version <= kErasureVersion; ++version) {
    if (PayloadType(version) == payload_type) return version;
  }
  return std::nullopt;
}

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

absl::StatusOr<PriorRelease> ReadPriorRelease(const JsonValue& value) {
  const std::string* requester = FindText(value, "member");
  const std::string* first = FindText(value, "first");
  const std::string* last = FindText(value, "last");
  const auto leases = FindNumber(value, "leases");
  const auto records = FindNumber(value, "records");
  if (first == nullptr || last == nullptr || !records) return Malformed();
  PriorRelease release;
  if (requester != nullptr) release.requester = *requester;
  release.lease = FindNumber(value, "leaseIndex").value_or(0);
  release.leases = leases.value_or(1);
  release.records = *records;
  HF_ASSIGN_OR_RETURN(release.first, ParseRfc3339(*first));
  HF_ASSIGN_OR_RETURN(release.last, ParseRfc3339(*last));
  return release;
}

// A list of at most `most`, and what sums up the others.
absl::Status ReadPriorReleases(const JsonValue& value, std::string_view list_name, std::size_t most,
                               std::string_view more_name, std::vector<PriorRelease>& list,
                               std::optional<PriorRelease>& more) {
  const JsonValue* items = value.Find(list_name);
  if (items == nullptr || !items->is_array() || items->array().size() > most) return Malformed();
  for (const JsonValue& item : items->array()) {
    HF_ASSIGN_OR_RETURN(list.emplace_back(), ReadPriorRelease(item));
  }
  const JsonValue* others = value.Find(more_name);
  if (others == nullptr) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(more.emplace(), ReadPriorRelease(*others));
  return absl::OkStatus();
}

absl::StatusOr<PriorReleases> ReadPriorReleases(const JsonValue* value) {
  if (value == nullptr) return Malformed();
  PriorReleases prior;
  HF_RETURN_IF_ERROR(ReadPriorReleases(*value, "requesters", kMaxPriorRequesters, "moreRequesters",
                                       prior.requesters, prior.more_requesters));
  HF_RETURN_IF_ERROR(ReadPriorReleases(*value, "leases", kMaxPriorLeases, "moreLeases",
                                       prior.leases, prior.more_leases));
  return prior;
}

// What only the whole ledger shows can contradict itself, and the entries.
absl::Status CheckPriorReleases(const ErasureAsserted& asserted, const ErasureEvents& events) {
  const PriorReleases& prior = asserted.prior;
  const auto fits = [](std::size_t size, std::size_t most, bool more) {
    return more ? size == most : size <= most;
  };
  if (!fits(prior.requesters.size(), kMaxPriorRequesters, prior.more_requesters.has_value()) ||
      !fits(prior.leases.size(), kMaxPriorLeases, prior.more_leases.has_value())) {
    return Inconsistent("who had got keys is not as long a list as it must be");
  }
  std::uint64_t records = prior.more_requesters ? prior.more_requesters->records : 0;
  std::uint64_t leases = prior.more_requesters ? prior.more_requesters->leases : 0;
  for (const PriorRelease& release : prior.requesters) {
    const policy::Member* requester = events.agreement->FindMember(release.requester);
    if (requester == nullptr || requester->role != agreement::v1::ROLE_REQUESTER) {
      return Inconsistent("keys left to who is no requester of the agreement");
    }
    records += release.records;
    leases += release.leases;
  }
  if (records != asserted.released_before || records > events.records) {
    return Inconsistent("the requesters' records are not those whose key had left");
  }
  if (leases != prior.leases.size() + (prior.more_leases ? prior.more_leases->leases : 0)) {
    return Inconsistent("the requesters' leases are not those that are listed");
  }
  std::uint64_t last = 0;
  for (const PriorRelease& release : prior.leases) {
    const bool listed =
        std::any_of(prior.requesters.begin(), prior.requesters.end(),
                    [&](const PriorRelease& one) { return one.requester == release.requester; });
    if (!listed && !prior.more_requesters) return Inconsistent("a lease's requester got no key");
    if (release.lease <= last || release.lease >= events.destroyed_index) {
      return Inconsistent("a lease is not one from before the destruction");
    }
    last = release.lease;
  }
  return absl::OkStatus();
}

// What the statement says that the entries do not.
absl::StatusOr<ErasureAsserted> ReadAsserted(const JsonValue& value, int version) {
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
  if (version >= 2) {
    HF_ASSIGN_OR_RETURN(asserted.prior, ReadPriorReleases(value.Find("priorReleases")));
  }
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
  int version = 0;
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
  const std::optional<int> version = VersionOf(opened.envelope.payload_type);
  if (!version) return Malformed();
  opened.version = *version;
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
  HF_RETURN_IF_ERROR(CheckPriorReleases(asserted, events));
  ErasureCertificate certificate;
  certificate.exchange = exchange;
  certificate.asserted = asserted;
  certificate.evidence = evidence;
  certificate.events = std::move(events);
  HF_ASSIGN_OR_RETURN(
      const crypto::UnverifiedDsse envelope,
      crypto::SignDsse(PayloadType(kErasureVersion), AsBytes(RenderErasure(certificate)), key));
  return RenderFile(envelope, evidence);
}

absl::StatusOr<ErasureCertificate> OpenErasure(std::string_view file, const ExchangeId& exchange,
                                               const ErasureReader& read) {
  HF_ASSIGN_OR_RETURN(OpenedFile opened, ReadFile(file));
  ErasureCertificate certificate;
  certificate.exchange = exchange;
  certificate.version = opened.version;
  JsonLimits limits;
  if (certificate.version >= 2) limits.max_bytes = crypto::kMaxDssePayloadBytes;
  HF_ASSIGN_OR_RETURN(const JsonValue statement,
                      ParseStrictJson(AsText(opened.envelope.payload), limits));
  HF_ASSIGN_OR_RETURN(certificate.asserted, ReadAsserted(statement, certificate.version));
  const std::string* note = FindText(statement, "checkpoint");
  if (note == nullptr) return Malformed();
  HF_ASSIGN_OR_RETURN(const Bytes note_bytes, FromBase64(*note));
  opened.evidence.checkpoint = ToString(note_bytes);
  certificate.evidence = std::move(opened.evidence);
  HF_ASSIGN_OR_RETURN(certificate.events, read(exchange, certificate.evidence));
  HF_ASSIGN_OR_RETURN(const std::vector<crypto::PublicKey> keys,
                      KeysOfVerifier(certificate.asserted, certificate.events));
  HF_ASSIGN_OR_RETURN(const crypto::OpenedDsse verified,
                      crypto::VerifyDsse(opened.envelope, PayloadType(certificate.version),
                                         crypto::LookupIn(keys)));
  if (opened.envelope.signatures.size() != 1) return Malformed();
  if (RenderErasure(certificate) != AsText(opened.envelope.payload)) {
    return Inconsistent("the certificate does not say what its entries show");
  }
  if (certificate.version >= 2) {
    HF_RETURN_IF_ERROR(CheckPriorReleases(certificate.asserted, certificate.events));
  }
  certificate.key = verified.signers.front();
  return certificate;
}

}  // namespace holdfast::evidence
