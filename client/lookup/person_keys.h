// SPDX-License-Identifier: Apache-2.0
// The keys under which a source's people are found again: policy/'s own, so that what a source
// finds and what the release gate compares cannot drift apart.
//
// When to use  In a SourceLookup that has an index of its own.
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       None. A person without a readable name or number has no keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/v1/transfer_service.pb.h"
#include "policy/identity.h"

namespace holdfast::client {

// The most people that a key of postal code and name may find; where it finds more (a town with one
// postal code) it says nothing, and is left out. The other keys have no such bound.
inline constexpr std::size_t kMostByPlace = 16;

// Whether `key` is one of postal code and name.
inline bool IsPlaceKey(std::string_view key) { return key.starts_with('P'); }

// The person, as the gates read one. Borrows `person`.
policy::PersonView ViewOf(const v1::Person& person);

// policy::SourceIndexKeys of the person.
std::vector<std::string> KeysOf(const v1::Person& person);

// Whether the two have a key in common.
bool ShareKey(const std::vector<std::string>& a, const std::vector<std::string>& b);

}  // namespace holdfast::client
