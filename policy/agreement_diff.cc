// SPDX-License-Identifier: Apache-2.0
//
// What changes between two agreements, in plain words.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/escape.h"
#include "policy/agreement.h"
#include "policy/permissions.h"

namespace holdfast::policy {
namespace {

using Lines = std::vector<std::string>;

std::string Text(std::string_view text) { return "\"" + EscapeForLog(text) + "\""; }
std::string Text(bool value) { return value ? "yes" : "no"; }
std::string Text(std::uint32_t value) { return std::to_string(value); }
std::string Text(std::uint64_t value) { return std::to_string(value); }
std::string Text(UnixMillis time) {
  if (time == kMinTime) return "the beginning";
  if (time == kMaxTime) return "no end";
  return FormatRfc3339(time);
}
std::string Text(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + " h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + " min";
  if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
  return std::to_string(ms) + " ms";
}

template <typename T>
void Compare(Lines& lines, std::string_view what, const T& before, const T& after) {
  if (before == after) return;
  lines.push_back(std::string(what) + ": " + Text(before) + " becomes " + Text(after));
}

std::string Keys(const Member& member) {
  std::string text;
  for (const MemberKey& key : member.keys) {
    if (!text.empty()) text += ", ";
    text += key.public_key.ToBase64() + " from " + Text(key.from) + " until " + Text(key.until);
  }
  return text.empty() ? "none" : text;
}

void CompareMembers(Lines& lines, const OpenedAgreement& before, const OpenedAgreement& after) {
  for (const Member& old : before.members()) {
    if (after.FindMember(old.id) == nullptr) {
      lines.push_back("member " + old.id + " (" + std::string(RoleName(old.role)) +
                      ") is no longer one");
    }
  }
  for (const Member& member : after.members()) {
    const Member* old = before.FindMember(member.id);
    const std::string name = "member " + member.id;
    if (old == nullptr) {
      lines.push_back(name + " is new: " + std::string(RoleName(member.role)) + ", side " +
                      std::string(SideName(member.side)) + ", keys " + Keys(member));
      continue;
    }
    Compare(lines, name + ", role", RoleName(old->role), RoleName(member.role));
    Compare(lines, name + ", side", SideName(old->side), SideName(member.side));
    Compare(lines, name + ", name", std::string_view(old->display_name),
            std::string_view(member.display_name));
    if (Keys(*old) != Keys(member)) {
      lines.push_back(name + ", keys: " + Keys(*old) + " becomes " + Keys(member));
    }
  }
}

std::string Fields(const Authority& authority) {
  std::string text;
  for (const std::string& field : authority.fields) {
    if (!text.empty()) text += ", ";
    text += EscapeForLog(field);
  }
  return text.empty() ? "none" : text;
}

void CompareAuthorities(Lines& lines, const OpenedAgreement& before, const OpenedAgreement& after) {
  for (const Authority& old : before.authorities()) {
    if (after.FindAuthority(old.id) == nullptr) {
      lines.push_back("authority " + old.id + " is no longer designated");
    }
  }
  for (const Authority& authority : after.authorities()) {
    const Authority* old = before.FindAuthority(authority.id);
    const std::string name = "authority " + authority.id;
    if (old == nullptr) {
      lines.push_back(name + " is new: fields " + Fields(authority));
      continue;
    }
    Compare(lines, name + ", citation", std::string_view(old->citation),
            std::string_view(authority.citation));
    Compare(lines, name + ", from", old->from, authority.from);
    Compare(lines, name + ", until", old->until, authority.until);
    if (Fields(*old) != Fields(authority)) {
      lines.push_back(name + ", fields: " + Fields(*old) + " becomes " + Fields(authority));
    }
  }
}

void CompareTerms(Lines& lines, const Terms& before, const Terms& after) {
  Compare(lines, "approvals of a transfer", before.transfer_approvals, after.transfer_approvals);
  Compare(lines, "approvals of a destruction", before.destruction_approvals,
          after.destruction_approvals);
  Compare(lines, "life of a record", before.record_lifetime, after.record_lifetime);
  Compare(lines, "lease", before.lease_duration, after.lease_duration);
  Compare(lines, "cooling period of a lift", before.cooling_period, after.cooling_period);
  Compare(lines, "window before destruction", before.destruction_window, after.destruction_window);
  Compare(lines, "destruction on expiry", before.destroy_on_expiry, after.destroy_on_expiry);
  Compare(lines, "size of a record", before.record_size_bytes, after.record_size_bytes);
  Compare(lines, "deadline of a notice", before.notice_deadline, after.notice_deadline);
  Compare(lines, "age of a witnessed checkpoint", before.witness_max_age, after.witness_max_age);
  Compare(lines, "time for a review", before.review_window, after.review_window);
  Compare(lines, "time for a hold's document", before.document_deadline, after.document_deadline);
}

void CompareBrakes(Lines& lines, const Brakes& before, const Brakes& after) {
  Compare(lines, "open cases of an officer", before.officer_open_cases, after.officer_open_cases);
  Compare(lines, "share of an officer, in hundredths of a percent",
          before.officer_share_basis_points, after.officer_share_basis_points);
  Compare(lines, "subjects of a transfer", before.transfer_subjects, after.transfer_subjects);
  Compare(lines, "refused subjects, in hundredths of a percent", before.refused_basis_points,
          after.refused_basis_points);
  Compare(lines, "placeholders, in hundredths of a percent", before.placeholder_basis_points,
          after.placeholder_basis_points);
  Compare(lines, "records leased open", before.open_records, after.open_records);
  Compare(lines, "subjects of a requester in a day", before.daily_subjects, after.daily_subjects);
  Compare(lines, "subjects of a requester in all", before.total_subjects, after.total_subjects);
  Compare(lines, "memory of a person's address", before.address_memory, after.address_memory);
  Compare(lines, "open leases", before.open_leases, after.open_leases);
}

// One line in words, so that a list reads the same however it was written.
std::string Listed(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::string text;
  for (const std::string& one : list) {
    if (!text.empty()) text += ", ";
    text += Text(std::string_view(one));
  }
  return text.empty() ? "none" : text;
}

template <typename List, typename Name>
std::string Differences(const List& list, Name name) {
  std::string text;
  for (const int number : list) {
    if (!text.empty()) text += ", ";
    text += name(number);
  }
  return text.empty() ? "the default" : text;
}

void CompareText(Lines& lines, std::string_view what, const std::string& before,
                 const std::string& after) {
  if (before != after) {
    lines.push_back("gate, " + std::string(what) + ": " + before + " becomes " + after);
  }
}

void CompareGate(Lines& lines, const agreement::v1::Gate& before,
                 const agreement::v1::Gate& after) {
  using agreement::v1::Gate;
  const auto name = [](int number) {
    return Gate::NameDifference_Name(static_cast<Gate::NameDifference>(number));
  };
  const auto address = [](int number) {
    return Gate::AddressDifference_Name(static_cast<Gate::AddressDifference>(number));
  };
  const auto scheme = [](const Gate& gate) {
    return std::string(gate.address_scheme() == Gate::GENERIC ? "GENERIC" : "US");
  };
  CompareText(lines, "scheme", scheme(before), scheme(after));
  CompareText(lines, "place table", before.place_table_path() + " " + before.place_table_sha256(),
              after.place_table_path() + " " + after.place_table_sha256());
  CompareText(lines, "ZIP not checked against the state", Text(before.skip_zip_in_state()),
              Text(after.skip_zip_in_state()));
  CompareText(lines, "city checked against the ZIP", Text(before.check_city_of_zip()),
              Text(after.check_city_of_zip()));
  CompareText(lines, "placeholder phrases", Listed(before.placeholder_phrases()),
              Listed(after.placeholder_phrases()));
  CompareText(lines, "transient markers", Listed(before.transient_markers()),
              Listed(after.transient_markers()));
  CompareText(lines, "facility names", Listed(before.facility_names()),
              Listed(after.facility_names()));
  CompareText(lines, "facility addresses", Listed(before.facility_addresses()),
              Listed(after.facility_addresses()));
  CompareText(lines, "differences of names allowed", Differences(before.name_allowed(), name),
              Differences(after.name_allowed(), name));
  CompareText(lines, "differences of names allowed with both identifiers",
              Differences(before.name_allowed_with_both(), name),
              Differences(after.name_allowed_with_both(), name));
  CompareText(lines, "differences of addresses allowed",
              Differences(before.address_allowed(), address),
              Differences(after.address_allowed(), address));
  CompareText(lines, "differences of addresses allowed with both identifiers",
              Differences(before.address_allowed_with_both(), address),
              Differences(after.address_allowed_with_both(), address));
  CompareText(lines, "no delegation demanded", Text(before.skip_delegation()),
              Text(after.skip_delegation()));
  CompareText(lines, "no safeguard status demanded", Text(before.skip_safeguard()),
              Text(after.skip_safeguard()));
}

std::string Said(const Document& document) {
  return "document " + Hex(document.sha256) + " signed by " + Text(document.signed_by) + ", from " +
         Text(document.from) + " until " + Text(document.until);
}

void CompareDocuments(Lines& lines, const OpenedAgreement& before, const OpenedAgreement& after) {
  const auto all = [](const OpenedAgreement& agreement) {
    std::set<std::string> said;
    for (const DelegationTerm& term : agreement.delegations()) {
      said.insert("delegation of " + Text(term.official) + ", " + Said(term.document));
    }
    for (const Document& document : agreement.safeguards()) {
      said.insert("safeguard status, " + Said(document));
    }
    return said;
  };
  const std::set<std::string> old = all(before);
  const std::set<std::string> now = all(after);
  for (const std::string& one : old) {
    if (!now.contains(one)) lines.push_back(one + " is no longer named");
  }
  for (const std::string& one : now) {
    if (!old.contains(one)) lines.push_back(one + " is new");
  }
}

}  // namespace

std::vector<std::string> DiffAgreements(const OpenedAgreement& before,
                                        const OpenedAgreement& after) {
  Lines lines;
  Compare(lines, "name", std::string_view(before.name()), std::string_view(after.name()));
  Compare(lines, "version", before.version(), after.version());
  Compare(lines, "trust domain", std::string_view(before.message().trust_domain()),
          std::string_view(after.message().trust_domain()));
  for (const Principal& old : before.principals()) {
    for (const Principal& principal : after.principals()) {
      if (old.side != principal.side) continue;
      const std::string what = "principal of the " + std::string(SideName(old.side));
      Compare(lines, what + ", name", std::string_view(old.name), std::string_view(principal.name));
      Compare(lines, what + ", key", std::string_view(old.public_key.ToBase64()),
              std::string_view(principal.public_key.ToBase64()));
    }
  }
  CompareMembers(lines, before, after);
  CompareAuthorities(lines, before, after);
  CompareTerms(lines, before.terms(), after.terms());
  CompareBrakes(lines, before.brakes(), after.brakes());
  CompareDocuments(lines, before, after);
  CompareGate(lines, before.message().gate(), after.message().gate());
  const auto witnesses = [](const OpenedAgreement& agreement) {
    std::string text;
    for (const WitnessTerm& witness : agreement.witnesses()) {
      if (!text.empty()) text += ", ";
      text += EscapeForLog(witness.name) + " " + witness.public_key.ToBase64();
    }
    return text.empty() ? std::string("none") : text;
  };
  if (witnesses(before) != witnesses(after)) {
    lines.push_back("witnesses: " + witnesses(before) + " becomes " + witnesses(after));
  }
  return lines;
}

}  // namespace holdfast::policy
