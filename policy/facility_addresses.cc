// SPDX-License-Identifier: Apache-2.0
#include "policy/facility_addresses.h"

#include <algorithm>

#include "base/error.h"

namespace holdfast::policy {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes what stands behind the last `divider` off `text`.
std::string_view TakeLast(std::string_view& text, char divider) {
  const std::size_t at = text.rfind(divider);
  if (at == std::string_view::npos) return {};
  const std::string_view last = Trim(text.substr(at + 1));
  text = Trim(text.substr(0, at));
  return last;
}

AddressView Divide(std::string_view line, AddressScheme scheme) {
  AddressView view;
  line = Trim(line);
  view.postal_code = TakeLast(line, scheme == AddressScheme::kUs ? ' ' : ',');
  view.state = TakeLast(line, ',');
  view.city = TakeLast(line, ',');
  view.line1 = line;
  return view;
}

}  // namespace

absl::Status FacilityAddresses::Add(std::string_view line, AddressScheme scheme) {
  ParsedAddress parsed;
  ParseAddress(Divide(line, scheme), scheme, parsed);
  if (!parsed.complete()) {
    return MakeError(Reason::kAgreementInvalid, "gate: facility address " +
                                                    std::to_string(keys_.size() + 1) +
                                                    " is not LINE, CITY, STATE ZIP");
  }
  TextBuffer buffer;
  std::string key(Key(parsed, buffer));
  keys_.insert(std::upper_bound(keys_.begin(), keys_.end(), key), std::move(key));
  return absl::OkStatus();
}

bool FacilityAddresses::Has(const ParsedAddress& address) const {
  if (keys_.empty()) return false;
  TextBuffer buffer;
  return std::binary_search(keys_.begin(), keys_.end(), Key(address, buffer));
}

std::string_view FacilityAddresses::Key(const ParsedAddress& address, TextBuffer& buffer) {
  // The parts of one address fit: they come out of a buffer of the same size. A part too many would
  // make the key shorter, on both sides alike.
  for (const std::string_view part :
       {address.zip, address.route, address.box, address.number, address.street}) {
    if (!buffer.Append(part) || !buffer.Append('|')) break;
  }
  return buffer.All();
}

}  // namespace holdfast::policy
