// SPDX-License-Identifier: Apache-2.0
// How the rows of kept tables grow with the number of records, as a picture.
//
// When to use  On tables that Table::WriteJson() wrote, of one machine.
// Threads      A function.
// Ownership    Values.
// Errors       kNotFound, kRequestMalformed for the tables; kUnavailable for the picture.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace holdfast::bench {

// Draws a panel for each row that at least two of the tables have: what one item costs against the
// records of a transfer, both on logarithmic scales, and the baseline in grey. A line that is flat
// costs the same a record.
absl::Status DrawGrowth(const std::vector<std::string>& tables, const std::string& path);

}  // namespace holdfast::bench
