// SPDX-License-Identifier: Apache-2.0
#include "evidence/erasure_certificate.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "evidence/html_page.h"

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "crypto/signed_note.h"
#include "policy/disposal.h"
#include "policy/keyslot_strike_off.h"
#include "policy/opened_order.h"

namespace holdfast::evidence {
namespace {

using ledger::v1::Entry;
using ledger::v1::RecordsDestroyed;

constexpr std::string_view kStatement = "holdfast cryptographic erase";
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostEntries = 64;
constexpr std::size_t kMostHashes = 64;

// The texts of version 1. A verifier makes them again, so they never change.
constexpr std::string_view kMedia =
    "logical: the keys of records, kept as a key tree under one root key; each record is stored "
    "only under its own key";
constexpr std::string_view kTechnique = "Cryptographic Erase";
constexpr std::string_view kDetails =
    "The seeds of these records were taken out of the key tree, a second function showed that "
    "none of them can be derived from what is left, the tree was sealed under new keys below a new "
    "root key, the new page was opened with the new root key as read back, and the old root key "
    "was erased in the keyslot and found to be gone.";
constexpr std::string_view kVerification =
    "full: every entry, signature and decision of the ledger up to the checkpoint was verified and "
    "decided again, the check of the holds included";
constexpr std::string_view kAssumptions[] = {
    "The gateway's machine ran this protocol and nothing else: what somebody with root on it took "
    "before, no ledger shows.",
    "Old root keys are gone: with erasure class device inside the device, with medium if the "
    "medium kept no copy of what was overwritten.",
    "Keys that had left before the destruction may have opened their records; nothing calls those "
    "back.",
    "The source's own copies of the records are not part of this.",
};

// Said besides where a keyslot was struck off.
constexpr std::string_view kLostAssumption =
    "Keyslots that were struck off are lost, and nobody erased them: whoever has one, and a copy "
    "of "
    "the database of an epoch whose root key it holds, can open what that copy has.";

std::vector<std::string_view> AssumptionsOf(const ErasureEvents& events) {
  std::vector<std::string_view> lines(std::begin(kAssumptions), std::end(kAssumptions));
  if (!events.lost.empty()) lines.push_back(kLostAssumption);
  return lines;
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

std::string_view BasisName(RecordsDestroyed::Basis basis) {
  switch (basis) {
    case RecordsDestroyed::REVOCATION:
      return "revocation";
    case RecordsDestroyed::EXPIRY:
      return "expiry";
    case RecordsDestroyed::COURT_ORDER:
      return "court order";
    default:
      return "";
  }
}

// NIST SP 800-88: cryptographic erase purges if the key is sanitised so that it cannot be recovered
// with state-of-the-art means. A file that was overwritten is cleared, and so is what hangs on it;
// and what a lost keyslot may still hold is not purged.
std::string_view MethodName(const ErasureEvents& events) {
  return events.erasure_class == "device" && events.lost.empty() ? "Purge" : "Clear";
}

std::string_view SideName(policy::Side side) {
  switch (side) {
    case agreement::v1::SOURCE:
      return "source";
    case agreement::v1::REQUESTER:
      return "requester";
    case agreement::v1::COURT:
      return "court";
    default:
      return "none";
  }
}

struct Person {
  std::string name;
  std::string_view organization;
};

Person PersonOf(const ErasureEvents& events, const std::string& id) {
  const policy::Member* member = events.agreement->FindMember(id);
  if (member == nullptr) return {id, "none"};
  return {member->display_name.empty() ? id : member->display_name, SideName(member->side)};
}

JsonValue PartsJson(const ErasureEvents& events, const std::vector<ErasurePart>& parts) {
  JsonValue::Array array;
  for (const ErasurePart& part : parts) {
    const Person person = PersonOf(events, part.member);
    array.push_back(JsonValue::OfObject({{"member", Text(part.member)},
                                         {"name", Text(person.name)},
                                         {"organization", Text(person.organization)},
                                         {"orderIndex", Number(part.index)}}));
  }
  return JsonValue::OfArray(std::move(array));
}

JsonValue MediaJson(const ErasureEvents& events) {
  JsonValue::Object media = {{"type", Text(kMedia)},
                             {"records", Number(events.records)},
                             {"recordsDigest", Text(Hex(events.records_digest))},
                             {"transfers", Number(events.transfers)},
                             {"keyslotKind", Text(events.keyslot_kind)},
                             {"erasureClass", Text(events.erasure_class)}};
  if (!events.media.empty()) {
    JsonValue::Array parts;
    for (const ErasureMedium& medium : events.media) {
      parts.push_back(JsonValue::OfObject({{"kind", Text(medium.kind)},
                                           {"erasureClass", Text(medium.erasure_class)},
                                           {"device", Text(medium.device)}}));
    }
    media.push_back({"keyslots", JsonValue::OfArray(std::move(parts))});
  }
  return JsonValue::OfObject(std::move(media));
}

JsonValue LostJson(const std::vector<LostKeyslots>& lost) {
  JsonValue::Array array;
  for (const LostKeyslots& of : lost) {
    JsonValue::Array members;
    for (const std::uint32_t member : of.members) members.push_back(Number(member));
    array.push_back(JsonValue::OfObject({{"index", Number(of.index)},
                                         {"epoch", Number(of.epoch)},
                                         {"keyslots", Text(of.keyslots)},
                                         {"members", JsonValue::OfArray(std::move(members))}}));
  }
  return JsonValue::OfArray(std::move(array));
}

// The digest of a list of records: docs/ledger-format.md#lists
class ListDigest {
 public:
  absl::Status Add(const ledger::v1::Rows& runs) {
    const auto rows = policy::ReadRows(runs);
    if (!rows.ok()) return Inconsistent("the list of destroyed records cannot be read");
    if (!list_.empty() && list_.back().transfer >= rows->transfer) {
      return Inconsistent("the list of destroyed records is not in order");
    }
    count_ += rows->size();
    list_.push_back(*rows);
    return absl::OkStatus();
  }
  std::uint64_t count() const { return count_; }
  std::uint64_t transfers() const { return list_.size(); }
  Digest32 Digest() const {
    Bytes bytes;
    const auto put = [&bytes](std::uint32_t number) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        bytes.push_back(std::byte(number >> shift & 0xffU));
      }
    };
    for (const policy::RowRuns& rows : list_) {
      for (const policy::RowRun& run : rows.runs) {
        for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
          put(rows.transfer);
          put(row);
        }
      }
    }
    return crypto::Sha256Of(bytes);
  }

