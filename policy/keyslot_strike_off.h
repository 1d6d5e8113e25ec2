// SPDX-License-Identifier: Apache-2.0
// The order of two people that strikes lost members off a mirror of keyslots, so that the exchange
// goes on with the others. docs/ledger-format.md#keyslot-strike-off
//
// A member that is gone stops every act that needs an epoch, for it may still hold a key that was
// to be gone. This order says that two people know that. It names the present epoch: once the
// exchange has made another one, it is void, and what the lost member holds is of an older one.
//
// When to use  By `holdfast keyslot`; by Decide(), for the fact that says so.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       As policy/restore_order.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"
#include "policy/agreement.h"
#include "policy/struck_off.h"

namespace holdfast::policy {

inline constexpr std::string_view kKeyslotStrikeOffPayloadType =
    "application/vnd.holdfast.keyslot-strike-off.v1+json";

struct KeyslotStrikeOffTerms {
  ExchangeId exchange;
  std::uint64_t epoch = 0;             // The present one.
  std::string keyslots;                // What the last start had, such as `mirror(file,tpm2)`.
  std::vector<std::uint32_t> members;  // Which are lost, by place, from 1, ascending.
  std::string reason;                  // How they were lost, in a line. No personal data.
  UnixMillis made_at;

  friend bool operator==(const KeyslotStrikeOffTerms&, const KeyslotStrikeOffTerms&) = default;
};

// An order as it stands there. Nobody's signature is looked at.
struct UnverifiedKeyslotStrikeOff {
  crypto::UnverifiedDsse envelope;
  KeyslotStrikeOffTerms terms;
  std::string left;  // The keyslots without them.
};

// Returns the order with the signature of the first person.
// Errors: kRequestMalformed if `members` cannot be struck off `keyslots`, or `reason` is no line.
absl::StatusOr<std::string> SignKeyslotStrikeOff(const KeyslotStrikeOffTerms& terms,
                                                 const crypto::SigningKey& key);

// Returns the order with one more signature.
// Errors: kAlreadyExists if this key has signed.
absl::StatusOr<std::string> CountersignKeyslotStrikeOff(std::string_view order,
                                                        const crypto::SigningKey& key);

// Reads what an order says.
absl::StatusOr<UnverifiedKeyslotStrikeOff> ReadKeyslotStrikeOff(std::string_view order);

// Opens an order that two different persons of `agreement` have signed, neither of them among
// `struck_off`. Returns who, by member id.
absl::StatusOr<std::vector<std::string>> OpenKeyslotStrikeOff(
    const UnverifiedKeyslotStrikeOff& order, const OpenedAgreement& agreement,
    const StruckOff& struck_off);

}  // namespace holdfast::policy
