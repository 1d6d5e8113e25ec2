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
  return {reason, address, excluded};
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
  if (comparison == AddressComparison::kNotComparable) {
    return Conclude(Reason::kAddressNotComparable, comparison, excluded);
  }
  if (!agrees) {
    return Conclude(open_address ? Reason::kAddressDoubtful : Reason::kAddressMismatched,
                    comparison, excluded);
  }
  const std::uint32_t names_allowed =
      config.name_allowed | (both ? config.name_allowed_with_both : 0U);
  if (!name.complete() || !names.within(names_allowed)) {
    return Conclude(Reason::kNameDoubtful, comparison, excluded);
  }
  if (!one) return Conclude(Reason::kSecondIdentifierMissing, comparison, excluded);
  return Conclude(Reason::kReleased, comparison, false);
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
    case ReleaseReason::kSeveralAgree:
    case ReleaseReason::kNamesakeNotExcluded:
    case ReleaseReason::kTooManyCandidates:
    case ReleaseReason::kSubjectIncomplete:
      return 0;
  }
  return 0;
}

}  // namespace

ReleaseOutcome OutcomeOf(ReleaseReason reason) {
  switch (reason) {
    case ReleaseReason::kUnspecified:
      return ReleaseOutcome::kUnspecified;
    case ReleaseReason::kReleased:
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
  }
  return ReleaseOutcome::kUnspecified;
}

bool NeedsReview(ReleaseReason reason) {
  const ReleaseOutcome outcome = OutcomeOf(reason);
  return outcome != ReleaseOutcome::kReleased && outcome != ReleaseOutcome::kNotFound;
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

  verdict.reason = ReleaseReason::kNotFound;
  std::size_t agreeing = 0;
  std::size_t open = 0;  // Neither agree nor are known to be somebody else.
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Finding finding = JudgeCandidate(rules, read, candidates[i]);
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
  return verdict;
}

}  // namespace holdfast::policy
