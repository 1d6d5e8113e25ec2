// SPDX-License-Identifier: Apache-2.0
#include "tests/support/external_data.h"

#include <cstdlib>

namespace holdfast::test {

std::optional<std::filesystem::path> ExternalData(std::string_view name) {
  std::filesystem::path root = std::filesystem::path(HF_SOURCE_DIR).parent_path() / "shared/data";
  if (const char* chosen = std::getenv("HOLDFAST_TEST_DATA")) root = chosen;
  std::filesystem::path path = root / name;
  std::error_code ignored;  // Unreadable counts as absent.
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return path;
}

}  // namespace holdfast::test
