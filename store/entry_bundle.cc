// SPDX-License-Identifier: Apache-2.0
#include "store/entry_bundle.h"

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
