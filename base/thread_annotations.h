// SPDX-License-Identifier: Apache-2.0
// Words by which clang's -Wthread-safety checks who holds which lock. Empty in other compilers.
//
// When to use  HF_GUARDED_BY on every member that changes after construction, HF_REQUIRES on a
//              private function that expects its caller to hold the lock.
// Threads      Compile time only.
// Ownership    None.
// Errors       None.
#pragma once

#if defined(__clang__)
#define HF_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define HF_THREAD_ATTRIBUTE(x)
#endif

#define HF_CAPABILITY(name) HF_THREAD_ATTRIBUTE(capability(name))
#define HF_SCOPED_CAPABILITY HF_THREAD_ATTRIBUTE(scoped_lockable)
#define HF_GUARDED_BY(mutex) HF_THREAD_ATTRIBUTE(guarded_by(mutex))
#define HF_PT_GUARDED_BY(mutex) HF_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
#define HF_REQUIRES(...) HF_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define HF_EXCLUDES(...) HF_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define HF_ACQUIRE(...) HF_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define HF_RELEASE(...) HF_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define HF_TRY_ACQUIRE(...) HF_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define HF_RETURN_CAPABILITY(mutex) HF_THREAD_ATTRIBUTE(lock_returned(mutex))
#define HF_ASSERT_CAPABILITY(mutex) HF_THREAD_ATTRIBUTE(assert_capability(mutex))
#define HF_NO_THREAD_SAFETY_ANALYSIS HF_THREAD_ATTRIBUTE(no_thread_safety_analysis)
