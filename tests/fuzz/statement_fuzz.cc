// SPDX-License-Identifier: Apache-2.0
// Statements of non-use, and what is posted to a witness: what is read is said again in the same
// way.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "evidence/non_use.h"
#include "evidence/witness.h"

#include "base/bytes.h"
#include "base/check.h"

namespace evidence = holdfast::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto statement = evidence::ParseNonUse(holdfast::AsBytes(text));
  if (statement.ok()) {
    evidence::NonUse found;
    found.answer = evidence::NonUseAnswer::kShown;
    found.opens.emplace();
    found.closes.emplace();
    const auto again = evidence::RenderNonUse(*statement, found);
    if (again.ok()) HF_CHECK(evidence::ParseNonUse(holdfast::AsBytes(*again)).ok());
  }
  const auto request = evidence::ParseAddCheckpoint(text);
  if (request.ok()) {
    const auto again = evidence::ParseAddCheckpoint(evidence::FormatAddCheckpoint(*request));
    HF_CHECK(again.ok() && *again == *request);
  }
  return 0;
}
