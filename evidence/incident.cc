// SPDX-License-Identifier: Apache-2.0
#include "evidence/incident.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "evidence/accounting.h"
#include "evidence/html_page.h"
#include "evidence/ledger_verifier.h"
#include "evidence/verification.h"

#include "base/strict_json.h"
#include "google/protobuf/util/json_util.h"
#include "policy/queries.h"
#include "policy/release_gate.h"

namespace holdfast::evidence {
namespace {

std::string_view KindOf(const policy::Hold& hold) {
  if (hold.freezes && hold.preserves) return "freeze and preserve";
  return hold.freezes ? "freeze" : "preserve";
}

std::string_view StateOf(const policy::Hold& hold) {
  switch (hold.state) {
    case policy::HoldState::kInForce:
      return "in force";
    case policy::HoldState::kLiftProposed:
      return "in force, a lift is proposed";
    case policy::HoldState::kLiftConfirmed:
      return "in force, a lift is confirmed";
    case policy::HoldState::kLifted:
      return "lifted";
    case policy::HoldState::kAmendmentProposed:
      return "in force, an amendment is proposed";
    case policy::HoldState::kAmendmentConfirmed:
      return "in force, an amendment is confirmed";
  }
  return "";
}

bool HasData(const policy::Record& record) {
  const auto outcome = static_cast<policy::ReleaseReason>(record.outcome());
  return outcome == policy::ReleaseReason::kReleased ||
         outcome == policy::ReleaseReason::kReleasedByReview;
}

// "2 h 5 min left", or how long ago it was.
std::string Clock(UnixMillis due, UnixMillis now) {
  const auto minutes =
      std::chrono::duration_cast<std::chrono::minutes>(due >= now ? due - now : now - due).count();
  const std::string text =
      std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
  return due >= now ? text + " left" : "over since " + text;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string ScopeText(const v1::Scope& scope) {
  std::string text;
  // What JSON cannot say is not a scope that the ledger knows.
  static_cast<void>(google::protobuf::util::MessageToJsonString(scope, &text).ok());
  return text;
}

JsonValue Text(std::string text) { return JsonValue::OfText(std::move(text)); }
JsonValue Number(std::uint64_t number) {
  return JsonValue::OfInteger(static_cast<std::int64_t>(number));
}
JsonValue Texts(const std::vector<std::string>& texts) {
  JsonValue::Array array;
  for (const std::string& text : texts) array.push_back(Text(text));
  return JsonValue::OfArray(std::move(array));
}
std::vector<std::string> Listed(const std::set<std::string>& set) {
  return {set.begin(), set.end()};
}

// Whether the hold covers one of the records, and not only could.
bool CoversOne(const policy::State& state, const policy::Hold& hold,
               const policy::RecordList& list) {
  for (const policy::RowRuns& rows : list.transfers) {
    const policy::Transfer* transfer = state.transfer(rows.transfer);
    if (transfer == nullptr || !hold.scope.Touches(transfer->Facts())) continue;
    for (const policy::RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        const policy::Record* record = transfer->records.Find(row);
        if (record != nullptr && hold.scope.Covers(transfer->FactsOf(row, *record))) return true;
      }
    }
  }
  return false;
}

}  // namespace

void IncidentSearch::Take(std::uint64_t index, ByteSpan, const ledger::v1::Entry& entry,
                          const policy::State& before) {
  if (entry.has_process_started()) {
    found_.gateways.insert("holdfastd " + entry.process_started().version() + ", keyslot " +
                           entry.process_started().keyslot_kind());
  }
  if (entry.has_epoch_erased()) {
    found_.erasure_classes.insert(entry.epoch_erased().erasure_class());
  }
  if (!entry.has_key_released()) return;
  const UnixMillis at = before.now().late;
  if (at < terms_.from || at >= terms_.to) return;
  const auto lease = before.open_leases().find(entry.key_released().lease());
  if (lease == before.open_leases().end()) return;
  released_.push_back({index, lease->second.transfer, entry.key_released().row(), at});
}

void IncidentSearch::End(const LedgerVerifier& ledger) {
  const policy::State& state = ledger.state();
  found_.size = state.ledger_size();
  found_.ledger_time = state.now().late;
  NameSystems(state);
  const policy::ScopeResult scope = policy::CompileScope(state, terms_.scope);
  if (!scope.ok()) return;
  found_.scope_valid = true;
  CountKeys(state, scope.scope);
  NameHolds(state, scope.scope);
}

void IncidentSearch::CountKeys(const policy::State& state, const policy::CompiledScope& scope) {
  found_.covered = policy::ListCovered(state, scope).count;
  absl::flat_hash_set<std::uint64_t> rows;
  absl::flat_hash_set<policy::PersonKey> persons;
  std::map<std::pair<std::string, std::string>, std::uint64_t> receivers;
  std::set<std::uint16_t> authorities;
  for (const LeftKey& key : released_) {
    const policy::Transfer* transfer = state.transfer(key.transfer);
    const policy::Record* record = state.FindRecord({key.transfer, key.row});
    if (transfer == nullptr || record == nullptr ||
        !scope.Covers(transfer->FactsOf(key.row, *record))) {
      continue;
    }
    ++found_.disclosures;
    found_.first = std::min(found_.first, key.at);
    found_.last = std::max(found_.last, key.at);
    if (!rows.insert(std::uint64_t{key.transfer} << 32 | key.row).second) continue;
    ++found_.records;
    if (HasData(*record)) ++found_.with_data;
    persons.insert(record->person);
    authorities.insert(transfer->authority.value());
    ++receivers[{state.agreement().member(transfer->requester).id, transfer->terms->authority()}];
  }
  found_.persons = persons.size();
  for (const auto& [who, records] : receivers) {
    found_.receivers.push_back({who.first, who.second, records});
  }
  for (const policy::Authority& authority : state.agreement().authorities()) {
    if (!authorities.contains(authority.number.value())) continue;
    found_.elements.push_back({authority.id, authority.citation, authority.fields});
  }
  for (const policy::LeaseInScope& lease : policy::OpenLeasesInScope(state, scope)) {
    ++found_.open_leases;
    found_.leases_end = std::max(found_.leases_end, lease.not_after);
  }
}

void IncidentSearch::NameSystems(const policy::State& state) {
  const policy::OpenedAgreement& agreement = state.agreement();
  found_.exchange_name = agreement.name();
  found_.exchange = agreement.exchange_id();
  for (const policy::Principal& principal : agreement.principals()) {
    found_.contacts.push_back(principal.name + ", principal, " +
                              agreement::v1::Side_Name(principal.side));
  }
  for (const policy::Member& member : agreement.members()) {
    const std::string side = agreement::v1::Side_Name(member.side);
    if (member.signs_orders()) {
      found_.contacts.push_back((member.display_name.empty() ? member.id : member.display_name) +
                                ", " + agreement::v1::Role_Name(member.role) + ", " + side);
    } else if (member.role == agreement::v1::ROLE_REQUESTER ||
               member.role == agreement::v1::ROLE_SOURCE) {
      found_.machines.push_back(member.id + ", " + side);
    }
  }
}

void IncidentSearch::NameHolds(const policy::State& state, const policy::CompiledScope& scope) {
  const policy::RecordList covered = policy::ListCovered(state, scope);
  for (const policy::Hold& hold : state.holds().all()) {
    if (!CoversOne(state, hold, covered)) continue;
    Incident::OfHold of;
    of.id = hold.id();
    of.matter = hold.order->matter();
    of.court = hold.order->court();
    of.kind = KindOf(hold);
    of.state = StateOf(hold);
    of.placed_index = hold.placed_index;
    of.placed_at = hold.placed_at;
    of.in_force = hold.in_force();
    of.notice_due = terms_.found_at + state.agreement().terms().notice_deadline;
    found_.holds.push_back(std::move(of));
  }
}

UnixMillis ReportDue(const IncidentTerms& terms) { return terms.found_at + kReportWithin; }

std::string IncidentJson(const IncidentTerms& terms, const Incident& incident,
                         const Digest32& root) {
  JsonValue::Array receivers;
  for (const Incident::Receiver& receiver : incident.receivers) {
    receivers.push_back(JsonValue::OfObject({{"requester", Text(receiver.requester)},
                                             {"authority", Text(receiver.authority)},
                                             {"records", Number(receiver.records)}}));
  }
  JsonValue::Array elements;
  for (const Incident::Elements& of : incident.elements) {
    elements.push_back(JsonValue::OfObject({{"authority", Text(of.authority)},
                                            {"citation", Text(of.citation)},
                                            {"fields", Texts(of.fields)}}));
  }
  JsonValue::Array holds;
  for (const Incident::OfHold& hold : incident.holds) {
    JsonValue::Object object = {{"id", Text(hold.id)},
                                {"matter", Text(hold.matter)},
                                {"court", Text(hold.court)},
                                {"kind", Text(hold.kind)},
                                {"state", Text(hold.state)},
                                {"placedIndex", Number(hold.placed_index)},
                                {"placedAt", Text(FormatRfc3339(hold.placed_at))}};
    if (hold.in_force) object.push_back({"noticeDue", Text(FormatRfc3339(hold.notice_due))});
    holds.push_back(JsonValue::OfObject(std::move(object)));
  }
  JsonValue::Object counts = {{"recordsInScope", Number(incident.covered)},
                              {"recordsDisclosed", Number(incident.records)},
                              {"withData", Number(incident.with_data)},
                              {"persons", Number(incident.persons)},
                              {"timesKeysLeft", Number(incident.disclosures)},
                              {"openLeases", Number(incident.open_leases)}};
  if (incident.disclosures > 0) {
    counts.push_back({"first", Text(FormatRfc3339(incident.first))});
    counts.push_back({"last", Text(FormatRfc3339(incident.last))});
  }
  if (incident.open_leases > 0) {
    counts.push_back({"leasesEnd", Text(FormatRfc3339(incident.leases_end))});
  }
  JsonValue::Object scope;
  if (auto parsed = ParseStrictJson(ScopeText(terms.scope)); parsed.ok()) {
    scope.push_back({"scope", *std::move(parsed)});
  }
  JsonValue::Object report = {
      {"report", Text("holdfast incident")},
      {"version", JsonValue::OfInteger(1)},
      {"what", Text(terms.what)},
      {"howFound", Text(terms.how_found)},
      {"foundAt", Text(FormatRfc3339(terms.found_at))},
      {"writtenAt", Text(FormatRfc3339(terms.written_at))},
      {"reportDue", Text(FormatRfc3339(ReportDue(terms)))},
      {"about", JsonValue::OfObject(std::move(scope))},
      {"counts", JsonValue::OfObject(std::move(counts))},
      {"receivers", JsonValue::OfArray(std::move(receivers))},
      {"elements", JsonValue::OfArray(std::move(elements))},
      {"systems", JsonValue::OfObject({{"exchange", Text(incident.exchange_name)},
                                       {"exchangeId", Text(Hex(BytesOf(incident.exchange)))},
                                       {"gateways", Texts(Listed(incident.gateways))},
                                       {"erasureClasses", Texts(Listed(incident.erasure_classes))},
                                       {"machines", Texts(incident.machines)}})},
      {"holds", JsonValue::OfArray(std::move(holds))},
      {"contacts", Texts(incident.contacts)},
      {"ledger", JsonValue::OfObject({{"entries", Number(incident.size)},
                                      {"root", Text(Hex(root))},
                                      {"time", Text(FormatRfc3339(incident.ledger_time))}})},
      {"assumptions", Texts(VerificationAssumptions())},
  };
  return WriteJson(JsonValue::OfObject(std::move(report)));
}

std::string IncidentPage(const IncidentTerms& terms, const Incident& incident,
                         const Digest32& root) {
  HtmlPage page;
  page.Heading("What, and how it was found");
  page.Begin();
  page.Row("What", terms.what);
  page.Row("How found", terms.how_found);
  page.Row("Found at", FormatRfc3339(terms.found_at));
  page.Row("Report written at", FormatRfc3339(terms.written_at));
  page.Row("About these records", ScopeText(terms.scope));
  page.End();

  page.Heading("Clocks");
  page.Begin();
  page.Row("To be reported within 24 hours, by", FormatRfc3339(ReportDue(terms)) + " (" +
                                                     Clock(ReportDue(terms), terms.written_at) +
                                                     " when this was written)");
  for (const Incident::OfHold& hold : incident.holds) {
    if (!hold.in_force) continue;
    page.Row("Notice to the court in " + hold.matter + ", by",
             FormatRfc3339(hold.notice_due) + " (" + Clock(hold.notice_due, terms.written_at) +
                 " when this was written)");
  }
  page.End();

  page.Heading("How many, and when");
  page.Begin();
  page.Row("Records that this is about", incident.covered);
  page.Row("Of these, disclosed: their key left", incident.records);
  page.Row("Of these, with a record inside", incident.with_data);
  page.Row("Different persons among them", incident.persons);
  page.Row("Times that a key left", incident.disclosures);
  if (incident.disclosures > 0) {
    page.Row("First", FormatRfc3339(incident.first));
    page.Row("Last", FormatRfc3339(incident.last));
  }
  page.Row("Leases still open at the end of the ledger", incident.open_leases);
  if (incident.open_leases > 0) page.Row("The last ends at", FormatRfc3339(incident.leases_end));
  page.End();

  page.Heading("To whom, and which data elements");
  page.Begin();
  for (const Incident::Receiver& receiver : incident.receivers) {
    page.Row(receiver.requester + ", " + receiver.authority,
             std::to_string(receiver.records) + " records");
  }
  for (const Incident::Elements& of : incident.elements) {
    page.Row("Elements under " + of.citation, Join(of.fields));
  }
  page.End();

  page.Heading("Systems");
  page.Begin();
  page.Row("Exchange", incident.exchange_name + ", " + Hex(BytesOf(incident.exchange)));
  page.Row("Gateway", Join(Listed(incident.gateways)));
  page.Row("Erasure class of its keyslot", Join(Listed(incident.erasure_classes)));
  page.Row("Machines of the two sides", Join(incident.machines));
  page.End();

  page.Heading("Holds that cover one of these records");
  page.Begin();
  for (const Incident::OfHold& hold : incident.holds) {
    page.Row(hold.matter + ", " + hold.court, hold.id + ": " + hold.kind + ", " + hold.state +
                                                  ", placed " + FormatRfc3339(hold.placed_at) +
                                                  ", ledger entry " +
                                                  std::to_string(hold.placed_index));
  }
  if (incident.holds.empty()) page.Row("None", "");
  page.End();

  page.Heading("Who can be asked");
  for (const std::string& contact : incident.contacts) page.Item(contact);

  page.Heading("What this rests on");
  page.Begin();
  page.Row("Verified ledger", std::to_string(incident.size) + " entries, until " +
                                  FormatRfc3339(incident.ledger_time));
  page.Row("Root", Hex(root));
  page.End();
  for (const std::string& line : VerificationAssumptions()) page.Item("Assumed: " + line + ".");
  return page.Finish("Incident report, exchange " + incident.exchange_name);
}

}  // namespace holdfast::evidence
