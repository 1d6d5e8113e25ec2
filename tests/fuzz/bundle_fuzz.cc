// SPDX-License-Identifier: Apache-2.0
// Entry bundles, as they come back from a disk or out of an export.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "store/entry_bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const holdfast::ByteSpan bytes = std::as_bytes(std::span<const std::uint8_t>(data, size));
  holdfast::Bytes stored = holdfast::ToBytes(bytes);
  if (holdfast::store::RemovePadding(stored).ok() && stored.size() != size) {
    HF_CHECK(holdfast::store::PaddedBundleBytes(stored.size()) == size);
    HF_CHECK(holdfast::store::ParseBundle(stored).ok());
  }
  const auto entries = holdfast::store::ParseBundle(bytes);
  if (!entries.ok()) return 0;
  std::size_t total = 0;
  for (const holdfast::ByteSpan entry : *entries) total += entry.size();
  HF_CHECK(total <= size);
  return 0;
}
