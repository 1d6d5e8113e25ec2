// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/subject_chunk.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/key_tree.h"
#include "crypto/sealed_subject.h"
#include "daemon/rpc/chunk_codec.h"

namespace holdfast::rpc {
namespace {

// All of the chunk, or `only` that row.
absl::StatusOr<std::vector<OpenedSubject>> Open(const exchange::Published& published,
                                                const ExchangeId& exchange,
                                                const TransferFacts& facts, std::uint32_t chunk,
                                                std::optional<std::uint32_t> only) {
  Bytes stored;
  {
    HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
    HF_ASSIGN_OR_RETURN(stored,
                        reader->ReadChunk({store::ChunkKind::kSubjects, facts.number, chunk}));
  }
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> items,
                      ParseChunk(store::ChunkKind::kSubjects, stored));
  std::vector<OpenedSubject> subjects;
  subjects.reserve(items.size());
  const exchange::VaultSegment* segment = nullptr;
  std::optional<crypto::LeafCursor> cursor;
  for (const ByteSpan item : items) {
    HF_ASSIGN_OR_RETURN(const crypto::SubjectPosition position, crypto::InspectSubject(item));
    if (segment == nullptr || segment->name.segment != position.segment) {
      segment = published.vault->Find(position.segment);
      if (segment == nullptr) {
        return MakeError(Reason::kStoreCorrupt, "a subject names an unknown segment");
      }
      cursor.emplace(*segment->tree);
    }
    if (only.has_value() && position.row != *only) continue;
    OpenedSubject subject;
    subject.name = {exchange, facts.id, position.segment, position.leaf, position.row};
    const absl::Status derived = cursor->Derive(position.leaf, subject.seed);
    if (ReasonOf(derived) == Reason::kRecordNotReleasable) continue;
    HF_RETURN_IF_ERROR(derived);
    absl::StatusOr<crypto::WipedBuffer> plain =
        crypto::OpenSubject(item, subject.name, subject.seed);
    if (!plain.ok() || !ReadSubjectAtRest(AsText(plain->Reveal()), subject.at_rest)) {
      return MakeError(Reason::kStoreCorrupt, "a stored subject does not open");
    }
    subject.plain = *std::move(plain);
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

}  // namespace

absl::StatusOr<std::vector<OpenedSubject>> OpenSubjectChunk(const exchange::Published& published,
                                                            const ExchangeId& exchange,
                                                            const TransferFacts& facts,
                                                            std::uint32_t chunk) {
  return Open(published, exchange, facts, chunk, std::nullopt);
}

absl::StatusOr<OpenedSubject> OpenOneSubject(const exchange::Published& published,
                                             const ExchangeId& exchange, const TransferFacts& facts,
                                             std::uint32_t row) {
  HF_ASSIGN_OR_RETURN(std::vector<OpenedSubject> subjects,
                      Open(published, exchange, facts, row / kRowsPerChunk, row));
  if (subjects.empty()) {
    return MakeError(Reason::kRecordNotReleasable, "the row's keys were destroyed");
  }
  return std::move(subjects.front());
}

}  // namespace holdfast::rpc
