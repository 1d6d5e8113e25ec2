// SPDX-License-Identifier: Apache-2.0
// Matchers for absl::Status and absl::StatusOr<T>, which this platform's absl lacks.
//
//   EXPECT_THAT(Parse(text), IsOkAndHolds(Eq(7)));
//   EXPECT_THAT(Parse("x"), HasReason(Reason::kRequestMalformed));
//
// When to use  Wherever a test looks at a Status.
// Threads      Matchers are values.
// Ownership    Values.
// Errors       None.
#pragma once

#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

#include "base/bytes.h"
#include "base/error.h"

namespace holdfast::test {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// "OK", or reason, message and metadata.
std::string Describe(const absl::Status& status);

// Matches a Status or StatusOr that is OK.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << Describe(StatusOf(arg));
  return StatusOf(arg).ok();
}

// Matches a Status or StatusOr that failed for `reason`.
MATCHER_P(HasReason, reason,
          (negation ? "has another reason than " : "has reason ") +
              std::string(::holdfast::ReasonName(reason))) {
  *result_listener << Describe(StatusOf(arg));
  return ::holdfast::ReasonOf(StatusOf(arg)) == reason;
}

// Matches an error whose metadata has `value` for `key`.
MATCHER_P2(HasMetadata, key, value, "has metadata " + std::string(key)) {
  *result_listener << Describe(StatusOf(arg));
  const auto metadata = ::holdfast::MetadataOf(StatusOf(arg));
  const auto found = metadata.find(key);
  return found != metadata.end() &&
         ::testing::ExplainMatchResult(value, found->second, result_listener);
}

// Matches a StatusOr that is OK and whose value `value` matches; `value` is a matcher or a value.
MATCHER_P(IsOkAndHolds, value, "is OK and holds what is expected") {
  if (!arg.ok()) {
    *result_listener << Describe(arg.status());
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

// Matches bytes that are the characters of `text`.
MATCHER_P(BytesAre, text, "are the bytes of \"" + std::string(text) + "\"") {
  return ::holdfast::AsText(arg) == std::string_view(text);
}

}  // namespace holdfast::test
