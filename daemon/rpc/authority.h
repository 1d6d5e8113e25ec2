// SPDX-License-Identifier: Apache-2.0
// Who may do what: the question that the request gate asks of the agreements in force.
//
// When to use  Implemented over policy's agreement, by whoever wires the exchanges; asked by the
//              request gate only. A handler that must know the caller's role asks its exchange.
// Threads      May be called concurrently, on gRPC's threads, for every call and again for every
//              message. It must not wait, and must be cheap: read a snapshot.
// Ownership    Borrowed by the server; must outlive it.
// Errors       None. When in doubt the answer is no.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::rpc {

enum class Access {
  kDenied = 0,

  // The caller may do this in an exchange of this daemon, and not in the one that it named: that
  // one is not here, or is none of the caller's business, and the caller is not told which.
  kExchangeUnknown,

  kAllowed,
};

class Authority {
 public:
  Authority() = default;
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  virtual ~Authority() = default;

  // Whether the identity `spiffe_id` may use `permission` (such as "keys.release") in `exchange`.
  // `exchange` is what the caller named, or empty: then the daemon's only exchange is meant, and
  // the answer is no where there are several and the permission is not about the daemon itself.
  // Who has the permission nowhere is denied, whatever it names: it learns nothing.
  virtual Access Ask(std::string_view spiffe_id, std::string_view permission,
                     std::string_view exchange) const = 0;

  // The id under which the agreement enrols `spiffe_id`; empty if it does not.
  virtual std::string MemberOf(std::string_view spiffe_id, std::string_view exchange) const = 0;

  // What the member is told with the end of each of its calls, a line each: that a hold touches it.
  virtual std::vector<std::string> NoticesFor(std::string_view member,
                                              std::string_view exchange) const {
    static_cast<void>(member);
    static_cast<void>(exchange);
    return {};
  }
};

}  // namespace holdfast::rpc