 private:
  std::vector<policy::RowRuns> list_;
  std::uint64_t count_ = 0;
};

// Reads the entries one after the other. Each may come in one place only.
class Reading {
 public:
  explicit Reading(const ExchangeId& exchange) : exchange_(exchange) {}

  absl::Status Open(const ErasureEvidence& evidence) {
    if (evidence.entries.size() < 4 || evidence.entries.size() > kMostEntries ||
        evidence.entries.front().index != 0) {
      return Inconsistent("the entries of a destruction are missing");
    }
    HF_ASSIGN_OR_RETURN(const Entry first, Parse(evidence.entries.front()));
    if (!first.has_exchange_opened()) return Inconsistent("the ledger does not begin");
    auto agreement = policy::OpenAgreement(AsBytes(first.exchange_opened().agreement_dsse()));
    HF_RETURN_IF_ERROR(agreement.status());
    if (agreement->exchange_id() != exchange_) {
      return Inconsistent("the certificate is about another exchange");
    }
    events.agreement = std::make_shared<const policy::OpenedAgreement>(*std::move(agreement));
    HF_ASSIGN_OR_RETURN(
        const crypto::PublicKey public_key,
        crypto::PublicKey::FromBytes(AsBytes(first.exchange_opened().checkpoint_key())));
    HF_ASSIGN_OR_RETURN(const crypto::NoteKey note_key,
                        crypto::NoteKey::Make(crypto::LedgerOrigin(exchange_),
                                              crypto::NoteAlgorithm::kEd25519, public_key));
    HF_ASSIGN_OR_RETURN(const crypto::OpenedCheckpoint opened,
                        crypto::OpenCheckpoint(evidence.checkpoint, note_key));
    events.checkpoint = opened.checkpoint;
    return absl::OkStatus();
  }

