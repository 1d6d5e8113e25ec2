// SPDX-License-Identifier: Apache-2.0
#include "cli/person_identity.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "client/csv.h"
#include "client/person_client.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxIdentityBytes = 64 << 10;
constexpr std::array<std::string_view, 3> kColumns = {"name", "tax_number", "birth_date"};

v1::IdentifyPersonRequest Described(std::string name, std::string tax_number,
                                    std::string birth_date) {
  v1::IdentifyPersonRequest person;
  person.set_name(std::move(name));
  person.set_tax_number(std::move(tax_number));
  person.set_birth_date(std::move(birth_date));
  return person;
}

absl::StatusOr<v1::IdentifyPersonRequest> ParseIdentity(const std::string& text) {
  client::CsvReader reader(client::CsvFromText(text));
  std::vector<std::string> line;
  HF_ASSIGN_OR_RETURN(const bool any, reader.Next(line));
  if (!any) return MakeError(Reason::kRequestMalformed, "the identity is empty");
  HF_ASSIGN_OR_RETURN(const client::CsvHeader header, client::CsvHeader::Make(line));
  std::array<std::size_t, kColumns.size()> columns{};
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    HF_ASSIGN_OR_RETURN(columns[i], header.Require(kColumns[i]));
  }
  HF_ASSIGN_OR_RETURN(const bool one, reader.Next(line));
  if (!one) return MakeError(Reason::kRequestMalformed, "the identity describes nobody");
  v1::IdentifyPersonRequest person =
      Described(line[columns[0]], line[columns[1]], line[columns[2]]);
  HF_ASSIGN_OR_RETURN(const bool another, reader.Next(line));
  if (another) return MakeError(Reason::kRequestMalformed, "the identity describes several people");
  return person;
}

std::string_view BasisText(v1::PseudonymBasis basis) {
  switch (static_cast<int>(basis)) {
    case v1::TAX_NUMBER:
      return "by tax number";
    case v1::NAME_AND_BIRTH_DATE:
      return "by name and birth date";
    case v1::NAME_ALONE:
      return "by name alone, as others of that name have too";
    default:
      return "in a way that this program does not know";
  }
}

}  // namespace

absl::StatusOr<v1::IdentifyPersonRequest> ReadIdentity(Session& session, const std::string& path) {
  if (path == "-" && session.AsksPeople()) {
    std::string name = session.AskFor("Name");
    std::string tax_number = session.AskFor("Tax number, if known");
    std::string birth_date = session.AskFor("Birth date (YYYY-MM-DD), if known");
    return Described(std::move(name), std::move(tax_number), std::move(birth_date));
  }
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxIdentityBytes));
  return ParseIdentity(text);
}

absl::Status NamePerson(Session& session, const v1::IdentifyPersonRequest& person,
                        Namesakes namesakes, v1::Scope& scope) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::IdentifyPersonResponse found,
                      client::PersonClient(channel).Identify(person));
  for (const v1::PersonPseudonym& known : found.pseudonyms()) {
    if (known.basis() == v1::NAME_ALONE && namesakes == Namesakes::kLeaveOut) continue;
    scope.add_people(known.pseudonym());
    session.out().Note("the person is " + known.pseudonym() + " where asked for " +
                       std::string(BasisText(known.basis())));
  }
  if (scope.people().empty()) {
    return MakeError(Reason::kRequestMalformed,
                     "a name alone is many people's: say the tax number or the birth date");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Scope> ScopeWithPerson(Session& session, const ScopeOptions& options,
                                          Namesakes namesakes) {
  HF_ASSIGN_OR_RETURN(v1::Scope scope, options.ToScope());
  if (options.identity.empty()) return scope;
  HF_ASSIGN_OR_RETURN(const v1::IdentifyPersonRequest person,
                      ReadIdentity(session, options.identity));
  HF_RETURN_IF_ERROR(NamePerson(session, person, namesakes, scope));
  return scope;
}

}  // namespace holdfast::cli
