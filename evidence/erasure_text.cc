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

// The texts of a version. A verifier makes them again, so they never change.
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

// Said besides since version 2.
constexpr std::string_view kMoreAssumptions[] = {
    "The exchange's id came from elsewhere than the gateway and this certificate.",
    "This is the only ledger of the exchange: an earlier checkpoint that another party kept shows "
    "it up to there.",
    "Times are those of the gateway's clock, but for those that a witness signed and those of the "
    "signers' own clocks.",
};
constexpr std::string_view kNoWitness =
    "The agreement names no witness: nobody but the gateway signed the checkpoint.";

// What NIST SP 800-88 asks for, and this medium or this agreement has not got, in words: since
// version 2.
enum class Part { kPeople = 0, kMedium, kMethod };
struct Said {
  Part part;
  std::string_view member;
  std::string_view label;
  std::string_view text;
};
constexpr Said kSaid[] = {
    {Part::kPeople, "contact", "Location and contact",
     "not in the agreement, which names people by side and role: each is reached through their "
     "side"},
    {Part::kMedium, "make", "Make, model and serial number",
     "do not apply to a key tree; where a device held its root key, the device's are given"},
    {Part::kMedium, "property", "Property number",
     "does not apply: the exchange's id names the medium, and the list's digest the records"},
    {Part::kMedium, "classification", "Classification before",
     "none by the agreement: records that its authorities let be asked for, each sealed"},
    {Part::kMedium, "backup", "Backed up",
     "unknown: copies of the database may exist, and what they have of these records' keys is "
     "sealed below old root keys"},
    {Part::kMethod, "postClassification", "Classification after",
     "none: what is left here of these records is ciphertext whose keys are not held here any "
     "more"},
    {Part::kMethod, "destination", "Destination",
     "reuse in place: the medium stays in the gateway, with the keys of other records"},
};

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

std::string WitnessesOf(const ErasureEvents& events) {
  std::string names;
  for (const policy::WitnessTerm& witness : events.agreement->witnesses()) {
    names += (names.empty() ? "" : ", ") + witness.name + " (" +
             std::string(SideName(witness.side)) + ")";
  }
  if (names.empty()) return std::string(kNoWitness);
  std::string by;
  for (const crypto::NoteSigned& cosigned : events.cosigned) {
    by += (by.empty() ? "" : ", ") + cosigned.key.name();
    if (cosigned.at) by += " at " + FormatRfc3339(*cosigned.at);
  }
  return "Witnesses of the agreement: " + names + ". The checkpoint was cosigned by " +
         (by.empty() ? "none of them, so that nobody but the gateway signed it." : by + ".");
}

