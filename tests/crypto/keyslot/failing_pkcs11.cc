// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module that is SoftHSM, but for one function that fails: which one, and how, stands in
// the file that HF_TEST_PKCS11_FAULT names, and is looked up at each call.
//
//   destroy        C_DestroyObject fails
//   destroy-lies   it says that it was done
//   full           C_GenerateKey: no memory left
//   leaves         C_GenerateKey makes a key that can be extracted
//   hang           C_GenerateKey never returns
//   crash          C_GenerateKey ends the process
//   last-try       one more wrong PIN would lock the token
//   locked         the PIN is locked
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

namespace {

CK_FUNCTION_LIST* real = nullptr;

bool Fails(const char* how) {
  const char* const path = std::getenv("HF_TEST_PKCS11_FAULT");
  if (path == nullptr) return false;
  std::string word;
  std::ifstream(path) >> word;
  return word == how;
}

CK_RV DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  if (Fails("destroy")) return CKR_DEVICE_ERROR;
  if (Fails("destroy-lies")) return CKR_OK;
  return real->C_DestroyObject(session, object);
}

CK_RV GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR wanted,
                  CK_ULONG count, CK_OBJECT_HANDLE_PTR key) {
  if (Fails("full")) return CKR_DEVICE_MEMORY;
  if (Fails("crash")) _exit(1);
  while (Fails("hang")) pause();
  std::vector<CK_ATTRIBUTE> changed(wanted, wanted + count);
  CK_BBOOL yes = CK_TRUE;
  for (CK_ATTRIBUTE& attribute : changed) {
    if (attribute.type == CKA_EXTRACTABLE && Fails("leaves")) attribute.pValue = &yes;
  }
  return real->C_GenerateKey(session, mechanism, changed.data(), count, key);
}

CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  const CK_RV rv = real->C_GetTokenInfo(slot, info);
  if (Fails("last-try")) info->flags |= CKF_USER_PIN_FINAL_TRY;
  if (Fails("locked")) info->flags |= CKF_USER_PIN_LOCKED;
  return rv;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(
    CK_FUNCTION_LIST_PTR_PTR list) {
  static CK_FUNCTION_LIST ours;
  void* const module = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return CKR_GENERAL_ERROR;
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(module, "C_GetFunctionList"));
  const CK_RV rv = get(&real);
  if (rv != CKR_OK) return rv;
  ours = *real;
  ours.C_DestroyObject = DestroyObject;
  ours.C_GenerateKey = GenerateKey;
  ours.C_GetTokenInfo = GetTokenInfo;
  *list = &ours;
  return CKR_OK;
}
