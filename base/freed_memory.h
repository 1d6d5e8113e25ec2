// SPDX-License-Identifier: Apache-2.0
// What becomes of memory that was freed.
//
// When to use  Once, at the start of a program that carries many messages.
// Threads      Before there are others.
// Ownership    The process.
// Errors       None: where it cannot be had nothing is lost but time.
#pragma once

namespace holdfast {

// Has the allocator keep what is freed up to a bound, instead of giving each message's memory back
// to the kernel and taking it again: every new page is a fault, and the kernel has to clear it.
void ReuseFreedMemory();

}  // namespace holdfast
