// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/internal/pkcs11_token.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::crypto::internal {
namespace {

constexpr CK_ULONG kKeyBytes = 32;
constexpr CK_ULONG kMaxObjects = 16;
constexpr char kObjectLabel[] = "holdfast root key";

// What the numbers that an operator can do something about mean.
const char* Meaning(CK_RV rv) {
  switch (rv) {
    case CKR_PIN_INCORRECT:
      return "the PIN is wrong";
    case CKR_PIN_LOCKED:
      return "the PIN is locked";
    case CKR_DEVICE_MEMORY:
      return "the token is full";
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_SLOT_ID_INVALID:
      return "the token is not there";
    case CKR_TOKEN_WRITE_PROTECTED:
      return "the token is write-protected";
    case CKR_SESSION_COUNT:
      return "the token has no session left";
    case CKR_MECHANISM_INVALID:
      return "the token does not know AES-CBC or AES keys";
    case CKR_TEMPLATE_INCONSISTENT:
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_VALUE_INVALID:
      return "the token does not make keys that never leave it";
    default:
      return "the token failed";
  }
}

absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }

absl::Status Failed(const char* function, CK_RV rv) {
  std::array<char, 32> number;
  std::snprintf(number.data(), number.size(), ", 0x%08lx)", rv);
  return MakeError(Reason::kKeyslotFailed,
                   std::string(Meaning(rv)) + " (" + function + number.data());
}

// Fields of fixed length, padded with spaces.
std::string Trimmed(const unsigned char* field, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(field), size);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  return text;
}

CK_ATTRIBUTE Attribute(CK_ATTRIBUTE_TYPE type, void* value, std::size_t size) {
  return {type, value, static_cast<CK_ULONG>(size)};
}

