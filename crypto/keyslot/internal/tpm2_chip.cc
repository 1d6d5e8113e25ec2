// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/internal/tpm2_chip.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <utility>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/sha256.h"

namespace holdfast::crypto::internal {
namespace {

constexpr TPMA_NV kIndexAttributes = TPMA_NV_POLICYREAD | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA |
                                     (TPM2_NT_ORDINARY << TPMA_NV_TPM2_NT_SHIFT);
constexpr ESYS_TR kNone = ESYS_TR_NONE;

absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }

// Without the number of the parameter or handle that a code of format one carries.
TSS2_RC Bare(TSS2_RC rc) { return (rc & TPM2_RC_FMT1) != 0 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc; }

const char* Meaning(TSS2_RC rc) {
  if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER) return "the TPM is not there";
  switch (Bare(rc & 0xffff)) {
    case TPM2_RC_LOCKOUT:
      return "the TPM is locked out";
    case TPM2_RC_NV_SPACE:
      return "the TPM is full";
    case TPM2_RC_NV_DEFINED:
      return "the NV index is defined already";
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
      return "the TPM refuses the password: the index or the owner's password is another one";
    case TPM2_RC_HANDLE:
      return "the TPM does not have that index or key";
    case TPM2_RC_POLICY_FAIL:
    case TPM2_RC_PCR_CHANGED:
      return "the platform is not in a state that was signed";
    case TPM2_RC_SIGNATURE:
      return "the signature over the platform's state is not valid for it";
    default:
      return "the TPM failed";
  }
}

absl::Status Failed(const char* command, TSS2_RC rc) {
  std::array<char, 32> number;
  std::snprintf(number.data(), number.size(), ", 0x%08x)", rc);
  return MakeError(Reason::kKeyslotFailed,
                   std::string(Meaning(rc)) + " (" + command + number.data());
}

#define HF_TPM(command, ...)                                              \
  do {                                                                    \
    const TSS2_RC hf_rc = Esys_##command(__VA_ARGS__);                    \
    if (hf_rc != TSS2_RC_SUCCESS) return Failed("TPM2_" #command, hf_rc); \
  } while (false)

// What ESYS allocates.
template <typename T>
class Owned final {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { Esys_Free(value_); }

  T** out() { return &value_; }
  const T* get() const { return value_; }
  const T* operator->() const { return value_; }

 private:
  T* value_ = nullptr;
};

template <typename Sized>
absl::Status Fill(ByteSpan bytes, Sized& out) {
  if (bytes.size() > sizeof out.buffer) return Failed("a password or signature is too long");
  out.size = static_cast<UINT16>(bytes.size());
  std::transform(bytes.begin(), bytes.end(), out.buffer,
                 [](std::byte byte) { return std::to_integer<BYTE>(byte); });
  return absl::OkStatus();
}

Bytes ToOurs(const BYTE* bytes, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  return Bytes(begin, begin + size);
}

Bytes NameBytes(const TPM2B_NAME& name) { return ToOurs(name.name, name.size); }

// TCG's template for a storage root key, with P-256.
TPM2B_PUBLIC SrkTemplate() {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.eccDetail.symmetric.keyBits.aes = 128;
  area.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return out;
}

// The public part of an RSA-2048 key that verifies RSASSA with SHA-256.
absl::StatusOr<TPM2B_PUBLIC> SigningKeyFromPem(ByteSpan pem) {
  struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIGNUM* number) const { BN_free(number); }
  };
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  HF_CHECK(bio != nullptr);
  const std::unique_ptr<EVP_PKEY, Free> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  BIGNUM* modulus = nullptr;
  if (key == nullptr || EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &modulus) != 1) {
    return Failed("the PCR policy's key is not an RSA key in PEM");
  }
  const std::unique_ptr<BIGNUM, Free> owner(modulus);
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  if (BN_num_bytes(modulus) != 256) return Failed("the PCR policy's key has not 2,048 bits");
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
  area.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.rsaDetail.keyBits = 2048;
  area.unique.rsa.size = 256;
  HF_CHECK(BN_bn2binpad(modulus, area.unique.rsa.buffer, 256) == 256);
  return out;
}

}  // namespace

class Tpm2Chip::Impl final {
 public:
  explicit Impl(Settings settings) : settings_(std::move(settings)) {}
  ~Impl() {
    if (esys_ != nullptr) Esys_Finalize(&esys_);
    if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
  }

