// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/rpc/door.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

#include "base/check.h"

namespace holdfast::test {
namespace {

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  HF_CHECK(file.good());
}

}  // namespace

Door::Door(rpc::ServerOptions options) {
  SwapTlsFiles(pki.IssueServer(), pki.certificate());
  for (const char* permission :
       {"toy.echo", "toy.order", "toy.count", "toy.chat", "health.check"}) {
    authority.Grant(kAlice, permission);
  }
  rpc::MethodTable table;
  toy.Register(table);
  health.Register(&table);
  options.address = "127.0.0.1:0";
  options.tls = {dir.File("tls/key.pem"), dir.File("tls/cert.pem"), dir.File("tls/ca.pem")};
  auto started = rpc::Server::Start(options, std::move(table), authority, clock, files, metrics);
  HF_CHECK(started.ok());
  server = *std::move(started);
}

std::shared_ptr<grpc::Channel> Door::Connect(const PemPair& client,
                                             const std::string& server_authority) {
  const auto credentials = grpc::SslCredentials({server_authority, client.key, client.certificate});
  grpc::ChannelArguments arguments;
  // Each client is a connection of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("ipv4:127.0.0.1:" + std::to_string(server->port()), credentials,
                                   arguments);
}

std::shared_ptr<grpc::Channel> Door::Connect(const PemPair& client) {
  return Connect(client, pki.certificate());
}

std::shared_ptr<grpc::Channel> Door::ConnectAs(const std::string& spiffe_id) {
  return Connect(pki.IssueClient(spiffe_id));
}

std::shared_ptr<grpc::Channel> Door::ConnectAsNobody() { return Connect(PemPair()); }

void Door::SwapTlsFiles(const PemPair& server_pair, const std::string& client_authority) {
  const std::string folder = dir.File("tls." + std::to_string(generation_++));
  std::filesystem::create_directory(folder);
  WriteFile(folder + "/key.pem", server_pair.key);
  WriteFile(folder + "/cert.pem", server_pair.certificate);
  WriteFile(folder + "/ca.pem", client_authority);
  const std::string link = dir.File("tls.new");
  std::filesystem::create_symlink(folder, link);
  std::filesystem::rename(link, dir.File("tls"));
}

bool Door::BecomesIdle() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (server->gate().calls() != 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace holdfast::test
