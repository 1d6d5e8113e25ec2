// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180), read strictly and written so that they read back.
//
// What is refused: text that is not UTF-8; a NUL; a quote inside an unquoted field; text after a
// closing quote; a quote that is never closed; a carriage return that no line feed follows; a
// record with more or fewer fields than the first; anything over the limits. Lines end with LF or
// CRLF. A byte order mark at the beginning is skipped.
//
// When to use  For the source's file of people and the requester's list.
// Threads      Not safe for concurrent use.
// Ownership    A reader borrows what its source borrows. Fields are the caller's.
// Errors       kRequestMalformed and kRequestTooLarge, with `line` in the metadata; the source's
// own.
//              No error shows what a field holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"

namespace holdfast::client {

// Inclusive limits.
inline constexpr std::size_t kMaxCsvFieldBytes = 4096;
inline constexpr std::size_t kMaxCsvFields = 256;

// Fills a block and returns how much of it; 0 at the end.
using CsvSource = std::function<absl::StatusOr<std::size_t>(std::span<std::byte>)>;

// Each reads from the beginning. Borrows its argument.
CsvSource CsvFromText(std::string_view text);
CsvSource CsvFromFile(File& file);

// What a text begins with. A byte order mark is skipped at the beginning of a file; in a record
// that is read alone, the same bytes are part of its first field.
enum class CsvBegins { kFile, kRecord };

class CsvReader final {
 public:
  explicit CsvReader(CsvSource source, CsvBegins begins = CsvBegins::kFile);

  // Reads the next record into `fields`. False at the end. After an error every call fails.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);

  // The line on which the last record began, counted from 1.
  std::uint64_t line() const { return record_line_; }

  // Where the last record began, and where it ended with its line end, in bytes.
  std::uint64_t begin() const { return record_begin_; }
  std::uint64_t end() const { return position_; }

 private:
  // The next byte, or -1 at the end.
  absl::StatusOr<int> Get();
  absl::StatusOr<int> Peek();
  absl::Status Fill();
  absl::Status Malformed(std::string what) const;
  absl::Status ReadField(std::string& field, int& terminator);
  absl::Status ReadQuoted(std::string& field, int& terminator);
  absl::Status ReadPlain(std::string& field, int& terminator);
  absl::Status FieldTooLong() const;
  absl::Status Add(std::string& field, int byte) const;

  // Adds what comes before the next byte that means something in a plain field, or what of it has
  // been read.
  absl::Status AddPlain(std::string& field);
  absl::StatusOr<int> EndOfLine(int byte);

  CsvSource source_;
  std::vector<std::byte> block_;
  std::size_t used_ = 0;
  std::size_t size_ = 0;
  bool ended_ = false;
  bool at_start_;
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t record_begin_ = 0;
  std::optional<std::size_t> width_;
  absl::Status failed_;
};

// Returns `fields` as one line with its line feed. A field is quoted where it has to be.
// REQUIRES: each is valid UTF-8 without NUL.
std::string CsvLine(std::span<const std::string_view> fields);
std::string CsvLine(std::span<const std::string> fields);

// The first record of a file as names, and where each is.
class CsvHeader final {
 public:
  // Errors: kRequestMalformed if a name is empty or occurs twice.
  static absl::StatusOr<CsvHeader> Make(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }

  // Errors: kRequestMalformed, naming the column that is missing.
  absl::StatusOr<std::size_t> Require(std::string_view name) const;

  std::optional<std::size_t> Find(std::string_view name) const;

 private:
  explicit CsvHeader(std::vector<std::string> names) : names_(std::move(names)) {}

  std::vector<std::string> names_;
};

}  // namespace holdfast::client
