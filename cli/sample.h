// SPDX-License-Identifier: Apache-2.0
// Made-up people: a source's file, a requester's list, and what must become of each of its rows.
//
// Everything follows from the number of records and the seed, on every machine. Nobody in it
// exists; places and their ZIPs are made up, but each ZIP prefix lies in its state.
//
// When to use  Demonstrations, tests, benchmarks, and clients that are being written.
// Threads      A SampleWorld is immutable: may be used concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

struct SampleAddress {
  std::string line1;
  std::string line2;
  std::string city;
  std::string state;
  std::string postal_code;
};

// One person in the source's file.
struct SamplePerson {
  std::string id;
  std::string name;
  SampleAddress address;
  std::string tax_number;
  std::string birth_date;
  std::vector<std::string> fields;  // As SampleFieldNames().
};

// One row of the requester's list.
struct SampleRequest {
  std::string name;
  SampleAddress address;
  std::string tax_number;
  std::string birth_date;
  std::string officer;
  std::string case_number;
  std::string reference;
};

// What must become of a row.
enum class SampleOutcome : std::uint8_t {
  kRefused = 0,  // By the request gate: never shown to the source.
  kNothing,      // Accepted, and nothing is released.
  kReleased,     // The record of exactly one person.
};

struct SampleCase {
  std::string_view kind;  // Such as "father and son".
  SampleOutcome outcome = SampleOutcome::kRefused;
  std::string released;              // A person's id; only with kReleased.
  SampleRequest request;             // What the requester asks.
  std::vector<SamplePerson> people;  // Whom the source's file has because of it; may be empty.
};

// The names of a record's fields, in order. The last ones are not for any requester.
std::span<const std::string_view> SampleFieldNames();
std::size_t SamplePermittedFieldCount();

struct SamplePlace {
  std::string_view zip;
  std::string_view city;
  std::string_view state;
};
std::span<const SamplePlace> SamplePlaces();

// How many ZIPs each place has among so many records: one, or as many as leave some 200 records to
// a ZIP, so that a larger sample has no more people of like names in one; at most 100.
std::uint64_t SampleZipsPerPlace(std::uint64_t records);

// The nth of them. The first is the place's own, and no two places share one. REQUIRES: n < 100.
std::string SampleZip(const SamplePlace& place, std::uint64_t n);

// The kinds of cases and how many of 10,000 are of each.
struct SampleShare {
  std::string_view kind;
  SampleOutcome outcome = SampleOutcome::kRefused;
  std::uint32_t of_ten_thousand = 0;
};
std::span<const SampleShare> SampleShares();

class SampleWorld final {
 public:
  // `of_one_officer` rows, of those that come to a record and scattered over the list, are one
  // officer's; who is in them does not change.
  // REQUIRES: 1 <= records <= 100,000,000, of_one_officer <= records / 2.
  SampleWorld(std::uint64_t records, std::uint64_t seed, std::uint64_t of_one_officer = 0);

  std::uint64_t records() const { return records_; }

  // The case that stands on row `row` of the requester's list. REQUIRES: row < records().
  SampleCase CaseOfRow(std::uint64_t row) const;

  // The case whose people stand at `place` of the source's file. REQUIRES: place < records().
  SampleCase CaseOfPlace(std::uint64_t place) const;

  // How many officers the list names, without that one: not more than 150 rows each while there are
  // few enough.
  std::uint64_t officers() const { return officers_; }

  std::string one_officer() const;

  // Whether that officer asks on row `row`. REQUIRES: row < records().
  bool OfOneOfficer(std::uint64_t row) const;

 private:
  SampleCase CaseAt(std::uint64_t index) const;

  // Constant after construction.
  std::uint64_t records_;
  std::uint64_t seed_;
  std::uint64_t of_one_officer_;
  std::uint64_t zips_;  // Of each place.
  std::uint64_t officers_;
  std::uint64_t row_step_;
  std::uint64_t row_start_;
  std::uint64_t place_step_;
  std::uint64_t place_start_;
};

}  // namespace holdfast::cli
