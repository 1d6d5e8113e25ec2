// SPDX-License-Identifier: Apache-2.0
// What a certificate says: RenderErasure() for programs, DescribeErasure() and ErasurePage() for
// people.
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "evidence/erasure_certificate.h"
#include "evidence/html_page.h"

#include "base/strict_json.h"
#include "crypto/merkle.h"

namespace holdfast::evidence {
namespace {

using ledger::v1::RecordsDestroyed;

constexpr std::string_view kStatement = "holdfast cryptographic erase";
constexpr std::int64_t kVersion = 1;

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
