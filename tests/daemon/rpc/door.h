// SPDX-License-Identifier: Apache-2.0
// A server with ToyService and Health behind the request gate, on this machine, with its clients.
//
// When to use  In tests of rpc/.
// Threads      Made and destroyed by one thread; the authority may be changed by any.
// Ownership    Owns everything; clients that outlive it see a server that is gone.
// Errors       Fails the process if the server does not start.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "grpcpp/channel.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "daemon/observe/metrics.h"
#include "daemon/rpc/authority.h"
#include "daemon/rpc/health.h"
#include "daemon/rpc/server.h"
#include "tests/daemon/rpc/toy_service.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_pki.h"

namespace holdfast::test {

inline constexpr char kEcho[] = "/holdfast.test.ToyService/Echo";
inline constexpr char kOrder[] = "/holdfast.test.ToyService/Order";
inline constexpr char kCount[] = "/holdfast.test.ToyService/Count";
inline constexpr char kChat[] = "/holdfast.test.ToyService/Chat";
inline constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
inline constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";

inline constexpr char kAlice[] = "spiffe://test/requester/alice";

// Pairs of identity and permission that may be changed while calls run.
class TableAuthority final : public rpc::Authority {
 public:
  void Grant(const std::string& spiffe_id, const std::string& permission) {
    MutexLock lock(mutex_);
    granted_.emplace(spiffe_id, permission);
  }
  void Revoke(const std::string& spiffe_id, const std::string& permission) {
    MutexLock lock(mutex_);
    granted_.erase({spiffe_id, permission});
  }
  rpc::Access Ask(std::string_view spiffe_id, std::string_view permission,
                  std::string_view exchange) const override {
    MutexLock lock(mutex_);
    const bool granted = granted_.contains({std::string(spiffe_id), std::string(permission)});
    if (!granted) return rpc::Access::kDenied;
    return exchange.empty() || exchange == "known" ? rpc::Access::kAllowed
                                                   : rpc::Access::kExchangeUnknown;
  }
  std::string MemberOf(std::string_view spiffe_id, std::string_view) const override {
    return std::string(spiffe_id.substr(spiffe_id.rfind('/') + 1));
  }

 private:
  mutable Mutex mutex_;
  std::set<std::pair<std::string, std::string>> granted_ HF_GUARDED_BY(mutex_);
};

class Door final {
 public:
  // Options without address and TLS files, which are set here. kAlice may do everything.
  explicit Door(rpc::ServerOptions options = {});

  std::shared_ptr<grpc::Channel> Connect(const PemPair& client);
  std::shared_ptr<grpc::Channel> ConnectAs(const std::string& spiffe_id);
  std::shared_ptr<grpc::Channel> Alice() { return ConnectAs(kAlice); }
  // Without a certificate.
  std::shared_ptr<grpc::Channel> ConnectAsNobody();
  // Trusts `server_authority` for the server's certificate.
  std::shared_ptr<grpc::Channel> Connect(const PemPair& client,
                                         const std::string& server_authority);

  // Puts files in place of the server's, all at once.
  void SwapTlsFiles(const PemPair& server, const std::string& client_authority);

  // Waits until no call runs; false if that takes longer than kPatience.
  bool BecomesIdle();

  TempDir dir;
  TestAuthority pki{"test authority"};
  TableAuthority authority;
  SystemClock clock;
  PosixFileSystem files;
  observe::Metrics metrics{clock, "test"};
  ToyService toy;
  rpc::Health health;
  std::unique_ptr<rpc::Server> server;

 private:
  int generation_ = 0;
};

}  // namespace holdfast::test
