// SPDX-License-Identifier: Apache-2.0
// A connection to one gateway, with the identity that makes the calls.
//
// When to use  Open one for each identity and share it between the clients (RequesterClient and so
//              on). It connects on the first call and again whenever the connection is lost.
//              Opening one turns gRPC's tracers off in the whole process: they print data in clear.
// Threads      May be used concurrently.
// Ownership    Shared by the clients that were made with it.
// Errors       What calls return (all clients): the gateway's own Reason with its metadata, and
//              `gateway` = "yes". kUnavailable with `unreachable` = "yes" where no answer came;
//              kUnavailable with `deadline` = "yes" where it came too late.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::client {

namespace internal {
class Connection;
}  // namespace internal

struct ChannelOptions {
  std::string server;       // HOST:PORT; an address is not looked up anywhere.
  std::string server_name;  // The name that the server's certificate must have.

  std::string exchange;  // Its name; may be empty where the gateway hosts one only.

  // PEM texts: who calls, and who may have signed the server's certificate.
  std::string certificate_pem;
  std::string key_pem;
  std::string ca_pem;

  // The longest that one unary call may take.
  std::chrono::milliseconds timeout{30'000};

  // How long an act is tried again, where trying again is safe and may help.
  std::chrono::milliseconds retry_for{60'000};

  // Told of each failure after which an act is tried again, before the wait. May be empty. Streams
  // side by side call it concurrently.
  std::function<void(const absl::Status&)> on_retry;
};

class Channel final {
 public:
  // Errors: kConfigInvalid  something is missing, or `server` is not HOST:PORT.
  static absl::StatusOr<std::shared_ptr<Channel>> Open(ChannelOptions options);

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  // For this library alone.
  internal::Connection& connection() { return *connection_; }

 private:
  explicit Channel(std::unique_ptr<internal::Connection> connection);

  std::unique_ptr<internal::Connection> connection_;
};

}  // namespace holdfast::client
