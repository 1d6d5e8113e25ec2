// SPDX-License-Identifier: Apache-2.0
// Names: what is complete has a given and a family name of more than a letter, equals itself, and
// compares the same both ways. Input: two names, one a line.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "policy/name.h"

namespace {

using holdfast::policy::ParsedName;

void Check(std::string_view text, const ParsedName& name) {
  const std::string key = holdfast::policy::NormalisedNameKey(text);
  HF_CHECK(name.complete() == !key.empty());
  if (!name.complete()) return;
  HF_CHECK(name.middle >= 1 && name.middle <= name.family && name.family < name.count);
  HF_CHECK(name.count <= ParsedName::kMostWords);
  std::size_t given = 0;
  std::size_t family = 0;
  for (const auto word : name.Given()) given += word.size();
  for (const auto word : name.Family()) family += word.size();
  HF_CHECK(given >= 2 && family >= 2);
  HF_CHECK(CompareNames(name, name).equal());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string_view first = text.substr(0, end);
  const std::string_view second =
      end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  ParsedName a;
  ParsedName b;
  ParseName(first, a);
  ParseName(second, b);
  Check(first, a);
  Check(second, b);
  if (!a.complete() || !b.complete()) return 0;
  const auto there = CompareNames(a, b);
  const auto back = CompareNames(b, a);
  HF_CHECK(there.allowances == back.allowances && there.conflict == back.conflict);
  return 0;
}