  absl::Status Take(const ProvenEntry& proven) {
    HF_RETURN_IF_ERROR(crypto::VerifyInclusion(proven.index, events.checkpoint.size,
                                               crypto::LeafHash(proven.bytes), proven.path,
                                               events.checkpoint.root));
    if (proven.index == 0) return absl::OkStatus();  // Open() has read it.
    HF_ASSIGN_OR_RETURN(const Entry entry, Parse(proven));
    switch (entry.fact_case()) {
      case Entry::kTimeAdvanced:
        if (events.time_index != 0 || events.destroyed_index != 0) break;
        events.time_index = proven.index;
        events.destroyed_at = UnixMillis(entry.time_advanced().late_ms());
        return absl::OkStatus();
      case Entry::kOrderAccepted:
        if (events.destroyed_index != 0) break;
        return TakeOrder(proven.index, entry.order_accepted());
      case Entry::kRecordsDestroyed:
        if (events.destroyed_index != 0 || events.time_index == 0) break;
        events.destroyed_index = proven.index;
        return TakeDestruction(entry.records_destroyed());
      case Entry::kEpochAdvanced:
        if (events.destroyed_index == 0 || events.epoch_index != 0) break;
        events.epoch_index = proven.index;
        events.epoch = entry.epoch_advanced().epoch();
        return absl::OkStatus();
      case Entry::kEpochErased:
        if (events.epoch_index == 0 || events.erased_index != 0 ||
            entry.epoch_erased().epoch() + 1 != events.epoch) {
          break;
        }
        events.erased_index = proven.index;
        events.keyslot_kind = entry.epoch_erased().keyslot_kind();
        events.erasure_class = entry.epoch_erased().erasure_class();
        for (const ledger::v1::KeyslotPart& part : entry.epoch_erased().parts()) {
          events.media.push_back({part.kind(), part.erasure_class(), part.device()});
        }
        return absl::OkStatus();
      case Entry::kKeyslotStruckOff:
        if (events.erased_index != 0) break;
        return TakeStrikeOff(proven.index, entry.keyslot_struck_off());
      default:
        break;
    }
    return Inconsistent("an entry of the certificate is not one of a destruction");
  }

  absl::Status Finish() const {
    if (events.erased_index == 0) return Inconsistent("the old root key's erasure is missing");
    return absl::OkStatus();
  }

  ErasureEvents events;

 private:
  static absl::StatusOr<Entry> Parse(const ProvenEntry& proven) {
    Entry entry;
    if (!entry.ParseFromArray(proven.bytes.data(), static_cast<int>(proven.bytes.size()))) {
      return Inconsistent("an entry of the certificate cannot be read");
    }
    return entry;
  }

  absl::Status TakeOrder(std::uint64_t index, const ledger::v1::OrderAccepted& fact) {
    HF_ASSIGN_OR_RETURN(const policy::OpenedOrder opened,
                        policy::OpenOrder(AsBytes(fact.order_dsse()), *events.agreement));
    if (opened.exchange_id != exchange_.value()) {
      return Inconsistent("an order is about another exchange");
    }
    const order::v1::Order& order = opened.order;
    const ErasurePart part{order.person(), index};
    if (order.has_revoke_records()) {
      if (!events.performed_by.empty()) return Inconsistent("two people revoked");
      events.performed_by.push_back(part);
      events.reason = order.revoke_records().reason();
      count_ = order.revoke_records().count();
      digest_ = order.revoke_records().list_digest();
      return absl::OkStatus();
    }
    if (events.performed_by.empty()) return Inconsistent("an approval comes before the revocation");
    const std::uint64_t revocation = events.performed_by.front().index;
    if (order.has_approve_destruction()) {
      const auto& approve = order.approve_destruction();
      if (approve.revocation_index() != revocation || approve.count() != count_ ||
          approve.list_digest() != digest_) {
        return Inconsistent("an approval is about other records");
      }
      events.approved_by.push_back(part);
      return absl::OkStatus();
    }
    if (order.has_authorise_destruction()) {
      const auto& authorise = order.authorise_destruction();
      if (authorise.revocation_index() != revocation || authorise.count() != count_ ||
          authorise.list_digest() != digest_) {
        return Inconsistent("an authorisation is about other records");
      }
      events.authorised_by.push_back(part);
      return absl::OkStatus();
    }
    return Inconsistent("an order of the certificate is not about a destruction");
  }

