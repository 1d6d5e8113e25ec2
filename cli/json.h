// SPDX-License-Identifier: Apache-2.0
// JSON for --json: written in the order given, on one line.
//
// When to use  For what a command prints. Not for orders or anything that is signed or read back.
// Threads      A value.
// Ownership    A value.
// Errors       None. Text that is not UTF-8 is written with U+FFFD in place of each byte that is
//              not ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_text.h"

namespace holdfast::cli {

// [a, b, c]
class JsonArray final {
 public:
  JsonArray& AddRaw(std::string_view json);
  JsonArray& Add(std::string_view text) { return AddRaw(JsonQuote(text)); }

  std::string text() const { return "[" + body_ + "]"; }

 private:
  std::string body_;
};

// {"name": value}. A name is set once; nobody checks that.
class JsonObject final {
 public:
  JsonObject() = default;

  // Begins with "schema": "holdfast.cli.v1.NAME".
  explicit JsonObject(std::string_view schema);

  JsonObject& SetRaw(std::string_view name, std::string_view json);
  JsonObject& Set(std::string_view name, std::string_view text) {
    return SetRaw(name, JsonQuote(text));
  }
  JsonObject& Set(std::string_view name, const char* text) {
    return Set(name, std::string_view(text));
  }
  JsonObject& Set(std::string_view name, const std::string& text) {
    return Set(name, std::string_view(text));
  }
  JsonObject& Set(std::string_view name, bool value) {
    return SetRaw(name, value ? "true" : "false");
  }
  JsonObject& Set(std::string_view name, std::uint64_t value) {
    return SetRaw(name, std::to_string(value));
  }
  JsonObject& Set(std::string_view name, std::uint32_t value) {
    return Set(name, std::uint64_t{value});
  }
  JsonObject& Set(std::string_view name, std::int64_t value) {
    return SetRaw(name, std::to_string(value));
  }
  JsonObject& Set(std::string_view name, int value) { return Set(name, std::int64_t{value}); }
  JsonObject& Set(std::string_view name, const JsonArray& array) {
    return SetRaw(name, array.text());
  }
  JsonObject& Set(std::string_view name, const JsonObject& object) {
    return SetRaw(name, object.text());
  }

  std::string text() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

}  // namespace holdfast::cli
