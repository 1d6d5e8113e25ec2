// SPDX-License-Identifier: Apache-2.0
// The form in which ledger entries are stored and exported: up to 256 in one run of bytes.
//
// An entry of less than 65,535 bytes is its length as a big-endian u16, then its bytes. A longer
// one, which only a large signed order makes, is the u16 0xffff, its length as a big-endian u32,
// then its bytes. So a bundle without such an entry is byte for byte an entry bundle of the C2SP
// tiled log, and what reads those reads ours.
//
// When to use  To write or read what Reader::ReadBundle() returns. Not for chunks: those are
//              messages of their own.
// Threads      May be called concurrently.
// Ownership    What ParseBundle() returns borrows from its argument.
// Errors       kStoreCorrupt for what AppendToBundle() does not make.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"

namespace holdfast::store {

// Adds `entry` at the end of `bundle`.
// REQUIRES: `entry` has 1 to kMaxEntryBytes bytes.
void AppendToBundle(Bytes& bundle, ByteSpan entry);

// How many bytes a bundle that is not full takes in the database: what it lacks are zeros behind
// it, which no entry begins with. A row that keeps its size while entries are added is overwritten
// in place, and only the pages that differ are written.
std::size_t PaddedBundleBytes(std::size_t bytes);

// Takes the zeros off what was stored. What has none stays as it is.
// Errors: kStoreCorrupt for zeros of another number, and for what they cannot follow.
absl::Status RemovePadding(Bytes& stored);

// Returns the entries of `bundle`, in order: 1 to 256. Each sequence of entries has one form, and
// no other one is taken.
// Errors: kStoreCorrupt.
absl::StatusOr<std::vector<ByteSpan>> ParseBundle(ByteSpan bundle);

}  // namespace holdfast::store
