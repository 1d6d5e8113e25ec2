// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/gate_data.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "client/lookup/person_keys.h"
#include "policy/name.h"
#include "policy/text.h"
#include "policy/us_words.h"
#include "tests/support/external_data.h"

namespace holdfast::test {
namespace {

std::string Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

std::string Join(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    if (!joined.empty()) joined += ' ';
    joined += part;
  }
  return joined;
}

// Rows of a table, by the names in its first line.
class Table final {
 public:
  explicit Table(std::string_view text) : rows_(ParseCsv(text)) {
    for (std::size_t i = 0; !rows_.empty() && i < rows_[0].size(); ++i) columns_[rows_[0][i]] = i;
  }
  std::size_t size() const { return rows_.empty() ? 0 : rows_.size() - 1; }
  std::string At(std::size_t row, const std::string& column) const {
    const auto at = columns_.find(column);
    const auto& values = rows_[row + 1];
    return at == columns_.end() || at->second >= values.size() ? std::string() : values[at->second];
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::map<std::string, std::size_t> columns_;
};

std::string DashedDate(const std::string& digits) {
  if (digits.size() != 8) return digits;
  return digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + digits.substr(6);
}

std::optional<LinkageSet> LoadFebrl(const std::string& number) {
  const auto text = LoadExternalText("linkage/febrl_dataset" + number + ".csv");
  if (!text) return std::nullopt;
  LinkageSet set;
  set.name = "febrl" + number;
  set.config.scheme = policy::AddressScheme::kGeneric;
  set.config.tax_number_form = policy::TaxNumberForm::kDigits;
  const Table table(*text);
  for (std::size_t i = 0; i < table.size(); ++i) {
    FilePerson person;
    const std::string id = table.At(i, "rec_id");  // rec-12-org, rec-12-dup-0
    const std::size_t dash = id.find('-', 4);
    person.truth = id.substr(4, dash - 4);
    person.name = Join({table.At(i, "given_name"), table.At(i, "surname")});
    person.line1 = Join({table.At(i, "street_number"), table.At(i, "address_1")});
    person.line2 = table.At(i, "address_2");
    person.city = table.At(i, "suburb");
    person.state = table.At(i, "state");
    person.postal_code = table.At(i, "postcode");
    person.tax_number = table.At(i, "soc_sec_id");
    person.birth_date = DashedDate(table.At(i, "date_of_birth"));
    (id.find("-org") != std::string::npos ? set.source : set.requests).push_back(person);
  }
  return set;
}

std::optional<LinkageSet> LoadCensus(const std::string& name, const std::string& source,
                                     const std::string& requests) {
  LinkageSet set;
  set.name = name;
  set.config.scheme = policy::AddressScheme::kUs;
  auto places = policy::PlaceTable::Parse("00000,Anytown,WA\n");
  if (!places.ok()) return std::nullopt;
  set.places.emplace(*std::move(places));
  const auto load = [](const std::string& year, std::vector<FilePerson>& people) {
    const auto text = LoadExternalText("linkage/census_" + year + ".csv");
    if (!text) return false;
    const Table table(*text);
    for (std::size_t i = 0; i < table.size(); ++i) {
      FilePerson person;
      person.truth = table.At(i, "simulant_id");
      person.name = Join(
          {table.At(i, "first_name"), table.At(i, "middle_initial"), table.At(i, "last_name")});
      person.line1 = Join({table.At(i, "street_number"), table.At(i, "street_name")});
      person.line2 = table.At(i, "unit_number");
      person.city = table.At(i, "city");
      person.state = table.At(i, "state");
      person.postal_code = table.At(i, "zipcode");
      person.birth_date = table.At(i, "date_of_birth");
      people.push_back(person);
    }
    return true;
  };
  set.today = {2031, 1, 1};
  if (!load(source, set.source) || !load(requests, set.requests)) return std::nullopt;
  return set;
}

std::optional<LinkageSet> LoadNbs() {
  LinkageSet set;
  set.name = "nbs";
  set.config.scheme = policy::AddressScheme::kUs;
  // Made-up places: almost no ZIP lies in its state.
  set.config.zip_in_state = policy::ZipInState::kNotChecked;
  const auto load = [](const std::string& file, std::vector<FilePerson>& people) {
    const auto text = LoadExternalText("linkage/" + file);
    if (!text) return false;
    const Table table(*text);
    for (std::size_t i = 0; i < table.size(); ++i) {
      FilePerson person;
      // Where the graders do not say "match", no row of the file is the person.
      const std::string expected = table.At(i, "Expected Result");
      person.truth = table.At(i, "Match Id");
      if (!expected.empty() && expected != "match") {
        person.truth += " " + expected;
        person.certain = false;
      }
      person.name = Join({table.At(i, "FIRST"), table.At(i, "LAST"), table.At(i, "SUFFIX")});
      person.line1 = table.At(i, "ADDRESS");
      // The set writes a line end as two characters.
      for (std::size_t at; (at = person.line1.find("\\n")) != std::string::npos;) {
        person.line1.replace(at, 2, ", ");
      }
      person.city = table.At(i, "CITY");
      person.state = table.At(i, "STATE");
      person.postal_code = table.At(i, "ZIP");
      person.tax_number = table.At(i, "SSN");
      person.birth_date = table.At(i, "BIRTHDATE");
      people.push_back(person);
    }
    return true;
  };
  if (!load("nbs_seed.csv", set.source) || !load("nbs_test.csv", set.requests)) {
    return std::nullopt;
  }
  return set;
}

// The value of &amp; and its like.
std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.substr(0, 5) == "&amp;") {
      out += '&';
      text.remove_prefix(5);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> LoadExternalText(std::string_view path) {
  const auto file = ExternalData(path);
  if (!file) return std::nullopt;
  std::ifstream stream(*file, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
}

std::vector<std::vector<std::string>> ParseCsv(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string value;
  bool quoted = false;
  const auto end_value = [&] {
    row.push_back(Trim(value));
    value.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        value += '"';
        ++i;
      } else if (c == '"') {
        quoted = false;
      } else {
        value += c;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      end_value();
    } else if (c == '\n') {
      end_value();
      rows.push_back(std::move(row));
      row.clear();
    } else {
      value += c;
    }
  }
  if (!value.empty() || !row.empty()) {
    end_value();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> LinkageSetNames() {
  return {"febrl1", "febrl2", "febrl3", "nbs", "census2030", "census2020"};
}

std::optional<LinkageSet> LoadLinkageSet(std::string_view name) {
  if (name == "febrl1") return LoadFebrl("1");
  if (name == "febrl2") return LoadFebrl("2");
  if (name == "febrl3") return LoadFebrl("3");
  if (name == "nbs") return LoadNbs();
  // Which year is the source's file.
  if (name == "census2030") return LoadCensus("census2030", "2030", "2020");
  if (name == "census2020") return LoadCensus("census2020", "2020", "2030");
  return std::nullopt;
}

std::vector<FilePerson> LinkageSet::Certain() const {
  std::vector<FilePerson> people = source;
  for (const FilePerson& request : requests) {
    if (request.certain) people.push_back(request);
  }
  return people;
}

policy::GateConfig LinkageSet::Config() const {
  policy::GateConfig with_places = config;
  if (places) with_places.place_table = &*places;
  return with_places;
}

SourceIndex::SourceIndex(const std::vector<FilePerson>& people) {
  for (std::size_t i = 0; i < people.size(); ++i) {
    for (const std::string& key : Keys(people[i])) by_key_[key].push_back(i);
  }
}

std::vector<std::size_t> SourceIndex::Candidates(const FilePerson& person) const {
  std::set<std::size_t> found;
  for (const std::string& key : Keys(person)) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) continue;
    // Where a whole town has one postal code this key finds everybody, and says nothing.
    if (key.front() == 'P' && at->second.size() > client::kMostByPlace) continue;
    found.insert(at->second.begin(), at->second.end());
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> SourceIndex::Keys(const FilePerson& person) {
  return policy::SourceIndexKeys(person.View());
}

bool LabelledAddress::Has(std::string_view label) const {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const auto& part) { return part.second == label; });
}

std::string LabelledAddress::Text(std::string_view label) const {
  std::string joined;
  for (const auto& [text, of] : parts) {
    if (of != label) continue;
    if (!joined.empty()) joined += ' ';
    joined += text;
  }
  return joined;
}

bool LabelledAddress::IsComplete() const {
  const auto has_digit = [](const std::string& text) {
    return text.find_first_of("123456789") != std::string::npos;
  };
  const bool street = has_digit(Text("AddressNumber")) && Has("StreetName");
  const bool rural = Text("USPSBoxType").find("RR") != std::string::npos;
  const bool box = has_digit(Text("USPSBoxID")) && !rural;
  if (!street && !box) return false;

  const FilePerson form = Form();
  if (form.city.empty() || form.state.empty()) return false;
  policy::TextBuffer buffer;
  std::string state;
  for (const char c : policy::NormaliseText(form.state, buffer).text) {
    if (c != '.') state += c;
  }
  // A lower-case L for an I is no code, though it looks like one.
  if (policy::UsStateCode(state).empty()) return false;
  const std::string& zip = form.postal_code;
  const auto digits = std::count_if(zip.begin(), zip.end(), policy::IsDigit);
  const auto size = static_cast<std::ptrdiff_t>(zip.size());
  return (digits == 5 && size == 5) ||
         (digits == 9 && (size == 9 || (size == 10 && zip[5] == '-')));
}

FilePerson LabelledAddress::Form(const std::vector<std::string_view>& without) const {
  FilePerson form;
  const auto add = [](std::string& field, const std::string& text) {
    if (!field.empty()) field += ' ';
    field += text;
  };
  const auto place = [](std::string text) {
    while (!text.empty() && (text.back() == ',' || text.back() == '.' || text.back() == '"')) {
      text.pop_back();
    };
    return text;
  };
  for (const auto& [text, label] : parts) {
    if (std::find(without.begin(), without.end(), label) != without.end()) continue;
    if (label == "PlaceName") {
      add(form.city, place(text));
    } else if (label == "StateName") {
      add(form.state, place(text));
    } else if (label == "ZipCode") {
      add(form.postal_code, place(text));
    } else if (label == "ZipPlus4") {
      form.postal_code += "-" + place(text);
    } else if (label != "CountryName" && label != "Recipient" && label != "NotAddress") {
      add(form.line1, text);
    }
  }
  return form;
}

std::optional<std::vector<LabelledAddress>> LoadLabelledAddresses() {
  std::vector<LabelledAddress> addresses;
  for (const std::string file : {"train_labeled.xml", "train_multi_word_state_addresses.xml",
                                 "train_us50_train_tagged.xml"}) {
    const auto text = LoadExternalText("address/" + file);
    if (!text) return std::nullopt;
    // <AddressString><Label>text</Label> ...</AddressString>, and nothing else.
    std::string_view rest = *text;
    LabelledAddress address;
    while (true) {
      const std::size_t open = rest.find('<');
      if (open == std::string_view::npos) break;
      const std::size_t close = rest.find('>', open);
      const std::string_view tag = rest.substr(open + 1, close - open - 1);
      rest.remove_prefix(close + 1);
      if (tag == "/AddressString") {
        addresses.push_back(std::move(address));
        address = {};
      } else if (tag.front() != '/' && tag.front() != '?' && tag != "AddressString" &&
                 tag != "AddressCollection") {
        const std::size_t end = rest.find('<');
        address.parts.emplace_back(Unescape(rest.substr(0, end)), std::string(tag));
      }
    }
  }
  return addresses;
}

}  // namespace holdfast::test
