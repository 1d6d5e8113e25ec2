// SPDX-License-Identifier: Apache-2.0
#include "client/csv.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace holdfast::client {
namespace {

constexpr std::size_t kBlockBytes = 256 << 10;
constexpr std::size_t kRecordBlockBytes = 4 << 10;  // A lookup makes a reader for each record.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::Status AtLine(absl::Status status, std::uint64_t line) {
  return AddMetadata(std::move(status), "line", std::to_string(line));
}

}  // namespace

CsvSource CsvFromText(std::string_view text) {
  auto rest = std::make_shared<std::string_view>(text);
  return [rest](std::span<std::byte> out) -> absl::StatusOr<std::size_t> {
    const std::size_t size = std::min(out.size(), rest->size());
    std::copy_n(std::as_bytes(std::span(*rest)).begin(), size, out.begin());
    rest->remove_prefix(size);
    return size;
  };
}

CsvSource CsvFromFile(File& file) {
  auto offset = std::make_shared<std::uint64_t>(0);
  return [&file, offset](std::span<std::byte> out) -> absl::StatusOr<std::size_t> {
    HF_ASSIGN_OR_RETURN(const std::size_t size, file.ReadAt(*offset, out));
    *offset += size;
    return size;
  };
}

CsvReader::CsvReader(CsvSource source, CsvBegins begins)
    : source_(std::move(source)),
      block_(begins == CsvBegins::kFile ? kBlockBytes : kRecordBlockBytes),
      at_start_(begins == CsvBegins::kFile) {}

absl::Status CsvReader::Fill() {
  if (used_ < size_ || ended_) return absl::OkStatus();
  used_ = 0;
  HF_ASSIGN_OR_RETURN(size_, source_(block_));
  ended_ = size_ == 0;
  if (at_start_ && !ended_) {
    at_start_ = false;
    const std::string_view text = AsText(std::span(block_).first(size_));
    if (text.starts_with(kByteOrderMark)) used_ = kByteOrderMark.size();
    position_ = used_;
    if (used_ == size_) return Fill();
  }
  return absl::OkStatus();
}

absl::StatusOr<int> CsvReader::Peek() {
  HF_RETURN_IF_ERROR(Fill());
  if (used_ >= size_) return -1;
  return std::to_integer<int>(block_[used_]);
}

absl::StatusOr<int> CsvReader::Get() {
  HF_ASSIGN_OR_RETURN(const int byte, Peek());
  if (byte >= 0) {
    ++used_;
    ++position_;
  }
  if (byte == '\n') ++line_;
  return byte;
}

absl::Status CsvReader::Malformed(std::string what) const {
  return AtLine(MakeError(Reason::kRequestMalformed,
                          "line " + std::to_string(line_) + ": " + std::move(what)),
                line_);
}

absl::Status CsvReader::FieldTooLong() const {
  return AtLine(
      MakeError(Reason::kRequestTooLarge, "line " + std::to_string(line_) + ": a field has over " +
                                              std::to_string(kMaxCsvFieldBytes) + " bytes"),
      line_);
}

absl::Status CsvReader::Add(std::string& field, int byte) const {
  if (byte == 0) return Malformed("a NUL byte");
  if (field.size() == kMaxCsvFieldBytes) return FieldTooLong();
  field += static_cast<char>(byte);
  return absl::OkStatus();
}

// Turns a carriage return with the line feed after it into '\n'; other bytes stay as they are.
absl::StatusOr<int> CsvReader::EndOfLine(int byte) {
  if (byte != '\r') return byte;
  HF_ASSIGN_OR_RETURN(const int next, Get());
  if (next != '\n') return Malformed("a carriage return without a line feed");
  return next;
}

absl::Status CsvReader::AddPlain(std::string& field) {
  HF_RETURN_IF_ERROR(Fill());
  const std::string_view rest = AsText(std::span(block_).subspan(used_, size_ - used_));
  const auto end = std::find_if(rest.begin(), rest.end(), [](char c) {
    return c == ',' || c == '\n' || c == '\r' || c == '"' || c == '\0';
  });
  const std::string_view plain = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  if (plain.size() > kMaxCsvFieldBytes - field.size()) return FieldTooLong();
  field += plain;
  used_ += plain.size();
  position_ += plain.size();
  return absl::OkStatus();
}

