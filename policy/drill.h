// SPDX-License-Identifier: Apache-2.0
//
// A drill: what a person would order, signed so that it never counts as an order.
//
// When to use  OpenDrill() for practice; pass what it opens to Decide, and to nothing that applies.
// Threads      As OpenOrder().
// Ownership    As OpenOrder().
// Errors       As OpenOrder(); an order is no drill, and a drill is no order: kRequestMalformed.
//
// The JSON is that of an order. Its DSSE envelope has a payload type of its own, over which the
// signature goes (the DSSE protocol's PAE), so neither can be turned into the other.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "policy/opened_order.h"

namespace holdfast::policy {

inline constexpr std::string_view kDrillPayloadType =
    "application/vnd.holdfast.order-drill.v1+json";

absl::StatusOr<OpenedOrder> OpenDrill(ByteSpan dsse, const OpenedAgreement& agreement);

}  // namespace holdfast::policy
