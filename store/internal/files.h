// SPDX-License-Identifier: Apache-2.0
// The names of the files in a store's folder.
//
// When to use  In store/ only.
// Threads      Constants.
// Ownership    None.
// Errors       None.
#pragma once

namespace holdfast::store::internal {

inline constexpr char kDatabaseName[] = "database";
inline constexpr char kHeadName[] = "head";
inline constexpr char kLockName[] = "lock";
inline constexpr char kReserveName[] = "reserve";

}  // namespace holdfast::store::internal
