// SPDX-License-Identifier: Apache-2.0
// Leases: how record keys reach the requester who may have them. docs/envelope-format.md, "Lease".
//
//   requester                                              gateway
//   LeaseRequest::Create() -- opening, signature -------> VerifyLeaseOpening(), decide, commit
//   LeaseRequest::Accept() <------ header, sealed key --- LeaseIssuer::Issue()
//   BatchChain::Extend()   -- rows, chain --------------> BatchChain::Accept(), decide, commit
//   Lease::Unwrap()        <------------- sealed keys --- LeaseIssuer::Wrap()
//
// The opening carries a fresh X25519 key and is signed by the requester's enrolled key. The lease
// key is sealed to it once, bound to the lease's header; each record key is sealed under the lease
// key, bound to its row and to the ledger entry of its release. So there is one public-key
// operation a lease, and none a record.
//
// When to use  LeaseIssuer in the gateway, LeaseRequest and Lease in the client. Nothing here is
// ever
//              stored: asking again is a new lease and a new decision.
// Threads      Const members may be called concurrently; a BatchChain belongs to one stream.
// Ownership    Values. The random source is borrowed for the call.
// Errors       At each function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

using X25519PublicKey = StrongId<struct X25519PublicKeyTag, std::array<std::byte, 32>>;

inline constexpr std::size_t kSealedRecordKeyBytes = 48;
inline constexpr std::size_t kSealedLeaseKeyBytes = 112;
inline constexpr std::size_t kMaxMemberBytes = 255;

// Whether one can seal to it: not one of the points of low order, with which everybody knows the
// shared secret.
bool CanSealTo(const X25519PublicKey& recipient_key);

// What a requester signs.
struct LeaseOpening {
  ExchangeId exchange;
  TransferId transfer;
  X25519PublicKey recipient_key;      // Fresh, for this lease alone.
  std::array<std::byte, 16> nonce{};  // Random: no two openings are equal.
  UnixMillis opened_at;               // By the requester's clock.
  std::uint64_t ledger_size = 0;      // The last checkpoint that the requester verified;
  Digest32 ledger_root{};             // 0 and zeros if none.
  std::string member;                 // The requester's member id, 1 to kMaxMemberBytes.

  friend bool operator==(const LeaseOpening&, const LeaseOpening&) = default;
};

// REQUIRES: the member's name has 1 to kMaxMemberBytes.
Bytes EncodeLeaseOpening(const LeaseOpening& opening);

// Errors: kRequestMalformed if these are not the bytes of an opening.
absl::StatusOr<LeaseOpening> ParseLeaseOpening(ByteSpan bytes);

// Checks the signature, and only then parses. Whether the opening is fresh, and its exchange,
// transfer and member the caller's, is for the caller to decide.
// Errors: kSignatureInvalid, kRequestMalformed.
absl::StatusOr<LeaseOpening> VerifyLeaseOpening(ByteSpan opening, ByteSpan signature,
                                                const PublicKey& enrolled_key);

// Returns the hash that names a signed opening: where its BatchChain begins.
Digest32 LeaseOpeningDigest(ByteSpan opening, ByteSpan signature);

// What the gateway grants.
struct LeaseHeader {
  ExchangeId exchange;
  TransferId transfer;
  Digest32 opening{};              // LeaseOpeningDigest() of the opening that asked for it.
  std::uint32_t lease = 0;         // The lease's number in the ledger.
  std::uint64_t ledger_index = 0;  // The entry that granted it.
  UnixMillis not_after;            // When the client wipes what it unwrapped.

  friend bool operator==(const LeaseHeader&, const LeaseHeader&) = default;
};

Bytes EncodeLeaseHeader(const LeaseHeader& header);

// Errors: kRequestMalformed if these are not the bytes of a lease header.
absl::StatusOr<LeaseHeader> ParseLeaseHeader(ByteSpan bytes);

using SealedRecordKey = std::array<std::byte, kSealedRecordKeyBytes>;

