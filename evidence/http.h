// SPDX-License-Identifier: Apache-2.0
// As much of HTTP/1.1 as a witness needs: one POST with a body, one answer, and the connection
// ends. No TLS: what a witness is asked and answers is public, and signed.
//
// When to use  For witnesses, and to ask them (evidence/witness_client.h), only.
// Threads      A server answers one connection after the other, on the thread of Serve().
// Ownership    A server owns its socket.
// Errors       kUnavailable with `unreachable` where nobody answers; kRequestMalformed for an
//              address or an answer that is none. A bad request is answered, and is no error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::evidence {

struct HttpAnswer {
  int status = 500;
  std::string content_type;
  std::string body;
};

class HttpServer final {
 public:
  // Listens at HOST:PORT, an address and not a name; port 0 is any.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(const std::string& address);

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::uint16_t port() const { return port_; }

  // Answers requests to `POST path` with `handle`, and all else with 404, 405, 411 or 413, until
  // `stop` says so; it is asked at least each half second. Each connection has ten seconds.
  absl::Status Serve(std::string_view path, std::size_t max_body_bytes,
                     const std::function<HttpAnswer(std::string_view body)>& handle,
                     const std::function<bool()>& stop);

 private:
  HttpServer(int socket, std::uint16_t port) : socket_(socket), port_(port) {}

  const int socket_;
  const std::uint16_t port_;
};

// Posts `body` to `url`, http://HOST[:PORT][/PATH], with `path` added to it.
absl::StatusOr<HttpAnswer> HttpPost(const std::string& url, std::string_view path,
                                    std::string_view body, std::chrono::milliseconds timeout);

}  // namespace holdfast::evidence
