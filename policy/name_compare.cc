// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <span>

#include "policy/name.h"

namespace holdfast::policy {
namespace {

using Words = std::span<const std::string_view>;

bool SameWords(Words a, Words b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// The letters of several words in a row. Names are short: what does not fit is cut off on both
// sides alike, and is compared word by word as well.
class Letters final {
 public:
  explicit Letters(Words words) {
    for (const std::string_view word : words) {
      for (const char c : word) {
        if (size_ < bytes_.size()) bytes_[size_++] = c;
      }
    }
  }
  std::string_view Text() const { return {bytes_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::array<char, 128> bytes_;
};

bool SameLetters(Words a, Words b) {
  return SameWords(a, b) || Letters(a).Text() == Letters(b).Text();
}

enum class Likeness { kDifferent = 0, kNear, kSpacing, kSame };

Likeness Compare(Words a, Words b) {
  if (SameWords(a, b)) return Likeness::kSame;
  const Letters x(a);
  const Letters y(b);
  if (x.Text() == y.Text()) return Likeness::kSpacing;
  return IsNear(x.Text(), y.Text()) ? Likeness::kNear : Likeness::kDifferent;
}

// One of two family names missing: "GARCIA LOPEZ" against "GARCIA".
bool IsPartOf(Words part, Words whole) {
  if (part.size() >= whole.size()) return false;
  return std::equal(part.begin(), part.end(), whole.begin()) ||
         std::equal(part.begin(), part.end(),
                    whole.end() - static_cast<std::ptrdiff_t>(part.size()));
}

// Adds the allowances that `likeness` needs. False if it is too different for any.
bool Allow(Likeness likeness, std::uint32_t& allowances) {
  switch (likeness) {
    case Likeness::kDifferent:
      return false;
    case Likeness::kNear:
      allowances |= kNameTyping;
      return true;
    case Likeness::kSpacing:
      allowances |= kNameSpacing;
      return true;
    case Likeness::kSame:
      return true;
  }
  return false;
}

// Middle names: pairwise the same, near or initials; one side may have more of them, or none.
bool CompareMiddle(Words a, Words b, std::uint32_t& allowances) {
  const std::size_t both = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (a[i] == b[i]) continue;
    if (a[i].size() == 1 || b[i].size() == 1) {
      if (a[i].front() != b[i].front()) return false;
      allowances |= kNameMiddleInitial;
    } else if (IsNear(a[i], b[i])) {
      allowances |= kNameTyping;
    } else {
      return false;
    }
  }
  if (a.size() != b.size()) allowances |= kNameMiddleMissing;
  return true;
}

// Given and family name in their places: allowances, or the conflict.
NameConflict CompareInOrder(const ParsedName& a, const ParsedName& b, std::uint32_t& allowances) {
  const Likeness family = Compare(a.Family(), b.Family());
  if (family == Likeness::kDifferent &&
      (IsPartOf(a.Family(), b.Family()) || IsPartOf(b.Family(), a.Family()))) {
    allowances |= kNameFamilyPart;
  } else if (!Allow(family, allowances)) {
    return NameConflict::kFamily;
  }
  return Allow(Compare(a.Given(), b.Given()), allowances) ? NameConflict::kNone
                                                          : NameConflict::kGiven;
}

// Given and family name in each other's places.
bool CompareSwapped(const ParsedName& a, const ParsedName& b, std::uint32_t& allowances) {
  allowances |= kNameOrder;
  return Allow(Compare(a.Given(), b.Family()), allowances) &&
         Allow(Compare(a.Family(), b.Given()), allowances);
}

}  // namespace

NameDifference CompareNames(const ParsedName& a, const ParsedName& b) {
  NameDifference result;
  if (a.suffix != b.suffix) {
    if (a.suffix == NameSuffix::kNone || b.suffix == NameSuffix::kNone) {
      result.allowances |= kNameSuffixMissing;
    }
  }
  const bool suffix_conflict =
      a.suffix != b.suffix && a.suffix != NameSuffix::kNone && b.suffix != NameSuffix::kNone;

  const Words all_a{a.words.data(), a.count};
  const Words all_b{b.words.data(), b.count};
  const bool same_division = a.middle == b.middle && a.family == b.family;
  if (SameWords(all_a, all_b) && same_division) {
    result.conflict = suffix_conflict ? NameConflict::kSuffix : NameConflict::kNone;
    return result;
  }

  // MARY ANN SMITH and MARYANN SMITH, D'ANGELO and D ANGELO: what is a middle name for one is none
  // for the other, so the letters are compared before the parts.
  if (SameLetters(all_a, all_b)) {
    result.allowances |= kNameSpacing;
    result.conflict = suffix_conflict ? NameConflict::kSuffix : NameConflict::kNone;
    return result;
  }
  std::uint32_t in_order = 0;
  const NameConflict conflict = CompareInOrder(a, b, in_order);
  if (conflict == NameConflict::kNone) {
    if (CompareMiddle(a.Middle(), b.Middle(), in_order)) {
      result.allowances |= in_order;
      result.conflict = suffix_conflict ? NameConflict::kSuffix : NameConflict::kNone;
    } else {
      result.conflict = suffix_conflict ? NameConflict::kSuffix : NameConflict::kMiddle;
    }
    return result;
  }
  std::uint32_t swapped = 0;
  if (CompareSwapped(a, b, swapped) && CompareMiddle(a.Middle(), b.Middle(), swapped)) {
    result.allowances |= swapped;
    result.conflict = suffix_conflict ? NameConflict::kSuffix : NameConflict::kNone;
    return result;
  }
  result.conflict = conflict;
  return result;
}

}  // namespace holdfast::policy
