// SPDX-License-Identifier: Apache-2.0
// An API message as the gates read it.
//
// When to use  Between a parsed message and policy/'s gates.
// Threads      May be called concurrently.
// Ownership    Views borrow the message.
// Errors       None.
#pragma once

#include "holdfast/v1/transfer_service.pb.h"
#include "policy/identity.h"

namespace holdfast::rpc {

inline policy::PersonView ViewOf(const v1::Person& person) {
  const v1::Address& address = person.address();
  return {
      person.name(),
      {address.line1(), address.line2(), address.city(), address.state(), address.postal_code()},
      person.tax_number(),
      person.birth_date()};
}

}  // namespace holdfast::rpc
