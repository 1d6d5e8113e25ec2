// SPDX-License-Identifier: Apache-2.0
// How often a gate is right: both gates over a set of requests, and requests damaged on purpose.
//
// When to use  Tests that count, and the comparison in tests/bench.
// Threads      Functions are pure but for the random source.
// Ownership    Nothing is kept.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "tests/policy/gate_data.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {

// Whether the person who was asked for is in the source's file.
enum class Presence { kInFile = 0, kRemoved };

// What came of one request.
struct Asked {
  policy::RequestReason request = policy::RequestReason::kUnspecified;
  policy::ReleaseReason release = policy::ReleaseReason::kUnspecified;  // Of accepted ones.
  bool released = false;
  bool right = false;  // The one released is the one who was asked for.
};

// Puts `request` through both gates, against `set.source` through `index`.
Asked Ask(const policy::GateRules& rules, const LinkageSet& set, const CandidateFinder& index,
          const FilePerson& request, Presence presence);

struct Counts {
  std::size_t asked = 0;
  std::size_t right = 0;
  std::size_t wrong = 0;
  std::size_t review = 0;
  std::size_t refused = 0;  // By the request gate.
  std::size_t not_found = 0;
  // True pairs whose request has a complete address.
  std::size_t complete_pairs = 0;
  // Those whose name and address are equal after normalisation, with a second identifier that
  // agrees and none that contradicts, and who are alone with that.
  std::size_t equal_pairs = 0;
  // Of these, those that the request gate accepts; and how many were released.
  std::size_t sure_pairs = 0;
  std::size_t sure_released = 0;
  std::map<std::string, std::size_t> reasons;
};

// Asks for every `step`-th request of the set.
Counts AskAll(const LinkageSet& set, const CandidateFinder& index, const policy::GateConfig& config,
              Presence presence, std::size_t step = 1);

// What an agreement allows in addition that takes typing errors and one different part of the
// address where tax number and birth date both agree.
policy::GateConfig Tolerant(policy::GateConfig config);

// Damages `request` in one or two ways: a field dropped, taken from another request, replaced by a
// placeholder, or with two letters exchanged. At most one field is another's.
FilePerson Damage(const FilePerson& request, const std::vector<FilePerson>& others,
                  SeededRandom& random);

}  // namespace holdfast::test
