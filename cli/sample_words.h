// SPDX-License-Identifier: Apache-2.0
// The words that made-up people are made of.
//
// When to use  In sample.cc alone.
// Threads      Constants.
// Ownership    Static.
// Errors       None.
#pragma once

#include <span>
#include <string_view>

#include "cli/sample.h"

namespace holdfast::cli {

std::span<const std::string_view> SampleGivenNames();
std::span<const std::string_view> SampleFamilyBeginnings();
std::span<const std::string_view> SampleFamilyEndings();
std::span<const std::string_view> SampleStreets();
std::span<const std::string_view> SampleEmployers();
std::span<const std::string_view> SampleOccupations();

}  // namespace holdfast::cli
