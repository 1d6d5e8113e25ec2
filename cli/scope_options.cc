// SPDX-License-Identifier: Apache-2.0
#include "cli/scope_options.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/exchange_view.h"

namespace holdfast::cli {
namespace {

bool ReadNumber(std::string_view text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

void ScopeOptions::Declare(Command& command, DateNames names) {
  const std::string prefix = names == DateNames::kFromUntil ? "--" : "--date-";
  command.Flag("--everything", everything, "every record of the exchange")
      .Optional("--transfer", transfer, "records of this transfer, transfers/ID")
      .Several("--rows", rows, "of that transfer, such as 7 or 0-99; may be repeated")
      .Optional("--officer", officer, "records of this officer's cases")
      .Optional("--authority", authority, "records asked for under this authority")
      .Optional("--person", person, "records of the person with this pseudonym")
      .Optional("--date", date, "records by a date: requested, approved, deposited or released")
      .Optional(prefix + "from", from, "the first second of that range, in RFC 3339")
      .Optional(prefix + "until", until, "the first second after it, in RFC 3339")
      .Several("--verdict", verdicts,
               "records of which the release gate found this, such as ADDRESS_MISMATCHED; may be "
               "repeated")
      .Number("--gate-version", gate_version, "only where this version of the gates found it");
}

void ScopeOptions::DeclareIdentity(Command& command) {
  command.Optional("--identity", identity,
                   "records of the person whom this CSV file describes by name, tax_number and\n"
                   "birth_date; - asks for them");
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

namespace {

absl::Status ReadSecond(const std::string& text, google::protobuf::Timestamp& out) {
  HF_ASSIGN_OR_RETURN(const UnixMillis time, ParseRfc3339(text));
  if (time.value() % 1'000 != 0) {
    return MakeError(Reason::kRequestMalformed, "a scope's times are whole seconds");
  }
  out.set_seconds(time.value() / 1'000);
  return absl::OkStatus();
}

std::string_view DateWord(v1::RecordDate date) {
  switch (static_cast<int>(date)) {
    case v1::REQUESTED:
      return "requested";
    case v1::APPROVED:
      return "approved";
    case v1::DEPOSITED:
      return "deposited";
    case v1::RELEASED:
      return "released";
    default:
      return {};
  }
}

}  // namespace

absl::Status ScopeOptions::ReadDates(v1::Scope& scope) const {
  if (date.empty() && from.empty() && until.empty()) return absl::OkStatus();
  if (date.empty() || from.empty() || until.empty()) {
    return MakeError(Reason::kRequestMalformed,
                     "--date and the two ends of its range belong together");
  }
  v1::DateRange& range = *scope.mutable_dates();
  for (const auto of : {v1::REQUESTED, v1::APPROVED, v1::DEPOSITED, v1::RELEASED}) {
    if (DateWord(of) == date) range.set_of(of);
  }
  if (range.of() == v1::RECORD_DATE_UNSPECIFIED) {
    return MakeError(Reason::kRequestMalformed,
                     "--date is requested, approved, deposited or released");
  }
  HF_RETURN_IF_ERROR(ReadSecond(from, *range.mutable_from()));
  HF_RETURN_IF_ERROR(ReadSecond(until, *range.mutable_until()));
  return absl::OkStatus();
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
  HF_RETURN_IF_ERROR(ReadDates(scope));
  for (const std::string& verdict : verdicts) {
    scope.mutable_verdicts()->add_release(verdict);
  }
  if (gate_version != 0) {
    if (verdicts.empty() || gate_version > std::numeric_limits<std::uint8_t>::max()) {
      return MakeError(Reason::kRequestMalformed,
                       "--gate-version, at most 255, needs a --verdict that it found");
    }
    scope.mutable_verdicts()->set_gate_version(static_cast<std::uint32_t>(gate_version));
  }
  const bool narrow = !transfer.empty() || !officer.empty() || !authority.empty() ||
                      !person.empty() || !identity.empty() || scope.has_dates() ||
                      scope.has_verdicts();
  if (!rows.empty() && transfer.empty()) {
    return MakeError(Reason::kRequestMalformed, "--rows needs --transfer");
  }
  if (everything && narrow) {
    return MakeError(Reason::kRequestMalformed, "--everything stands alone");
  }
  if (!person.empty() && !identity.empty()) {
    return MakeError(Reason::kRequestMalformed, "--person and --identity are two ways to say it");
  }
  if (!everything && !narrow) {
    return MakeError(Reason::kRequestMalformed,
                     "say which records: --everything, --transfer, --officer, --authority, "
                     "--person, --date or --verdict");
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
  for (const std::string& person : scope.people()) add("person " + person);
  if (scope.has_dates()) {
    const v1::DateRange& dates = scope.dates();
    add(fmt::format("{} from {} until {}", DateWord(dates.of()),
                    FormatRfc3339(ToMillis(dates.from())), FormatRfc3339(ToMillis(dates.until()))));
  }
  for (const std::string& verdict : scope.verdicts().release()) add("verdict " + verdict);
  if (scope.verdicts().gate_version() != 0) {
    add(fmt::format("gate version {}", scope.verdicts().gate_version()));
  }
  return text;
}

}  // namespace holdfast::cli
