// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/directory.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace holdfast::rpc {

namespace {

// Whether a person's order has struck the member off. While the exchange is stopped nobody knows,
// and nothing is served.
bool IsStruckOff(const Hosted& hosted, const policy::Member& member) {
  const std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  return published != nullptr && published->struck_off.Has(member.number);
}

bool IsAllowed(const Hosted& hosted, std::string_view spiffe_id, std::string_view permission) {
  const policy::Member* member = hosted.agreement->FindMemberBySpiffeId(spiffe_id);
  return member != nullptr && hosted.agreement->Allows(spiffe_id, permission) &&
         !IsStruckOff(hosted, *member);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const exchange::Published>> PublishedOf(const Hosted& hosted) {
  std::shared_ptr<const exchange::Published> published = hosted.exchange->published();
  if (published == nullptr) return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
  return published;
}

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
    return IsAllowed(*hosted, spiffe_id, permission) ? Access::kAllowed : Access::kDenied;
  }
  // Which exchanges there are beside its own is nobody's business: one that is here and not the
  // caller's is answered like one that is not here.
  const bool somewhere = std::any_of(hosted_.begin(), hosted_.end(), [&](const Hosted& any) {
    return IsAllowed(any, spiffe_id, permission);
  });
  if (!somewhere) return Access::kDenied;
  // Health is about the daemon: a member of any of its exchanges may ask.
  return exchange.empty() && permission == "health.check" ? Access::kAllowed
                                                          : Access::kExchangeUnknown;
}

std::vector<std::string> Directory::NoticesFor(std::string_view member,
                                               std::string_view exchange) const {
  const Hosted* hosted = Named(exchange);
  if (hosted == nullptr) return {};
  const std::shared_ptr<const exchange::NoticeBoard> board = hosted->exchange->notices();
  if (board == nullptr) return {};
  const auto found = board->find(member);
  return found == board->end() ? std::vector<std::string>() : found->second;
}

std::string Directory::MemberOf(std::string_view spiffe_id, std::string_view exchange) const {
  const Hosted* hosted = Named(exchange);
  if (hosted == nullptr) return {};
  const policy::Member* member = hosted->agreement->FindMemberBySpiffeId(spiffe_id);
  return member == nullptr ? std::string() : member->id;
}

}  // namespace holdfast::rpc
