// SPDX-License-Identifier: Apache-2.0
// Orders: the text that was signed says what the message says, no more and no less.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "policy/order_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto order =
      holdfast::policy::ParseOrder(std::as_bytes(std::span<const std::uint8_t>(data, size)));
  if (!order.ok()) return 0;
  (void)holdfast::policy::DescribeOrder(*order);
  const auto text = holdfast::policy::RenderOrder(*order);
  HF_CHECK(text.ok());
  const auto again = holdfast::policy::ParseOrder(holdfast::AsBytes(*text));
  HF_CHECK(again.ok());
  HF_CHECK(again->SerializeAsString() == order->SerializeAsString());
  return 0;
}
