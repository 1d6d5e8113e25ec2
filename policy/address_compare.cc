// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "policy/address.h"

namespace holdfast::policy {
namespace {

constexpr int kMostTypingErrors = 2;

// The letters and digits of `text`, without what divides words. Fixed size: parts of an address are
// short, and what is longer than the buffer is compared as it is.
class Squeezed final {
 public:
  explicit Squeezed(std::string_view text) {
    for (const char c : text) {
      if (c == ' ' || c == '-' || c == '/') continue;
      if (size_ == bytes_.size()) {
        whole_ = text;
        return;
      }
      bytes_[size_++] = c;
    }
  }
  std::string_view Text() const {
    return whole_.empty() ? std::string_view(bytes_.data(), size_) : whole_;
  }

 private:
  std::size_t size_ = 0;
  std::string_view whole_;
  std::array<char, 64> bytes_;
};

enum class Likeness { kDifferent = 0, kNear, kSame };

Likeness Compare(std::string_view a, std::string_view b) {
  if (a == b) return Likeness::kSame;
  const Squeezed x(a);
  const Squeezed y(b);
  if (x.Text() == y.Text()) return Likeness::kSame;
  return IsNear(x.Text(), y.Text()) ? Likeness::kNear : Likeness::kDifferent;
}

// Adds up what differs between two addresses.
class Difference final {
 public:
  // A part with one right value: a number, a state.
  void Exact(std::string_view a, std::string_view b) {
    if (a != b) ++other_;
  }
  // A part that may be missing on one side.
  void Optional(std::string_view a, std::string_view b, AddressAllowance if_missing) {
    if (a == b) return;
    if (a.empty() || b.empty()) {
      allowances_ |= if_missing;
    } else {
      ++other_;
    }
  }
  // A part in letters.
  void Name(std::string_view a, std::string_view b) { Take(Compare(a, b)); }
  void Take(Likeness likeness) {
    if (likeness == Likeness::kNear) ++typing_;
    if (likeness == Likeness::kDifferent) ++other_;
  }
  void Allow(AddressAllowance allowance) { allowances_ |= allowance; }

  // Typing errors up to the limit, and one part that is different altogether, have allowances.
  AddressDifference Sum() const {
    AddressDifference sum{allowances_, other_};
    if (typing_ > kMostTypingErrors) {
      sum.other += static_cast<std::uint32_t>(typing_ - kMostTypingErrors);
    }
    if (typing_ > 0) sum.allowances |= kAddressTyping;
    if (sum.other == 1) {
      sum.other = 0;
      sum.allowances |= kAddressOnePart;
    }
    return sum;
  }

 private:
  std::uint32_t allowances_ = 0;
  std::uint32_t other_ = 0;
  int typing_ = 0;
};

void ComparePlace(const ParsedAddress& a, const ParsedAddress& b, Difference& difference) {
  const Likeness city = Compare(a.city, b.city);
  const bool same_code = a.zip == b.zip;
  if (city == Likeness::kDifferent && same_code) {
    difference.Allow(kAddressCityName);
  } else {
    difference.Take(city);
  }
  // A postal code is typed wrong only if all else says where it is.
  if (!same_code) {
    difference.Take(city == Likeness::kSame && a.state == b.state && IsNear(a.zip, b.zip)
                        ? Likeness::kNear
                        : Likeness::kDifferent);
  }
}

void CompareGeneric(const ParsedAddress& a, const ParsedAddress& b, Difference& difference) {
  difference.Exact(a.number, b.number);
  const Likeness street = Compare(a.street, b.street);
  const Likeness second = Compare(a.second_line, b.second_line);
  if (street == Likeness::kDifferent && Compare(a.street, b.second_line) != Likeness::kDifferent &&
      Compare(a.second_line, b.street) != Likeness::kDifferent) {
    difference.Allow(kAddressOrder);
  } else {
    difference.Take(street);
    if (second != Likeness::kSame) difference.Allow(kAddressSecondLine);
  }
  difference.Name(a.state, b.state);
}

void CompareUs(const ParsedAddress& a, const ParsedAddress& b, Difference& difference) {
  difference.Exact(a.number, b.number);
  difference.Exact(a.route, b.route);
  difference.Optional(a.box, b.box, kAddressUnitMissing);
  difference.Optional(a.pre_directional, b.pre_directional, kAddressDirectionalMissing);
  difference.Optional(a.post_directional, b.post_directional, kAddressDirectionalMissing);
  difference.Name(a.street, b.street);
  difference.Optional(a.suffix, b.suffix, kAddressSuffixMissing);
  difference.Optional(a.unit_key, b.unit_key, kAddressUnitMissing);
  difference.Exact(a.state, b.state);
}

}  // namespace

AddressDifference CompareAddresses(const ParsedAddress& a, const ParsedAddress& b) {
  // A box is not a house, whatever else is equal.
  if (a.kind != b.kind) return {0, 2};
  Difference difference;
  if (a.kind == DeliveryKind::kGeneric) {
    CompareGeneric(a, b, difference);
  } else {
    CompareUs(a, b, difference);
  }
  ComparePlace(a, b, difference);
  return difference.Sum();
}

}  // namespace holdfast::policy
