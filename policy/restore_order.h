// SPDX-License-Identifier: Apache-2.0
// The order of two people that lets an exchange go on from a backup, and says what is lost by it.
// docs/ledger-format.md#restore
//
// It names one backup by its ledger's head, so that it lets nothing else go on. It stands in the
// ledger as the first entry after the backup's, and an epoch follows it: then that backup is void,
// and the order with it.
//
// When to use  Before store::RestoreStore(); by Decide(), for the fact that says so.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed for what is no such order, kSignatureInvalid for signatures that
//              are missing, not two people's, or wrong; kOrderRejected if both are of the
//              requester's side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"
#include "policy/agreement.h"
#include "policy/struck_off.h"

namespace holdfast::policy {

inline constexpr std::string_view kRestorePayloadType = "application/vnd.holdfast.restore.v1+json";

struct RestoreTerms {
  ExchangeId exchange;

  // The backup.
  std::uint64_t epoch = 0;
  std::uint64_t ledger_size = 0;
  Digest32 root{};

  // The largest ledger of the exchange that anybody is known to have seen; at least `ledger_size`.
  // The entries between the two are lost.
  std::uint64_t newest_known = 0;
  std::string lost;  // What is known of them, in a line. No personal data.
  UnixMillis made_at;

  friend bool operator==(const RestoreTerms&, const RestoreTerms&) = default;
};

// An order as it stands there. Nobody's signature is looked at.
struct UnverifiedRestore {
  crypto::UnverifiedDsse envelope;
  RestoreTerms terms;
};

struct RestoreOrder {
  RestoreTerms terms;
  std::vector<std::string> members;  // Who signed, by member id.
};

// Returns the order with the signature of the first person.
// REQUIRES: terms.lost is a line of UTF-8; terms.newest_known is not below terms.ledger_size.
absl::StatusOr<std::string> SignRestore(const RestoreTerms& terms, const crypto::SigningKey& key);

// Returns the order with one more signature.
// Errors: kAlreadyExists if this key has signed.
absl::StatusOr<std::string> CountersignRestore(std::string_view order,
                                               const crypto::SigningKey& key);

// Reads what an order says.
absl::StatusOr<UnverifiedRestore> ReadRestore(std::string_view order);

// Opens an order that two different persons of `agreement` have signed, neither of them among
// `struck_off`.
absl::StatusOr<RestoreOrder> OpenRestore(std::string_view order, const OpenedAgreement& agreement,
                                         const StruckOff& struck_off);

}  // namespace holdfast::policy