// PKCS#11 takes everything without const.
std::vector<unsigned char> Copy(ByteSpan bytes) {
  std::vector<unsigned char> copy(bytes.size());
  std::transform(bytes.begin(), bytes.end(), copy.begin(),
                 [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
  return copy;
}

unsigned char* Raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

class Pkcs11Token::Impl final {
 public:
  absl::Status Load(const std::string& path) {
    module_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module_ == nullptr) return Failed("the PKCS#11 module cannot be loaded");
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(module_, "C_GetFunctionList"));
    if (get == nullptr || get(&p11_) != CKR_OK || p11_ == nullptr) {
      return Failed("the PKCS#11 module has no list of functions");
    }
    CK_C_INITIALIZE_ARGS arguments = {};
    arguments.flags = CKF_OS_LOCKING_OK;
    const CK_RV rv = p11_->C_Initialize(&arguments);
    return rv == CKR_OK ? absl::OkStatus() : Failed("C_Initialize", rv);
  }

  absl::Status FindToken(const std::string& label) {
    CK_ULONG count = 0;
    CK_RV rv = p11_->C_GetSlotList(CK_TRUE, nullptr, &count);
    if (rv != CKR_OK) return Failed("C_GetSlotList", rv);
    std::vector<CK_SLOT_ID> slots(count);
    rv = p11_->C_GetSlotList(CK_TRUE, slots.data(), &count);
    if (rv != CKR_OK) return Failed("C_GetSlotList", rv);
    slots.resize(std::min<std::size_t>(slots.size(), count));
    int found = 0;
    for (const CK_SLOT_ID slot : slots) {
      CK_TOKEN_INFO info = {};
      if (p11_->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
      if (Trimmed(info.label, sizeof info.label) != label) continue;
      ++found;
      slot_ = slot;
      flags_ = info.flags;
      description_ = {Trimmed(info.manufacturerID, sizeof info.manufacturerID),
                      Trimmed(info.model, sizeof info.model),
                      Trimmed(info.serialNumber, sizeof info.serialNumber)};
    }
    if (found == 0) return Failed("there is no token with that label");
    if (found > 1) return Failed("several tokens have that label");
    if ((flags_ & CKF_WRITE_PROTECTED) != 0) return Failed("the token is write-protected");
    if ((flags_ & CKF_USER_PIN_LOCKED) != 0) return Failed("the PIN is locked");
    if ((flags_ & CKF_USER_PIN_FINAL_TRY) != 0) {
      return Failed("one more wrong PIN would lock the token: none is tried");
    }
    return absl::OkStatus();
  }

  // Leaves nothing of what another session may remember.
  absl::Status NewSession() {
    p11_->C_CloseAllSessions(slot_);
    CK_RV rv = p11_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                   &session_);
    if (rv != CKR_OK) return Failed("C_OpenSession", rv);
    rv = p11_->C_Login(session_, CKU_USER, Raw(pin_.Mutable()), pin_.size());
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) return Failed("C_Login", rv);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Find(ByteSpan id) {
    std::vector<unsigned char> name = Copy(id);
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    std::array<CK_ATTRIBUTE, 3> sought = {Attribute(CKA_CLASS, &object_class, sizeof object_class),
                                          Attribute(CKA_TOKEN, &yes, sizeof yes),
                                          Attribute(CKA_ID, name.data(), name.size())};
    CK_RV rv = p11_->C_FindObjectsInit(session_, sought.data(), sought.size());
    if (rv != CKR_OK) return Failed("C_FindObjectsInit", rv);
    std::vector<CK_OBJECT_HANDLE> found(kMaxObjects);
    CK_ULONG count = 0;
    rv = p11_->C_FindObjects(session_, found.data(), kMaxObjects, &count);
    const CK_RV ended = p11_->C_FindObjectsFinal(session_);
    if (rv != CKR_OK) return Failed("C_FindObjects", rv);
    if (ended != CKR_OK) return Failed("C_FindObjectsFinal", ended);
    found.resize(count);
    return found;
  }

  absl::StatusOr<CK_OBJECT_HANDLE> Generate(ByteSpan id) {
    std::vector<unsigned char> name = Copy(id);
    std::string label = kObjectLabel;
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG length = kKeyBytes;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    std::vector<CK_ATTRIBUTE> wanted = {Attribute(CKA_CLASS, &object_class, sizeof object_class),
                                        Attribute(CKA_KEY_TYPE, &type, sizeof type),
                                        Attribute(CKA_VALUE_LEN, &length, sizeof length),
                                        Attribute(CKA_ID, name.data(), name.size()),
                                        Attribute(CKA_LABEL, label.data(), label.size())};
    for (const CK_ATTRIBUTE_TYPE on :
         {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT}) {
      wanted.push_back(Attribute(on, &yes, sizeof yes));
    }
    for (const CK_ATTRIBUTE_TYPE off : {CKA_EXTRACTABLE, CKA_COPYABLE, CKA_MODIFIABLE, CKA_WRAP,
                                        CKA_UNWRAP, CKA_SIGN, CKA_VERIFY, CKA_DERIVE}) {
      wanted.push_back(Attribute(off, &no, sizeof no));
    }
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE key = 0;
    const CK_RV rv = p11_->C_GenerateKey(session_, &mechanism, wanted.data(), wanted.size(), &key);
    if (rv != CKR_OK) return Failed("C_GenerateKey", rv);
    return key;
  }

  // The token must say itself that the key was made in it and can never leave it.
  absl::Status CheckStays(CK_OBJECT_HANDLE key) {
    struct Required {
      CK_ATTRIBUTE_TYPE type;
      CK_BBOOL value;
    };
    for (const Required& required :
         {Required{CKA_TOKEN, CK_TRUE}, Required{CKA_SENSITIVE, CK_TRUE},
          Required{CKA_ALWAYS_SENSITIVE, CK_TRUE}, Required{CKA_NEVER_EXTRACTABLE, CK_TRUE},
          Required{CKA_LOCAL, CK_TRUE}, Required{CKA_EXTRACTABLE, CK_FALSE},
          Required{CKA_COPYABLE, CK_FALSE}}) {
      CK_BBOOL value = required.value == CK_TRUE ? CK_FALSE : CK_TRUE;
      CK_ATTRIBUTE asked = Attribute(required.type, &value, sizeof value);
      const CK_RV rv = p11_->C_GetAttributeValue(session_, key, &asked, 1);
      if (rv != CKR_OK) return Failed("C_GetAttributeValue", rv);
      if (value != required.value) return Failed("the token made a key that can leave it");
    }
    return absl::OkStatus();
  }

  enum class Direction { kEncrypt = 0, kDecrypt };

  absl::StatusOr<WipedBuffer> Run(Direction direction, CK_OBJECT_HANDLE key,
                                  ByteSpan initial_vector, ByteSpan in) {
    std::vector<unsigned char> vector = Copy(initial_vector);
    CK_MECHANISM mechanism = {CKM_AES_CBC, vector.data(), static_cast<CK_ULONG>(vector.size())};
    WipedBuffer source(in.size());
    std::copy(in.begin(), in.end(), source.Mutable().begin());
    WipedBuffer result(in.size());
    CK_ULONG size = result.size();
    if (direction == Direction::kEncrypt) {
      CK_RV rv = p11_->C_EncryptInit(session_, &mechanism, key);
      if (rv != CKR_OK) return Failed("C_EncryptInit", rv);
      rv = p11_->C_Encrypt(session_, Raw(source.Mutable()), source.size(), Raw(result.Mutable()),
                           &size);
      if (rv != CKR_OK) return Failed("C_Encrypt", rv);
    } else {
      CK_RV rv = p11_->C_DecryptInit(session_, &mechanism, key);
      if (rv != CKR_OK) return Failed("C_DecryptInit", rv);
      rv = p11_->C_Decrypt(session_, Raw(source.Mutable()), source.size(), Raw(result.Mutable()),
                           &size);
      if (rv != CKR_OK) return Failed("C_Decrypt", rv);
    }
    if (size != in.size()) return Failed("the token gave back another number of bytes");
    return result;
  }

  CK_FUNCTION_LIST* p11_ = nullptr;
  void* module_ = nullptr;
  CK_SLOT_ID slot_ = 0;
  CK_FLAGS flags_ = 0;
  CK_SESSION_HANDLE session_ = 0;
  WipedBuffer pin_;
  Description description_;
};

