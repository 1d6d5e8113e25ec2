// SPDX-License-Identifier: Apache-2.0
// What the daemon tells the service manager, if there is one.
//
// When to use  By main: READY once clients can connect, STOPPING before the drain, ALIVE more often
//              than the watchdog's interval.
// Threads      May be called concurrently.
// Ownership    Nothing is kept.
// Errors       None: without a service manager nothing happens.
#pragma once

#include <chrono>
#include <optional>

namespace holdfast::observe {

void NotifyReady();
void NotifyReloading();
void NotifyStopping();
void NotifyAlive();

// How often the service manager wants NotifyAlive(), or nullopt if it does not ask.
std::optional<std::chrono::microseconds> WatchdogInterval();

}  // namespace holdfast::observe
