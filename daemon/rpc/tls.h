// SPDX-License-Identifier: Apache-2.0
// The server's certificates: checked by us, loaded and reloaded by gRPC.
//
// gRPC polls the three files each second and goes on with the last pair that it could read. A key
// that does not match its certificate is worse: every new connection is refused until it is mended,
// and gRPC says so nowhere but in its own log. So the files are checked here as well.
//
// When to use  CheckTlsFiles() at start, at SIGHUP and now and then; MakeServerCredentials() once.
// Threads      May be called concurrently.
// Ownership    Values. The private key is read, compared and forgotten.
// Errors       kConfigInvalid, with metadata `file`: not readable, not PEM, expired, or no match.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"

#include "base/time.h"

namespace holdfast::rpc {

struct TlsFiles {
  std::string key_path;
  std::string certificate_path;
  std::string client_ca_path;
};

// When the first certificate of each file expires: of the chain the server's own, of the client
// authorities whichever is first.
struct TlsExpiry {
  UnixMillis certificate;
  UnixMillis client_ca;
};

// OK if a server could begin with these files at `now`.
absl::StatusOr<TlsExpiry> CheckTlsFiles(const TlsFiles& files, UnixMillis now);

// Credentials that ask every client for a certificate, verify it, and follow the files.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files);

}  // namespace holdfast::rpc
