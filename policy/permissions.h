// SPDX-License-Identifier: Apache-2.0
//
// Which role may call what: the one table.
//
// When to use  Through OpenedAgreement::Allows. Directly only to print the table.
// Threads      Pure functions.
// Ownership    Literals.
// Errors       None; an unknown role or permission is not allowed.
#pragma once

#include <span>
#include <string_view>

#include "holdfast/agreement/v1/agreement.pb.h"

namespace holdfast::policy {

// Returns the permissions of a role, in ascending order. They are the names in the method options
// of proto/holdfast/v1.
std::span<const std::string_view> PermissionsOf(agreement::v1::Role role);

bool RoleAllows(agreement::v1::Role role, std::string_view permission);

// Returns the role's part of a SPIFFE id, such as "counsel"; empty for an unspecified role.
std::string_view RoleName(agreement::v1::Role role);

// Returns "source", "requester" or "court"; empty for an unspecified side.
std::string_view SideName(agreement::v1::Side side);

}  // namespace holdfast::policy
