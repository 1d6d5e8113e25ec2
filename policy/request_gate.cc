// SPDX-License-Identifier: Apache-2.0
#include "policy/request_gate.h"

#include <algorithm>

#include "policy/markers.h"
#include "policy/person_check.h"

namespace holdfast::policy {
namespace {

constexpr std::uint32_t kFirstTaxYear = 1900;
constexpr std::size_t kMostPeriods = 256;
constexpr std::size_t kMostPurposeBytes = 1000;
constexpr std::size_t kFewestPurposeWords = 3;
constexpr std::size_t kFewestPurposeLetters = 12;
constexpr std::size_t kMostLabelBytes = 128;
constexpr int kOldestYears = 125;
constexpr std::size_t kDigestBytes = 32;

RequestVerdict Refuse(RequestReason reason) { return {reason}; }
RequestVerdict Accept() { return {RequestReason::kAccepted}; }

// A name or number of an official, officer or case: readable, with a letter or digit, no marker.
bool IsLabel(const GateRules& rules, std::string_view text, std::size_t fewest) {
  if (text.size() > kMostLabelBytes) return false;
  TextBuffer buffer;
  const NormalText normal = NormaliseText(text, buffer);
  if (normal.status != TextStatus::kOk) return false;
  if ((normal.flags & (kTextHidden | kTextForeignDigit | kTextMixedScript)) != 0) return false;
  const auto signs = std::count_if(normal.text.begin(), normal.text.end(),
                                   [](char c) { return IsLetterByte(c) || IsDigit(c); });
  if (static_cast<std::size_t>(signs) < fewest) return false;
  return rules.markers().FindInName(normal.text) == MarkerKind::kNone;
}

bool IsSpecific(const GateRules& rules, std::string_view purpose) {
  if (purpose.size() > kMostPurposeBytes) return false;
  std::size_t words = 0;
  std::size_t letters = 0;
  bool inside = false;
  for (const char c : purpose) {
    const bool letter = (c >= 'a' && c <= 'z') || IsLetterByte(c);
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (letter) ++letters;
    if (letter && !inside) ++words;
    inside = !blank;
  }
  if (words < kFewestPurposeWords || letters < kFewestPurposeLetters) return false;
  // A short purpose with a marker in it ("reason not provided") is none. In a longer text such
  // words may well say something.
  if (purpose.size() > kMaxTextBytes / 4) return true;
  TextBuffer buffer;
  const NormalText normal = NormaliseText(purpose, buffer);
  return normal.status == TextStatus::kOk &&
         rules.markers().FindInName(normal.text) == MarkerKind::kNone;
}

RequestReason JudgeAuthority(const GateConfig& config, std::string_view authority,
                             CivilDate today) {
  if (IsBlank(authority)) return RequestReason::kAuthorityMissing;
  bool listed = false;
  for (const AuthorityTerm& term : config.authorities) {
    if (term.id != authority) continue;
    if (term.in_force.Contains(today)) return RequestReason::kAccepted;
    listed = true;
  }
  return listed ? RequestReason::kAuthorityNotInForce : RequestReason::kAuthorityNotDesignated;
}

RequestReason JudgePeriods(std::span<const YearRange> periods, CivilDate today) {
  if (periods.empty()) return RequestReason::kPeriodsMissing;
  if (periods.size() > kMostPeriods) return RequestReason::kPeriodMalformed;
  for (const YearRange& period : periods) {
    if (period.first < kFirstTaxYear || period.last < period.first || today.year < 0 ||
        period.last > static_cast<std::uint32_t>(today.year)) {
      return RequestReason::kPeriodMalformed;
    }
  }
  return RequestReason::kAccepted;
}

RequestReason JudgeDocuments(const GateConfig& config, std::string_view official, CivilDate today) {
  if (config.delegation_rule == DocumentRule::kDemanded) {
    const bool delegated = std::any_of(
        config.delegations.begin(), config.delegations.end(), [&](const Delegation& delegation) {
          return delegation.in_force.Contains(today) && IsSameText(delegation.official, official);
        });
    if (!delegated) return RequestReason::kDelegationNotInForce;
  }
  const auto safeguarded = [&] {
    return std::any_of(config.safeguards.begin(), config.safeguards.end(),
                       [&](const DayRange& range) { return range.Contains(today); });
  };
  if (config.safeguard_rule == DocumentRule::kDemanded && !safeguarded()) {
    return RequestReason::kSafeguardNotInForce;
  }
  return RequestReason::kAccepted;
}

RequestReason JudgeIdentifiers(const GateConfig& config, const PersonView& person,
                               CivilDate today) {
  if (!IsBlank(person.tax_number) && !ParseTaxNumber(person.tax_number, config.tax_number_form)) {
    return RequestReason::kTaxNumberMalformed;
  }
  if (!IsBlank(person.birth_date)) {
    const auto born = ParseCivilDate(person.birth_date);
    if (!born) return RequestReason::kBirthDateMalformed;
    if (*born > today || born->year < today.year - kOldestYears) {
      return RequestReason::kBirthDateImplausible;
    }
  }
  return RequestReason::kAccepted;
}

}  // namespace

bool IsPlaceholder(RequestReason reason) {
  return reason == RequestReason::kNamePlaceholder ||
         reason == RequestReason::kAddressPlaceholder || reason == RequestReason::kAddressTransient;
}

RequestVerdict JudgeTerms(const GateRules& rules, const TermsView& terms, CivilDate today) {
  const GateConfig& config = rules.config();
  const RequestReason authority = JudgeAuthority(config, terms.authority, today);
  if (authority != RequestReason::kAccepted) return Refuse(authority);
  if (IsBlank(terms.purpose)) return Refuse(RequestReason::kPurposeMissing);
  if (!IsSpecific(rules, terms.purpose)) return Refuse(RequestReason::kPurposeNotSpecific);
  if (IsBlank(terms.requesting_official)) return Refuse(RequestReason::kOfficialMissing);
  if (!IsLabel(rules, terms.requesting_official, 3)) {
    return Refuse(RequestReason::kOfficialMalformed);
  }
  const RequestReason periods = JudgePeriods(terms.periods, today);
  if (periods != RequestReason::kAccepted) return Refuse(periods);
  const auto digest = terms.attestation_digest;
  if (digest.size() != kDigestBytes ||
      std::all_of(digest.begin(), digest.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return Refuse(RequestReason::kAttestationMissing);
  }
  const RequestReason documents = JudgeDocuments(config, terms.requesting_official, today);
  if (documents != RequestReason::kAccepted) return Refuse(documents);
  return Accept();
}

RequestVerdict JudgeSubject(const GateRules& rules, const SubjectView& subject, CivilDate today) {
  SubjectParts parts;
  return JudgeSubject(rules, subject, today, parts);
}

RequestVerdict JudgeSubject(const GateRules& rules, const SubjectView& subject, CivilDate today,
                            SubjectParts& parts) {
  if (IsBlank(subject.officer)) return Refuse(RequestReason::kOfficerMissing);
  if (!IsLabel(rules, subject.officer, 1)) return Refuse(RequestReason::kOfficerMalformed);
  if (IsBlank(subject.case_number)) return Refuse(RequestReason::kCaseMissing);
  if (!IsLabel(rules, subject.case_number, 1)) return Refuse(RequestReason::kCaseMalformed);

  ParseName(subject.person.name, parts.name);
  if (const RequestReason reason = CheckName(rules, parts.name);
      reason != RequestReason::kAccepted) {
    return Refuse(reason);
  }
  ParseAddress(subject.person.address, rules.config().scheme, parts.address);
  if (const RequestReason reason = CheckAddress(rules, parts.address);
      reason != RequestReason::kAccepted) {
    return Refuse(reason);
  }
  const RequestReason reason = JudgeIdentifiers(rules.config(), subject.person, today);
  return reason == RequestReason::kAccepted ? Accept() : Refuse(reason);
}

RequestVerdict JudgeRequest(const GateRules& rules, const TermsView& terms,
                            const SubjectView& subject, CivilDate today) {
  const RequestVerdict verdict = JudgeTerms(rules, terms, today);
  return verdict.accepted() ? JudgeSubject(rules, subject, today) : verdict;
}

}  // namespace holdfast::policy
