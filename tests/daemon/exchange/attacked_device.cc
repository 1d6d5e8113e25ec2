// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/exchange/attacked_device.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/pkcs11_keyslot.h"
#include "crypto/keyslot/tpm2_keyslot.h"
#include "crypto/random.h"
#include "tests/crypto/keyslot/soft_devices.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {
namespace {

// Whatever takes longer is stuck, also under sanitizers on a machine with other work.
constexpr std::chrono::milliseconds kPatience{60'000};

std::uint64_t EpochAt(ByteSpan bytes, std::size_t offset) {
  std::uint64_t epoch = 0;
  for (const std::byte byte : bytes.subspan(offset, 8)) {
    epoch = epoch << 8 | std::to_integer<std::uint64_t>(byte);
  }
  return epoch;
}

Attacker::Key KeyAt(ByteSpan bytes, std::size_t offset) {
  Attacker::Key key{};
  std::memcpy(key.data(), bytes.data() + offset, key.size());
  return key;
}

CK_BYTE_PTR Raw(ByteSpan bytes) {
  // The interface has no const.
  return const_cast<CK_BYTE_PTR>(reinterpret_cast<const CK_BYTE*>(bytes.data()));
}

// Somebody with the token's PIN, in a session of their own.
class TokenSession final {
 public:
  TokenSession() : module_(dlopen(SoftHsm::kModule, RTLD_NOW | RTLD_LOCAL)) {
    HF_CHECK(module_ != nullptr);
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(module_, "C_GetFunctionList"));
    HF_CHECK(get != nullptr && get(&token_) == CKR_OK);
    HF_CHECK(token_->C_Initialize(nullptr) == CKR_OK);
    std::vector<CK_SLOT_ID> slots(16);
    CK_ULONG count = slots.size();
    HF_CHECK(token_->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK);
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
      CK_TOKEN_INFO info = {};
      HF_CHECK(token_->C_GetTokenInfo(slot, &info) == CKR_OK);
      const std::string_view label(reinterpret_cast<const char*>(info.label), sizeof info.label);
      if (!label.starts_with(SoftHsm::kLabel)) continue;
      HF_CHECK(token_->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                     &session_) == CKR_OK);
    }
    const std::string_view pin = SoftHsm::kPin;
    HF_CHECK(token_->C_Login(session_, CKU_USER, Raw(AsBytes(pin)), pin.size()) == CKR_OK);
  }
  TokenSession(const TokenSession&) = delete;
  TokenSession& operator=(const TokenSession&) = delete;
  ~TokenSession() {
    token_->C_Finalize(nullptr);
    dlclose(module_);
  }

  // Every secret key that the token has, under whatever name.
  std::vector<CK_OBJECT_HANDLE> Keys() {
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_ATTRIBUTE wanted = {CKA_CLASS, &secret, sizeof secret};
    HF_CHECK(token_->C_FindObjectsInit(session_, &wanted, 1) == CKR_OK);
    std::vector<CK_OBJECT_HANDLE> keys(256);
    CK_ULONG count = 0;
    HF_CHECK(token_->C_FindObjects(session_, keys.data(), keys.size(), &count) == CKR_OK);
    HF_CHECK(token_->C_FindObjectsFinal(session_) == CKR_OK);
    keys.resize(count);
    return keys;
  }

  std::optional<Bytes> Decrypt(CK_OBJECT_HANDLE key, ByteSpan vector, ByteSpan ciphertext) {
    CK_MECHANISM mechanism = {CKM_AES_CBC, Raw(vector), vector.size()};
    if (token_->C_DecryptInit(session_, &mechanism, key) != CKR_OK) return std::nullopt;
    Bytes plain(ciphertext.size());
    CK_ULONG size = plain.size();
    if (token_->C_Decrypt(session_, Raw(ciphertext), ciphertext.size(),
                          reinterpret_cast<CK_BYTE_PTR>(plain.data()), &size) != CKR_OK) {
      return std::nullopt;
    }
    return plain;
  }

 private:
  void* const module_;
  CK_FUNCTION_LIST* token_ = nullptr;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

