// SPDX-License-Identifier: Apache-2.0
#include "cli/version.h"

namespace holdfast::cli {

const std::string_view kVersion = HF_VERSION;

}  // namespace holdfast::cli