  absl::Status TakeStrikeOff(std::uint64_t index, const ledger::v1::KeyslotStruckOff& fact) {
    HF_ASSIGN_OR_RETURN(policy::UnverifiedKeyslotStrikeOff order,
                        policy::ReadKeyslotStrikeOff(fact.order_dsse()));
    HF_RETURN_IF_ERROR(
        policy::OpenKeyslotStrikeOff(order, *events.agreement, policy::StruckOff()).status());
    policy::KeyslotStrikeOffTerms& terms = order.terms;
    events.lost.push_back(
        {index, terms.epoch, std::move(terms.keyslots), std::move(terms.members)});
    return absl::OkStatus();
  }

  absl::Status TakeDestruction(const RecordsDestroyed& fact) {
    events.basis = fact.basis();
    if (BasisName(events.basis).empty()) return Inconsistent("a destruction without a basis");
    ListDigest list;
    for (const ledger::v1::Rows& rows : fact.rows()) HF_RETURN_IF_ERROR(list.Add(rows));
    events.records = list.count();
    events.transfers = list.transfers();
    events.records_digest = list.Digest();
    if (events.records != fact.count()) return Inconsistent("the number of records is wrong");
    if (events.basis == RecordsDestroyed::EXPIRY) {
      return events.performed_by.empty() ? absl::OkStatus()
                                         : Inconsistent("what expires, nobody revokes");
    }
    if (events.performed_by.empty() || events.approved_by.empty() ||
        fact.revocation_index() != events.performed_by.front().index) {
      return Inconsistent("the revocation or its approval is missing");
    }
    if (events.records != count_ || Hex(events.records_digest) != digest_) {
      return Inconsistent("what was destroyed is not what was revoked");
    }
    if (events.basis == RecordsDestroyed::COURT_ORDER && events.authorised_by.size() < 2) {
      return Inconsistent("the court's order is missing");
    }
    return absl::OkStatus();
  }

  const ExchangeId exchange_;
  std::uint64_t count_ = 0;  // As revoked.
  std::string digest_;
};

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

// Label and value, for people; `digest` is grouped.
struct Field {
  std::string name;
  std::string value;
  bool digest = false;
};
struct Section {
  std::string heading;
  std::vector<Field> fields;
};

std::string People(const ErasureEvents& events, const std::vector<ErasurePart>& parts) {
  std::string text;
  for (const ErasurePart& part : parts) {
    const Person person = PersonOf(events, part.member);
    if (!text.empty()) text += "; ";
    text += person.name + " (" + part.member + ", " + std::string(person.organization) +
            "), signed order in ledger entry " + std::to_string(part.index);
  }
  return text;
}

