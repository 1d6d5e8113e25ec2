// SPDX-License-Identifier: Apache-2.0
#include "policy/permissions.h"

#include <algorithm>
#include <array>

namespace holdfast::policy {
namespace {

using agreement::v1::Role;

// Ascending, as PermissionsOf() promises.
constexpr std::string_view kRequester[] = {
    "envelopes.collect", "exchange.get",      "health.check",     "holds.list",
    "keys.release",      "ledger.checkpoint", "orders.context",   "orders.submit",
    "transfers.create",  "transfers.get",     "transfers.submit",
};
constexpr std::string_view kSource[] = {
    "exchange.get",    "health.check",   "ledger.checkpoint", "orders.context", "orders.submit",
    "records.deposit", "subjects.fetch", "transfers.close",   "transfers.get",
};
constexpr std::string_view kCounsel[] = {
    "disposals.read",    "exchange.get",   "health.check",  "holds.list",      "holds.read",
    "ledger.checkpoint", "orders.context", "orders.submit", "people.identify", "transfers.get",
};
constexpr std::string_view kCustodian[] = {
    "accounts.read",     "disposals.read", "exchange.get",  "health.check",    "holds.list",
    "ledger.checkpoint", "orders.context", "orders.submit", "people.identify", "reviews.list",
    "reviews.rerun",     "reviews.show",   "transfers.get",
};
constexpr std::string_view kAuditor[] = {
    "exchange.get",
    "health.check",
    "ledger.checkpoint",
    "ledger.read",
};
constexpr std::string_view kOperator[] = {
    "exchange.get",
    "health.check",
};

template <std::size_t N>
constexpr bool Ascending(const std::string_view (&names)[N]) {
  for (std::size_t i = 1; i < N; ++i) {
    if (!(names[i - 1] < names[i])) return false;
  }
  return true;
}
static_assert(Ascending(kRequester) && Ascending(kSource) && Ascending(kCounsel) &&
              Ascending(kCustodian) && Ascending(kAuditor) && Ascending(kOperator));

}  // namespace

std::span<const std::string_view> PermissionsOf(Role role) {
  // A number that the enum does not name is a role of nobody's; so the open enum has a default.
  switch (static_cast<int>(role)) {
    case agreement::v1::ROLE_REQUESTER:
      return kRequester;
    case agreement::v1::ROLE_SOURCE:
      return kSource;
    case agreement::v1::ROLE_COUNSEL:
      return kCounsel;
    case agreement::v1::ROLE_CUSTODIAN:
      return kCustodian;
    case agreement::v1::ROLE_AUDITOR:
      return kAuditor;
    case agreement::v1::ROLE_OPERATOR:
      return kOperator;
    default:
      return {};
  }
}

bool RoleAllows(Role role, std::string_view permission) {
  const auto permissions = PermissionsOf(role);
  return std::binary_search(permissions.begin(), permissions.end(), permission);
}

std::string_view RoleName(Role role) {
  switch (static_cast<int>(role)) {
    case agreement::v1::ROLE_REQUESTER:
      return "requester";
    case agreement::v1::ROLE_SOURCE:
      return "source";
    case agreement::v1::ROLE_COUNSEL:
      return "counsel";
    case agreement::v1::ROLE_CUSTODIAN:
      return "custodian";
    case agreement::v1::ROLE_AUDITOR:
      return "auditor";
    case agreement::v1::ROLE_OPERATOR:
      return "operator";
    default:
      return {};
  }
}

std::string_view SideName(agreement::v1::Side side) {
  switch (static_cast<int>(side)) {
    case agreement::v1::SOURCE:
      return "source";
    case agreement::v1::REQUESTER:
      return "requester";
    case agreement::v1::COURT:
      return "court";
    default:
      return {};
  }
}

}  // namespace holdfast::policy
