// SPDX-License-Identifier: Apache-2.0
// Kills a process that commits, again and again, and looks at what it left.
//
// When to use  In the two tests that differ in the number of kills.
// Threads      Forks: the calling process must have one thread.
// Ownership    Uses a folder of its own.
// Errors       Failed expectations.
#pragma once

namespace holdfast::store {

void KillAndCheck(int kills);

}  // namespace holdfast::store
