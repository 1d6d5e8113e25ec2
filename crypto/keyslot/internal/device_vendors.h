// SPDX-License-Identifier: Apache-2.0
// Which devices are known to keep what they erase from everybody.
//
// When to use  By the kinds of keyslot that need a device.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None: what is not known is ErasureClass::kMedium.
#pragma once

#include <string_view>

#include "crypto/keyslot/keyslot.h"

namespace holdfast::crypto::internal {

// By vendor, model and serial number as the token gives them. A token without a serial number is
// nobody's hardware.
ErasureClass ErasureClassOfToken(std::string_view vendor, std::string_view model,
                                 std::string_view serial);

// By the vendor id of a TPM. Only makers of discrete chips: the memory of a firmware TPM is a part
// of the machine's flash.
ErasureClass ErasureClassOfTpm(std::string_view vendor);

}  // namespace holdfast::crypto::internal
