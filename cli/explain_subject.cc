// SPDX-License-Identifier: Apache-2.0
#include "cli/explain_subject.h"

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "client/lookup/person_keys.h"
#include "policy/address.h"
#include "policy/identity.h"
#include "policy/name.h"
#include "policy/person_check.h"
#include "policy/request_gate.h"

namespace holdfast::cli {
namespace {

struct Word {
  std::uint32_t bit;
  std::string_view text;
};

constexpr std::array kNameWords = {
    Word{policy::kNameMiddleMissing, "middle name missing"},
    Word{policy::kNameMiddleInitial, "middle initial"},
    Word{policy::kNameSuffixMissing, "suffix missing"},
    Word{policy::kNameSpacing, "spacing"},
    Word{policy::kNameOrder, "order"},
    Word{policy::kNameTyping, "typing"},
    Word{policy::kNameFamilyPart, "one of two family names"},
};
constexpr std::array kAddressWords = {
    Word{policy::kAddressUnitMissing, "unit missing"},
    Word{policy::kAddressSuffixMissing, "street suffix missing"},
    Word{policy::kAddressDirectionalMissing, "directional missing"},
    Word{policy::kAddressSecondLine, "second line"},
    Word{policy::kAddressTyping, "typing"},
    Word{policy::kAddressCityName, "city name"},
    Word{policy::kAddressOrder, "order of lines"},
    Word{policy::kAddressOnePart, "one part"},
};

std::vector<std::string> WordsOf(std::uint32_t bits, std::span<const Word> words) {
  std::vector<std::string> found;
  for (const Word& word : words) {
    if ((bits & word.bit) != 0) found.emplace_back(word.text);
  }
  return found;
}

std::string_view ConflictWord(policy::NameConflict conflict) {
  switch (conflict) {
    case policy::NameConflict::kNone:
      return "";
    case policy::NameConflict::kFamily:
      return "family name";
    case policy::NameConflict::kGiven:
      return "given name";
    case policy::NameConflict::kMiddle:
      return "middle names";
    case policy::NameConflict::kSuffix:
      return "suffix";
  }
  return "";
}

template <typename T>
Comparison CompareIdentifier(const std::optional<T>& a, const std::optional<T>& b) {
  if (!a || !b) return {"missing", {}, false};
  return *a == *b ? Comparison{"agrees", {}, true} : Comparison{"contradicts", {}, false};
}

std::string ReasonText(policy::RequestReason reason) {
  return std::string(policy::RequestReasonName(reason));
}

Comparison CompareNameTexts(std::string_view subject, std::string_view candidate,
                            std::uint32_t allowed) {
  policy::ParsedName a;
  policy::ParsedName b;
  policy::ParseName(subject, a);
  policy::ParseName(candidate, b);
  if (!a.complete() || !b.complete()) return {"incomplete", {}, false};
  const policy::NameDifference difference = policy::CompareNames(a, b);
  if (difference.equal()) return {"equal", {}, true};
  if (!difference.compatible()) {
    return {"different", {std::string(ConflictWord(difference.conflict))}, false};
  }
  return {"compatible", WordsOf(difference.allowances, kNameWords), difference.within(allowed)};
}

Comparison CompareParsed(const policy::ParsedAddress& a, const policy::ParsedAddress& b,
                         std::uint32_t allowed) {
  if (!a.complete() || !b.complete()) return {"incomplete", {}, false};
  const policy::AddressDifference difference = policy::CompareAddresses(a, b);
  if (difference.equal()) return {"equal", {}, true};
  Comparison comparison{difference.other == 0 ? "compatible" : "different",
                        WordsOf(difference.allowances, kAddressWords), difference.within(allowed)};
  if (difference.other > 0) {
    comparison.differences.push_back(std::to_string(difference.other) + " parts");
  }
  return comparison;
}

}  // namespace

policy::ReleaseVerdict Judge(const policy::GateRules& rules, const v1::Person& subject,
                             const client::Candidates& candidates) {
  std::vector<policy::PersonView> views;
  views.reserve(candidates.size());
  for (const v1::Candidate& candidate : candidates) {
    views.push_back(client::ViewOf(candidate.person()));
  }
  return policy::JudgeRelease(rules, client::ViewOf(subject), views);
}

SubjectExplanation Explain(const policy::GateRules& rules, const v1::Person& subject,
                           const client::Candidates& candidates) {
  const policy::GateConfig& config = rules.config();
  SubjectExplanation explanation;
  explanation.verdict = Judge(rules, subject, candidates);

  const policy::PersonView asked = client::ViewOf(subject);
  policy::ParsedName name;
  policy::ParseName(asked.name, name);
  explanation.name = ReasonText(policy::CheckName(rules, name));
  policy::ParsedAddress address;
  policy::ParseAddress(asked.address, config.scheme, address);
  explanation.address = ReasonText(policy::CheckAddress(rules, address));
  const auto tax_number = policy::ParseTaxNumber(asked.tax_number, config.tax_number_form);
  const auto birth_date = policy::ParseCivilDate(asked.birth_date);

  for (const v1::Candidate& each : candidates) {
    const policy::PersonView person = client::ViewOf(each.person());
    CandidateExplanation candidate;
    candidate.alone = policy::JudgeRelease(rules, asked, {&person, 1}).reason;
    candidate.tax_number = CompareIdentifier(
        tax_number, policy::ParseTaxNumber(person.tax_number, config.tax_number_form));
    candidate.birth_date = CompareIdentifier(birth_date, policy::ParseCivilDate(person.birth_date));
    const bool both = candidate.tax_number.accepted && candidate.birth_date.accepted;
    candidate.name = CompareNameTexts(
        asked.name, person.name, config.name_allowed | (both ? config.name_allowed_with_both : 0U));
    policy::ParsedAddress own;
    policy::ParseAddress(person.address, config.scheme, own);
    if (!own.complete()) candidate.address_lack = ReasonText(policy::CheckAddress(rules, own));
    candidate.address = CompareParsed(
        address, own, config.address_allowed | (both ? config.address_allowed_with_both : 0U));
    explanation.candidates.push_back(std::move(candidate));
  }
  return explanation;
}

}  // namespace holdfast::cli
