// SPDX-License-Identifier: Apache-2.0
#include "cli/agreement_sample.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "cli/sample.h"

namespace holdfast::cli {
namespace {

struct MemberLine {
  std::string_view id;
  std::string_view display_name;
  std::string_view role;
  std::string_view side;
  bool signs;
};

constexpr std::array kMembers = {
    MemberLine{"requester-1", "Enforcement agency, case system", "ROLE_REQUESTER", "REQUESTER",
               true},
    MemberLine{"source-1", "Tax agency, records system", "ROLE_SOURCE", "SOURCE", true},
    MemberLine{"counsel-1", "Tax agency, first counsel", "ROLE_COUNSEL", "SOURCE", true},
    MemberLine{"counsel-2", "Tax agency, second counsel", "ROLE_COUNSEL", "SOURCE", true},
    MemberLine{"counsel-3", "Enforcement agency, counsel", "ROLE_COUNSEL", "REQUESTER", true},
    MemberLine{"custodian-1", "Tax agency, privacy office", "ROLE_CUSTODIAN", "SOURCE", true},
    MemberLine{"custodian-2", "Tax agency, records office", "ROLE_CUSTODIAN", "SOURCE", true},
    MemberLine{"auditor-1", "Inspector general", "ROLE_AUDITOR", "COURT", false},
    MemberLine{"operator-1", "Gateway operations", "ROLE_OPERATOR", "SOURCE", false},
};

std::string KeyOf(const AgreementSample& sample, const std::string& name) {
  const auto it = sample.keys.find(name);
  return it == sample.keys.end() ? "PUBLIC KEY OF " + name : it->second;
}

std::string MembersText(const AgreementSample& sample) {
  std::string text;
  for (const MemberLine& member : kMembers) {
    text +=
        fmt::format("members {{\n  id: \"{}\"\n  display_name: \"{}\"\n  role: {}\n  side: {}\n",
                    member.id, member.display_name, member.role, member.side);
    if (member.signs) {
      text +=
          fmt::format("  keys {{ public_key: \"{}\" }}\n", KeyOf(sample, std::string(member.id)));
    }
    text += "}\n";
  }
  return text;
}

std::string FieldsText() {
  std::string text;
  for (std::size_t i = 0; i < SamplePermittedFieldCount(); ++i) {
    text += fmt::format("  fields: \"{}\"\n", SampleFieldNames()[i]);
  }
  return text;
}

constexpr std::string_view kHead =
    R"(# An agreement between an agency that holds records and one that asks for them.
# `holdfast agreement check` says what is wrong with it. Both principals sign this file byte by byte
# (`holdfast agreement sign`); its SHA-256 is then the exchange's id.

name: "{name}"
version: 1
suite: 1  # XChaCha20-Poly1305, BLAKE2b, X25519.
trust_domain: "{domain}"  # Of every certificate: spiffe://{domain}/ROLE/ID

# Who signs this agreement for each side. A public key comes from `holdfast identity create`.
principals {{ side: SOURCE name: "Commissioner" public_key: "{source}" }}
principals {{ side: REQUESTER name: "Director" public_key: "{requester}" }}

# Every machine and person that may act. Nobody has two roles. Lifting a hold takes two people, and so
# does a destruction.
)";

constexpr std::string_view kTail = R"text(
# The statutes under which records may be asked for, and the only fields that leave under each.
authorities {{
  id: "26-usc-6103-i-2"
  citation: "26 U.S.C. 6103(i)(2)"
  valid_from {{ seconds: 0 }}
{fields}}}

terms {{
  transfer_approvals: 1      # Custodians who must approve a transfer.
  destruction_approvals: 1   # Custodians, other than the one who revoked, who must approve.
  record_lifetime {{ seconds: 2592000 }}  # How long a key can be released: 30 days.
  lease_duration {{ seconds: 900 }}       # 15 minutes.
  cooling_period {{ seconds: {cooling} }}  # How long a confirmed lift waits. 259200 is 72 hours.
  destruction_window {{ seconds: {window} }}  # How long a revoked key waits. 259200 is 72 hours.
  witness_max_age {{ seconds: 3600 }}  # How old the witnesses' signatures may be.
  record_size_bytes: 1024    # Every sealed record has this size.
}}

# Volumes at which the gateway stops. In hundredths of a percent where a share is meant.
brakes {{
  officer_open_cases: 200
  officer_share_basis_points: 500
  transfer_subjects: 2000000
  refused_basis_points: 2000
  placeholder_basis_points: 100
  open_records: 10000        # Leased open at one time: a freeze finds no more.
  daily_subjects: 2000000    # Of one requester, accepted on one UTC day.
  total_subjects: 10000000   # Of one requester, accepted since the exchange began.
  address_memory {{ seconds: 31536000 }}  # A second address of a person within 365 days.
  open_leases: 4096          # Of one requester at one time.
}}

# The officials who may ask for records, and what shows how the requester keeps them. Both are signed
# documents, known by their SHA-256. Without one in force nothing is accepted, approved or released.
delegations {{
  official: "{official}"
  signed_by: "Director"
  document_sha256: "{delegation}"
  valid_from {{ seconds: {from} }}
  valid_until {{ seconds: {until} }}
}}
safeguards {{
  signed_by: "Tax agency, safeguards office"
  document_sha256: "{safeguard}"
  valid_from {{ seconds: {from} }}
  valid_until {{ seconds: {until} }}
}}

# What the two gates compare. docs/gates.md says what each word means.
gate {{
  address_scheme: US
  place_table_path: "{places}"  # Lines of ZIP,city,state.
  place_table_sha256: "{places_sha256}"
  check_city_of_zip: false  # A table has one city for a ZIP where the post office knows several.

  # Differences that count as none if tax number or birth date agrees, and those that count in
  # addition if both agree. To allow none: NAME_NO_DIFFERENCE, ADDRESS_NO_DIFFERENCE.
  name_allowed: [NAME_MIDDLE_MISSING, NAME_MIDDLE_INITIAL, NAME_SPACING]
  name_allowed_with_both: [NAME_SUFFIX_MISSING, NAME_ORDER, NAME_TYPING]
  address_allowed: [ADDRESS_NO_DIFFERENCE]
  address_allowed_with_both: [ADDRESS_TYPING]

  # Nobody's home, in addition to the words that are built in: names wherever they stand in an
  # address, and whole addresses.
  facility_names: "Example County Processing Center"
  facility_addresses: "1 Example County Jail Rd, Springfield, IL 62701"
}}
)text";

