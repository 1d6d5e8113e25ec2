// SPDX-License-Identifier: Apache-2.0
// Seals the outcome of one row, whatever it is: a record, or nothing.
//
// When to use  When findings are deposited, and when a case in review is settled: so that the two
//              envelopes differ in nothing that can be seen.
// Threads      One thread.
// Ownership    Borrows everything.
// Errors       At each function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"
#include "daemon/exchange/exchange.h"
#include "daemon/rpc/request_views.h"
#include "daemon/rpc/subject_at_rest.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

class OutcomeSealer final {
 public:
  // REQUIRES: the agreement has the transfer's authority.
  OutcomeSealer(const ExchangeId& exchange, const policy::OpenedAgreement& agreement,
                const TransferFacts& facts);

  // The size of an envelope.
  std::size_t envelope_bytes() const;

  // The record fields that the agreement lets out.
  const std::vector<std::string>& permitted() const { return authority_.fields; }

  // Whether the record would fit into an envelope.
  // Errors: kRequestMalformed, with metadata `row`.
  absl::Status CheckFits(std::uint32_t row, const SubjectView& subject,
                         const CandidateView& candidate) const;

  // Seals the permitted fields of `released` (R12), or that nothing is released, under a leaf, and
  // returns the envelope's digest. REQUIRES: out.size() == envelope_bytes().
  // Errors: as CheckFits().
  absl::StatusOr<Digest32> Seal(std::uint32_t row, const SubjectView& subject,
                                const CandidateView* released, const SegmentId& segment,
                                std::uint32_t leaf, const crypto::LeafSeed& seed,
                                const Digest32& salt, std::span<std::byte> out);

 private:
  const ExchangeId& exchange_;
  const policy::OpenedAgreement& agreement_;
  const TransferFacts& facts_;
  const policy::Authority& authority_;
  crypto::WipedBuffer plain_;  // One outcome after the other.
};

}  // namespace holdfast::rpc
