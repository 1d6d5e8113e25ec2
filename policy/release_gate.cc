// SPDX-License-Identifier: Apache-2.0
#include "policy/release_gate.h"

#include <optional>

#include "policy/address.h"
#include "policy/name.h"
#include "policy/person_check.h"

namespace holdfast::policy {
namespace {

enum class Agreement : std::uint8_t { kUnknown = 0, kAgrees, kContradicts };

template <typename T>
Agreement Compare(const std::optional<T>& a, const std::optional<T>& b) {
  if (!a || !b) return Agreement::kUnknown;
  return *a == *b ? Agreement::kAgrees : Agreement::kContradicts;
}

// The subject, read once for all candidates.
struct Subject {
  ParsedName name;
  ParsedAddress address;
  std::optional<TaxNumber> tax_number;
  std::optional<CivilDate> birth_date;
};

// What came of comparing one candidate.
struct Finding {
  ReleaseReason reason = ReleaseReason::kUnspecified;
  AddressComparison address = AddressComparison::kUnspecified;
  // Known to be somebody else than the subject: by name, by an identifier or by address.
  bool excluded = false;
  bool releasable = false;  // By a person, after a review.
};

// Differences that leave it open whether two addresses are one. One part that is altogether
// different is not among them: that is another address, even if the agreement lets it pass.
constexpr std::uint32_t kOpenAddressDifferences = kAddressUnitMissing | kAddressSuffixMissing |
                                                  kAddressDirectionalMissing | kAddressSecondLine |
                                                  kAddressTyping | kAddressCityName | kAddressOrder;

// Reads the subject. False if the request gate would not have accepted its name, its address or the
// form of its identifiers.
bool ReadSubject(const GateRules& rules, const PersonView& person, Subject& out) {
  ParseName(person.name, out.name);
  if (CheckName(rules, out.name) != RequestReason::kAccepted) return false;
  ParseAddress(person.address, rules.config().scheme, out.address);
  if (CheckAddress(rules, out.address) != RequestReason::kAccepted) return false;
  out.tax_number = ParseTaxNumber(person.tax_number, rules.config().tax_number_form);
  if (!out.tax_number && !IsBlank(person.tax_number)) return false;
  out.birth_date = ParseCivilDate(person.birth_date);
  return out.birth_date || IsBlank(person.birth_date);
}

Finding Conclude(ReleaseReason reason, AddressComparison address, bool excluded) {
  return {reason, address, excluded, false};
}

// The verdict about a candidate whom nothing contradicts.
Finding ConcludeOpen(const GateConfig& config, const NameDifference& names, bool name_complete,
                     AddressComparison comparison, bool address_agrees, bool open_address, bool one,
                     bool both) {
  using Reason = ReleaseReason;
  if (comparison == AddressComparison::kNotComparable) {
    return Conclude(Reason::kAddressNotComparable, comparison, false);
  }
  if (!address_agrees) {
    return Conclude(open_address ? Reason::kAddressDoubtful : Reason::kAddressMismatched,
                    comparison, false);
  }
  const std::uint32_t names_allowed =
      config.name_allowed | (both ? config.name_allowed_with_both : 0U);
  if (!name_complete || !names.within(names_allowed)) {
    return Conclude(Reason::kNameDoubtful, comparison, false);
  }
  return Conclude(one ? Reason::kReleased : Reason::kSecondIdentifierMissing, comparison, false);
}

Finding JudgeCandidate(const GateRules& rules, const Subject& subject, const PersonView& person) {
  using Reason = ReleaseReason;
  const GateConfig& config = rules.config();
  const Agreement tax_number =
      Compare(subject.tax_number, ParseTaxNumber(person.tax_number, config.tax_number_form));
  const Agreement birth_date = Compare(subject.birth_date, ParseCivilDate(person.birth_date));
  const bool one = tax_number == Agreement::kAgrees || birth_date == Agreement::kAgrees;
  const bool both = tax_number == Agreement::kAgrees && birth_date == Agreement::kAgrees;
  const bool contradicted =
      tax_number == Agreement::kContradicts || birth_date == Agreement::kContradicts;

  ParsedName name;
  ParseName(person.name, name);
  NameDifference names;
  if (name.complete()) {
    names = CompareNames(subject.name, name);
    if (names.conflict == NameConflict::kFamily || names.conflict == NameConflict::kGiven) {
      // Of another name, and nothing else says that it is the subject: nobody to compare with.
      const Reason reason = one ? Reason::kNameDiffers : Reason::kNotFound;
      // Two names with one tax number: one of the rows is wrong, and nobody knows which.
      return Conclude(reason, AddressComparison::kUnspecified, tax_number != Agreement::kAgrees);
    }
  }

  ParsedAddress address;
  ParseAddress(person.address, config.scheme, address);
  AddressComparison comparison = AddressComparison::kNotComparable;
  bool open_address = true;
  bool agrees = false;
  if (address.complete()) {
    const AddressDifference difference = CompareAddresses(subject.address, address);
    agrees =
        difference.within(config.address_allowed | (both ? config.address_allowed_with_both : 0U));
    open_address = agrees || difference.within(kOpenAddressDifferences);
    comparison = agrees ? AddressComparison::kMatched : AddressComparison::kMismatched;
  }

  if (names.conflict == NameConflict::kSuffix) {
    return Conclude(Reason::kSuffixContradicts, comparison, true);
  }
  if (names.conflict == NameConflict::kMiddle) {
    return Conclude(Reason::kMiddleNameContradicts, comparison, true);
  }
  if (tax_number == Agreement::kContradicts) {
    return Conclude(Reason::kTaxNumberContradicts, comparison, true);
  }
  if (birth_date == Agreement::kContradicts) {
    return Conclude(Reason::kBirthDateContradicts, comparison, true);
  }
  const bool excluded = contradicted || (address.complete() && !open_address);
  Finding finding =
      ConcludeOpen(config, names, name.complete(), comparison, agrees, open_address, one, both);
  finding.excluded = finding.reason != Reason::kReleased && excluded;
  finding.releasable = one && !excluded && name.complete();
  return finding;
}
// How near a candidate came: of several, the nearest gives the verdict its reason.
int Nearness(ReleaseReason reason) {
  switch (reason) {
    case ReleaseReason::kReleased:
      return 14;
    case ReleaseReason::kNameDoubtful:
      return 13;
    case ReleaseReason::kSecondIdentifierMissing:
      return 12;
    case ReleaseReason::kAddressDoubtful:
      return 11;
    case ReleaseReason::kAddressNotComparable:
      return 10;
    case ReleaseReason::kMiddleNameContradicts:
      return 9;
    case ReleaseReason::kSuffixContradicts:
      return 8;
    case ReleaseReason::kBirthDateContradicts:
      return 7;
    case ReleaseReason::kTaxNumberContradicts:
      return 6;
    case ReleaseReason::kAddressMismatched:
      return 5;
    case ReleaseReason::kNameDiffers:
      return 4;
    case ReleaseReason::kNotFound:
      return 1;
    case ReleaseReason::kUnspecified:
    case ReleaseReason::kReleasedByReview:
    case ReleaseReason::kSeveralAgree:
    case ReleaseReason::kNamesakeNotExcluded:
    case ReleaseReason::kTooManyCandidates:
    case ReleaseReason::kSubjectIncomplete:
    case ReleaseReason::kRefusedByReview:
    case ReleaseReason::kReviewExpired:
      return 0;
  }
  return 0;
}

FieldResult ResultOf(Agreement agreement) {
  switch (agreement) {
    case Agreement::kUnknown:
      return FieldResult::kUnknown;
    case Agreement::kAgrees:
      return FieldResult::kSame;
    case Agreement::kContradicts:
      return FieldResult::kContradicts;
  }
  return FieldResult::kUnknown;
}

struct Word {
  std::uint32_t bit;
  std::string_view word;
};

constexpr Word kNameWords[] = {
    {kNameMiddleMissing, "MIDDLE_MISSING"},
    {kNameMiddleInitial, "MIDDLE_INITIAL"},
    {kNameSuffixMissing, "SUFFIX_MISSING"},
    {kNameSpacing, "SPACING"},
    {kNameOrder, "ORDER"},
    {kNameTyping, "TYPING"},
    {kNameFamilyPart, "FAMILY_PART"},
};
constexpr Word kAddressWords[] = {
    {kAddressUnitMissing, "UNIT_MISSING"},
    {kAddressSuffixMissing, "SUFFIX_MISSING"},
    {kAddressDirectionalMissing, "DIRECTIONAL_MISSING"},
    {kAddressSecondLine, "SECOND_LINE"},
    {kAddressTyping, "TYPING"},
    {kAddressCityName, "CITY_NAME"},
    {kAddressOrder, "ORDER"},
    {kAddressOnePart, "ONE_PART"},
};

void AddWords(std::span<const Word> words, std::uint32_t bits, std::vector<std::string_view>& out) {
  for (const Word& word : words) {
    if ((bits & word.bit) != 0) out.push_back(word.word);
  }
}

std::string_view ConflictWord(NameConflict conflict) {
  switch (conflict) {
    case NameConflict::kNone:
      return {};
    case NameConflict::kFamily:
      return "FAMILY_NAME";
    case NameConflict::kGiven:
      return "GIVEN_NAME";
    case NameConflict::kMiddle:
      return "MIDDLE_NAME";
    case NameConflict::kSuffix:
      return "SUFFIX";
  }
  return {};
}

}  // namespace

ReleaseOutcome OutcomeOf(ReleaseReason reason) {
  switch (reason) {
    case ReleaseReason::kUnspecified:
      return ReleaseOutcome::kUnspecified;
    case ReleaseReason::kReleased:
    case ReleaseReason::kReleasedByReview:
      return ReleaseOutcome::kReleased;
    case ReleaseReason::kNotFound:
      return ReleaseOutcome::kNotFound;
    case ReleaseReason::kSeveralAgree:
    case ReleaseReason::kNamesakeNotExcluded:
    case ReleaseReason::kTooManyCandidates:
      return ReleaseOutcome::kAmbiguous;
    case ReleaseReason::kNameDiffers:
    case ReleaseReason::kAddressMismatched:
    case ReleaseReason::kTaxNumberContradicts:
    case ReleaseReason::kBirthDateContradicts:
    case ReleaseReason::kSuffixContradicts:
    case ReleaseReason::kMiddleNameContradicts:
      return ReleaseOutcome::kMismatched;
    case ReleaseReason::kAddressNotComparable:
    case ReleaseReason::kSecondIdentifierMissing:
    case ReleaseReason::kNameDoubtful:
    case ReleaseReason::kAddressDoubtful:
    case ReleaseReason::kSubjectIncomplete:
      return ReleaseOutcome::kDoubtful;
    case ReleaseReason::kRefusedByReview:
    case ReleaseReason::kReviewExpired:
      return ReleaseOutcome::kReviewedToNothing;
  }
  return ReleaseOutcome::kUnspecified;
}

bool NeedsReview(ReleaseReason reason) {
  switch (OutcomeOf(reason)) {
    case ReleaseOutcome::kAmbiguous:
    case ReleaseOutcome::kMismatched:
    case ReleaseOutcome::kDoubtful:
      return true;
    case ReleaseOutcome::kUnspecified:
    case ReleaseOutcome::kReleased:
    case ReleaseOutcome::kNotFound:
    case ReleaseOutcome::kReviewedToNothing:
      return false;
  }
  return false;
}

bool IsOfReview(ReleaseReason reason) {
  return reason == ReleaseReason::kReleasedByReview ||
         OutcomeOf(reason) == ReleaseOutcome::kReviewedToNothing;
}

ReleaseVerdict JudgeRelease(const GateRules& rules, const PersonView& subject,
                            std::span<const PersonView> candidates) {
  ReleaseVerdict verdict;
  if (candidates.size() > kMaxCandidates) {
    verdict.reason = ReleaseReason::kTooManyCandidates;
    return verdict;
  }
  Subject read;
  if (!ReadSubject(rules, subject, read)) {
    verdict.reason = ReleaseReason::kSubjectIncomplete;
    verdict.address = AddressComparison::kNotComparable;
    return verdict;
  }

  static_assert(kMaxCandidates <= 64, "a bit for each in `releasable`");
  verdict.reason = ReleaseReason::kNotFound;
  std::size_t agreeing = 0;
  std::size_t open = 0;  // Neither agree nor are known to be somebody else.
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Finding finding = JudgeCandidate(rules, read, candidates[i]);
    if (finding.releasable) verdict.releasable |= std::uint64_t{1} << i;
    if (finding.reason == ReleaseReason::kReleased) {
      ++agreeing;
    } else if (!finding.excluded) {
      ++open;
    }
    if (Nearness(finding.reason) > Nearness(verdict.reason)) {
      verdict.reason = finding.reason;
      verdict.address = finding.address;
      verdict.candidate = static_cast<std::uint32_t>(i);
    }
  }
  if (agreeing > 1) {
    verdict.reason = ReleaseReason::kSeveralAgree;
  } else if (agreeing == 1 && open > 0) {
    verdict.reason = ReleaseReason::kNamesakeNotExcluded;
  }
  // A bit is for a person's order: what the gate has settled by itself needs none.
  if (!NeedsReview(verdict.reason)) verdict.releasable = 0;
  return verdict;
}