  absl::Status Connect() {
    // Its messages can show what a command carries.
    setenv("TSS2_LOG", "all+NONE", 1);
    TSS2_RC rc = Tss2_TctiLdr_Initialize(settings_.tcti.c_str(), &tcti_);
    if (rc != TSS2_RC_SUCCESS) return Failed("Tss2_TctiLdr_Initialize", rc);
    rc = Esys_Initialize(&esys_, tcti_, nullptr);
    if (rc != TSS2_RC_SUCCESS) return Failed("Esys_Initialize", rc);
    return Describe();
  }

  absl::Status Describe() {
    Owned<TPMS_CAPABILITY_DATA> data;
    HF_TPM(GetCapability, esys_, kNone, kNone, kNone, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER,
           5, nullptr, data.out());
    const TPML_TAGGED_TPM_PROPERTY& found = data->data.tpmProperties;
    for (UINT32 i = 0; i < found.count; ++i) {
      const TPMS_TAGGED_PROPERTY& property = found.tpmProperty[i];
      std::string& text =
          property.property == TPM2_PT_MANUFACTURER ? description_.vendor : description_.model;
      if (property.property > TPM2_PT_VENDOR_STRING_4) continue;
      for (int shift = 24; shift >= 0; shift -= 8) {
        const char c = static_cast<char>((property.value >> shift) & 0xff);
        if (c > ' ' && c < 0x7f) text += c;
      }
    }
    return absl::OkStatus();
  }

  bool first_use() const { return settings_.index_names[0].empty(); }

  absl::Status FindSrk() {
    TSS2_RC rc = Esys_TR_FromTPMPublic(esys_, settings_.srk_handle, kNone, kNone, kNone, &srk_);
    if (Bare(rc) == TPM2_RC_HANDLE && first_use() && settings_.srk_name.empty()) {
      HF_RETURN_IF_ERROR(MakeSrk());
    } else if (rc != TSS2_RC_SUCCESS) {
      return Failed("TPM2_ReadPublic", rc);
    }
    HF_ASSIGN_OR_RETURN(description_.srk_name, NameOf(srk_));
    if (!settings_.srk_name.empty() && settings_.srk_name != description_.srk_name) {
      return Failed("the TPM's storage root key is another one than it was");
    }
    return absl::OkStatus();
  }

