// SPDX-License-Identifier: Apache-2.0
// Addresses of both schemes: what is complete has every part, in plain letters, and is itself.
// Input: line 1, line 2, city, state and postal code, one a line.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "policy/address.h"

namespace {

using holdfast::policy::AddressScheme;
using holdfast::policy::AddressView;
using holdfast::policy::ParsedAddress;

void Check(const AddressView& view, AddressScheme scheme) {
  ParsedAddress address;
  ParseAddress(view, scheme, address);
  const std::string line = NormalAddressLine(address);
  HF_CHECK(address.complete() == !line.empty());
  if (!address.complete()) return;

  HF_CHECK(CompareAddresses(address, address).equal());
  HF_CHECK(!address.city.empty() && !address.state.empty() && !address.zip.empty());
  HF_CHECK(!address.number.empty() || !address.box.empty());
  HF_CHECK(address.number.empty() || !address.street.empty());
  if (scheme == AddressScheme::kUs) {
    HF_CHECK(address.state.size() == 2 && address.zip.size() == 5);
    for (const char c : line) HF_CHECK(c >= ' ' && c <= 'Z');
  }
  ParsedAddress again;
  ParseAddress(view, scheme, again);
  HF_CHECK(NormalAddressLine(again) == line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 5> fields;
  for (std::string_view& field : fields) {
    const std::size_t end = rest.find('\n');
    field = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const AddressView view{fields[0], fields[1], fields[2], fields[3], fields[4]};
  Check(view, AddressScheme::kUs);
  Check(view, AddressScheme::kGeneric);
  return 0;
}
