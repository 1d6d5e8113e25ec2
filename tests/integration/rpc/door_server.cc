// SPDX-License-Identifier: Apache-2.0
// A request gate with ToyService and Health, for a client that shares no code with ours.
//
// Usage: door_server FOLDER. Writes ca.pem, and key and certificate of some clients, into the
// folder; prints the port; serves until its standard input ends.
#include <cstdio>
#include <fstream>
#include <string>

#include "base/check.h"
#include "tests/daemon/rpc/door.h"

namespace holdfast::test {
namespace {

void Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  HF_CHECK(file.good());
}

void Write(const std::string& folder, const std::string& name, const PemPair& pair) {
  Write(folder + "/" + name + ".key.pem", pair.key);
  Write(folder + "/" + name + ".cert.pem", pair.certificate);
}

void Serve(const std::string& folder) {
  Door door;
  Write(folder + "/ca.pem", door.pki.certificate());
  Write(folder, "alice", door.pki.IssueClient(kAlice));
  Write(folder, "stranger", door.pki.IssueClient("spiffe://test/requester/stranger"));
  CertificateSpec both;
  both.uris = {kAlice, "spiffe://test/counsel/alice"};
  Write(folder, "two_roles", door.pki.Issue(both));
  Write(folder, "server", door.pki.IssueServer());
  door.health.SetAll(rpc::Serving::kYes);
  std::printf("%d\n", door.server->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

}  // namespace
}  // namespace holdfast::test

int main(int argc, char** argv) {
  HF_CHECK(argc == 2);
  holdfast::test::Serve(argv[1]);
  return 0;
}
