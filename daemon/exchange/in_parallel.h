// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work, done on all processors while one thread waits for them.
//
// When to use  For what takes milliseconds and what somebody waits for, on the writer's thread. It
//              starts threads of its own, some 50 us each: a task of the executor may stand behind
//              others for longer than the work takes.
// Threads      The caller's thread does its share. May be called concurrently.
// Errors       None: where no thread can be started, fewer do all of it.
#pragma once

#include <cstddef>
#include <functional>

namespace holdfast::exchange {

// Calls `work` with each number below `count`, once each and in no order, and returns when all of
// them are done. REQUIRES: `work` may be called concurrently and throws nothing.
void DoInParallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace holdfast::exchange
