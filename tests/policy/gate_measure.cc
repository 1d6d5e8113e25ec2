// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/gate_measure.h"

#include <array>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "policy/address.h"
#include "policy/name.h"
#include "policy/person_check.h"

namespace holdfast::test {
namespace {

using policy::PersonView;

bool AddressComplete(const policy::GateRules& rules, const FilePerson& person) {
  policy::ParsedAddress address;
  policy::ParseAddress(person.View().address, rules.config().scheme, address);
  return policy::CheckAddress(rules, address) == policy::RequestReason::kAccepted;
}

// Equal after normalisation, with a second identifier that agrees and none that contradicts.
bool SurelySame(const policy::GateConfig& config, const FilePerson& a, const FilePerson& b) {
  policy::ParsedName name_a;
  policy::ParsedName name_b;
  policy::ParseName(a.name, name_a);
  policy::ParseName(b.name, name_b);
  if (!name_a.complete() || !name_b.complete()) return false;
  if (!policy::CompareNames(name_a, name_b).equal()) return false;
  policy::ParsedAddress address_a;
  policy::ParsedAddress address_b;
  policy::ParseAddress(a.View().address, config.scheme, address_a);
  policy::ParseAddress(b.View().address, config.scheme, address_b);
  if (!address_a.complete() || !address_b.complete()) return false;
  if (!policy::CompareAddresses(address_a, address_b).equal()) return false;

  const auto tax_a = policy::ParseTaxNumber(a.tax_number, config.tax_number_form);
  const auto tax_b = policy::ParseTaxNumber(b.tax_number, config.tax_number_form);
  const auto born_a = policy::ParseCivilDate(a.birth_date);
  const auto born_b = policy::ParseCivilDate(b.birth_date);
  if (tax_a && tax_b && tax_a != tax_b) return false;
  if (born_a && born_b && born_a != born_b) return false;
  return (tax_a && tax_b) || (born_a && born_b);
}

// Whether no other row of the file has the request's tax number, or its name and address.
bool IsUnique(const policy::GateConfig& config, const LinkageSet& set, const CandidateFinder& index,
              const FilePerson& request, std::size_t pair) {
  const auto number = policy::ParseTaxNumber(request.tax_number, config.tax_number_form);
  for (const std::size_t row : index.Candidates(request)) {
    if (row == pair) continue;
    const FilePerson& other = set.source[row];
    if (number && policy::ParseTaxNumber(other.tax_number, config.tax_number_form) == number) {
      return false;
    }
    FilePerson without_identifiers = other;
    without_identifiers.tax_number = request.tax_number;
    without_identifiers.birth_date = request.birth_date;
    if (SurelySame(config, request, without_identifiers)) return false;
  }
  return true;
}

}  // namespace

Asked Ask(const policy::GateRules& rules, const LinkageSet& set, const CandidateFinder& index,
          const FilePerson& request, Presence presence) {
  Asked asked;
  const policy::SubjectView subject{request.View(), "officer-1", "case-1"};
  asked.request = policy::JudgeSubject(rules, subject, set.today).reason;
  if (asked.request != policy::RequestReason::kAccepted) return asked;

  std::vector<PersonView> candidates;
  std::vector<std::size_t> rows;
  for (const std::size_t row : index.Candidates(request)) {
    if (presence == Presence::kRemoved && set.source[row].truth == request.truth) continue;
    candidates.push_back(set.source[row].View());
    rows.push_back(row);
  }
  const auto verdict = policy::JudgeRelease(rules, request.View(), candidates);
  asked.release = verdict.reason;
  asked.released = verdict.released();
  asked.right = asked.released && set.source[rows[verdict.candidate]].truth == request.truth;
  return asked;
}

Counts AskAll(const LinkageSet& set, const CandidateFinder& index, const policy::GateConfig& config,
              Presence presence, std::size_t step) {
  auto rules = policy::GateRules::Compile(config);
  HF_CHECK(rules.ok());
  std::unordered_map<std::string, std::size_t> by_truth;
  for (std::size_t i = 0; i < set.source.size(); ++i) by_truth.emplace(set.source[i].truth, i);

  Counts counts;
  for (std::size_t i = 0; i < set.requests.size(); i += step) {
    const FilePerson& request = set.requests[i];
    const Asked asked = Ask(*rules, set, index, request, presence);
    ++counts.asked;
    const auto pair = by_truth.find(request.truth);
    if (presence == Presence::kInFile && pair != by_truth.end()) {
      if (AddressComplete(*rules, request)) ++counts.complete_pairs;
      if (SurelySame(config, request, set.source[pair->second]) &&
          IsUnique(config, set, index, request, pair->second)) {
        ++counts.equal_pairs;
        if (asked.request == policy::RequestReason::kAccepted) ++counts.sure_pairs;
        if (asked.right) ++counts.sure_released;
      }
    }
    if (asked.request != policy::RequestReason::kAccepted) {
      ++counts.refused;
      ++counts.reasons["refused: " + std::string(policy::RequestReasonName(asked.request))];
      continue;
    }
    ++counts.reasons[std::string(policy::ReleaseReasonName(asked.release))];
    if (asked.released) {
      ++(asked.right ? counts.right : counts.wrong);
    } else {
      ++(policy::NeedsReview(asked.release) ? counts.review : counts.not_found);
    }
  }
  return counts;
}

policy::GateConfig Tolerant(policy::GateConfig config) {
  config.address_allowed_with_both |= policy::kAddressOnePart | policy::kAddressCityName;
  return config;
}

FilePerson Damage(const FilePerson& request, const std::vector<FilePerson>& others,
                  SeededRandom& random) {
  static constexpr std::array kFields = {&FilePerson::name,       &FilePerson::line1,
                                         &FilePerson::line2,      &FilePerson::city,
                                         &FilePerson::state,      &FilePerson::postal_code,
                                         &FilePerson::tax_number, &FilePerson::birth_date};
  static constexpr std::array<const char*, 8> kPlaceholders = {
      "Unknown", "N/A", "Failed to Provide", "Homeless", "XXX", "000000000", "1900-01-01", "12345"};
  FilePerson damaged = request;
  bool taken = false;
  const std::uint64_t times = 1 + random.Below(2);
  for (std::uint64_t i = 0; i < times; ++i) {
    std::string& field = damaged.*kFields[random.Below(kFields.size())];
    switch (random.Below(4)) {
      case 0:
        field.clear();
        break;
      case 1: {
        if (std::exchange(taken, true)) break;
        // The same field: whichever it is.
        const FilePerson& other = random.Pick(others);
        for (const auto member : kFields) {
          if (&(damaged.*member) == &field) field = other.*member;
        }
        break;
      }
      case 2:
        field = kPlaceholders[random.Below(kPlaceholders.size())];
        break;
      default:
        if (field.size() >= 2) {
          const std::size_t at = random.Below(field.size() - 1);
          std::swap(field[at], field[at + 1]);
        }
        break;
    }
  }
  return damaged;
}

}  // namespace holdfast::test
