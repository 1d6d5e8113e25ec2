// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/directory.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace holdfast::rpc {

void Directory::Add(Hosted hosted) { hosted_.push_back(std::move(hosted)); }

const Hosted* Directory::Named(std::string_view exchange) const {
  if (exchange.empty()) return hosted_.size() == 1 ? &hosted_.front() : nullptr;
  for (const Hosted& hosted : hosted_) {
    if (hosted.exchange->name() == exchange) return &hosted;
  }
  return nullptr;
}

absl::StatusOr<const Hosted*> Directory::Find(const Call& call) const {
  const Hosted* hosted = Named(call.exchange());
  if (hosted == nullptr) {
    return MakeError(Reason::kExchangeNotFound, "the call names no exchange of this daemon");
  }
  return hosted;
}

Access Directory::Ask(std::string_view spiffe_id, std::string_view permission,
                      std::string_view exchange) const {
  const Hosted* hosted = Named(exchange);
  if (hosted != nullptr && hosted->agreement->FindMemberBySpiffeId(spiffe_id) != nullptr) {
    return hosted->agreement->Allows(spiffe_id, permission) ? Access::kAllowed : Access::kDenied;
  }
  // Which exchanges there are beside its own is nobody's business: one that is here and not the
  // caller's is answered like one that is not here.
  const bool somewhere = std::any_of(hosted_.begin(), hosted_.end(), [&](const Hosted& any) {
    return any.agreement->Allows(spiffe_id, permission);
  });
  if (!somewhere) return Access::kDenied;
  // Health is about the daemon: a member of any of its exchanges may ask.
  return exchange.empty() && permission == "health.check" ? Access::kAllowed
                                                          : Access::kExchangeUnknown;
}

std::string Directory::MemberOf(std::string_view spiffe_id, std::string_view exchange) const {
  const Hosted* hosted = Named(exchange);
  if (hosted == nullptr) return {};
  const policy::Member* member = hosted->agreement->FindMemberBySpiffeId(spiffe_id);
  return member == nullptr ? std::string() : member->id;
}

}  // namespace holdfast::rpc
