// SPDX-License-Identifier: Apache-2.0
// CSV: what is read is written so that it reads back, each record is found again at the place that
// was noted for it, and nothing over the limits gets through. Input: a file.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "client/csv.h"

namespace {

using holdfast::client::CsvFromText;
using holdfast::client::CsvReader;
using Record = std::vector<std::string>;

void CheckRecord(const Record& record, std::size_t width) {
  HF_CHECK(!record.empty() && record.size() <= holdfast::client::kMaxCsvFields);
  HF_CHECK(record.size() == width);
  for (const std::string& field : record) {
    HF_CHECK(field.size() <= holdfast::client::kMaxCsvFieldBytes);
    HF_CHECK(holdfast::IsUtf8(field) && field.find('\0') == std::string::npos);
  }
}

// A lookup keeps where a record is, and reads it alone.
void CheckPlace(std::string_view text, const CsvReader& reader, const Record& record) {
  HF_CHECK(reader.begin() < reader.end() && reader.end() <= text.size());
  CsvReader alone(CsvFromText(text.substr(reader.begin(), reader.end() - reader.begin())),
                  holdfast::client::CsvBegins::kRecord);
  Record again;
  const auto read = alone.Next(again);
  HF_CHECK(read.ok() && *read && again == record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CsvReader reader(CsvFromText(text));
  std::vector<Record> records;
  Record record;
  for (;;) {
    const auto more = reader.Next(record);
    if (!more.ok()) {
      // After an error every call fails.
      HF_CHECK(!reader.Next(record).ok());
      return 0;
    }
    if (!*more) break;
    CheckRecord(record, records.empty() ? record.size() : records.front().size());
    CheckPlace(text, reader, record);
    records.push_back(record);
  }
  std::string written;
  for (const Record& each : records) written += holdfast::client::CsvLine(each);
  CsvReader back(CsvFromText(written));
  for (const Record& each : records) {
    const auto more = back.Next(record);
    HF_CHECK(more.ok() && *more && record == each);
  }
  const auto end = back.Next(record);
  HF_CHECK(end.ok() && !*end);
  return 0;
}