  absl::Status FindIndices() {
    HF_RETURN_IF_ERROR(SetPolicy());
    for (std::size_t i = 0; i < kIndices; ++i) {
      const TPMI_RH_NV_INDEX handle = settings_.first_index + static_cast<std::uint32_t>(i);
      const TSS2_RC rc = Esys_TR_FromTPMPublic(esys_, handle, kNone, kNone, kNone, &indices_[i]);
      const bool missing = Bare(rc) == TPM2_RC_HANDLE;
      if (missing && first_use()) {
        HF_RETURN_IF_ERROR(Define(i, handle));
      } else if (rc != TSS2_RC_SUCCESS) {
        return Failed("TPM2_NV_ReadPublic", rc);
      }
      HF_RETURN_IF_ERROR(CheckIndex(i));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<WipedBuffer> Read(std::size_t number) {
    HF_ASSIGN_OR_RETURN(const ESYS_TR session, PolicySession(TPMA_SESSION_ENCRYPT));
    Owned<TPM2B_MAX_NV_BUFFER> data;
    const TSS2_RC rc = Esys_NV_Read(esys_, indices_[number], indices_[number], session, kNone,
                                    kNone, kContentBytes, 0, data.out());
    if (rc != TSS2_RC_SUCCESS) {
      Esys_FlushContext(esys_, session);
      return Failed("TPM2_NV_Read", rc);
    }
    if (data->size != kContentBytes) return Failed("the NV index has another size");
    WipedBuffer content(kContentBytes);
    std::transform(data->buffer, data->buffer + kContentBytes, content.Mutable().begin(),
                   [](BYTE byte) { return std::byte{byte}; });
    Wipe(std::as_writable_bytes(std::span(*data.out(), 1)));
    return content;
  }

  absl::Status Write(std::size_t number, ByteSpan content) {
    if (content.size() != kContentBytes) return Failed("the content has another size");
    HF_ASSIGN_OR_RETURN(const ESYS_TR session, PolicySession(TPMA_SESSION_DECRYPT));
    TPM2B_MAX_NV_BUFFER data = {};
    HF_RETURN_IF_ERROR(Fill(content, data));
    const TSS2_RC rc =
        Esys_NV_Write(esys_, indices_[number], indices_[number], session, kNone, kNone, &data, 0);
    Wipe(std::as_writable_bytes(std::span(&data, 1)));
    if (rc == TSS2_RC_SUCCESS) return absl::OkStatus();
    Esys_FlushContext(esys_, session);
    return Failed("TPM2_NV_Write", rc);
  }

  const Description& description() const { return description_; }

 private:
  absl::StatusOr<Bytes> NameOf(ESYS_TR object) {
    Owned<TPM2B_NAME> name;
    HF_TPM(TR_GetName, esys_, object, name.out());
    return NameBytes(*name.get());
  }

  // A session that nobody can read or answer in who does not have the storage root key.
  absl::StatusOr<ESYS_TR> Session(TPM2_SE type, ESYS_TR salted_to, TPMA_SESSION attributes) {
    TPMT_SYM_DEF symmetric = {};
    symmetric.algorithm = TPM2_ALG_AES;
    symmetric.keyBits.aes = 128;
    symmetric.mode.aes = TPM2_ALG_CFB;
    ESYS_TR session = kNone;
    HF_TPM(StartAuthSession, esys_, salted_to, kNone, kNone, kNone, kNone, nullptr, type,
           &symmetric, TPM2_ALG_SHA256, &session);
    HF_TPM(TRSess_SetAttributes, esys_, session, attributes, 0xff);
    return session;
  }

  absl::Status SetAuth(ESYS_TR object, const WipedBuffer& password) {
    TPM2B_AUTH auth = {};
    HF_RETURN_IF_ERROR(Fill(password.Reveal(), auth));
    const TSS2_RC rc = Esys_TR_SetAuth(esys_, object, &auth);
    Wipe(std::as_writable_bytes(std::span(&auth, 1)));
    return rc == TSS2_RC_SUCCESS ? absl::OkStatus() : Failed("Esys_TR_SetAuth", rc);
  }

  absl::Status MakeSrk() {
    HF_RETURN_IF_ERROR(SetAuth(ESYS_TR_RH_OWNER, settings_.owner_auth));
    const TPM2B_SENSITIVE_CREATE sensitive = {};
    const TPM2B_PUBLIC wanted = SrkTemplate();
    const TPM2B_DATA outside = {};
    const TPML_PCR_SELECTION no_pcrs = {};
    ESYS_TR key = kNone;
    // There is no key yet to salt a session to; its HMAC keeps the owner's password off the bus.
    HF_ASSIGN_OR_RETURN(const ESYS_TR session,
                        Session(TPM2_SE_HMAC, kNone, TPMA_SESSION_CONTINUESESSION));
    // Without a resource manager what stays loaded after a failure takes room from the next one.
    const TSS2_RC made =
        Esys_CreatePrimary(esys_, ESYS_TR_RH_OWNER, session, kNone, kNone, &sensitive, &wanted,
                           &outside, &no_pcrs, &key, nullptr, nullptr, nullptr, nullptr);
    if (made != TSS2_RC_SUCCESS) {
      Esys_FlushContext(esys_, session);
      return Failed("TPM2_CreatePrimary", made);
    }
    const TSS2_RC kept = Esys_EvictControl(esys_, ESYS_TR_RH_OWNER, key, session, kNone, kNone,
                                           settings_.srk_handle, &srk_);
    Esys_FlushContext(esys_, key);
    Esys_FlushContext(esys_, session);
    if (kept != TSS2_RC_SUCCESS) return Failed("TPM2_EvictControl", kept);
    return absl::OkStatus();
  }

  TPML_PCR_SELECTION Pcrs() const {
    TPML_PCR_SELECTION selection = {};
    selection.count = 1;
    selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
    selection.pcrSelections[0].sizeofSelect = 3;
    for (std::size_t i = 0; i < 3; ++i) {
      selection.pcrSelections[0].pcrSelect[i] =
          static_cast<BYTE>((settings_.pcr_mask >> (8 * i)) & 0xff);
    }
    return selection;
  }

  // Without a resource manager a key that stays loaded takes room from whoever comes next.
  absl::StatusOr<ESYS_TR> LoadSigningKey() {
    HF_ASSIGN_OR_RETURN(const TPM2B_PUBLIC area, SigningKeyFromPem(settings_.pcr_public_key));
    ESYS_TR key = kNone;
    HF_TPM(LoadExternal, esys_, kNone, kNone, kNone, nullptr, &area, ESYS_TR_RH_OWNER, &key);
    return key;
  }

  // Computes the policy of the indices in a trial session.
  absl::Status SetPolicy() {
    HF_ASSIGN_OR_RETURN(const ESYS_TR trial, Session(TPM2_SE_TRIAL, kNone, 0));
    if (settings_.pcr_mask != 0) {
      HF_ASSIGN_OR_RETURN(const ESYS_TR key, LoadSigningKey());
      Owned<TPM2B_NAME> name;
      HF_TPM(TR_GetName, esys_, key, name.out());
      signing_key_name_ = *name.get();
      HF_TPM(FlushContext, esys_, key);
      const TPM2B_DIGEST nothing = {};
      const TPM2B_NONCE no_reference = {};
      TPMT_TK_VERIFIED ticket = {};
      ticket.tag = TPM2_ST_VERIFIED;
      ticket.hierarchy = TPM2_RH_NULL;
      HF_TPM(PolicyAuthorize, esys_, trial, kNone, kNone, kNone, &nothing, &no_reference,
             &signing_key_name_, &ticket);
    }
    HF_TPM(PolicyAuthValue, esys_, trial, kNone, kNone, kNone);
    Owned<TPM2B_DIGEST> digest;
    HF_TPM(PolicyGetDigest, esys_, trial, kNone, kNone, kNone, digest.out());
    policy_ = *digest.get();
    HF_TPM(FlushContext, esys_, trial);
    return absl::OkStatus();
  }

  absl::Status Authorize(ESYS_TR session) {
    const TPML_PCR_SELECTION pcrs = Pcrs();
    const TPM2B_DIGEST as_they_are = {};
    HF_TPM(PolicyPCR, esys_, session, kNone, kNone, kNone, &as_they_are, &pcrs);
    Owned<TPM2B_DIGEST> state;
    HF_TPM(PolicyGetDigest, esys_, session, kNone, kNone, kNone, state.out());
    const Digest32 hash = Sha256Of(ToOurs(state->buffer, state->size));
    TPM2B_DIGEST signed_digest = {};
    HF_RETURN_IF_ERROR(Fill(hash, signed_digest));
    TPMT_SIGNATURE signature = {};
    signature.sigAlg = TPM2_ALG_RSASSA;
    signature.signature.rsassa.hash = TPM2_ALG_SHA256;
    HF_RETURN_IF_ERROR(Fill(settings_.pcr_signature, signature.signature.rsassa.sig));
    HF_ASSIGN_OR_RETURN(const ESYS_TR key, LoadSigningKey());
    Owned<TPMT_TK_VERIFIED> ticket;
    const TSS2_RC rc = Esys_VerifySignature(esys_, key, kNone, kNone, kNone, &signed_digest,
                                            &signature, ticket.out());
    Esys_FlushContext(esys_, key);
    if (rc != TSS2_RC_SUCCESS) return Failed("TPM2_VerifySignature", rc);
    const TPM2B_NONCE no_reference = {};
    HF_TPM(PolicyAuthorize, esys_, session, kNone, kNone, kNone, state.get(), &no_reference,
           &signing_key_name_, ticket.get());
    return absl::OkStatus();
  }

  // A salted session that satisfies the indices' policy, for one command.
  absl::StatusOr<ESYS_TR> PolicySession(TPMA_SESSION attributes) {
    HF_ASSIGN_OR_RETURN(const ESYS_TR session, Session(TPM2_SE_POLICY, srk_, attributes));
    absl::Status satisfied = settings_.pcr_mask != 0 ? Authorize(session) : absl::OkStatus();
    if (satisfied.ok()) {
      const TSS2_RC rc = Esys_PolicyAuthValue(esys_, session, kNone, kNone, kNone);
      if (rc != TSS2_RC_SUCCESS) satisfied = Failed("TPM2_PolicyAuthValue", rc);
    }
    if (satisfied.ok()) return session;
    Esys_FlushContext(esys_, session);
    return satisfied;
  }

  absl::Status Define(std::size_t number, TPMI_RH_NV_INDEX handle) {
    HF_RETURN_IF_ERROR(SetAuth(ESYS_TR_RH_OWNER, settings_.owner_auth));
    TPM2B_AUTH auth = {};
    HF_RETURN_IF_ERROR(Fill(settings_.index_auth.Reveal(), auth));
    TPM2B_NV_PUBLIC wanted = {};
    wanted.nvPublic.nvIndex = handle;
    wanted.nvPublic.nameAlg = TPM2_ALG_SHA256;
    wanted.nvPublic.attributes = kIndexAttributes;
    wanted.nvPublic.authPolicy = policy_;
    wanted.nvPublic.dataSize = kContentBytes;
    HF_ASSIGN_OR_RETURN(const ESYS_TR session, Session(TPM2_SE_HMAC, srk_, TPMA_SESSION_DECRYPT));
    const TSS2_RC rc = Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, session, kNone, kNone, &auth,
                                           &wanted, &indices_[number]);
    Wipe(std::as_writable_bytes(std::span(&auth, 1)));
    if (rc == TSS2_RC_SUCCESS) return absl::OkStatus();
    Esys_FlushContext(esys_, session);
    return Failed("TPM2_NV_DefineSpace", rc);
  }

  // Compares the index with what it has to be, and with its name at the first use. At the first use
  // it is written once: that changes its name.
  absl::Status CheckIndex(std::size_t number) {
    Owned<TPM2B_NV_PUBLIC> found;
    HF_TPM(NV_ReadPublic, esys_, indices_[number], kNone, kNone, kNone, found.out(), nullptr);
    const TPMS_NV_PUBLIC& area = found->nvPublic;
    const bool as_wanted =
        area.nameAlg == TPM2_ALG_SHA256 &&
        (area.attributes & ~TPMA_NV_WRITTEN) == kIndexAttributes &&
        area.dataSize == kContentBytes && area.authPolicy.size == policy_.size &&
        std::equal(policy_.buffer, policy_.buffer + policy_.size, area.authPolicy.buffer);
    if (!as_wanted) {
      return Failed(
          "an NV index is not as a keyslot needs it: others may use it, or it is of "
          "something else");
    }
    HF_RETURN_IF_ERROR(SetAuth(indices_[number], settings_.index_auth));
    if (first_use() && (area.attributes & TPMA_NV_WRITTEN) == 0) {
      const std::array<std::byte, kContentBytes> blank{};
      HF_RETURN_IF_ERROR(Write(number, blank));
    }
    HF_ASSIGN_OR_RETURN(description_.index_names[number], NameOf(indices_[number]));
    if (!first_use() && description_.index_names[number] != settings_.index_names[number]) {
      return Failed("an NV index is another one than it was: somebody defined it anew");
    }
    // Whoever defined it anew in the same way does not know its password.
    return Read(number).status();
  }

  const Settings settings_;
  Description description_;
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR srk_ = kNone;
  TPM2B_NAME signing_key_name_ = {};
  TPM2B_DIGEST policy_ = {};
  std::array<ESYS_TR, kIndices> indices_ = {kNone, kNone};
};

#undef HF_TPM

Tpm2Chip::Tpm2Chip(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tpm2Chip::~Tpm2Chip() = default;

absl::StatusOr<std::unique_ptr<Tpm2Chip>> Tpm2Chip::Open(Settings settings) {
  auto impl = std::make_unique<Impl>(std::move(settings));
  HF_RETURN_IF_ERROR(impl->Connect());
  HF_RETURN_IF_ERROR(impl->FindSrk());
  HF_RETURN_IF_ERROR(impl->FindIndices());
  return std::unique_ptr<Tpm2Chip>(new Tpm2Chip(std::move(impl)));
}

const Tpm2Chip::Description& Tpm2Chip::description() const { return impl_->description(); }

absl::StatusOr<WipedBuffer> Tpm2Chip::Read(std::size_t number) {
  HF_CHECK(number < kIndices);
  return impl_->Read(number);
}

absl::Status Tpm2Chip::Write(std::size_t number, ByteSpan content) {
  HF_CHECK(number < kIndices);
  return impl_->Write(number, content);
}

}  // namespace holdfast::crypto::internal
