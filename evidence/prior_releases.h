// SPDX-License-Identifier: Apache-2.0
// Who had got keys of records before they were destroyed, when, and of how many (R34).
//
// When to use  PriorReleaseSearch while a ledger is read whose end destroys records: which ones,
// only
//              that end says. Most go through ErasureSearch (evidence/erasure_search.h).
// Threads      Not safe for concurrent use.
// Ownership    Keeps 8 bytes a key that left, 16 a lease and 16 an instant at which keys left, and
//              nothing else of the ledger.
// Errors       None: what does not follow from a ledger, its verification refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"
#include "policy/disposal.h"
#include "policy/state.h"

namespace holdfast::evidence {

// Inclusive limits: the rest is summed up, so that a list stays short whatever a ledger holds.
inline constexpr std::size_t kMaxPriorRequesters = 64;
inline constexpr std::size_t kMaxPriorLeases = 256;

// Keys of destroyed records that left to a requester, or under a lease; or to several, or under
// several, where it sums up the rest.
struct PriorRelease {
  std::string requester;      // Member id. Empty where it sums up.
  std::uint64_t lease = 0;    // Ledger index of its LeaseOpened. 0 of a requester, or in a sum.
  std::uint64_t leases = 0;   // How many.
  std::uint64_t records = 0;  // How many different ones.
  UnixMillis first;           // Late times in force when the first and the last of the keys left.
  UnixMillis last;

  friend bool operator==(const PriorRelease&, const PriorRelease&) = default;
};

struct PriorReleases {
  std::vector<PriorRelease> requesters;         // In the agreement's order.
  std::optional<PriorRelease> more_requesters;  // The others.
  std::vector<PriorRelease> leases;             // Ascending by index.
  std::optional<PriorRelease> more_leases;

  friend bool operator==(const PriorReleases&, const PriorReleases&) = default;
};

class PriorReleaseSearch final {
 public:
  // The next LeaseOpened: the first is lease 0.
  void Take(std::uint64_t index, const ledger::v1::LeaseOpened& fact, const policy::State& before);

  // The next KeyReleased, at that late time.
  void Take(const ledger::v1::KeyReleased& fact, UnixMillis late);

  // Those of `records`, ascending by transfer as the ledger has them.
  PriorReleases Of(std::span<const policy::RowRuns> records,
                   const policy::OpenedAgreement& agreement) const;

 private:
  struct Lease {
    std::uint64_t index = 0;
    std::uint32_t transfer = 0;
    policy::MemberNumber requester;
  };
  struct Key {
    std::uint32_t lease = 0;
    std::uint32_t row = 0;
  };
  struct Instant {
    std::size_t first = 0;  // Of `keys_`: the first that left then.
    UnixMillis late;
  };

  std::vector<Lease> leases_;  // By number.
  std::vector<Key> keys_;      // In the ledger's order.
  std::vector<Instant> instants_;
};

}  // namespace holdfast::evidence