absl::Status CsvReader::ReadPlain(std::string& field, int& terminator) {
  for (;;) {
    HF_RETURN_IF_ERROR(AddPlain(field));
    HF_ASSIGN_OR_RETURN(int byte, Get());
    if (byte == '"') return Malformed("a quote inside a field that does not begin with one");
    if (byte == '\r') {
      HF_ASSIGN_OR_RETURN(byte, EndOfLine(byte));
    }
    if (byte == ',' || byte == '\n' || byte < 0) {
      terminator = byte;
      return absl::OkStatus();
    }
    HF_RETURN_IF_ERROR(Add(field, byte));
  }
}

absl::Status CsvReader::ReadQuoted(std::string& field, int& terminator) {
  for (;;) {
    HF_ASSIGN_OR_RETURN(int byte, Get());
    if (byte < 0) return Malformed("a quote is never closed");
    if (byte == '"') {
      HF_ASSIGN_OR_RETURN(byte, Get());
      if (byte != '"') {
        HF_ASSIGN_OR_RETURN(terminator, EndOfLine(byte));
        if (terminator == ',' || terminator == '\n' || terminator < 0) return absl::OkStatus();
        return Malformed("text after a closing quote");
      }
    }
    HF_RETURN_IF_ERROR(Add(field, byte));
  }
}

absl::Status CsvReader::ReadField(std::string& field, int& terminator) {
  HF_ASSIGN_OR_RETURN(const int first, Peek());
  if (first == '"') {
    HF_RETURN_IF_ERROR(Get().status());
    HF_RETURN_IF_ERROR(ReadQuoted(field, terminator));
  } else {
    HF_RETURN_IF_ERROR(ReadPlain(field, terminator));
  }
  if (!IsUtf8(field)) return Malformed("text that is not UTF-8");
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>& fields) {
  HF_RETURN_IF_ERROR(failed_);
  const auto read = [&]() -> absl::StatusOr<bool> {
    HF_ASSIGN_OR_RETURN(const int first, Peek());
    if (first < 0) return false;
    record_line_ = line_;
    record_begin_ = position_;
    std::size_t count = 0;
    for (int terminator = ','; terminator == ',';) {
      if (count == kMaxCsvFields) {
        return Malformed("over " + std::to_string(kMaxCsvFields) + " fields");
      }
      if (fields.size() == count) fields.emplace_back();
      fields[count].clear();
      HF_RETURN_IF_ERROR(ReadField(fields[count], terminator));
      ++count;
    }
    fields.resize(count);
    if (!width_) width_ = count;
    if (*width_ != count) {
      return AtLine(
          MakeError(Reason::kRequestMalformed, "line " + std::to_string(record_line_) + ": " +
                                                   std::to_string(count) + " fields in place of " +
                                                   std::to_string(*width_)),
          record_line_);
    }
    return true;
  };
  absl::StatusOr<bool> result = read();
  if (!result.ok()) failed_ = result.status();
  return result;
}

namespace {

template <typename Text>
std::string Line(std::span<const Text> fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    const std::string_view field = fields[i];
    // A lone empty field would be an empty line, and a mark at the very beginning would be skipped.
    const bool must_quote = field.find_first_of(",\"\r\n") != std::string_view::npos ||
                            (fields.size() == 1 && field.empty()) ||
                            (i == 0 && field.starts_with(kByteOrderMark));
    if (!must_quote) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  line += '\n';
  return line;
}

}  // namespace

std::string CsvLine(std::span<const std::string_view> fields) { return Line(fields); }
std::string CsvLine(std::span<const std::string> fields) { return Line(fields); }

absl::StatusOr<CsvHeader> CsvHeader::Make(std::vector<std::string> names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) return MakeError(Reason::kRequestMalformed, "line 1: a column has no name");
    if (!seen.insert(name).second) {
      return MakeError(Reason::kRequestMalformed,
                       "line 1: two columns are called " + EscapeForLog(name));
    }
  }
  return CsvHeader(std::move(names));
}

absl::StatusOr<std::size_t> CsvHeader::Require(std::string_view name) const {
  const auto position = Find(name);
  if (position) return *position;
  return MakeError(Reason::kRequestMalformed, "line 1: there is no column " + EscapeForLog(name));
}

std::optional<std::size_t> CsvHeader::Find(std::string_view name) const {
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it == names_.end()) return std::nullopt;
  return static_cast<std::size_t>(it - names_.begin());
}

}  // namespace holdfast::client
