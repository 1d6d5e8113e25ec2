// SPDX-License-Identifier: Apache-2.0
//
// Addresses that are nobody's home, by number, street and postal code.
//
// When to use  By the request gate, with the list of the agreement.
// Threads      Immutable once nothing is added: may be called concurrently.
// Ownership    Owns its list.
// Errors       Add alone can fail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "policy/address.h"

namespace holdfast::policy {

class FacilityAddresses final {
 public:
  // Adds "LINE, CITY, STATE ZIP" (generic scheme: "LINE, CITY, REGION, POSTAL CODE").
  // Errors: kAgreementInvalid  not a complete address in `scheme`.
  absl::Status Add(std::string_view line, AddressScheme scheme);

  // Whether a complete address is one of them, whatever its unit and city name.
  bool Has(const ParsedAddress& address) const;

 private:
  static std::string_view Key(const ParsedAddress& address, TextBuffer& buffer);

  // Constant once nothing is added any more.
  std::vector<std::string> keys_;  // In order.
};

}  // namespace holdfast::policy
