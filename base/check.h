// SPDX-License-Identifier: Apache-2.0
// Checks that end the process, for promises that this process made to itself.
//
// When to use  HF_CHECK for a precondition (REQUIRES:) and for a process that cannot go on: no
//              memory, no entropy. HF_DCHECK for an invariant that we can prove, where the check
//              costs too much to keep in a release. Never for anything that a peer, a file or a
//              library controls: that is an absl::Status (base/error.h).
// Threads      May be used concurrently.
// Ownership    Nothing is kept.
// Errors       A failed check prints file, line and the condition's text to standard error, never a
//              value (it might be a secret), and aborts.
#pragma once

namespace holdfast::internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition) noexcept;

}  // namespace holdfast::internal

#define HF_CHECK(condition)           \
  ((condition) ? static_cast<void>(0) \
               : ::holdfast::internal::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
// Compiled, so that it cannot rot, and never evaluated.
#define HF_DCHECK(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define HF_DCHECK(condition) HF_CHECK(condition)
#endif
