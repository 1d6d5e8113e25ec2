// SPDX-License-Identifier: Apache-2.0
// An order that two people give together: each signs the same envelope, in the same words.
//
// It is for what an exchange cannot take over its interface because it does not run then: that it
// goes on from a backup (policy/restore_order.h), or without a keyslot that is lost
// (policy/keyslot_strike_off.h). The daemon finds it at its start and puts it into the ledger
// before anything else.
//
// When to use  Under the two, which say what is ordered. What one person orders is an order::v1.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed for what is no such order; the rest at each function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/strict_json.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"
#include "policy/agreement.h"
#include "policy/refusal.h"
#include "policy/struck_off.h"

namespace holdfast::policy {

// Inclusive.
inline constexpr std::size_t kMaxJointOrderBytes = std::size_t{64} << 10;

// The name under which an order lies in the state folder of a daemon that stands still: of the
// restoration of a ledger of `size` entries, and of a strike-off in `epoch`.
std::string RestoreOrderName(std::uint64_t size);
inline constexpr std::string_view kKeyslotStrikeOffPrefix = "keyslot-struck-off-";
std::string KeyslotStrikeOffName(std::uint64_t epoch);

// Who signed, if it counts.
struct JointSigners {
  // kAllowed; kJointOrderUnsigned if a signature is wrong, or they are not two persons of the
  // agreement who sign orders, neither of them struck off, with keys that were valid at
  // `made_at` and are not struck off; kJointOrderByRequester if both are of the requester's side.
  Refusal refusal = Refusal::kUndecided;
  std::vector<std::string> members;  // By id, ascending.
};

JointSigners CheckJointSigners(const crypto::UnverifiedDsse& envelope,
                               std::string_view payload_type, UnixMillis made_at,
                               const OpenedAgreement& agreement, const StruckOff& struck_off);

// Returns the envelope with the signature of the first person.
absl::StatusOr<std::string> SignJointOrder(std::string_view payload_type, std::string_view payload,
                                           const crypto::SigningKey& key);

// Returns the order with one more signature. What it says is the caller's to have read.
// Errors: kAlreadyExists if this key has signed.
absl::StatusOr<std::string> CountersignJointOrder(const crypto::UnverifiedDsse& envelope,
                                                  const crypto::SigningKey& key);

// Takes members out of a payload. What is missing, or of another kind, is empty or 0: the payload
// is rendered again from what was taken, and compared.
std::string TextIn(const JsonValue& value, std::string_view name);
std::uint64_t NumberIn(const JsonValue& value, std::string_view name);
JsonValue JsonNumber(std::uint64_t number);

// Whether a person can have written this as a line: not empty, at most 1,000 bytes of UTF-8, and
// nothing in it deceives the eye.
bool IsALine(const std::string& text);

}  // namespace holdfast::policy
