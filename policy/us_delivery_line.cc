// SPDX-License-Identifier: Apache-2.0
#include "policy/us_delivery_line.h"

#include "policy/internal/us_line_reader.h"
#include "policy/us_tokens.h"

namespace holdfast::policy {

void ReadUsDeliveryLine(std::string_view line1, std::string_view line2, ParsedAddress& out) {
  if (line1.empty() && line2.empty()) {
    out.lack = AddressLack::kDeliveryLine;
    return;
  }
  UsTokens tokens;
  if (!tokens.Add(line1, out.text) || !tokens.Add(line2, out.text)) {
    out.lack = AddressLack::kDeliveryLineMalformed;
    return;
  }
  out.lack = internal::UsLineReader(tokens, out).Read();
}

}  // namespace holdfast::policy
