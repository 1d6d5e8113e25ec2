// SPDX-License-Identifier: Apache-2.0
// Stands in for libFuzzer where the compiler has none: runs a fuzz target over the files that are
// named (folders: all files in them), over each prefix and bit flip of the small ones, and over the
// empty input. What the fuzzer once found stays found.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/support/mutations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMutateUpTo = 512;

void Run(holdfast::ByteSpan input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::size_t RunFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const holdfast::Bytes input = holdfast::ToBytes(text);
  Run(input);
  std::size_t runs = 1;
  if (input.size() > kMutateUpTo) return runs;
  for (const auto& mutation : holdfast::test::BitFlipsAndTruncations(input)) {
    Run(mutation.bytes);
    ++runs;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  Run({});
  std::size_t runs = 1;
  for (const std::string& argument : std::vector<std::string>(argv + 1, argv + argc)) {
    if (!std::filesystem::exists(argument)) {
      std::fprintf(stderr, "no such file or folder: %s\n", argument.c_str());
      return 1;
    }
    if (!std::filesystem::is_directory(argument)) {
      runs += RunFile(argument);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) runs += RunFile(entry.path());
    }
  }
  std::printf("%zu inputs\n", runs);
  return 0;
}
