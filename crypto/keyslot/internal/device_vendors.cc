// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/internal/device_vendors.h"

#include <algorithm>
#include <array>

namespace holdfast::crypto::internal {
namespace {

struct TokenMaker {
  std::string_view vendor;  // How it begins.
  std::string_view model;   // How it begins.
};

constexpr std::array<TokenMaker, 7> kTokenMakers = {{
    {"Yubico", "YubiHSM"},
    {"www.CardContact.de", "PKCS#15 emulated"},  // SmartCard-HSM and Nitrokey HSM.
    {"SafeNet", "Luna"},
    {"Thales", "Luna"},
    {"nCipher", ""},
    {"Entrust", ""},
    {"Utimaco", "CryptoServer"},
}};

// Infineon, STMicroelectronics, Nuvoton, Nationz.
constexpr std::array<std::string_view, 4> kChipMakers = {"IFX", "STM", "NTC", "NTZ"};

}  // namespace

ErasureClass ErasureClassOfToken(std::string_view vendor, std::string_view model,
                                 std::string_view serial) {
  const bool known = std::any_of(kTokenMakers.begin(), kTokenMakers.end(), [&](const auto& maker) {
    return vendor.starts_with(maker.vendor) && model.starts_with(maker.model);
  });
  return known && !serial.empty() ? ErasureClass::kDevice : ErasureClass::kMedium;
}

ErasureClass ErasureClassOfTpm(std::string_view vendor) {
  while (!vendor.empty() && (vendor.back() == ' ' || vendor.back() == '\0')) {
    vendor.remove_suffix(1);
  }
  const bool known = std::find(kChipMakers.begin(), kChipMakers.end(), vendor) != kChipMakers.end();
  return known ? ErasureClass::kDevice : ErasureClass::kMedium;
}

}  // namespace holdfast::crypto::internal
