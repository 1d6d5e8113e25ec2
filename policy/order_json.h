// SPDX-License-Identifier: Apache-2.0
// An order as the bytes that a person signed, as the message that is decided, and as plain words.
//
// The bytes are the protobuf JSON form of holdfast.order.v1.Order, read strictly: whatever the text
// says beyond the message (an unknown or double member, a number as text, a default spelt out) is
// refused, so that what the signer read is what is decided.
//
// When to use  After crypto::OpenDsse() has verified the signature, and before anything decides. In
//              the CLI to draft and to show.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestTooLarge over kMaxOrderBytes, else kRequestMalformed. Describing never
// fails.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "holdfast/order/v1/order.pb.h"

namespace holdfast::policy {

// Returns the order whose JSON form is `payload`. White space and the order of members are free;
// nothing else is: RenderOrder() of the result says what `payload` says, no more and no less.
// Whether the order is allowed, or complete, is not looked at.
absl::StatusOr<order::v1::Order> ParseOrder(ByteSpan payload);

// Returns the JSON form: members in the order of their field numbers, two spaces a level, a line
// feed at the end. ParseOrder() reads it as `order`, and what it would refuse is refused here: a
// text with control characters or with such as do not show, a time out of range.
absl::StatusOr<std::string> RenderOrder(const order::v1::Order& order);

// Returns what the order does, in sentences of one line each, for people who sign or check it. Says
// all that the order says, and what is left out where that means something.
std::string DescribeOrder(const order::v1::Order& order);

}  // namespace holdfast::policy
