// SPDX-License-Identifier: Apache-2.0
// People and addresses that others made, for measuring the gates.
//
// When to use  Tests and benchmarks that ask how often a gate is right. What each set is, and where
//              it comes from, is in docs/testing.md.
// Threads      Values; a SourceIndex may be used concurrently once it is built.
// Ownership    Sets own their text; views live as long as the set.
// Errors       nullopt where the external data is absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/gate_config.h"
#include "policy/gate_rules.h"
#include "policy/identity.h"
#include "policy/place_table.h"

namespace holdfast::test {

// A person as a file has them.
struct FilePerson {
  std::string truth;  // The same for the same person.
  std::string name;
  std::string line1;
  std::string line2;
  std::string city;
  std::string state;
  std::string postal_code;
  std::string tax_number;
  std::string birth_date;
  bool certain = true;  // Whether those who made the set are sure who it is.

  policy::PersonView View() const {
    return {name, {line1, line2, city, state, postal_code}, tax_number, birth_date};
  }
};

// A source's file, requests, and who is who.
struct LinkageSet {
  std::string name;
  policy::GateConfig config;  // Without the place table.
  std::optional<policy::PlaceTable> places;
  policy::CivilDate today{2026, 11, 24};
  std::vector<FilePerson> source;
  std::vector<FilePerson> requests;

  // Requests and people of the file whose truth is certain.
  std::vector<FilePerson> Certain() const;

  // The config with the set's places, which it borrows.
  policy::GateConfig Config() const;
};

// The names of all sets, and the set of a name.
std::vector<std::string> LinkageSetNames();
std::optional<LinkageSet> LoadLinkageSet(std::string_view name);

// What a source finds for a request.
class CandidateFinder {
 public:
  CandidateFinder() = default;
  CandidateFinder(const CandidateFinder&) = delete;
  CandidateFinder& operator=(const CandidateFinder&) = delete;
  virtual ~CandidateFinder() = default;

  // Positions in the file, in order, each once.
  virtual std::vector<std::size_t> Candidates(const FilePerson& person) const = 0;
};

// What a source has to look up, written down as simply as can be: everybody who shares the
// normalised name, the tax number, or the postal code and one part of the name.
class SourceIndex final : public CandidateFinder {
 public:
  // Borrows `people`.
  explicit SourceIndex(const std::vector<FilePerson>& people);

  std::vector<std::size_t> Candidates(const FilePerson& person) const override;

 private:
  static std::vector<std::string> Keys(const FilePerson& person);

  std::unordered_map<std::string, std::vector<std::size_t>> by_key_;
};

// An address whose parts others labelled.
struct LabelledAddress {
  // Text of the parts in order, with their labels.
  std::vector<std::pair<std::string, std::string>> parts;

  bool Has(std::string_view label) const;

  // The text of all parts with the label.
  std::string Text(std::string_view label) const;

  // Whether the labels make a complete address: a house number with a digit and a street, or a box
  // with a number (on a rural route: and the route's); a place; a state's code or name; a ZIP of
  // five or nine digits.
  bool IsComplete() const;

  // Delivery line, city, state and ZIP as a form has them; parts with a label in `without` are
  // left out.
  FilePerson Form(const std::vector<std::string_view>& without = {}) const;
};

std::optional<std::vector<LabelledAddress>> LoadLabelledAddresses();

// A file's text, by its path below the external data.
std::optional<std::string> LoadExternalText(std::string_view path);

// Lines of comma-separated values, quotes understood; blanks around a value are dropped.
std::vector<std::vector<std::string>> ParseCsv(std::string_view text);

}  // namespace holdfast::test
