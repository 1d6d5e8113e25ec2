// SPDX-License-Identifier: Apache-2.0
// What the generated parser makes of a request's bytes, beside what the view makes of them.
//
// When to use  In the tests of request_views.h and in its fuzz target.
// Threads      May be called concurrently.
// Ownership    A value.
// Errors       A text that says what differs; empty if nothing does.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::test {

// What a view can tell: without unknown fields, and without the difference between a message that
// is empty and one that is not there.
void Reduce(v1::Person& person);
void Reduce(v1::SubmitSubjectsRequest& request);
void Reduce(v1::DepositRecordsRequest& request);

// Both accept `bytes` and say the same, or neither does. A view refuses groups.
std::string DifferenceAsSubmit(std::string_view bytes);
std::string DifferenceAsDeposit(std::string_view bytes);

}  // namespace holdfast::test
