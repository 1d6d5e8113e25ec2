// SPDX-License-Identifier: Apache-2.0
#include "cli/certificates.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

template <auto Free>
struct Releaser {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using KeyPtr = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Releaser<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Releaser<BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Releaser<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Releaser<X509_EXTENSION_free>>;

absl::Status LibraryFailed(const std::string& what) {
  return MakeError(Reason::kInternal, "OpenSSL failed to " + what);
}

// Names go into an extension's text form, where a comma or a line break would begin another one.
bool IsPlain(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == ':';
  });
}

absl::Status CheckPlain(const std::string& text, const std::string& what) {
  if (IsPlain(text)) return absl::OkStatus();
  return MakeError(Reason::kRequestMalformed,
                   what + " cannot stand in a certificate: " + EscapeForLog(text));
}

absl::StatusOr<crypto::WipedBuffer> Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (size <= 0 || data == nullptr) return LibraryFailed("write PEM");
  return crypto::WipedBuffer::TakeFrom(
      std::as_writable_bytes(std::span(data, static_cast<std::size_t>(size))));
}

absl::StatusOr<std::string> CertificateText(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return LibraryFailed("write a certificate");
  }
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer text, Drain(bio.get()));
  return ToString(text.Reveal());
}

absl::StatusOr<crypto::WipedBuffer> KeyText(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return LibraryFailed("write a private key");
  }
  return Drain(bio.get());
}

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return LibraryFailed("add an extension to a certificate");
  }
  return absl::OkStatus();
}

absl::Status AddName(X509_NAME* name, const char* field, const std::string& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
  if (X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, static_cast<int>(value.size()),
                                 -1, 0) != 1) {
    return LibraryFailed("write a name into a certificate");
  }
  return absl::OkStatus();
}

struct Extension {
  int nid;
  std::string value;
};

struct Contents {
  std::string organisation;
  std::string common_name;
  std::vector<Extension> extensions;
};

// A certificate for `key`, not signed yet. Without `issuer` it is its own.
absl::StatusOr<CertificatePtr> Build(const Contents& contents, EVP_PKEY* key, X509* issuer,
                                     UnixMillis now, std::chrono::hours lifetime) {
  CertificatePtr certificate(X509_new());
  const NumberPtr serial(BN_new());
  if (certificate == nullptr || serial == nullptr ||
      X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      BN_rand(serial.get(), 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) == nullptr) {
    return LibraryFailed("begin a certificate");
  }
  // A minute back, for clocks that are not quite equal.
  const std::time_t from = static_cast<std::time_t>(now.value() / 1000 - 60);
  const std::time_t until = from + static_cast<std::time_t>(std::chrono::seconds(lifetime).count());
  if (ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return LibraryFailed("fill in a certificate");
  }
  X509_NAME* name = X509_get_subject_name(certificate.get());
  HF_RETURN_IF_ERROR(AddName(name, "O", contents.organisation));
  HF_RETURN_IF_ERROR(AddName(name, "CN", contents.common_name));
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return LibraryFailed("name the issuer of a certificate");
  }
  for (const Extension& extension : contents.extensions) {
    HF_RETURN_IF_ERROR(AddExtension(certificate.get(), signer, extension.nid, extension.value));
  }
  return certificate;
}

absl::StatusOr<KeyPtr> NewKey() {
  std::string curve = "P-256";  // The function is variadic and wants to be able to write.
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.data()));
  if (key == nullptr) return LibraryFailed("make a key");
  return key;
}

absl::Status Sign(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return LibraryFailed("sign a certificate");
  return absl::OkStatus();
}

UnixMillis EndOf(UnixMillis now, std::chrono::hours lifetime) {
  return now + std::chrono::milliseconds(lifetime) - std::chrono::minutes(1);
}

}  // namespace

