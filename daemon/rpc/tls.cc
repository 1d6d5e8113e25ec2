// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/tls.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::rpc {
namespace {

constexpr unsigned kPollSeconds = 1;

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

absl::Status Fault(const std::string& path, std::string message) {
  ERR_clear_error();
  return AddMetadata(MakeError(Reason::kConfigInvalid, path + ": " + message), "file", path);
}

// The daemon has no terminal to ask at, and a password beside the key protects nothing.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<BioPtr> Open(const std::string& path) {
  BioPtr bio(BIO_new_file(path.c_str(), "r"));
  if (bio == nullptr) return Fault(path, "cannot be read");
  return bio;
}

absl::StatusOr<std::vector<CertificatePtr>> ReadCertificates(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const BioPtr bio, Open(path));
  std::vector<CertificatePtr> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr)) {
    certificates.emplace_back(next);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.empty() || !at_end) return Fault(path, "is not PEM certificates throughout");
  return certificates;
}

absl::StatusOr<UnixMillis> ExpiryOf(const std::string& path, const X509& certificate) {
  std::tm broken_down = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &broken_down) != 1) {
    return Fault(path, "has a certificate without a valid end");
  }
  return UnixMillis(std::int64_t{timegm(&broken_down)} * 1000);
}

}  // namespace

absl::StatusOr<TlsExpiry> CheckTlsFiles(const TlsFiles& files, UnixMillis now) {
  HF_ASSIGN_OR_RETURN(const auto chain, ReadCertificates(files.certificate_path));
  HF_ASSIGN_OR_RETURN(const auto authorities, ReadCertificates(files.client_ca_path));
  HF_ASSIGN_OR_RETURN(const BioPtr key_file, Open(files.key_path));
  const KeyPtr key(PEM_read_bio_PrivateKey(key_file.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) return Fault(files.key_path, "is not a PEM private key without a password");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    return Fault(files.key_path, "does not match the certificate in " + files.certificate_path);
  }
  TlsExpiry expiry;
  HF_ASSIGN_OR_RETURN(expiry.certificate, ExpiryOf(files.certificate_path, *chain.front()));
  if (expiry.certificate <= now) return Fault(files.certificate_path, "has expired");
  expiry.client_ca = kMaxTime;
  for (const CertificatePtr& authority : authorities) {
    HF_ASSIGN_OR_RETURN(const UnixMillis end, ExpiryOf(files.client_ca_path, *authority));
    expiry.client_ca = std::min(expiry.client_ca, end);
  }
  return expiry;
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files) {
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key_path, files.certificate_path, files.client_ca_path, kPollSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace holdfast::rpc
