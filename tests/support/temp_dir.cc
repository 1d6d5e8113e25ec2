// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temp_dir.h"

#include <filesystem>
#include <system_error>

#include <stdlib.h>

#include "base/check.h"
#include "base/file_system.h"

namespace holdfast::test {

TempDir::TempDir() {
  path_ = JoinPath(std::filesystem::temp_directory_path().string(), "holdfast-test-XXXXXX");
  HF_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDir::~TempDir() {
  std::error_code ignored;  // A test that made a folder unreadable has already said so.
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::File(std::string_view name) const { return JoinPath(path_, name); }

}  // namespace holdfast::test
