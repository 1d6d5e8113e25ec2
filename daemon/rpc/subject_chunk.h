// SPDX-License-Identifier: Apache-2.0
// A stored chunk of subjects, opened.
//
// When to use  To show subjects to the source, and to compare what the source found with them.
// Threads      May be called concurrently.
// Ownership    The result owns everything. It is personal data: keep it for one message.
// Errors       kStoreCorrupt if the chunk is not what was stored; the store's own.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

#include "crypto/sealed_subject.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"
#include "daemon/exchange/exchange.h"
#include "daemon/rpc/subject_at_rest.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

struct OpenedSubject {
  crypto::SubjectName name;
  crypto::LeafSeed seed;  // Of its leaf, under which the row's opening is sealed too.
  crypto::WipedBuffer plain;
  SubjectAtRestView at_rest;  // Of `plain`.

  std::uint32_t row() const { return name.row; }
};

// Returns the subjects of the chunk whose keys exist, in order of row. One whose key was destroyed
// is left out.
absl::StatusOr<std::vector<OpenedSubject>> OpenSubjectChunk(const exchange::Published& published,
                                                            const ExchangeId& exchange,
                                                            const TransferFacts& facts,
                                                            std::uint32_t chunk);

// Returns one subject of the chunk. Errors: kRecordNotReleasable if its key was destroyed, or there
// is none in that row.
absl::StatusOr<OpenedSubject> OpenOneSubject(const exchange::Published& published,
                                             const ExchangeId& exchange, const TransferFacts& facts,
                                             std::uint32_t row);

}  // namespace holdfast::rpc
