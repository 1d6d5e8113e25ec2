// SPDX-License-Identifier: Apache-2.0
//
// A digest over everything that a decision can depend on.
//
// When to use  Through State::Digest(), in tests and drills, to see that two folds agree. Not a
//              format: it may change with every version.
// Threads      Reads the state: not while Apply runs.
// Ownership    A value.
// Errors       None.
#pragma once

#include "base/ids.h"

namespace holdfast::policy {

class State;

Digest32 DigestOf(const State& state);

}  // namespace holdfast::policy
