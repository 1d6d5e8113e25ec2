// SPDX-License-Identifier: Apache-2.0
//
// What a state knows of its witnesses, of who may read about a person, of the key that makes
// pseudonyms, and of the keyslots.
//
// When to use  Through State. Changed by Fold alone.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "policy/agreement.h"
#include "policy/person_key.h"

namespace holdfast::policy {

// What one witness has signed last.
struct WitnessedHead {
  std::uint64_t size = 0;  // 0: nothing yet.

  // By the witness's clock, but no later than the gateway's late time when it came: a witness whose
  // clock is ahead does not sign for the future.
  UnixMillis at = kMinTime;

  friend bool operator==(const WitnessedHead&, const WitnessedHead&) = default;
};

// An accepted AccountPerson.
struct PersonAccount {
  MemberNumber reader;
  std::vector<PersonKey> people;  // Ascending.
};

// Members of a mirror that two people struck off. Nobody erased what they held.
struct StruckOffKeyslots {
  std::uint64_t index = 0;  // Ledger index.
  std::uint64_t epoch = 0;  // The one of then. They may hold its key, and the one of that before.
  std::string keyslots;     // The mirror, with them.
  std::vector<std::uint32_t> members;  // By place in it, from 1, ascending.

  friend bool operator==(const StruckOffKeyslots&, const StruckOffKeyslots&) = default;
};

struct EvidenceRecord {
  std::vector<WitnessedHead> witnesses;  // In the agreement's order.

  // The youngest time at which one witness of each side that names any had signed. kMaxTime where
  // the agreement names none, kMinTime before the first quorum.
  UnixMillis quorum_at = kMaxTime;

  // Index of the newest entry that is no reading, no time and no cosignature.
  std::uint64_t newest_act = 0;

  std::map<std::uint64_t, PersonAccount> accounts;  // By ledger index of the order.

  // The first of two orders to destroy the pseudonym key; 0 where none stands.
  std::uint64_t key_destruction_index = 0;
  MemberNumber key_destruction_by;
  std::string key_destruction_reason;

  // The second one; 0 while the key is there.
  std::uint64_t key_destroyed_index = 0;

  // The kind of the keyslots with which the newest process started, less what was struck off since.
  std::string keyslots;
  std::uint64_t keyslots_since_epoch = 0;  // When a process first started with them, or with more.
  std::vector<StruckOffKeyslots> struck_off_keyslots;  // In the ledger's order.

  bool pseudonym_key_destroyed() const { return key_destroyed_index != 0; }

  // Whether a quorum has signed within `max_age` before `late`.
  bool IsWitnessed(UnixMillis late, std::chrono::milliseconds max_age) const {
    return quorum_at == kMaxTime || (quorum_at != kMinTime && late - quorum_at <= max_age);
  }
};

}  // namespace holdfast::policy
