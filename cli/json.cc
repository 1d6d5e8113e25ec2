// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

namespace holdfast::cli {

JsonArray& JsonArray::AddRaw(std::string_view json) {
  if (!body_.empty()) body_ += ", ";
  body_ += json;
  return *this;
}

JsonObject::JsonObject(std::string_view schema) {
  Set("schema", "holdfast.cli.v1." + std::string(schema));
}

JsonObject& JsonObject::SetRaw(std::string_view name, std::string_view json) {
  if (!body_.empty()) body_ += ", ";
  body_ += JsonQuote(name);
  body_ += ": ";
  body_ += json;
  return *this;
}

}  // namespace holdfast::cli
