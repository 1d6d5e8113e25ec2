// SPDX-License-Identifier: Apache-2.0
// How memory is had from the kernel, and what becomes of it when it was freed.
//
// When to use  ReuseFreedMemory() once, at the start of a program that carries many messages;
//              InLargePages() for what is filled at once and is many megabytes.
// Threads      ReuseFreedMemory() before there are others.
// Ownership    The process.
// Errors       None: where it cannot be had nothing is lost but time.
#pragma once

#include "base/bytes.h"

namespace holdfast {

// Has the allocator keep what is freed up to a bound, instead of giving each message's memory back
// to the kernel and taking it again: every new page is a fault, and the kernel has to clear it.
void ReuseFreedMemory();

// Asks the kernel for pages of 2 MiB where `bytes` has room that nothing was written to yet: a page
// of 4 KiB costs as much to be had as to be filled.
void InLargePages(Bytes& bytes);

}  // namespace holdfast
