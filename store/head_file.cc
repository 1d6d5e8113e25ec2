// SPDX-License-Identifier: Apache-2.0
#include "store/head_file.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace holdfast::store {
namespace {

constexpr std::string_view kMagic = "holdfast-head-v1 ";
constexpr std::size_t kSizeDigits = 20;
constexpr std::size_t kRootDigits = 64;
constexpr std::size_t kNoteBytes = kMagic.size() + kSizeDigits + 1 + kRootDigits + 1;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string FormatHead(const LedgerHead& head) {
  // All notes are equally long, so that one can be written over another.
  const std::string size = std::to_string(head.size);
  std::string text(kMagic);
  text.append(kSizeDigits - size.size(), '0').append(size).append(" ");
  text.append(Hex(head.root)).append("\n");
  return text;
}

std::optional<LedgerHead> ParseHead(std::string_view text) {
  if (text.size() != kNoteBytes || text.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  const std::string_view size = text.substr(kMagic.size(), kSizeDigits);
  const std::string_view root = text.substr(kMagic.size() + kSizeDigits + 1, kRootDigits);
  if (text[kMagic.size() + kSizeDigits] != ' ' || text.back() != '\n') return std::nullopt;
  if (!std::all_of(size.begin(), size.end(), IsDigit)) return std::nullopt;

  LedgerHead head;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), head.size);
  if (error != std::errc() || end != size.data() + size.size()) return std::nullopt;
  const absl::StatusOr<Bytes> bytes = FromHex(root);
  if (!bytes.ok() || bytes->size() != head.root.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), head.root.begin());
  return head;
}

absl::StatusOr<HeadFile> HeadFile::Open(FileSystem& files, const std::string& path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kOpenOrCreate));
  // One byte more, so that a longer file is seen to be one.
  Bytes bytes(kNoteBytes + 1);
  HF_ASSIGN_OR_RETURN(const std::size_t count, file->ReadAt(0, bytes));
  bytes.resize(count);
  return HeadFile(std::move(file), ParseHead(AsText(bytes)));
}

absl::Status HeadFile::Write(const LedgerHead& head) {
  return file_->WriteAt(0, AsBytes(FormatHead(head)));
}

}  // namespace holdfast::store
