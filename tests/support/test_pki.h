// SPDX-License-Identifier: Apache-2.0
// Certificate authorities and certificates for tests: ECDSA P-256, made when they are asked for.
//
// When to use  Wherever a test needs mutual TLS, or a certificate that is wrong in one way.
// Threads      One thread an object.
// Ownership    Values: PEM texts.
// Errors       Fails the process: OpenSSL does not fail at this.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::test {

struct PemPair {
  std::string key;
  std::string certificate;
};

// What a certificate says.
struct CertificateSpec {
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::chrono::seconds valid_from{-3600};  // From now.
  std::chrono::seconds valid_until{24 * 3600};
};

class TestAuthority final {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();

  const std::string& certificate() const { return certificate_; }

  PemPair Issue(const CertificateSpec& spec);
  // A server on this machine.
  PemPair IssueServer();
  // A client with one identity, such as "spiffe://test/requester/alice".
  PemPair IssueClient(const std::string& spiffe_id);

 private:
  struct Keys;
  const std::unique_ptr<Keys> keys_;
  std::string certificate_;
  long serial_ = 1;
};

}  // namespace holdfast::test
