// SPDX-License-Identifier: Apache-2.0
#include "cli/sample.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "cli/sample_words.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kMaxOfficers = 4096;
constexpr std::uint64_t kRowsPerOfficer = 150;
constexpr std::uint64_t kPeoplePerCase = 4;
constexpr std::uint64_t kRecordsPerZip = 200;
constexpr std::uint64_t kMaxZipsPerPlace = 100;

// SplitMix64: small, and the same on every machine, which the standard's distributions are not.
class Dice final {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  // From 0 to below `bound`. The bias of a bound this small does not matter to made-up people.
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

  std::string_view Pick(std::span<const std::string_view> words) {
    return words[static_cast<std::size_t>(Below(words.size()))];
  }

 private:
  std::uint64_t state_;
};

enum class Kind : std::uint8_t {
  kPlain = 0,
  kBirthDateOnly,
  kOtherSpelling,
  kNamesake,
  kFatherAndSon,
  kHouseholdUnclear,
  kMoved,
  kAbsent,
  kOtherTaxNumber,
  kNoIdentifier,
  kSourceIncomplete,
  kAddressMissing,
  kAddressPlaceholder,
  kNamePlaceholder,
  kTransient,
  kCityMissing,
  kStateIncoherent,
  kZipMalformed,
  kNameIncomplete,
  kTaxNumberMalformed,
  kBirthDateImpossible,
  kCaseMissing,
};

constexpr auto kReleased = SampleOutcome::kReleased;
constexpr auto kNothing = SampleOutcome::kNothing;
constexpr auto kRefused = SampleOutcome::kRefused;

// In the order of Kind. Placeholders and addresses that are none stay below 1 %, refusals below 20
// %: there an agreement's brakes would stop the transfer.
constexpr std::array kShares = {
    SampleShare{"plain", kReleased, 7405},
    SampleShare{"birth date only", kReleased, 300},
    SampleShare{"address spelt otherwise", kReleased, 250},
    SampleShare{"namesakes in one state", kReleased, 350},
    SampleShare{"father and son", kReleased, 120},
    SampleShare{"father and son, cannot be told apart", kNothing, 80},
    SampleShare{"moved away", kNothing, 350},
    SampleShare{"not in the file", kNothing, 250},
    SampleShare{"another tax number", kNothing, 100},
    SampleShare{"no tax number, no birth date", kNothing, 120},
    SampleShare{"source has no full address", kNothing, 60},
    SampleShare{"address missing", kRefused, 180},
    SampleShare{"placeholder for an address", kRefused, 60},
    SampleShare{"placeholder for a name", kRefused, 15},
    SampleShare{"no fixed address", kRefused, 20},
    SampleShare{"city missing", kRefused, 60},
    SampleShare{"ZIP of another state", kRefused, 80},
    SampleShare{"ZIP malformed", kRefused, 60},
    SampleShare{"name incomplete", kRefused, 60},
    SampleShare{"tax number malformed", kRefused, 40},
    SampleShare{"birth date impossible", kRefused, 20},
    SampleShare{"case missing", kRefused, 20},
};

constexpr bool SharesAddUp() {
  std::uint32_t sum = 0;
  for (const SampleShare& share : kShares) sum += share.of_ten_thousand;
  return sum == 10'000 && kShares.size() == static_cast<std::size_t>(Kind::kCaseMissing) + 1;
}
static_assert(SharesAddUp());

constexpr std::array<std::string_view, 17> kFields = {
    "return_year",     "filing_status",      "adjusted_gross_income",
    "wages",           "tax_withheld",       "refund_amount",
    "employer",        "employer_number",    "occupation",
    "return_received", "dependents_claimed", "last_contact",
    "bank_routing",    "bank_account",       "preparer",
    "dependents",      "office_note"};
constexpr std::size_t kPermittedFields = 12;

constexpr std::array<std::string_view, 6> kStatuses = {"single",
                                                       "married filing jointly",
                                                       "married filing separately",
                                                       "head of household",
                                                       "qualifying surviving spouse",
                                                       "single"};

// Which step visits every one of `count` places before it comes back to the first.
std::uint64_t StepFor(std::uint64_t count, std::uint64_t seed) {
  std::uint64_t step = seed % count;
  while (std::gcd(step, count) != 1) step = (step + 1) % count;
  return step;
}

std::uint64_t Walk(std::uint64_t start, std::uint64_t step, std::uint64_t n, std::uint64_t count) {
  // count <= 1e8, so the product fits.
  return (start + step * n) % count;
}