// The gateway's side of one lease.
class LeaseIssuer final {
 public:
  // Draws a lease key and seals it to the opening's recipient key.
  // Errors: kRequestMalformed  the recipient key is no key that one can seal to;
  //         kUnavailable       no guarded memory is left.
  static absl::StatusOr<LeaseIssuer> Issue(const LeaseHeader& header,
                                           const X25519PublicKey& recipient_key, Random& random);

  const LeaseHeader& header() const { return header_; }
  const Bytes& header_bytes() const { return header_bytes_; }
  const Bytes& sealed_lease_key() const { return sealed_lease_key_; }

  // Seals `key` for the requester.
  //
  // `ledger_index` is the committed entry that released `row`: it makes the nonce, so no two rows
  // of a lease may have the same one. The ledger sees to that.
  void Wrap(const RecordKey& key, std::uint32_t row, std::uint64_t ledger_index,
            std::span<std::byte, kSealedRecordKeyBytes> out) const;

 private:
  LeaseIssuer(LeaseHeader header, SecretBytes lease_key);

  LeaseHeader header_;
  Bytes header_bytes_;
  Digest32 header_digest_;
  Bytes sealed_lease_key_;
  SecretBytes lease_key_;
};

// The requester's side of one lease.
class Lease final {
 public:
  const LeaseHeader& header() const { return header_; }

  // Opens what LeaseIssuer::Wrap() sealed for that row and ledger index.
  // Errors: kEnvelopeRejected for everything else.
  absl::StatusOr<RecordKey> Unwrap(ByteSpan sealed, std::uint32_t row,
                                   std::uint64_t ledger_index) const;

 private:
  friend class LeaseRequest;
  Lease(LeaseHeader header, Digest32 header_digest, SecretBytes lease_key);

  LeaseHeader header_;
  Digest32 header_digest_;
  SecretBytes lease_key_;
};

// A requester that asks for a lease.
class LeaseRequest final {
 public:
  // Draws the recipient key and the nonce, overwriting those of `opening`, and signs with the
  // requester's enrolled key.
  // REQUIRES: the member's name has 1 to kMaxMemberBytes.
  // Errors: kUnavailable if no guarded memory is left.
  static absl::StatusOr<LeaseRequest> Create(LeaseOpening opening, const SigningKey& signing_key,
                                             Random& random);

  const LeaseOpening& opening() const { return opening_; }
  const Bytes& opening_bytes() const { return opening_bytes_; }
  const Signature& signature() const { return signature_; }

  // LeaseOpeningDigest() of this request.
  const Digest32& digest() const { return digest_; }

  // Takes what LeaseIssuer::Issue() granted.
  // Errors: kEnvelopeRejected if it was not granted to this request, or does not open.
  absl::StatusOr<Lease> Accept(ByteSpan header_bytes, ByteSpan sealed_lease_key) const;

 private:
  LeaseRequest(LeaseOpening opening, SecretBytes secret_key);

  LeaseOpening opening_;
  Bytes opening_bytes_;
  Signature signature_{};
  Digest32 digest_{};
  SecretBytes secret_key_;
};

// Ties each batch of a stream to the signed opening and to all batches before it.
class BatchChain final {
 public:
  explicit BatchChain(const Digest32& opening_digest) : head_(opening_digest) {}

  // Adds a batch of rows, in the order asked, and returns the chain's new head.
  const Digest32& Extend(std::span<const std::uint32_t> rows);

  // Adds a batch of the other side, if `claimed` is what Extend() would return.
  // Errors: kSignatureInvalid if not; nothing is added then.
  absl::Status Accept(std::span<const std::uint32_t> rows, ByteSpan claimed);

  const Digest32& head() const { return head_; }

 private:
  Digest32 Next(std::span<const std::uint32_t> rows) const;

  Digest32 head_;
  std::uint64_t batches_ = 0;
};

}  // namespace holdfast::crypto
