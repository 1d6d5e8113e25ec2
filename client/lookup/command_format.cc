// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/command_format.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "client/csv.h"
#include "client/lookup/person_keys.h"

namespace holdfast::client {
namespace {

constexpr std::string_view kGreetingName = "holdfast_lookup";
constexpr std::size_t kMaxErrorBytes = 40;

// So many values as kMaxOffered people with all fields have, and some more.
constexpr std::size_t kMaxValues = (kMaxOffered + 1) * (kMaxCsvFields + 16);

absl::Status Malformed(std::string what) {
  return MakeError(Reason::kRequestMalformed, std::move(what));
}

void AppendText(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  if (out.back() != '{') out += ',';
  AppendText(out, name);
  out += ':';
  AppendText(out, text);
}

absl::StatusOr<JsonValue> ReadLine(std::string_view line) {
  JsonLimits limits;
  limits.max_bytes = kMaxAnswerBytes;
  limits.max_depth = 5;
  limits.max_values = kMaxValues;
  limits.names = JsonNames::kAny;
  HF_ASSIGN_OR_RETURN(JsonValue value, ParseStrictJson(line, limits));
  if (!value.is_object()) return Malformed("a line is no JSON object");
  return value;
}

absl::StatusOr<std::string> ReadText(const JsonValue& value) {
  if (!value.is_text()) return Malformed("a value that must be a text is none");
  if (value.text().size() > kMaxCsvFieldBytes) {
    return MakeError(Reason::kRequestTooLarge, "a text is over 4096 bytes");
  }
  return value.text();
}

absl::StatusOr<v1::Candidate> ReadCandidate(const JsonValue& value, const FieldFilter& filter) {
  if (!value.is_object()) return Malformed("a candidate is no object");
  v1::Candidate candidate;
  for (const JsonMember& member : value.object()) {
    if (member.name == "fields") {
      if (!member.value.is_object()) return Malformed("the fields of a candidate are no object");
      if (member.value.object().size() > kMaxCsvFields) {
        return MakeError(Reason::kRequestTooLarge, "a candidate has over 256 fields");
      }
      for (const JsonMember& field : member.value.object()) {
        HF_ASSIGN_OR_RETURN(std::string text, ReadText(field.value));
        if (!filter(field.name)) continue;
        v1::RecordField& sent = *candidate.add_fields();
        sent.set_name(field.name);
        sent.set_value(std::move(text));
      }
      continue;
    }
    const auto* const part =
        std::find(kPersonColumns.begin(), kPersonColumns.end(), std::string_view(member.name));
    if (part == kPersonColumns.end()) return Malformed("a candidate has an unknown member");
    HF_ASSIGN_OR_RETURN(std::string text, ReadText(member.value));
    SetPersonPart(*candidate.mutable_person(),
                  static_cast<std::size_t>(part - kPersonColumns.begin()), std::move(text));
  }
  if (candidate.person().name().empty()) return Malformed("a candidate has no name");
  return candidate;
}

bool IsErrorWord(const std::string& text) {
  return !text.empty() && text.size() <= kMaxErrorBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

}  // namespace

std::string CommandGreeting() {
  return "{\"" + std::string(kGreetingName) + "\":" + std::to_string(kCommandVersion) + "}\n";
}

absl::Status CheckGreeting(std::string_view line) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ReadLine(line));
  const JsonValue* const version = value.Find(kGreetingName);
  if (version == nullptr || value.object().size() != 1 ||
      version->kind() != JsonValue::Kind::kInteger) {
    return Malformed("the program's first line is no greeting");
  }
  if (version->integer() != kCommandVersion) {
    return AddMetadata(Malformed("the program speaks another version of the format"), "version",
                       std::to_string(version->integer()));
  }
  return absl::OkStatus();
}

std::string CommandQuestion(std::uint64_t id, const LookupQuery& query) {
  const v1::Person& person = query.subject.person();
  const v1::Address& address = person.address();
  std::string line = "{\"id\":" + std::to_string(id) +
                     ",\"row\":" + std::to_string(query.subject.row()) + ",\"subject\":{";
  AppendMember(line, "name", person.name());
  AppendMember(line, "line1", address.line1());
  AppendMember(line, "line2", address.line2());
  AppendMember(line, "city", address.city());
  AppendMember(line, "state", address.state());
  AppendMember(line, "postal_code", address.postal_code());
  AppendMember(line, "tax_number", person.tax_number());
  AppendMember(line, "birth_date", person.birth_date());
  line += "},\"keys\":[";
  const char* separator = "";
  for (const std::string& key : KeysOf(person)) {
    line += std::exchange(separator, ",");
    AppendText(line, key);
  }
  line += "],\"periods\":[";
  separator = "";
  for (const v1::TaxPeriod& period : query.periods) {
    line += std::exchange(separator, ",");
    line +=
        "[" + std::to_string(period.first_year()) + "," + std::to_string(period.last_year()) + "]";
  }
  return line + "]}\n";
}

absl::StatusOr<CommandAnswer> ReadAnswer(std::string_view line, const FieldFilter& filter) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ReadLine(line));
  const JsonValue* const id = value.Find("id");
  const JsonValue* const candidates = value.Find("candidates");
  const JsonValue* const error = value.Find("error");
  if (id == nullptr || id->kind() != JsonValue::Kind::kInteger || id->integer() < 0) {
    return Malformed("an answer has no id");
  }
  if (value.object().size() != 2 || (candidates == nullptr) == (error == nullptr)) {
    return Malformed("an answer has an id and either candidates or an error");
  }
  CommandAnswer answer;
  answer.id = static_cast<std::uint64_t>(id->integer());
  if (error != nullptr) {
    if (!error->is_text() || !IsErrorWord(error->text())) {
      return Malformed("an error is one word of capital letters and low lines");
    }
    answer.error = error->text();
    return answer;
  }
  if (!candidates->is_array()) return Malformed("the candidates are no array");
  for (const JsonValue& each : candidates->array()) {
    HF_ASSIGN_OR_RETURN(v1::Candidate candidate, ReadCandidate(each, filter));
    answer.candidates.push_back(std::move(candidate));
  }
  return answer;
}

}  // namespace holdfast::client
