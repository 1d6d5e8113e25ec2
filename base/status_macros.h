// SPDX-License-Identifier: Apache-2.0
// The only two macros of ours that change the flow of control.
//
//   HF_RETURN_IF_ERROR(file->Sync());
//   HF_ASSIGN_OR_RETURN(const Bytes bytes, files.ReadWhole(path, kMaxBytes));
//
// When to use  In a function that returns absl::Status or StatusOr<T>, to hand an error on as it
//              is. To translate or to add to an error, write the if. HF_ASSIGN_OR_RETURN declares
//              variables, so it stands alone in a block, and a type with a comma needs `auto`.
// Threads      Nothing is shared.
// Ownership    The value is moved out of the StatusOr.
// Errors       The expression's own.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define HF_RETURN_IF_ERROR(expression)     \
  do {                                     \
    absl::Status hf_status = (expression); \
    if (!hf_status.ok()) return hf_status; \
  } while (false)

#define HF_ASSIGN_OR_RETURN(lhs, expression) \
  HF_ASSIGN_OR_RETURN_WITH(HF_UNIQUE_NAME(hf_result_, __LINE__), lhs, expression)

#define HF_ASSIGN_OR_RETURN_WITH(result, lhs, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return std::move(result).status();    \
  lhs = *std::move(result)

#define HF_UNIQUE_NAME(prefix, line) HF_UNIQUE_NAME_JOIN(prefix, line)
#define HF_UNIQUE_NAME_JOIN(prefix, line) prefix##line
