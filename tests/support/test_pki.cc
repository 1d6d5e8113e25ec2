// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_pki.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace holdfast::test {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<&BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<&X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<&X509_EXTENSION_free>>;

KeyPtr MakeKey() {
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  HF_CHECK(key != nullptr);
  return key;
}

std::string TextOf(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string ToPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  HF_CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(bio);
}

std::string ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  HF_CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return TextOf(bio);
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  HF_CHECK(extension != nullptr);
  HF_CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void SetName(X509_NAME* name, const std::string& common_name) {
  HF_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      // OpenSSL counts in int and takes bytes, not characters.
                                      reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                      -1, -1, 0) == 1);
}

CertificatePtr Begin(EVP_PKEY* key, long serial, const std::string& common_name,
                     std::chrono::seconds from, std::chrono::seconds until) {
  CertificatePtr certificate(X509_new());
  HF_CHECK(X509_set_version(certificate.get(), 2) == 1);
  HF_CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial) == 1);
  HF_CHECK(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from.count()) != nullptr);
  HF_CHECK(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until.count()) != nullptr);
  HF_CHECK(X509_set_pubkey(certificate.get(), key) == 1);
  SetName(X509_get_subject_name(certificate.get()), common_name);
  return certificate;
}

std::string AlternativeNames(const CertificateSpec& spec) {
  std::string names;
  const auto add = [&](const char* kind, const std::vector<std::string>& values) {
    for (const auto& value : values) names += (names.empty() ? "" : ",") + (kind + value);
  };
  add("URI:", spec.uris);
  add("DNS:", spec.dns_names);
  add("IP:", spec.ip_addresses);
  return names;
}

}  // namespace

struct TestAuthority::Keys {
  KeyPtr key;
  CertificatePtr certificate;
};

TestAuthority::TestAuthority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  keys_->key = MakeKey();
  keys_->certificate =
      Begin(keys_->key.get(), serial_++, name, std::chrono::hours(-1), std::chrono::hours(24 * 30));
  X509* certificate = keys_->certificate.get();
  HF_CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  HF_CHECK(X509_sign(certificate, keys_->key.get(), EVP_sha256()) != 0);
  certificate_ = ToPem(certificate);
}

TestAuthority::~TestAuthority() = default;

PemPair TestAuthority::Issue(const CertificateSpec& spec) {
  const KeyPtr key = MakeKey();
  const CertificatePtr certificate =
      Begin(key.get(), serial_++, "holdfast test", spec.valid_from, spec.valid_until);
  X509* issuer = keys_->certificate.get();
  HF_CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1);
  AddExtension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  const std::string names = AlternativeNames(spec);
  if (!names.empty()) AddExtension(certificate.get(), issuer, NID_subject_alt_name, names);
  HF_CHECK(X509_sign(certificate.get(), keys_->key.get(), EVP_sha256()) != 0);
  return {ToPem(key.get()), ToPem(certificate.get())};
}

PemPair TestAuthority::IssueServer() {
  CertificateSpec spec;
  spec.dns_names = {"localhost"};
  spec.ip_addresses = {"127.0.0.1"};
  return Issue(spec);
}

PemPair TestAuthority::IssueClient(const std::string& spiffe_id) {
  CertificateSpec spec;
  spec.uris = {spiffe_id};
  return Issue(spec);
}

}  // namespace holdfast::test
