// SPDX-License-Identifier: Apache-2.0
// Signed JSON from anyone: it parses or it does not, and no random bytes verify.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "crypto/dsse.h"
#include "policy/agreement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)holdfast::crypto::ParseDsse(text);
  HF_CHECK(!holdfast::crypto::OpenDsse(text, "application/vnd.holdfast.order+json", {}).ok());
  (void)holdfast::policy::OpenAgreement(holdfast::AsBytes(text));
  return 0;
}