std::vector<std::string> AssumptionsOf(const ErasureCertificate& c) {
  std::vector<std::string> lines(std::begin(kAssumptions), std::end(kAssumptions));
  if (c.version >= 2) {
    lines.insert(lines.end(), std::begin(kMoreAssumptions), std::end(kMoreAssumptions));
    lines.push_back(WitnessesOf(c.events));
  }
  if (!c.events.lost.empty()) lines.emplace_back(kLostAssumption);
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

std::string_view TitleName(policy::Role role) {
  switch (role) {
    case agreement::v1::ROLE_REQUESTER:
      return "requester";
    case agreement::v1::ROLE_COUNSEL:
      return "counsel";
    case agreement::v1::ROLE_CUSTODIAN:
      return "custodian";
    case agreement::v1::ROLE_AUDITOR:
      return "auditor";
    default:
      return "none";
  }
}

struct Person {
  std::string name;
  std::string_view organization = "none";
  std::string_view title = "none";
  std::string principal;  // Who signed the agreement for that side. Empty for the court's.
};

Person PersonOf(const ErasureEvents& events, const std::string& id) {
  Person person;
  person.name = id;
  const policy::Member* member = events.agreement->FindMember(id);
  if (member == nullptr) return person;
  if (!member->display_name.empty()) person.name = member->display_name;
  person.organization = SideName(member->side);
  person.title = TitleName(member->role);
  for (const policy::Principal& principal : events.agreement->principals()) {
    if (principal.side == member->side) person.principal = principal.name;
  }
  return person;
}

// A person or a machine, and what follows; since version 2 with title and principal.
JsonValue PersonJson(const ErasureCertificate& c, const std::string& id, JsonValue::Object more) {
  const Person person = PersonOf(c.events, id);
  JsonValue::Object members = {{"member", Text(id)},
                               {"name", Text(person.name)},
                               {"organization", Text(person.organization)}};
  if (c.version >= 2) {
    members.push_back({"title", Text(person.title)});
    members.push_back({"principal", Text(person.principal)});
  }
  std::move(more.begin(), more.end(), std::back_inserter(members));
  return JsonValue::OfObject(std::move(members));
}

JsonValue PartsJson(const ErasureCertificate& c, const std::vector<ErasurePart>& parts) {
  JsonValue::Array array;
  for (const ErasurePart& part : parts) {
    JsonValue::Object more = {{"orderIndex", Number(part.index)}};
    if (c.version >= 2) more.push_back({"signedAt", Text(FormatRfc3339(part.signed_at))});
    array.push_back(PersonJson(c, part.member, std::move(more)));
  }
  return JsonValue::OfArray(std::move(array));
}

void AddTimes(const PriorRelease& release, JsonValue::Object& members) {
  members.push_back({"records", Number(release.records)});
  members.push_back({"first", Text(FormatRfc3339(release.first))});
  members.push_back({"last", Text(FormatRfc3339(release.last))});
}

JsonValue SumJson(const PriorRelease& release) {
  JsonValue::Object members = {{"leases", Number(release.leases)}};
  AddTimes(release, members);
  return JsonValue::OfObject(std::move(members));
}

JsonValue PriorReleasesJson(const ErasureCertificate& c) {
  const PriorReleases& prior = c.asserted.prior;
  JsonValue::Array requesters;
  for (const PriorRelease& release : prior.requesters) {
    JsonValue::Object more = {{"leases", Number(release.leases)}};
    AddTimes(release, more);
    requesters.push_back(PersonJson(c, release.requester, std::move(more)));
  }
  JsonValue::Array leases;
  for (const PriorRelease& release : prior.leases) {
    JsonValue::Object lease = {{"leaseIndex", Number(release.lease)},
                               {"member", Text(release.requester)}};
    AddTimes(release, lease);
    leases.push_back(JsonValue::OfObject(std::move(lease)));
  }
  JsonValue::Object members = {{"requesters", JsonValue::OfArray(std::move(requesters))}};
  if (prior.more_requesters) members.push_back({"moreRequesters", SumJson(*prior.more_requesters)});
  members.push_back({"leases", JsonValue::OfArray(std::move(leases))});
  if (prior.more_leases) members.push_back({"moreLeases", SumJson(*prior.more_leases)});
  return JsonValue::OfObject(std::move(members));
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

std::string Someone(const ErasureCertificate& c, const std::string& id) {
  const Person person = PersonOf(c.events, id);
  std::string text = person.name + " (" + id + ", " + std::string(person.organization) + ")";
  if (c.version < 2) return text;
  text += ", " + std::string(person.title);
  return person.principal.empty() ? text : text + ", principal " + person.principal;
}

std::string People(const ErasureCertificate& c, const std::vector<ErasurePart>& parts) {
  std::string text;
  for (const ErasurePart& part : parts) {
    if (!text.empty()) text += "; ";
    text +=
        Someone(c, part.member) + ", signed order in ledger entry " + std::to_string(part.index);
    if (c.version >= 2) text += " at " + FormatRfc3339(part.signed_at);
  }
  return text;
}

void AddSaid(const ErasureCertificate& c, Part part, std::vector<Field>& fields) {
  if (c.version < 2) return;
  for (const Said& said : kSaid) {
    if (said.part == part) fields.push_back({std::string(said.label), std::string(said.text)});
  }
}

std::string TimesOf(const PriorRelease& release) {
  return ", the first at " + FormatRfc3339(release.first) + ", the last at " +
         FormatRfc3339(release.last);
}

std::string Counted(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string SumOf(const PriorRelease& release) {
  return Counted(release.records, "record") + " under " + Counted(release.leases, "lease") +
         TimesOf(release);
}

// Who had got the keys. Empty before version 2, and where no key had left.
std::vector<Field> PriorFields(const ErasureCertificate& c) {
  const PriorReleases& prior = c.asserted.prior;
  std::vector<Field> fields;
  for (const PriorRelease& release : prior.requesters) {
    fields.push_back({"Left to " + Someone(c, release.requester), SumOf(release)});
  }
  if (prior.more_requesters) {
    fields.push_back({"Left to further requesters", SumOf(*prior.more_requesters)});
  }
  for (const PriorRelease& release : prior.leases) {
    fields.push_back(
        {"Under the lease of ledger entry " + std::to_string(release.lease),
         release.requester + ": " + Counted(release.records, "record") + TimesOf(release)});
  }
  if (prior.more_leases) fields.push_back({"Under further leases", SumOf(*prior.more_leases)});
  return fields;
}

std::vector<Section> SectionsOf(const ErasureCertificate& c) {
  const ErasureEvents& e = c.events;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  std::vector<Section> sections;
  Section people{"Who", {}};
  people.fields.push_back({"Performed by", e.performed_by.empty()
                                               ? "the agreement, which both principals signed"
                                               : People(c, e.performed_by)});
  if (!e.approved_by.empty()) {
    people.fields.push_back({"Approved by", People(c, e.approved_by)});
  }
  if (!e.authorised_by.empty()) {
    people.fields.push_back({"Authorised on a court's order by", People(c, e.authorised_by)});
  }
  people.fields.push_back({"Verified by", Someone(c, c.asserted.verified_by) + ", at " +
                                              FormatRfc3339(c.asserted.verified_at)});
  AddSaid(c, Part::kPeople, people.fields);
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
  if (c.version >= 2) {
    media.fields.push_back({"Source", "the gateway of the exchange " + e.agreement->name()});
  }
  AddSaid(c, Part::kMedium, media.fields);
  sections.push_back(std::move(media));

  Section method{"Sanitization, by NIST SP 800-88", {}};
  method.fields = {
      {"Method", std::string(MethodName(e))},       {"Technique", std::string(kTechnique)},
      {"Details", std::string(kDetails)},           {"Tool", c.asserted.tool},
      {"Verification", std::string(kVerification)}, {"Basis", std::string(BasisName(e.basis))}};
  if (!e.reason.empty()) method.fields.push_back({"Reason given", e.reason});
  AddSaid(c, Part::kMethod, method.fields);
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
  const std::vector<Field> prior = PriorFields(c);
  before.fields.insert(before.fields.begin() + 1, prior.begin(), prior.end());
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
  JsonValue::Array entries;
  for (const ProvenEntry& entry : c.evidence.entries) {
    entries.push_back(JsonValue::OfObject(
        {{"index", Number(entry.index)}, {"leaf", Text(Hex(crypto::LeafHash(entry.bytes)))}}));
  }
  JsonValue::Array assumptions;
  for (const std::string& line : AssumptionsOf(c)) assumptions.push_back(Text(line));
  JsonValue::Object members = {
      {"statement", Text(kStatement)},
      {"version", JsonValue::OfInteger(c.version)},
      {"exchangeId", Text(Hex(BytesOf(c.exchange)))},
      {"performedBy", PartsJson(c, e.performed_by)},
      {"approvedBy", PartsJson(c, e.approved_by)},
      {"authorisedBy", PartsJson(c, e.authorised_by)},
      {"verifiedBy", PersonJson(c, c.asserted.verified_by,
                                {{"at", Text(FormatRfc3339(c.asserted.verified_at))}})},
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
  if (c.version >= 2) {
    members.push_back({"source", Text(e.agreement->name())});
    for (const Said& said : kSaid) members.push_back({std::string(said.member), Text(said.text)});
    members.push_back({"priorReleases", PriorReleasesJson(c)});
  }
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
  for (const std::string& line : AssumptionsOf(certificate)) text += "\n  - " + line;
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
  for (const std::string& line : AssumptionsOf(certificate)) page.Item(line);
  return page.Finish("Certificate of cryptographic erase");
}

}  // namespace holdfast::evidence