Pkcs11Token::Pkcs11Token(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pkcs11Token::~Pkcs11Token() = default;

absl::StatusOr<std::unique_ptr<Pkcs11Token>> Pkcs11Token::Open(const std::string& module_path,
                                                               const std::string& label,
                                                               const WipedBuffer& pin) {
  auto impl = std::make_unique<Impl>();
  impl->pin_ = WipedBuffer(pin.size());
  std::copy(pin.Reveal().begin(), pin.Reveal().end(), impl->pin_.Mutable().begin());
  HF_RETURN_IF_ERROR(impl->Load(module_path));
  HF_RETURN_IF_ERROR(impl->FindToken(label));
  HF_RETURN_IF_ERROR(impl->NewSession());
  return std::unique_ptr<Pkcs11Token>(new Pkcs11Token(std::move(impl)));
}

const Pkcs11Token::Description& Pkcs11Token::description() const { return impl_->description_; }

absl::StatusOr<WipedBuffer> Pkcs11Token::CreateAndEncrypt(ByteSpan id, ByteSpan initial_vector,
                                                          ByteSpan text) {
  HF_ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> found, impl_->Find(id));
  if (!found.empty()) return MakeError(Reason::kAlreadyExists, "there is such a key");
  HF_ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE key, impl_->Generate(id));
  HF_RETURN_IF_ERROR(impl_->CheckStays(key));
  return impl_->Run(Impl::Direction::kEncrypt, key, initial_vector, text);
}

absl::StatusOr<WipedBuffer> Pkcs11Token::Decrypt(ByteSpan id, ByteSpan initial_vector,
                                                 ByteSpan ciphertext) {
  HF_ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> found, impl_->Find(id));
  if (found.empty()) return MakeError(Reason::kNotFound, "there is no such key");
  if (found.size() > 1) return Failed("several keys have one id");
  return impl_->Run(Impl::Direction::kDecrypt, found.front(), initial_vector, ciphertext);
}

absl::Status Pkcs11Token::Destroy(ByteSpan id) {
  HF_ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> found, impl_->Find(id));
  for (const CK_OBJECT_HANDLE key : found) {
    const CK_RV rv = impl_->p11_->C_DestroyObject(impl_->session_, key);
    if (rv != CKR_OK) return Failed("C_DestroyObject", rv);
  }
  if (found.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(impl_->NewSession());
  HF_ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> left, impl_->Find(id));
  if (!left.empty()) return Failed("the token still has a key that it destroyed");
  return absl::OkStatus();
}

}  // namespace holdfast::crypto::internal