struct CertificateAuthority::Parts {
  KeyPtr key;
  CertificatePtr certificate;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Parts> parts, std::string domain)
    : parts_(std::move(parts)), domain_(std::move(domain)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(const std::string& domain,
                                                                  UnixMillis now,
                                                                  std::chrono::hours lifetime) {
  HF_RETURN_IF_ERROR(CheckPlain(domain, "the trust domain"));
  auto parts = std::make_unique<Parts>();
  HF_ASSIGN_OR_RETURN(parts->key, NewKey());
  const Contents contents{domain,
                          "holdfast test authority",
                          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}}};
  HF_ASSIGN_OR_RETURN(parts->certificate,
                      Build(contents, parts->key.get(), nullptr, now, lifetime));
  HF_RETURN_IF_ERROR(Sign(parts->certificate.get(), parts->key.get()));
  return CertificateAuthority(std::move(parts), domain);
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(std::string_view certificate_pem,
                                                                std::string_view key_pem) {
  auto parts = std::make_unique<Parts>();
  const BioPtr certificate(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const BioPtr key(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  parts->certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  parts->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  if (parts->certificate == nullptr || parts->key == nullptr) {
    return MakeError(Reason::kRequestMalformed,
                     "the authority's certificate or key is no PEM text");
  }
  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
    return MakeError(Reason::kRequestMalformed,
                     "the authority's key is not that of its certificate");
  }
  std::array<char, 256> domain{};
  const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(parts->certificate.get()),
                                               NID_organizationName, domain.data(), domain.size());
  if (length <= 0) {
    return MakeError(Reason::kRequestMalformed,
                     "the authority's certificate names no trust domain");
  }
  return CertificateAuthority(std::move(parts),
                              std::string(domain.data(), static_cast<std::size_t>(length)));
}

absl::StatusOr<std::string> CertificateAuthority::CertificatePem() const {
  return CertificateText(parts_->certificate.get());
}

absl::StatusOr<crypto::WipedBuffer> CertificateAuthority::KeyPem() const {
  return KeyText(parts_->key.get());
}

absl::StatusOr<IssuedCertificate> CertificateAuthority::IssueServer(
    const std::vector<std::string>& hosts, UnixMillis now, std::chrono::hours lifetime) const {
  std::string names;
  for (const std::string& host : hosts) {
    HF_RETURN_IF_ERROR(CheckPlain(host, "a host"));
    const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos ||
                            host.find(':') != std::string::npos;
    names += (names.empty() ? "" : ",");
    names += (is_address ? "IP:" : "DNS:") + host;
  }
  if (names.empty()) return MakeError(Reason::kRequestMalformed, "a server needs a host name");
  HF_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  const Contents contents{domain_,
                          "holdfastd",
                          {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth"},
                           {NID_subject_alt_name, names},
                           {NID_authority_key_identifier, "keyid:always"}}};
  HF_ASSIGN_OR_RETURN(const CertificatePtr certificate,
                      Build(contents, key.get(), parts_->certificate.get(), now, lifetime));
  HF_RETURN_IF_ERROR(Sign(certificate.get(), parts_->key.get()));
  IssuedCertificate issued;
  HF_ASSIGN_OR_RETURN(issued.certificate_pem, CertificateText(certificate.get()));
  HF_ASSIGN_OR_RETURN(issued.key_pem, KeyText(key.get()));
  issued.not_after = EndOf(now, lifetime);
  return issued;
}

absl::StatusOr<IssuedCertificate> CertificateAuthority::IssueClient(
    const std::string& role, const std::string& id, UnixMillis now,
    std::chrono::hours lifetime) const {
  HF_RETURN_IF_ERROR(CheckPlain(role, "the role"));
  HF_RETURN_IF_ERROR(CheckPlain(id, "the member's id"));
  HF_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  const Contents contents{
      domain_,
      id,
      {{NID_basic_constraints, "critical,CA:FALSE"},
       {NID_key_usage, "critical,digitalSignature"},
       {NID_ext_key_usage, "clientAuth"},
       {NID_subject_alt_name, "URI:spiffe://" + domain_ + "/" + role + "/" + id},
       {NID_authority_key_identifier, "keyid:always"}}};
  HF_ASSIGN_OR_RETURN(const CertificatePtr certificate,
                      Build(contents, key.get(), parts_->certificate.get(), now, lifetime));
  HF_RETURN_IF_ERROR(Sign(certificate.get(), parts_->key.get()));
  IssuedCertificate issued;
  HF_ASSIGN_OR_RETURN(issued.certificate_pem, CertificateText(certificate.get()));
  HF_ASSIGN_OR_RETURN(issued.key_pem, KeyText(key.get()));
  issued.not_after = EndOf(now, lifetime);
  return issued;
}

}  // namespace holdfast::cli
