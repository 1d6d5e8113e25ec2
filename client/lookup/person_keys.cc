// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/person_keys.h"

#include <algorithm>

#include "client/source_lookup.h"
#include "policy/name.h"
#include "policy/release_gate.h"

namespace holdfast::client {

static_assert(kMaxOffered == policy::kMaxCandidates);

policy::PersonView ViewOf(const v1::Person& person) {
  const v1::Address& address = person.address();
  return {
      person.name(),
      {address.line1(), address.line2(), address.city(), address.state(), address.postal_code()},
      person.tax_number(),
      person.birth_date()};
}

std::vector<std::string> KeysOf(const v1::Person& person) {
  return policy::SourceIndexKeys(ViewOf(person));
}

bool ShareKey(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& key) {
    return std::find(b.begin(), b.end(), key) != b.end();
  });
}

}  // namespace holdfast::client
