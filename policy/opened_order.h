// SPDX-License-Identifier: Apache-2.0
//
// A person's signed order, verified and parsed.
//
// When to use  Open an order outside the writer's thread, set `head_check`, and pass it to Decide
//              and Apply. Whether it may be accepted is Decide's business, not OpenOrder's.
// Threads      OpenOrder is a pure function: may be called concurrently.
// Ownership    An OpenedOrder owns everything.
// Errors       OpenOrder alone fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/agreement.h"

namespace holdfast::policy {

using OrderId = StrongId<struct OrderIdTag, std::array<std::byte, 16>>;

// Whether the ledger that the signer saw is a prefix of this one.
enum class HeadCheck : std::uint8_t {
  kNotAPrefix = 0,  // Or nobody has looked yet.
  kPrefix = 1,
};

// Whether a person has had an order accepted before.
struct OrderPrev {
  bool any = false;
  Digest32 digest{};  // SHA-256 of its payload. Zero unless `any`.

  friend bool operator==(const OrderPrev&, const OrderPrev&) = default;
};

struct OpenedOrder {
  order::v1::Order order;

  Digest32 payload_digest{};   // SHA-256 of the JSON. An order is accepted once by this.
  Digest32 envelope_digest{};  // SHA-256 of the DSSE envelope, for Refused entries.

  // What `order` says, as values.
  Digest32 exchange_id{};
  OrderId id;
  MemberNumber person;
  UnixMillis issued_at;
  UnixMillis void_after;
  std::uint64_t head_size = 0;
  Digest32 head_root{};
  OrderPrev prev;
  UnixMillis key_valid_until;       // kMaxTime if the key has no end.
  std::array<std::byte, 32> key{};  // Which public key verified it.

  // Set by who can ask the Merkle tree for its root at `head_size`. REQUIRED before Decide.
  HeadCheck head_check = HeadCheck::kNotAPrefix;
};

// Verifies and parses `dsse`. The person that the order names is a member with a signing key that
// verifies it and was valid when it was issued; the act is one of those that are defined.
//
// Errors: kRequestTooLarge    over kMaxOrderBytes;
//         kRequestMalformed   no strict DSSE, no strict JSON, or a field that cannot be read;
//         kSignatureInvalid   no key of that person that was valid then verifies it, or the
//                             agreement does not name that person.
absl::StatusOr<OpenedOrder> OpenOrder(ByteSpan dsse, const OpenedAgreement& agreement);

}  // namespace holdfast::policy
