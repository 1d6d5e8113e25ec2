// SPDX-License-Identifier: Apache-2.0
#include "policy/order_json.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "google/protobuf/util/json_util.h"

namespace holdfast::policy {
namespace {

using ::google::protobuf::util::JsonParseOptions;
using ::google::protobuf::util::JsonPrintOptions;
using ::google::protobuf::util::JsonStringToMessage;
using ::google::protobuf::util::MessageToJsonString;

absl::Status Malformed(const char* message) {
  return MakeError(Reason::kRequestMalformed, message);
}

// Returns protobuf's JSON form of `order`. Errors: kRequestMalformed.
absl::StatusOr<std::string> ProtobufJson(const order::v1::Order& order) {
  std::string text;
  if (!MessageToJsonString(order, &text, JsonPrintOptions()).ok()) {
    return Malformed("the order has a value that JSON cannot say");
  }
  return text;
}

// Whether some enum in `message` has a number without a name. Proto3 keeps such numbers, also in
// JSON, and a program that does not know what is ordered must not accept it.
bool HasNamelessEnum(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->enum_type() != nullptr) {
        const int number = field->is_repeated() ? reflection.GetRepeatedEnumValue(message, field, i)
                                                : reflection.GetEnumValue(message, field);
        if (field->enum_type()->FindValueByNumber(number) == nullptr) return true;
      } else if (field->message_type() != nullptr) {
        if (HasNamelessEnum(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                 : reflection.GetMessage(message, field))) {
          return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<order::v1::Order> ParseOrder(ByteSpan payload) {
  const std::string text = ToString(payload);
  HF_ASSIGN_OR_RETURN(const JsonValue said, ParseStrictJson(text));
  if (!said.is_object()) return Malformed("an order is a JSON object");
  order::v1::Order order;
  JsonParseOptions options;
  options.ignore_unknown_fields = false;
  // The library's own message may quote the order.
  if (!JsonStringToMessage(text, &order, options).ok()) {
    return Malformed("the JSON text does not fit an order");
  }
  if (HasNamelessEnum(order)) return Malformed("the order has a value without a name");
  // The library forgives a lot: numbers as text, members by other names, defaults that are spelt
  // out, the same instant in another zone. So what was understood is said again and compared with
  // what was said: only a text that means all of itself was read by the signer and the gateway
  // alike.
  HF_ASSIGN_OR_RETURN(const std::string understood, ProtobufJson(order));
  const auto again = ParseStrictJson(understood);
  if (!again.ok() || !(*again == said)) {
    return Malformed("the order is not written in the one way that it can be understood");
  }
  return order;
}

absl::StatusOr<std::string> RenderOrder(const order::v1::Order& order) {
  HF_ASSIGN_OR_RETURN(const std::string compact, ProtobufJson(order));
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(compact));
  // The library's text is valid, but its escapes and its lack of line breaks are for machines.
  std::string text = WriteJson(value);
  HF_RETURN_IF_ERROR(ParseOrder(AsBytes(text)).status());
  return text;
}

}  // namespace holdfast::policy
