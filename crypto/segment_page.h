// SPDX-License-Identifier: Apache-2.0
// Segment pages: a key tree, sealed for the store. docs/key-tree.md, "Segment page".
//
// When to use  When a segment is opened, and when leaves of it are destroyed: a page key seals one
//              image, once (invariant I1), so each image gets a new one, from NewPageKey().
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       At each function.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// What a segment's leaves seal. The numbers are those of holdfast.ledger.v1.SegmentKind.
enum class SegmentKind : std::uint8_t {
  kUnspecified = 0,  // Refused.
  kRecord = 1,       // Records' envelopes.
  kSubject = 2,      // Subjects at rest.
};

struct SegmentName {
  ExchangeId exchange;
  SegmentId segment;
  SegmentKind kind = SegmentKind::kUnspecified;
};

PageKey NewPageKey(Random& random);

// REQUIRES: name.kind is not kUnspecified; `key` has sealed nothing yet.
// Errors: kUnavailable if no guarded memory is left.
absl::StatusOr<Bytes> SealSegmentPage(const SegmentName& name, const SegmentTree& tree,
                                      const PageKey& key, Random& random);

// Errors: kStoreCorrupt  `sealed` is not what was sealed under that name and key;
//         kUnavailable   no guarded memory is left.
absl::StatusOr<SegmentTree> OpenSegmentPage(const SegmentName& name, ByteSpan sealed,
                                            const PageKey& key);

}  // namespace holdfast::crypto
