// SPDX-License-Identifier: Apache-2.0
// What a benchmark does about an error: it says what failed, and ends the process.
//
// Threads      Functions: may be called concurrently.
// Ownership    None.
// Errors       Fails the process: what is refused was not measured.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::bench {

inline void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(EXIT_FAILURE);
}

template <typename T>
T Take(absl::StatusOr<T> result, const char* what) {
  Require(result.status(), what);
  return *std::move(result);
}

inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace holdfast::bench
