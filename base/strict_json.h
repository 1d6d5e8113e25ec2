// SPDX-License-Identifier: Apache-2.0
// JSON in which one text has one meaning.
//
// The grammar of RFC 8259, less everything on which two readers could disagree: no member twice, no
// number but an integer of 64 bits, no null, no invalid UTF-8, no control character even as an
// escape, nothing after the value. A bound on bytes, depth and values comes before any work.
//
// When to use  For every JSON text that is signed, or that comes from a peer. Not for output alone:
//              logs and --json have writers of their own.
// Threads      Every function may be called concurrently; a JsonValue is a value.
// Ownership    Values. Nothing is borrowed from the text.
// Errors       Reading alone fails: kRequestTooLarge over the limit of bytes, else
//              kRequestMalformed. Messages never quote the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "base/limits.h"

namespace holdfast {

struct JsonMember;

// A boolean, an integer, a text, an array or an object. The default is an empty object.
class JsonValue final {
 public:
  enum class Kind { kObject = 0, kArray, kText, kInteger, kBoolean };
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;  // In the order of the text. No name twice.

  JsonValue();
  static JsonValue OfObject(Object members);
  static JsonValue OfArray(Array items);
  static JsonValue OfText(std::string text);
  static JsonValue OfInteger(std::int64_t number);
  static JsonValue OfBoolean(bool value);

  Kind kind() const;
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_text() const { return kind() == Kind::kText; }

  // REQUIRES (each): kind() is the one that is asked for.
  const Object& object() const;
  const Array& array() const;
  const std::string& text() const;
  std::int64_t integer() const;
  bool boolean() const;

  // Returns the member `name`, or null if this has none or is no object. Borrowed.
  const JsonValue* Find(std::string_view name) const;

  // Whether both say the same. The order of an object's members says nothing.
  friend bool operator==(const JsonValue& a, const JsonValue& b);

 private:
  using Data = std::variant<Object, Array, std::string, std::int64_t, bool>;
  explicit JsonValue(Data data);

  Data data_;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// Which names an object may have.
enum class JsonNames {
  // Letters and digits, starting with a lower-case letter: protobuf's own spelling. Its reader also
  // takes the proto's spelling, so `hold_id` beside `holdId` would be one member twice.
  kLowerCamelCase = 0,
  kAny,
};

// Inclusive limits.
struct JsonLimits {
  std::size_t max_bytes = kMaxOrderBytes;
  std::size_t max_depth = 16;     // The outermost value has depth 1.
  std::size_t max_values = 8192;  // Every value counts, the outermost too.
  JsonNames names = JsonNames::kLowerCamelCase;
};

// Returns what `text` says.
absl::StatusOr<JsonValue> ParseStrictJson(std::string_view text, const JsonLimits& limits = {});

// Returns `value` as text that people can read and ParseStrictJson() reads: two spaces a level,
// members in their order, one line feed at the end. Only what must be escaped is escaped. REQUIRES:
// texts and names are UTF-8 without control characters.
std::string WriteJson(const JsonValue& value);

}  // namespace holdfast