constexpr std::string_view kWitnesses = R"text(
# Witnesses of the ledger (`holdfast ledger witness`), on machines of their own: each signs only what
# extends what it signed before. Interests that are opposed are the quorum: while one of each side has
# not signed for witness_max_age, no key is released. Holds are always taken.
witnesses {{ name: "source.{domain}/witness" side: SOURCE public_key: "{source}" }}
witnesses {{ name: "requester.{domain}/witness" side: REQUESTER public_key: "{requester}" }}
)text";

}  // namespace

const std::map<std::string, std::string>& SampleSigners() {
  static const std::map<std::string, std::string> signers = [] {
    std::map<std::string, std::string> all = {
        {"principal-source", "the principal of the source"},
        {"principal-requester", "the principal of the requester"},
        {"witness-source", "the source's witness"},
        {"witness-requester", "the requester's witness"}};
    for (const MemberLine& member : kMembers) {
      if (member.signs) all.emplace(member.id, member.display_name);
    }
    return all;
  }();
  return signers;
}

std::string AgreementSampleText(const AgreementSample& sample) {
  using fmt::arg;
  return fmt::format(fmt::runtime(kHead), arg("name", sample.name),
                     arg("domain", sample.trust_domain),
                     arg("source", KeyOf(sample, "principal-source")),
                     arg("requester", KeyOf(sample, "principal-requester"))) +
         MembersText(sample) +
         fmt::format(fmt::runtime(kTail), arg("fields", FieldsText()),
                     arg("cooling", sample.cooling_period),
                     arg("window", sample.destruction_window), arg("official", sample.official),
                     arg("delegation", sample.delegation_sha256),
                     arg("safeguard", sample.safeguard_sha256), arg("from", sample.documents_from),
                     arg("until", sample.documents_from + std::int64_t{365} * 86'400),
                     arg("places", sample.place_table_path),
                     arg("places_sha256", sample.place_table_sha256)) +
         (sample.witnesses
              ? fmt::format(fmt::runtime(kWitnesses), arg("domain", sample.trust_domain),
                            arg("source", KeyOf(sample, "witness-source")),
                            arg("requester", KeyOf(sample, "witness-requester")))
              : std::string());
}

}  // namespace holdfast::cli
