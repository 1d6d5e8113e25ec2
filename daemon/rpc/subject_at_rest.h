// SPDX-License-Identifier: Apache-2.0
// A subject as it is stored: a record.v1.SubjectAtRest, written from the request and read again
// without a copy of each text.
//
// When to use  Before a subject is sealed, and after it was opened.
// Threads      Not safe for concurrent use; a view may be read concurrently.
// Ownership    A view borrows the bytes. They are personal data: keep them for one message.
// Errors       False for bytes that are no SubjectAtRest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/wiped_buffer.h"
#include "policy/identity.h"

namespace holdfast::rpc {

// A subject's plaintext is padded to this. One that does not fit is refused.
inline constexpr std::size_t kSubjectPaddedBytes = 512;

// The most that is around the subject's own bytes: two field headers, the nonce, the gate's
// version.
inline constexpr std::size_t kAroundSubjectBytes = 64;

// SHA-256 over the domain, the nonce and the bytes of the v1.Subject as it was received: what
// SubjectJudged has. docs/ledger-format.md, "Commitments".
Digest32 SubjectCommitment(ByteSpan nonce, ByteSpan subject);

// A v1.Subject.
struct SubjectView {
  policy::PersonView person;
  std::uint32_t officer = 0;  // By position on the transfer's list.
  std::string_view case_number;
  std::string_view client_reference;

  std::string_view bytes;  // As it was received.
};

bool ReadSubject(std::string_view bytes, SubjectView& view);

struct SubjectAtRestView {
  SubjectView subject;
  std::string_view commitment_nonce;

  Digest32 Commitment() const {
    return SubjectCommitment(AsBytes(commitment_nonce), AsBytes(subject.bytes));
  }
};

bool ReadSubjectAtRest(std::string_view bytes, SubjectAtRestView& view);

// Writes one subject after the other into one buffer: an allocation a row would cost as much as the
// sealing.
class SubjectAtRestBytes final {
 public:
  // Returns what is to be sealed, valid until the next.
  // REQUIRES: the subject's size and kAroundSubjectBytes are at most kSubjectPaddedBytes.
  ByteSpan Write(const SubjectView& subject, ByteSpan nonce);

 private:
  crypto::WipedBuffer buffer_{kSubjectPaddedBytes};
};

}  // namespace holdfast::rpc
