// SPDX-License-Identifier: Apache-2.0
// The exchanges that this daemon hosts, and who may do what in them.
//
// When to use  Filled while the daemon is wired, then read by the gate and the services.
// Threads      Add() by one thread, before the server starts. The others concurrently.
// Ownership    Owns the hosted exchanges.
// Errors       Find() fails with kExchangeNotFound.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "daemon/exchange/exchange.h"
#include "daemon/rpc/authority.h"
#include "daemon/rpc/call.h"
#include "policy/agreement.h"
#include "policy/gate_rules.h"
#include "policy/place_table.h"

namespace holdfast::rpc {

// An exchange with what its gates need.
struct Hosted {
  std::shared_ptr<const policy::OpenedAgreement> agreement;
  std::shared_ptr<const policy::PlaceTable> places;  // Null if the agreement names none.
  std::shared_ptr<const policy::GateRules> rules;

  // Last, so that it is destroyed first: its last tasks may still use what is above.
  std::unique_ptr<exchange::Exchange> exchange;
};

// What the exchange lets its readers see.
// Errors: kExchangeStopped.
absl::StatusOr<std::shared_ptr<const exchange::Published>> PublishedOf(const Hosted& hosted);

class Directory final : public Authority {
 public:
  void Add(Hosted hosted);

  // Closes every exchange. The server must be gone.
  void Clear() { hosted_.clear(); }

  // The exchange that the call named, or the only one.
  // Errors: kExchangeNotFound.
  absl::StatusOr<const Hosted*> Find(const Call& call) const;

  const std::vector<Hosted>& hosted() const { return hosted_; }

  // Authority.
  Access Ask(std::string_view spiffe_id, std::string_view permission,
             std::string_view exchange) const override;
  std::string MemberOf(std::string_view spiffe_id, std::string_view exchange) const override;
  std::vector<std::string> NoticesFor(std::string_view member,
                                      std::string_view exchange) const override;

 private:
  const Hosted* Named(std::string_view exchange) const;

  std::vector<Hosted> hosted_;
};

}  // namespace holdfast::rpc
