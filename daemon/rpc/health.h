// SPDX-License-Identifier: Apache-2.0
// grpc.health.v1.Health, through the request gate like every other service.
//
// When to use  Once a daemon: Register() before the server starts, then Set() whenever an exchange
//              or the whole daemon starts or stops to serve.
// Threads      Register() once, before the server starts. Set() from any thread.
// Ownership    The method table borrows it: must outlive the server.
// Errors       Check of a service that is not known fails with kNotFound.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

enum class Serving { kNo = 0, kYes };

class Health final {
 public:
  Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;
  ~Health();

  // Adds Check and Watch to `table`. The services known are "" (the daemon) and those that the
  // table has now, and all begin as kNo.
  void Register(MethodTable* table);

  // Sets one service; every stream that watches it is told.
  void Set(std::string_view service, Serving serving);
  // Sets all of them.
  void SetAll(Serving serving);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::rpc
