// SPDX-License-Identifier: Apache-2.0
// The listener: gRPC over mutual TLS, with the request gate as its only service.
//
// When to use  Once a daemon, after the exchanges are ready: from Start() on clients are served.
// Threads      Start(), Drain() and the destructor by one thread; the rest by any.
// Ownership    Owns the gate and its method table. Borrows the authority, the metrics and the
// clock. Errors       Start(): kConfigInvalid for address, files or port file; kInternal, naming
// each
//              method that lacks a permission, a limit or a handler.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "daemon/observe/metrics.h"
#include "daemon/rpc/authority.h"
#include "daemon/rpc/method_table.h"
#include "daemon/rpc/request_gate.h"
#include "daemon/rpc/tls.h"

namespace holdfast::rpc {

struct ServerOptions {
  std::string address;  // HOST:PORT; port 0 takes a free one.
  TlsFiles tls;
  std::string port_file;  // Empty: none is written.
  GateOptions gate;
  // A connection keeps the certificate that it began with, so it does not live for ever.
  std::chrono::seconds max_connection_age{900};
  std::chrono::seconds max_connection_grace{60};
  std::size_t max_streams_per_connection = 256;
  // A client that pings more often than this is a nuisance; after two it is cut off.
  std::chrono::milliseconds min_ping_interval{10'000};
};

class Server final {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       MethodTable table,
                                                       const Authority& authority,
                                                       const Clock& clock, FileSystem& files,
                                                       observe::Metrics& metrics);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // As Drain(0).
  ~Server();

  int port() const { return port_; }
  const RequestGate& gate() const { return *gate_; }

  // Looks at the certificate files and reports in log and metrics what it finds.
  void CheckCredentials();

  // Ends the streams whose callers may not use them any more.
  void EndStreamsOfOthers() { gate_->EndStreamsOfOthers(); }

  // Takes no more calls, lets those that run finish for `bound` at most, cancels the rest, and
  // returns when the last one is gone. Does nothing the second time.
  void Drain(std::chrono::milliseconds bound);

 private:
  Server(const ServerOptions& options, const Clock& clock, observe::Metrics& metrics,
         std::unique_ptr<RequestGate> gate);

  const ServerOptions options_;
  const Clock& clock_;
  observe::Metrics& metrics_;
  const std::unique_ptr<RequestGate> gate_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// Sends what gRPC and protobuf say to our log, with a bound on how often: a stranger causes a line
// with every handshake that fails. Call once, before the first use of either.
void RouteLibraryLogs();

}  // namespace holdfast::rpc
