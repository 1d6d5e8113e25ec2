// SPDX-License-Identifier: Apache-2.0
// A certificate authority for tests and demonstrations: ECDSA P-256, since Java's and .NET's TLS
// know no Ed25519.
//
// When to use  Behind `holdfast pki`. An agency's own certificates come from its own authority.
// Threads      An authority is used by one thread at a time.
// Ownership    Values; private keys are wiped when they go.
// Errors       kRequestMalformed for names that cannot stand in a certificate and for PEM texts
// that
//              are none; kInternal if the library fails.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/time.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::cli {

struct IssuedCertificate {
  std::string certificate_pem;
  crypto::WipedBuffer key_pem;
  UnixMillis not_after;
};

class CertificateAuthority final {
 public:
  // Makes an authority for a SPIFFE trust domain.
  static absl::StatusOr<CertificateAuthority> Create(const std::string& domain, UnixMillis now,
                                                     std::chrono::hours lifetime);

  // Reads one that Create() made.
  static absl::StatusOr<CertificateAuthority> Load(std::string_view certificate_pem,
                                                   std::string_view key_pem);

  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  const std::string& domain() const { return domain_; }

  absl::StatusOr<std::string> CertificatePem() const;
  absl::StatusOr<crypto::WipedBuffer> KeyPem() const;

  // A server's certificate, for these DNS names and IP addresses.
  absl::StatusOr<IssuedCertificate> IssueServer(const std::vector<std::string>& hosts,
                                                UnixMillis now, std::chrono::hours lifetime) const;

  // A client's certificate with exactly one URI, spiffe://DOMAIN/ROLE/ID.
  absl::StatusOr<IssuedCertificate> IssueClient(const std::string& role, const std::string& id,
                                                UnixMillis now, std::chrono::hours lifetime) const;

 private:
  struct Parts;
  CertificateAuthority(std::unique_ptr<Parts> parts, std::string domain);

  std::unique_ptr<Parts> parts_;
  std::string domain_;
};

}  // namespace holdfast::cli
