// SPDX-License-Identifier: Apache-2.0
// A person as the gates read one, from an API message and from its bytes.
//
// When to use  Between what was received and policy/'s gates; and to write a person again.
// Threads      May be called concurrently.
// Ownership    Views borrow the message or the bytes.
// Errors       False for bytes that are no v1.Person.
#pragma once

#include <cstddef>
#include <string_view>

#include "daemon/rpc/proto_wire.h"
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

void FillPerson(const policy::PersonView& view, v1::Person& person);

// Reads a v1.Person over what `person` has already, as repeated fields are merged.
bool ReadPerson(std::string_view bytes, policy::PersonView& person);

// The size of the person as a v1.Person, and its bytes, as field `field` of the message around it.
// An address without a line is none.
std::size_t PersonBytes(const policy::PersonView& person);
void WritePerson(int field, const policy::PersonView& person, WireWriter& out);

}  // namespace holdfast::rpc