std::vector<Section> SectionsOf(const ErasureCertificate& c) {
  const ErasureEvents& e = c.events;
  const Person verifier = PersonOf(e, c.asserted.verified_by);
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  std::vector<Section> sections;
  Section people{"Who", {}};
  people.fields.push_back({"Performed by", e.performed_by.empty()
                                               ? "the agreement, which both principals signed"
                                               : People(e, e.performed_by)});
  if (!e.approved_by.empty()) {
    people.fields.push_back({"Approved by", People(e, e.approved_by)});
  }
  if (!e.authorised_by.empty()) {
    people.fields.push_back({"Authorised on a court's order by", People(e, e.authorised_by)});
  }
  people.fields.push_back({"Verified by", verifier.name + " (" + c.asserted.verified_by + ", " +
                                              std::string(verifier.organization) + "), at " +
                                              FormatRfc3339(c.asserted.verified_at)});
  sections.push_back(std::move(people));

  Section media{"Medium", {}};
  media.fields = {{"Type", std::string(kMedia)},
                  {"Records", number(e.records) + " in " + number(e.transfers) + " transfers"},
                  {"List of the records, SHA-256", Hex(e.records_digest), true},
                  {"Keyslot of the root key", e.keyslot_kind},
                  {"Erasure class", e.erasure_class},
                  {"Exchange", Hex(BytesOf(c.exchange)), true}};
  for (const ErasureMedium& medium : e.media) {
    media.fields.push_back(
        {"Erased in", medium.kind + ", erasure class " + medium.erasure_class +
                          (medium.device.empty() ? ", a folder" : ": " + medium.device)});
  }
  for (const LostKeyslots& lost : e.lost) {
    std::string places;
    for (const std::uint32_t member : lost.members) {
      places += (places.empty() ? "" : " and ") + number(member);
    }
    media.fields.push_back(
        {"NOT erased: lost, and struck off",
         "member " + places + " of " + lost.keyslots + ", in ledger entry " + number(lost.index) +
             ". It may still hold the root key of epoch " + number(lost.epoch) +
             " and of the one before: with it, a copy of the database of that epoch opens"});
  }
  sections.push_back(std::move(media));

  Section method{"Sanitization, by NIST SP 800-88", {}};
  method.fields = {
      {"Method", std::string(MethodName(e))},       {"Technique", std::string(kTechnique)},
      {"Details", std::string(kDetails)},           {"Tool", c.asserted.tool},
      {"Verification", std::string(kVerification)}, {"Basis", std::string(BasisName(e.basis))}};
  if (!e.reason.empty()) method.fields.push_back({"Reason given", e.reason});
  sections.push_back(std::move(method));

  Section when{"When, in the ledger", {}};
  when.fields = {
      {"Destroyed",
       "ledger entry " + number(e.destroyed_index) + ", " + FormatRfc3339(e.destroyed_at)},
      {"New root key", "epoch " + number(e.epoch) + ", ledger entry " + number(e.epoch_index)},
      {"Old root key erased",
       "epoch " + number(e.epoch - 1) + ", ledger entry " + number(e.erased_index)}};
  sections.push_back(std::move(when));

  Section before{"What had left, and what was held", {}};
  before.fields = {
      {"Records whose key had left before",
       number(c.asserted.released_before) +
           ", of these under leases that were open: " + number(c.asserted.under_open_leases)},
      {"Check of the holds",
       "made in ledger entry " + number(e.destroyed_index) + ": of " +
           number(c.asserted.holds_in_force) +
           " holds in force none preserved one of these records" +
           (c.asserted.overridden == 0
                ? std::string()
                : ", but " + number(c.asserted.overridden) + " that a court's order names")}};
  sections.push_back(std::move(before));

  Section ledger{"The ledger", {}};
  ledger.fields = {{"Checkpoint", number(e.checkpoint.size) + " entries"},
                   {"Root", Hex(e.checkpoint.root), true}};
  sections.push_back(std::move(ledger));
  return sections;
}

}  // namespace

absl::StatusOr<ErasureEvents> ReadErasure(const ExchangeId& exchange,
                                          const ErasureEvidence& evidence) {
  Reading reading(exchange);
  HF_RETURN_IF_ERROR(reading.Open(evidence));
  std::optional<std::uint64_t> last;
  for (const ProvenEntry& entry : evidence.entries) {
    if (last && entry.index <= *last) return Inconsistent("the entries are not in order");
    last = entry.index;
    HF_RETURN_IF_ERROR(reading.Take(entry));
  }
  HF_RETURN_IF_ERROR(reading.Finish());
  return std::move(reading.events);
}

