// SPDX-License-Identifier: Apache-2.0
//
// The name under which a requester's own id of a transfer is found: ids are unique for each
// requester, not among them.
//
// When to use  Inside policy/.
// Threads      A pure function.
// Ownership    A value.
// Errors       None.
#pragma once

#include <string>
#include <string_view>

#include "policy/agreement.h"

namespace holdfast::policy {

inline std::string RequestKey(MemberNumber requester, std::string_view request_id) {
  std::string key = std::to_string(requester.value());
  key += ':';
  key += request_id;
  return key;
}

}  // namespace holdfast::policy
