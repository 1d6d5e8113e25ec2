// SPDX-License-Identifier: Apache-2.0
// The opening of a release verdict: the bytes, their commitment, and how a stored one is opened.
// docs/ledger-format.md, "Commitments".
//
// When to use  When outcomes are deposited, and to show a case, settle it, or judge it again.
// Threads      May be called concurrently.
// Ownership    OpeningBytes borrows what it was made from. What is opened is personal data: keep it
//              for one message.
// Errors       kStoreCorrupt if what is stored is not what was committed to; the store's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "daemon/exchange/exchange.h"
#include "daemon/rpc/request_views.h"
#include "daemon/rpc/subject_chunk.h"
#include "holdfast/record/v1/opening.pb.h"

namespace holdfast::rpc {

// SHA-256 over the domain and the opening's bytes: what the outcome's entry has.
Digest32 OpeningCommitment(ByteSpan opening);

// Whether the candidates' record fields go into an opening: only where a person may need them.
enum class OpeningFields { kLeftOut = 0, kPermitted };

// The bytes of a row's opening: a serialised record.v1.Opening, written from the findings without
// copying them.
class OpeningBytes final {
 public:
  // `permitted` are the record fields that the agreement lets out for the authority.
  OpeningBytes(const SubjectAtRestView& subject, std::span<const CandidateView> candidates,
               OpeningFields fields, const std::vector<std::string>& permitted);

  std::size_t size() const { return size_; }

  // REQUIRES: out.size() == size().
  void Write(std::span<std::byte> out) const;

 private:
  template <typename Visit>
  void ForEachField(const CandidateView& candidate, Visit visit) const;
  std::size_t CandidateBytes(const CandidateView& candidate) const;

  const std::string_view commitment_nonce_;
  const std::span<const CandidateView> candidates_;
  const OpeningFields fields_;
  const std::vector<std::string>& permitted_;
  Digest32 subject_commitment_;
  std::size_t size_ = 0;
};

// Whether the agreement's list has the field.
bool IsPermitted(const std::vector<std::string>& permitted, std::string_view field);

struct OpenedOpening {
  record::v1::Opening opening;
  Digest32 commitment{};  // Of the bytes that were opened.
};

// Opens the opening of the row of `subject`, which OpenSubjectChunk() gave.
// Errors: kNotFound if the row has none.
absl::StatusOr<OpenedOpening> OpenStoredOpening(const exchange::Published& published,
                                                const TransferFacts& facts,
                                                const OpenedSubject& subject);

}  // namespace holdfast::rpc