std::string TaxNumber(std::uint64_t person) {
  // Distinct for distinct people: the factor has no divisor in common with the number of numbers.
  constexpr std::uint64_t kAreas = 798;  // 100 to 898, without 666.
  constexpr std::uint64_t kGroups = 99;
  constexpr std::uint64_t kSerials = 9999;
  constexpr std::uint64_t kNumbers = kAreas * kGroups * kSerials;
  std::uint64_t n = (person * 7'368'787 + 12'345'678) % kNumbers;
  const std::uint64_t serial = n % kSerials + 1;
  n /= kSerials;
  const std::uint64_t group = n % kGroups + 1;
  std::uint64_t area = n / kGroups + 100;
  if (area >= 666) ++area;
  return fmt::format("{:03}-{:02}-{:04}", area, group, serial);
}

std::string BirthDate(Dice& dice, std::uint64_t first_year, std::uint64_t years) {
  const std::uint64_t year = first_year + dice.Below(years);
  const std::uint64_t month = 1 + dice.Below(12);
  const std::uint64_t day = 1 + dice.Below(28);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

SampleAddress Address(Dice& dice, const SamplePlace& place, std::uint64_t zips) {
  constexpr std::array<std::string_view, 8> kSuffixes = {"St", "Ave", "Rd",   "Ln",
                                                         "Dr", "Ct",  "Blvd", "Way"};
  SampleAddress address;
  address.line1 = fmt::format("{} {} {}", 1 + dice.Below(9899), dice.Pick(SampleStreets()),
                              dice.Pick(kSuffixes));
  if (dice.Below(5) == 0) address.line1 += fmt::format(" Apt {}", 1 + dice.Below(48));
  address.city = std::string(place.city);
  address.state = std::string(place.state);
  address.postal_code = SampleZip(place, zips == 1 ? 0 : dice.Below(zips));
  return address;
}

const SamplePlace& Place(Dice& dice) {
  return SamplePlaces()[static_cast<std::size_t>(dice.Below(SamplePlaces().size()))];
}

enum class State { kAnother = 0, kTheSame };

// Another place, in the same state or in another one. A state with one place has no second one:
// then the place stays.
const SamplePlace& OtherPlace(Dice& dice, const SampleAddress& than, State state) {
  std::vector<const SamplePlace*> places;
  const SamplePlace* here = nullptr;
  for (const SamplePlace& place : SamplePlaces()) {
    const bool same_state = place.state == than.state;
    if (same_state && place.city == than.city) {
      here = &place;
    } else if (same_state == (state == State::kTheSame)) {
      places.push_back(&place);
    }
  }
  HF_CHECK(here != nullptr);
  if (places.empty()) return *here;
  return *places[static_cast<std::size_t>(dice.Below(places.size()))];
}

std::string Name(Dice& dice) {
  std::string name(dice.Pick(SampleGivenNames()));
  if (dice.Below(3) == 0) {
    name += ' ';
    name += static_cast<char>('A' + dice.Below(26));
  }
  name += ' ';
  name += dice.Pick(SampleFamilyBeginnings());
  name += dice.Pick(SampleFamilyEndings());
  return name;
}

std::vector<std::string> Fields(Dice& dice) {
  const std::uint64_t income = 14'000 + dice.Below(90'000);
  const std::uint64_t dependents = dice.Below(5);
  std::vector<std::string> fields;
  fields.reserve(kFields.size());
  fields.emplace_back("2023");
  fields.emplace_back(dice.Pick(kStatuses));
  fields.push_back(std::to_string(income));
  fields.push_back(std::to_string(income + dice.Below(3'000)));
  fields.push_back(std::to_string(income / 9));
  fields.push_back(std::to_string(dice.Below(2'400)));
  fields.emplace_back(dice.Pick(SampleEmployers()));
  fields.push_back(fmt::format("{:02}-{:07}", 10 + dice.Below(80), dice.Below(10'000'000)));
  fields.emplace_back(dice.Pick(SampleOccupations()));
  fields.push_back(fmt::format("2024-{:02}-{:02}", 2 + dice.Below(3), 1 + dice.Below(28)));
  fields.push_back(std::to_string(dependents));
  fields.push_back(fmt::format("2025-{:02}-{:02}", 1 + dice.Below(12), 1 + dice.Below(28)));
  fields.push_back(fmt::format("9{:08}", dice.Below(100'000'000)));
  fields.push_back(fmt::format("{:012}", dice.Below(1'000'000'000'000)));
  fields.push_back(fmt::format("preparer {:05}", dice.Below(100'000)));
  fields.push_back(dependents == 0 ? "none" : fmt::format("{} names on file", dependents));
  fields.push_back(
      fmt::format("paper return, scanned in batch {:06}, box {:03}, no correspondence "
                  "since; transcript complete",
                  dice.Below(1'000'000), dice.Below(1000)));
  return fields;
}

SamplePerson Person(Dice& dice, std::uint64_t number, std::uint64_t zips) {
  SamplePerson person;
  // Looks like nothing in particular, and is unique: the factor is odd.
  person.id = fmt::format("p{:09x}", (number * 0x2545F491) & 0xFFFFFFFFF);
  person.name = Name(dice);
  person.address = Address(dice, Place(dice), zips);
  person.tax_number = TaxNumber(number);
  person.birth_date = BirthDate(dice, 1945, 55);
  person.fields = Fields(dice);
  return person;
}

void AskAbout(SampleCase& result, const SamplePerson& person) {
  result.request.name = person.name;
  result.request.address = person.address;
  result.request.tax_number = person.tax_number;
  result.request.birth_date = person.birth_date;
}

// The same address in other words.
void SpellOtherwise(SampleAddress& address) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLong = {
      {{" St", " Street"},
       {" Ave", " Avenue"},
       {" Rd", " Road"},
       {" Ln", " Lane"},
       {" Dr", " Drive"},
       {" Blvd", " Boulevard"}}};
  for (const auto& [brief, full] : kLong) {
    const std::size_t at = address.line1.find(brief);
    const std::size_t end = at + brief.size();
    if (at == std::string::npos || (end < address.line1.size() && address.line1[end] != ' ')) {
      continue;
    }
    address.line1.replace(at, brief.size(), full);
    break;
  }
  for (std::string* part : {&address.line1, &address.city}) {
    std::transform(part->begin(), part->end(), part->begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    });
  }
}

std::string FirstWord(const std::string& text) { return text.substr(0, text.find(' ')); }

}  // namespace

std::span<const std::string_view> SampleFieldNames() { return kFields; }
std::size_t SamplePermittedFieldCount() { return kPermittedFields; }
std::span<const SampleShare> SampleShares() { return kShares; }

std::uint64_t SampleZipsPerPlace(std::uint64_t records) {
  return std::clamp<std::uint64_t>(records / (kRecordsPerZip * SamplePlaces().size()), 1,
                                   kMaxZipsPerPlace);
}

std::string SampleZip(const SamplePlace& place, std::uint64_t n) {
  HF_CHECK(n < kMaxZipsPerPlace);
  // Each place has a prefix of three digits for itself.
  const auto digit = [](char c) { return static_cast<std::uint64_t>(c - '0'); };
  const std::uint64_t own = digit(place.zip[3]) * 10 + digit(place.zip[4]);
  return fmt::format("{}{:02}", place.zip.substr(0, 3), (own + n) % 100);
}

SampleWorld::SampleWorld(std::uint64_t records, std::uint64_t seed, std::uint64_t of_one_officer)
    : records_(records),
      seed_(seed),
      of_one_officer_(of_one_officer),
      zips_(SampleZipsPerPlace(records)),
      officers_(std::min(kMaxOfficers - (of_one_officer > 0 ? 1 : 0),
                         (records + kRowsPerOfficer - 1) / kRowsPerOfficer)) {
  HF_CHECK(records >= 1 && records <= 100'000'000 && of_one_officer <= records / 2);
  // More than 5 % for one officer stop a larger transfer.
  if (records > 1000) officers_ = std::max<std::uint64_t>(officers_, 32);
  Dice dice(seed ^ 0xA5A5A5A5A5A5A5A5U);
  row_step_ = StepFor(records, dice.Next());
  row_start_ = dice.Below(records);
  place_step_ = StepFor(records, dice.Next());
  place_start_ = dice.Below(records);
}

std::string SampleWorld::one_officer() const { return fmt::format("officer-{}-0000", seed_); }

bool SampleWorld::OfOneOfficer(std::uint64_t row) const {
  HF_CHECK(row < records_);
  // The cases of the first kind, which come to a record, are the first ones.
  static_assert(kShares[0].outcome == kReleased && kShares[0].of_ten_thousand >= 5'000);
  return Walk(row_start_, row_step_, row, records_) < of_one_officer_;
}

SampleCase SampleWorld::CaseOfRow(std::uint64_t row) const {
  HF_CHECK(row < records_);
  SampleCase result = CaseAt(Walk(row_start_, row_step_, row, records_));
  // Two samples have different officers: their cases would add up.
  result.request.officer = OfOneOfficer(row)
                               ? one_officer()
                               : fmt::format("officer-{}-{:04}", seed_, row % officers_ + 1);
  if (!result.request.case_number.empty()) {
    result.request.case_number = fmt::format("26-{:08}", row + 1);
  }
  result.request.reference = fmt::format("row-{:08}", row + 1);
  return result;
}

SampleCase SampleWorld::CaseOfPlace(std::uint64_t place) const {
  HF_CHECK(place < records_);
  return CaseAt(Walk(place_start_, place_step_, place, records_));
}

SampleCase SampleWorld::CaseAt(std::uint64_t index) const {
  // A hash of both, so that neighbouring seeds have nothing in common.
  Dice dice(Dice(seed_).Next() ^ (index * 0xD1342543DE82EF95U));
  dice.Next();

  // By position and not by chance: the shares are exact for any number of records.
  std::uint64_t position = index * 10'000 / records_;
  std::size_t number = 0;
  while (position >= kShares[number].of_ten_thousand) {
    position -= kShares[number].of_ten_thousand;
    ++number;
  }
  const std::uint64_t first_person = index * kPeoplePerCase;
  SampleCase result;
  result.kind = kShares[number].kind;
  result.outcome = kShares[number].outcome;
  result.request.case_number = "given";
  SamplePerson person = Person(dice, first_person, zips_);
  AskAbout(result, person);
  SampleRequest& request = result.request;

  switch (static_cast<Kind>(number)) {
    case Kind::kPlain:
      break;
    case Kind::kBirthDateOnly:
      request.tax_number.clear();
      break;
    case Kind::kOtherSpelling:
      SpellOtherwise(request.address);
      break;
    case Kind::kNamesake: {
      const std::uint64_t others = 1 + dice.Below(2);
      for (std::uint64_t k = 1; k <= others; ++k) {
        SamplePerson other = Person(dice, first_person + k, zips_);
        other.name = person.name;
        other.address = Address(dice, OtherPlace(dice, person.address, State::kTheSame), zips_);
        result.people.push_back(std::move(other));
      }
      break;
    }
    case Kind::kFatherAndSon:
    case Kind::kHouseholdUnclear: {
      SamplePerson father = Person(dice, first_person + 1, zips_);
      father.name = person.name;
      father.address = person.address;
      father.birth_date = BirthDate(dice, 1920, 20);
      result.people.push_back(std::move(father));
      if (static_cast<Kind>(number) == Kind::kHouseholdUnclear) {
        request.tax_number.clear();
        request.birth_date.clear();
      }
      break;
    }
    case Kind::kMoved:
      request.address = Address(
          dice,
          OtherPlace(dice, person.address, dice.Below(2) == 0 ? State::kTheSame : State::kAnother),
          zips_);
      break;
    case Kind::kAbsent:
      break;
    case Kind::kOtherTaxNumber:
      request.tax_number = TaxNumber(first_person + 3);
      break;
    case Kind::kNoIdentifier:
      request.tax_number.clear();
      request.birth_date.clear();
      break;
    case Kind::kSourceIncomplete:
      person.address.line1 = "address not on file";
      break;
    case Kind::kAddressMissing:
      request.address = SampleAddress{};
      break;
    case Kind::kAddressPlaceholder: {
      constexpr std::array<std::string_view, 4> kPlaceholders = {
          "Failed to Provide", "Unknown Address", "Don't Care", "Not Provided"};
      request.address.line1 = std::string(dice.Pick(kPlaceholders));
      break;
    }
    case Kind::kNamePlaceholder:
      request.name = "Unknown Unknown";
      break;
    case Kind::kTransient:
      request.address.line1 = dice.Below(2) == 0 ? "Homeless" : "General Delivery";
      break;
    case Kind::kCityMissing:
      request.address.city.clear();
      break;
    case Kind::kStateIncoherent:
      request.address.state = std::string(OtherPlace(dice, request.address, State::kAnother).state);
      break;
    case Kind::kZipMalformed:
      request.address.postal_code.resize(4);
      break;
    case Kind::kNameIncomplete:
      request.name = FirstWord(request.name);
      break;
    case Kind::kTaxNumberMalformed:
      request.tax_number = request.tax_number.substr(0, 6) + "-0000";
      break;
    case Kind::kBirthDateImpossible:
      request.birth_date = request.birth_date.substr(0, 4) + "-02-30";
      break;
    case Kind::kCaseMissing:
      request.case_number.clear();
      break;
  }
  if (result.outcome == kReleased) result.released = person.id;
  if (static_cast<Kind>(number) != Kind::kAbsent) {
    result.people.insert(result.people.begin(), std::move(person));
  }
  return result;
}

}  // namespace holdfast::cli
