// SPDX-License-Identifier: Apache-2.0
#include "base/strict_json.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "nlohmann/json.hpp"

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"

namespace holdfast {
namespace {

absl::Status Malformed(const char* message) {
  return MakeError(Reason::kRequestMalformed, message);
}

bool IsLowerCamelCase(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

std::vector<const JsonMember*> SortedByName(const JsonValue::Object& members) {
  std::vector<const JsonMember*> sorted;
  sorted.reserve(members.size());
  for (const JsonMember& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(),
            [](const JsonMember* a, const JsonMember* b) { return a->name < b->name; });
  return sorted;
}

bool HasDouble(const JsonValue::Object& members) {
  const auto sorted = SortedByName(members);
  return std::adjacent_find(sorted.begin(), sorted.end(),
                            [](const JsonMember* a, const JsonMember* b) {
                              return a->name == b->name;
                            }) != sorted.end();
}

// Builds the value while nlohmann's parser reads, and stops it at the first thing that is refused:
// no tree of a text that is over a limit is ever made.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  const absl::Status& error() const { return error_; }
  JsonValue TakeResult() { return std::move(result_).value(); }

  bool null() override { return Refuse("null says nothing and is not allowed"); }
  bool boolean(bool value) override { return Add(JsonValue::OfBoolean(value)); }
  bool number_integer(number_integer_t value) override { return Add(JsonValue::OfInteger(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return Refuse("a number is out of range");
    }
    return Add(JsonValue::OfInteger(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t, const string_t&) override {
    return Refuse("a number is not an integer of 64 bits");
  }
  bool string(string_t& text) override {
    if (HasDeceptiveCharacter(text)) return Refuse("a text has a character that does not show");
    return Add(JsonValue::OfText(std::move(text)));
  }
  bool binary(binary_t&) override { return Refuse("not JSON"); }

  bool start_object(std::size_t) override { return Open(JsonValue::Kind::kObject); }
  bool key(string_t& name) override {
    if (limits_.names == JsonNames::kLowerCamelCase ? !IsLowerCamelCase(name)
                                                    : HasDeceptiveCharacter(name)) {
      return Refuse("a member has a name that is not allowed");
    }
    open_.back().name = std::move(name);
    return true;
  }
  bool end_object() override {
    if (HasDouble(open_.back().members)) return Refuse("a member is there twice");
    JsonValue value = JsonValue::OfObject(std::move(open_.back().members));
    return Close(std::move(value));
  }
  bool start_array(std::size_t) override { return Open(JsonValue::Kind::kArray); }
  bool end_array() override {
    JsonValue value = JsonValue::OfArray(std::move(open_.back().items));
    return Close(std::move(value));
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    // The exception's text quotes the input, which may be anything.
    return Refuse("not JSON");
  }

 private:
  struct Level {
    JsonValue::Kind kind;
    std::string name;  // Of the member whose value comes next.
    JsonValue::Object members;
    JsonValue::Array items;
  };

  bool Refuse(const char* message) {
    if (error_.ok()) error_ = Malformed(message);
    return false;
  }

  bool Count() {
    if (++values_ > limits_.max_values) return Refuse("too many values");
    return true;
  }

  bool Open(JsonValue::Kind kind) {
    if (!Count()) return false;
    if (open_.size() >= limits_.max_depth) return Refuse("nested too deeply");
    open_.push_back(Level{kind, {}, {}, {}});
    return true;
  }

  bool Close(JsonValue value) {
    open_.pop_back();
    Put(std::move(value));
    return true;
  }

  bool Add(JsonValue value) {
    if (!Count()) return false;
    Put(std::move(value));
    return true;
  }

  void Put(JsonValue value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().kind == JsonValue::Kind::kObject) {
      open_.back().members.push_back(JsonMember{std::move(open_.back().name), std::move(value)});
    } else {
      open_.back().items.push_back(std::move(value));
    }
  }

  const JsonLimits& limits_;
  absl::Status error_;
  std::vector<Level> open_;
  std::size_t values_ = 0;
  std::optional<JsonValue> result_;
};

void WriteText(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void Write(const JsonValue& value, std::size_t indent, std::string& out) {
  const auto new_line = [&out](std::size_t spaces) {
    out.push_back('\n');
    out.append(spaces, ' ');
  };
  switch (value.kind()) {
    case JsonValue::Kind::kObject: {
      const char* separator = "{";
      for (const JsonMember& member : value.object()) {
        out += separator;
        separator = ",";
        new_line(indent + 2);
        WriteText(member.name, out);
        out += ": ";
        Write(member.value, indent + 2, out);
      }
      if (value.object().empty()) {
        out += "{}";
      } else {
        new_line(indent);
        out.push_back('}');
      }
      return;
    }
    case JsonValue::Kind::kArray: {
      const char* separator = "[";
      for (const JsonValue& item : value.array()) {
        out += separator;
        separator = ",";
        new_line(indent + 2);
        Write(item, indent + 2, out);
      }
      if (value.array().empty()) {
        out += "[]";
      } else {
        new_line(indent);
        out.push_back(']');
      }
      return;
    }
    case JsonValue::Kind::kText:
      WriteText(value.text(), out);
      return;
    case JsonValue::Kind::kInteger:
      out += std::to_string(value.integer());
      return;
    case JsonValue::Kind::kBoolean:
      out += value.boolean() ? "true" : "false";
      return;
  }
}

}  // namespace

JsonValue::JsonValue() : data_(Object()) {}
JsonValue::JsonValue(Data data) : data_(std::move(data)) {}
JsonValue JsonValue::OfObject(Object members) { return JsonValue(Data(std::move(members))); }
JsonValue JsonValue::OfArray(Array items) { return JsonValue(Data(std::move(items))); }
JsonValue JsonValue::OfText(std::string text) { return JsonValue(Data(std::move(text))); }
JsonValue JsonValue::OfInteger(std::int64_t number) { return JsonValue(Data(number)); }
JsonValue JsonValue::OfBoolean(bool value) { return JsonValue(Data(value)); }

// The alternatives of Data are in the order of Kind.
JsonValue::Kind JsonValue::kind() const { return static_cast<Kind>(data_.index()); }

const JsonValue::Object& JsonValue::object() const {
  HF_CHECK(kind() == Kind::kObject);
  return std::get<Object>(data_);
}
const JsonValue::Array& JsonValue::array() const {
  HF_CHECK(kind() == Kind::kArray);
  return std::get<Array>(data_);
}
const std::string& JsonValue::text() const {
  HF_CHECK(kind() == Kind::kText);
  return std::get<std::string>(data_);
}
std::int64_t JsonValue::integer() const {
  HF_CHECK(kind() == Kind::kInteger);
  return std::get<std::int64_t>(data_);
}
bool JsonValue::boolean() const {
  HF_CHECK(kind() == Kind::kBoolean);
  return std::get<bool>(data_);
}

const JsonValue* JsonValue::Find(std::string_view name) const {
  if (!is_object()) return nullptr;
  for (const JsonMember& member : object()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

bool operator==(const JsonValue& a, const JsonValue& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case JsonValue::Kind::kObject: {
      if (a.object().size() != b.object().size()) return false;
      const auto left = SortedByName(a.object());
      const auto right = SortedByName(b.object());
      return std::equal(left.begin(), left.end(), right.begin(),
                        [](const JsonMember* x, const JsonMember* y) {
                          return x->name == y->name && x->value == y->value;
                        });
    }
    case JsonValue::Kind::kArray:
      return a.array() == b.array();
    case JsonValue::Kind::kText:
      return a.text() == b.text();
    case JsonValue::Kind::kInteger:
      return a.integer() == b.integer();
    case JsonValue::Kind::kBoolean:
      return a.boolean() == b.boolean();
  }
  return false;
}

absl::StatusOr<JsonValue> ParseStrictJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return MakeError(Reason::kRequestTooLarge, "the JSON text is too long");
  }
  // The library takes a zero byte for the end of its input, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos) return Malformed("a zero byte in JSON");
  if (text.substr(0, 3) == "\xef\xbb\xbf") return Malformed("a byte order mark before JSON");
  Builder builder(limits);
  const bool complete = nlohmann::json::sax_parse(text.begin(), text.end(), &builder,
                                                  nlohmann::json::input_format_t::json,
                                                  /*strict=*/true, /*ignore_comments=*/false);
  if (!builder.error().ok()) return builder.error();
  if (!complete) return Malformed("not JSON");
  return builder.TakeResult();
}

std::string WriteJson(const JsonValue& value) {
  std::string text;
  Write(value, 0, text);
  text.push_back('\n');
  return text;
}

}  // namespace holdfast
