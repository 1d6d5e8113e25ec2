// SPDX-License-Identifier: Apache-2.0
#include "store/entry_bundle.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "store/store.h"

namespace holdfast::store {
namespace {

constexpr std::size_t kShortBytes = 2;
constexpr std::size_t kLongBytes = 4;
constexpr std::size_t kEscape = 0xffff;

// Bundles of common entries stay below the first step, those of orders grow by the second.
constexpr std::size_t kSmallStep = std::size_t{32} << 10;
constexpr std::size_t kLargeStep = std::size_t{128} << 10;

void AppendBigEndian(Bytes& out, std::size_t value, std::size_t width) {
  for (std::size_t i = width; i > 0; --i) {
    out.push_back(static_cast<std::byte>((value >> (8 * (i - 1))) & 0xff));
  }
}

std::size_t BigEndian(ByteSpan bytes) {
  std::size_t value = 0;
  for (const std::byte b : bytes) value = (value << 8) | std::to_integer<std::size_t>(b);
  return value;
}

absl::Status Malformed(const char* what) {
  return MakeError(Reason::kStoreCorrupt, std::string("an entry bundle ") + what);
}

// Takes the length that `rest` begins with off it.
absl::StatusOr<std::size_t> TakeLength(ByteSpan& rest) {
  if (rest.size() < kShortBytes) return Malformed("ends within a length");
  std::size_t length = BigEndian(rest.first(kShortBytes));
  rest = rest.subspan(kShortBytes);
  if (length == kEscape) {
    if (rest.size() < kLongBytes) return Malformed("ends within a length");
    length = BigEndian(rest.first(kLongBytes));
    rest = rest.subspan(kLongBytes);
    if (length < kEscape) return Malformed("has a length that is longer than it need be");
  }
  if (length == 0) return Malformed("has an empty entry");
  if (length > kMaxEntryBytes) return Malformed("has an entry that is too large");
  return length;
}

}  // namespace

void AppendToBundle(Bytes& bundle, ByteSpan entry) {
  HF_CHECK(!entry.empty() && entry.size() <= kMaxEntryBytes);
  if (entry.size() < kEscape) {
    AppendBigEndian(bundle, entry.size(), kShortBytes);
  } else {
    AppendBigEndian(bundle, kEscape, kShortBytes);
    AppendBigEndian(bundle, entry.size(), kLongBytes);
  }
  bundle.insert(bundle.end(), entry.begin(), entry.end());
}

std::size_t PaddedBundleBytes(std::size_t bytes) {
  const std::size_t step = bytes <= kSmallStep ? kSmallStep : kLargeStep;
  return (bytes + step - 1) / step * step;
}

absl::Status RemovePadding(Bytes& stored) {
  ByteSpan rest = stored;
  for (std::size_t entries = 0; entries < kEntriesPerBundle && !rest.empty(); ++entries) {
    if (rest.size() >= kShortBytes && BigEndian(rest.first(kShortBytes)) == 0) {
      const std::size_t bytes = stored.size() - rest.size();
      if (entries == 0) return Malformed("has no entry");
      if (stored.size() != PaddedBundleBytes(bytes) ||
          std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; })) {
        return Malformed("is followed by something else");
      }
      stored.resize(bytes);
      return absl::OkStatus();
    }
    absl::StatusOr<std::size_t> length = TakeLength(rest);
    if (!length.ok()) return std::move(length).status();
    if (rest.size() < *length) return Malformed("ends within an entry");
    rest = rest.subspan(*length);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ByteSpan>> ParseBundle(ByteSpan bundle) {
  std::vector<ByteSpan> entries;
  entries.reserve(kEntriesPerBundle);
  ByteSpan rest = bundle;
  while (!rest.empty()) {
    if (entries.size() == kEntriesPerBundle) return Malformed("has too many entries");
    absl::StatusOr<std::size_t> length = TakeLength(rest);
    if (!length.ok()) return std::move(length).status();
    if (rest.size() < *length) return Malformed("ends within an entry");
    entries.push_back(rest.first(*length));
    rest = rest.subspan(*length);
  }
  if (entries.empty()) return Malformed("has no entry");
  return entries;
}

}  // namespace holdfast::store
