// SPDX-License-Identifier: Apache-2.0
//
// Members and keys that a person's order struck off.
//
// When to use  Through State, and by whoever checks a signature or a certificate (daemon/rpc).
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

#include "crypto/ed25519.h"
#include "policy/agreement.h"

namespace holdfast::policy {

class StruckOff final {
 public:
  using KeyBytes = std::array<std::byte, crypto::PublicKey::kBytes>;

  bool empty() const { return members_.empty() && keys_.empty(); }
  bool Has(MemberNumber member) const { return members_.count(member) > 0; }
  bool Has(const KeyBytes& key) const { return keys_.count(key) > 0; }
  bool Has(const crypto::PublicKey& key) const { return Has(key.bytes()); }

  bool HasKeyOf(const Member& member) const {
    return std::any_of(member.keys.begin(), member.keys.end(),
                       [&](const MemberKey& key) { return Has(key.public_key); });
  }

  void Add(MemberNumber member) { members_.insert(member); }
  void Add(const crypto::PublicKey& key) { keys_.insert(key.bytes()); }

  const std::set<MemberNumber>& members() const { return members_; }
  const std::set<KeyBytes>& keys() const { return keys_; }

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  std::set<MemberNumber> members_;
  std::set<KeyBytes> keys_;
};

}  // namespace holdfast::policy
