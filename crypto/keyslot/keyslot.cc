// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/keyslot.h"

#include "base/check.h"

namespace holdfast::crypto {

std::string_view ErasureClassName(ErasureClass erasure_class) {
  HF_CHECK(erasure_class != ErasureClass::kUnspecified);
  return erasure_class == ErasureClass::kDevice ? "device" : "medium";
}

}  // namespace holdfast::crypto