std::string RenderErasure(const ErasureCertificate& c) {
  const ErasureEvents& e = c.events;
  const Person verifier = PersonOf(e, c.asserted.verified_by);
  JsonValue::Array entries;
  for (const ProvenEntry& entry : c.evidence.entries) {
    entries.push_back(JsonValue::OfObject(
        {{"index", Number(entry.index)}, {"leaf", Text(Hex(crypto::LeafHash(entry.bytes)))}}));
  }
  JsonValue::Array assumptions;
  for (const std::string_view line : AssumptionsOf(e)) assumptions.push_back(Text(line));
  JsonValue::Object members = {
      {"statement", Text(kStatement)},
      {"version", JsonValue::OfInteger(kVersion)},
      {"exchangeId", Text(Hex(BytesOf(c.exchange)))},
      {"performedBy", PartsJson(e, e.performed_by)},
      {"approvedBy", PartsJson(e, e.approved_by)},
      {"authorisedBy", PartsJson(e, e.authorised_by)},
      {"verifiedBy", JsonValue::OfObject({{"member", Text(c.asserted.verified_by)},
                                          {"name", Text(verifier.name)},
                                          {"organization", Text(verifier.organization)},
                                          {"at", Text(FormatRfc3339(c.asserted.verified_at))}})},
      {"media", MediaJson(e)},
      {"method", Text(MethodName(e))},
      {"technique", Text(kTechnique)},
      {"details", Text(kDetails)},
      {"tool", Text(c.asserted.tool)},
      {"verification", Text(kVerification)},
      {"basis", Text(BasisName(e.basis))},
      {"reason", Text(e.reason)},
      {"destroyedAt", Text(FormatRfc3339(e.destroyed_at))},
      {"destroyedIndex", Number(e.destroyed_index)},
      {"epoch", Number(e.epoch)},
      {"epochIndex", Number(e.epoch_index)},
      {"erasedIndex", Number(e.erased_index)},
      {"releasedBefore", Number(c.asserted.released_before)},
      {"underOpenLeases", Number(c.asserted.under_open_leases)},
      {"holdCheck", JsonValue::OfObject({{"index", Number(e.destroyed_index)},
                                         {"holdsInForce", Number(c.asserted.holds_in_force)},
                                         {"preserving", Number(c.asserted.overridden)},
                                         {"overridden", Number(c.asserted.overridden)}})},
      {"checkpoint", Text(Base64(AsBytes(c.evidence.checkpoint)))},
      {"entries", JsonValue::OfArray(std::move(entries))},
      {"assumptions", JsonValue::OfArray(std::move(assumptions))},
  };
  if (!e.lost.empty()) members.push_back({"keyslotsStruckOff", LostJson(e.lost)});
  return WriteJson(JsonValue::OfObject(std::move(members)));
}

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

std::string DescribeErasure(const ErasureCertificate& certificate) {
  std::string text;
  for (const Section& section : SectionsOf(certificate)) {
    text += section.heading + "\n";
    for (const Field& field : section.fields) {
      text += "  " + field.name + ": " +
              (field.digest ? InGroupsOfFour(field.value) : field.value) + "\n";
    }
  }
  text += "What it rests on";
  for (const std::string_view line : AssumptionsOf(certificate.events)) {
    text += "\n  - " + std::string(line);
  }
  return text;
}

std::string ErasurePage(const ErasureCertificate& certificate) {
  HtmlPage page;
  for (const Section& section : SectionsOf(certificate)) {
    page.Heading(section.heading);
    page.Begin();
    for (const Field& field : section.fields) {
      if (field.digest) {
        page.DigestRow(field.name, field.value);
      } else {
        page.Row(field.name, field.value);
      }
    }
    page.End();
  }
  page.Heading("What it rests on");
  for (const std::string_view line : AssumptionsOf(certificate.events)) page.Item(line);
  return page.Finish("Certificate of cryptographic erase");
}

}  // namespace holdfast::evidence