class AttackedToken final : public AttackedDevice {
 public:
  absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(FileSystem& files,
                                                        const std::string& folder) override {
    crypto::Pkcs11Keyslot::Settings settings;
    settings.folder = folder;
    settings.module_path = SoftHsm::kModule;
    settings.token_label = SoftHsm::kLabel;
    settings.pin_path = JoinPath(ParentPath(folder), "pin");
    HF_RETURN_IF_ERROR(ReplaceFile(files, settings.pin_path, AsBytes(SoftHsm::kPin)));
    HF_ASSIGN_OR_RETURN(
        std::unique_ptr<crypto::Pkcs11Keyslot> slot,
        crypto::Pkcs11Keyslot::Open(
            files, random_,
            std::make_unique<crypto::HelperChannel>(kKeyslotHelper, kPatience, clock_), settings));
    return slot;
  }

  std::vector<Candidate> Ask(const std::vector<Bytes>& files) override {
    TokenSession session;
    std::vector<Candidate> found;
    for (const CK_OBJECT_HANDLE key : session.Keys()) {
      for (const Bytes& file : files) {
        // epoch-N: head (14), initial vector (16), root key and check (48).
        if (file.size() != 78 || !AsText(file).starts_with("HFW1")) continue;
        const ByteSpan bytes = file;
        const auto plain = session.Decrypt(key, bytes.subspan(14, 16), bytes.subspan(30));
        if (plain.has_value()) found.emplace_back(EpochAt(file, 6), KeyAt(*plain, 0));
      }
    }
    return found;
  }

  void Copy() override { token_.CopyTo(copy_.File("tokens")); }

  std::vector<Candidate> AskCopy(const std::vector<Bytes>& files) override {
    std::vector<Candidate> found;
    {
      const SoftHsm copy(copy_.File("tokens"));
      found = Ask(files);
    }
    token_.Use();
    return found;
  }

 private:
  SoftHsm token_;
  const TempDir copy_;
  crypto::SystemRandom random_;
  SystemClock clock_;
};

class AttackedTpm final : public AttackedDevice {
 public:
  absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(FileSystem& files,
                                                        const std::string& folder) override {
    crypto::Tpm2Keyslot::Settings settings;
    settings.folder = folder;
    settings.tcti = tpm_.tcti();
    settings.first_index = Swtpm::kFirstIndex;
    settings.srk_handle = Swtpm::kSrkHandle;
    HF_ASSIGN_OR_RETURN(
        std::unique_ptr<crypto::Tpm2Keyslot> slot,
        crypto::Tpm2Keyslot::Open(
            files, random_,
            std::make_unique<crypto::HelperChannel>(kKeyslotHelper, kPatience, clock_), settings));
    return slot;
  }

  std::vector<Candidate> Ask(const std::vector<Bytes>& files) override {
    return AskOf(tpm_, files);
  }

  void Copy() override { tpm_.CopyTo(copy_.File("state")); }

  std::vector<Candidate> AskCopy(const std::vector<Bytes>& files) override {
    return AskOf(Swtpm(copy_.File("state")), files);
  }

 private:
  std::vector<Candidate> AskOf(const Swtpm& tpm, const std::vector<Bytes>& files) {
    std::vector<Candidate> found;
    std::vector<Bytes> tried;
    for (const Bytes& file : files) {
      // The note: head (14), password (32), a mark, three names of 34 bytes.
      if (file.size() != 149 || !AsText(file).starts_with("HFN1")) continue;
      if (file[46] != std::byte{1} || std::count(tried.begin(), tried.end(), file) != 0) continue;
      tried.push_back(file);
      for (const Bytes& content : ReadIndices(tpm, file)) {
        HF_CHECK(content.size() == 64);
        // Also of one that is not whole, or that nobody vouches for.
        found.emplace_back(EpochAt(content, 6), KeyAt(content, 14));
      }
    }
    return found;
  }

  Swtpm tpm_;
  const TempDir copy_;
  crypto::SystemRandom random_;
  SystemClock clock_;
};

}  // namespace

std::unique_ptr<AttackedDevice> MakeAttackedToken() { return std::make_unique<AttackedToken>(); }
std::unique_ptr<AttackedDevice> MakeAttackedTpm() { return std::make_unique<AttackedTpm>(); }

}  // namespace holdfast::test