CandidateComparison CompareCandidate(const GateRules& rules, const PersonView& subject,
                                     const PersonView& candidate) {
  CandidateComparison out;
  Subject read;
  if (!ReadSubject(rules, subject, read)) {
    out.reason = ReleaseReason::kSubjectIncomplete;
    return out;
  }
  const GateConfig& config = rules.config();
  out.reason = JudgeCandidate(rules, read, candidate).reason;
  out.tax_number = ResultOf(
      Compare(read.tax_number, ParseTaxNumber(candidate.tax_number, config.tax_number_form)));
  out.birth_date = ResultOf(Compare(read.birth_date, ParseCivilDate(candidate.birth_date)));

  ParsedName name;
  ParseName(candidate.name, name);
  if (name.complete()) {
    const NameDifference names = CompareNames(read.name, name);
    out.name = names.equal()        ? FieldResult::kSame
               : names.compatible() ? FieldResult::kCompatible
                                    : FieldResult::kContradicts;
    AddWords(kNameWords, names.allowances, out.name_differences);
    if (!names.compatible()) out.name_differences.push_back(ConflictWord(names.conflict));
  }
  ParsedAddress address;
  ParseAddress(candidate.address, config.scheme, address);
  if (address.complete()) {
    const AddressDifference difference = CompareAddresses(read.address, address);
    out.address = difference.equal()                           ? FieldResult::kSame
                  : difference.within(kOpenAddressDifferences) ? FieldResult::kCompatible
                                                               : FieldResult::kContradicts;
    AddWords(kAddressWords, difference.allowances, out.address_differences);
    if (difference.other != 0) out.address_differences.push_back("SEVERAL_PARTS");
  }
  return out;
}

}  // namespace holdfast::policy
