// SPDX-License-Identifier: Apache-2.0
#include "tests/support/status_matchers.h"

namespace holdfast::test {

std::string Describe(const absl::Status& status) {
  if (status.ok()) return "OK";
  const auto message = status.message();
  std::string text(ReasonName(*ReasonOf(status)));
  text += ": ";
  text.append(message.data(), message.size());
  for (const auto& [key, value] : MetadataOf(status)) text += " [" + key + "=" + value + "]";
  return text;
}

}  // namespace holdfast::test
