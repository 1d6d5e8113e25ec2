// SPDX-License-Identifier: Apache-2.0
#include "cli/scope_options.h"

#include <charconv>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

bool ReadNumber(std::string_view text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

void ScopeOptions::Declare(Command& command) {
  command.Flag("--everything", everything, "every record of the exchange")
      .Optional("--transfer", transfer, "records of this transfer, transfers/ID")
      .Several("--rows", rows, "of that transfer, such as 7 or 0-99; may be repeated")
      .Optional("--officer", officer, "records of this officer's cases")
      .Optional("--authority", authority, "records asked for under this authority")
      .Optional("--person", person, "records of the person with this pseudonym");
}

absl::StatusOr<v1::RowRange> ParseRowRange(std::string_view text) {
  v1::RowRange range;
  const std::size_t hyphen = text.find('-');
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  const bool read =
      ReadNumber(text.substr(0, hyphen), first) &&
      ReadNumber(hyphen == std::string_view::npos ? text : text.substr(hyphen + 1), last);
  if (!read || last < first) {
    return MakeError(Reason::kRequestMalformed,
                     "not a range of rows: " + EscapeForLog(text) + " (such as 7 or 0-99)");
  }
  range.set_first(first);
  range.set_last(last);
  return range;
}

absl::StatusOr<v1::Scope> ScopeOptions::ToScope() const {
  v1::Scope scope;
  scope.set_everything(everything);
  scope.set_transfer(transfer);
  for (const std::string& text : rows) {
    HF_ASSIGN_OR_RETURN(*scope.add_rows(), ParseRowRange(text));
  }
  scope.set_officer(officer);
  scope.set_authority(authority);
  scope.set_person(person);
  const bool narrow =
      !transfer.empty() || !officer.empty() || !authority.empty() || !person.empty();
  if (!rows.empty() && transfer.empty()) {
    return MakeError(Reason::kRequestMalformed, "--rows needs --transfer");
  }
  if (everything && narrow) {
    return MakeError(Reason::kRequestMalformed, "--everything stands alone");
  }
  if (!everything && !narrow) {
    return MakeError(Reason::kRequestMalformed,
                     "say which records: --everything, --transfer, --officer, --authority or "
                     "--person");
  }
  return scope;
}

std::string DescribeScope(const v1::Scope& scope) {
  if (scope.everything()) return "everything";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!scope.transfer().empty()) add(scope.transfer());
  for (const v1::RowRange& range : scope.rows()) {
    add(fmt::format("rows {}-{}", range.first(), range.last()));
  }
  if (!scope.officer().empty()) add("officer " + scope.officer());
  if (!scope.authority().empty()) add("authority " + scope.authority());
  if (!scope.person().empty()) add("person " + scope.person());
  return text;
}

}  // namespace holdfast::cli
