// SPDX-License-Identifier: Apache-2.0
// holdfast pki: certificates for tests and demonstrations.
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/certificates.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxPemBytes = 64 << 10;

struct InitOptions {
  std::string domain;
  std::string out;
  std::vector<std::string> hosts;
  std::uint64_t days = 30;
};

struct IssueOptions {
  std::string authority;
  std::string role;
  std::string id;
  std::string out;
  std::uint64_t days = 30;
};

absl::StatusOr<std::chrono::hours> Lifetime(std::uint64_t days) {
  if (days < 1 || days > 3650) {
    return MakeError(Reason::kRequestMalformed, "--days must be from 1 to 3650");
  }
  return std::chrono::hours(24 * static_cast<std::int64_t>(days));
}

absl::StatusOr<ExitStatus> Init(Session& session, const InitOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::chrono::hours lifetime, Lifetime(options.days));
  const UnixMillis now = session.clock().WallNow();
  HF_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                      CertificateAuthority::Create(options.domain, now, lifetime));
  std::vector<std::string> hosts = options.hosts;
  if (hosts.empty()) hosts = {"localhost", "127.0.0.1"};
  HF_ASSIGN_OR_RETURN(const IssuedCertificate server, authority.IssueServer(hosts, now, lifetime));
  HF_ASSIGN_OR_RETURN(const std::string ca_certificate, authority.CertificatePem());
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer ca_key, authority.KeyPem());
  HF_RETURN_IF_ERROR(session.MakeFolder(options.out));
  const auto path = [&](std::string_view name) { return JoinPath(options.out, name); };
  // The key first: a certificate without its key is noticed, and nothing is replaced by accident.
  HF_RETURN_IF_ERROR(session.WriteFile(path("ca.key"), ca_key.Reveal(), Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("ca.pem"), AsBytes(ca_certificate), Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("server.key"), server.key_pem.Reveal(), Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(
      session.WriteFile(path("server.pem"), AsBytes(server.certificate_pem), Overwrite::kRefuse));
  JsonObject object("PkiInit");
  object.Set("ca", path("ca.pem"))
      .Set("server_certificate", path("server.pem"))
      .Set("server_key", path("server.key"))
      .Set("not_after", FormatRfc3339(server.not_after));
  session.out().Result(object, "authority " + path("ca.pem") + " and server certificate " +
                                   path("server.pem") + ", valid until " +
                                   session.out().Time(server.not_after));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Issue(Session& session, const IssueOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::chrono::hours lifetime, Lifetime(options.days));
  HF_ASSIGN_OR_RETURN(const std::string certificate,
                      session.ReadText(JoinPath(options.authority, "ca.pem"), kMaxPemBytes));
  HF_ASSIGN_OR_RETURN(std::string key,
                      session.ReadText(JoinPath(options.authority, "ca.key"), kMaxPemBytes));
  auto authority = CertificateAuthority::Load(certificate, key);
  crypto::Wipe(std::as_writable_bytes(std::span(key.data(), key.size())));
  if (!authority.ok()) return authority.status();
  HF_ASSIGN_OR_RETURN(
      const IssuedCertificate issued,
      authority->IssueClient(options.role, options.id, session.clock().WallNow(), lifetime));
  const std::string folder = options.out.empty() ? options.authority : options.out;
  HF_RETURN_IF_ERROR(session.MakeFolder(folder));
  const std::string key_path = JoinPath(folder, options.id + ".key");
  const std::string certificate_path = JoinPath(folder, options.id + ".pem");
  HF_RETURN_IF_ERROR(session.WriteFile(key_path, issued.key_pem.Reveal(), Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(
      session.WriteFile(certificate_path, AsBytes(issued.certificate_pem), Overwrite::kRefuse));
  const std::string identity =
      "spiffe://" + authority->domain() + "/" + options.role + "/" + options.id;
  JsonObject object("PkiIssue");
  object.Set("identity", identity)
      .Set("certificate", certificate_path)
      .Set("key", key_path)
      .Set("not_after", FormatRfc3339(issued.not_after));
  session.out().Result(object, "certificate " + certificate_path + " of " + identity +
                                   ", valid until " + session.out().Time(issued.not_after));
  return ExitStatus::kDone;
}

}  // namespace

void DeclarePki(Command root) {
  Command pki = root.Sub("pki", "certificates for a test");
  {
    auto options = std::make_shared<InitOptions>();
    Command init = pki.Sub("init", "make an authority and a server's certificate");
    init.Required("--domain", options->domain, "the SPIFFE trust domain, as in the agreement")
        .Required("--out", options->out, "the folder to write to")
        .Several("--host", options->hosts, "names of the server; default localhost, 127.0.0.1")
        .Number("--days", options->days, "how long they are valid; default 30");
    init.Runs([options](Session& session) { return Init(session, *options); });
  }
  {
    auto options = std::make_shared<IssueOptions>();
    Command issue = pki.Sub("issue", "make a client's certificate");
    issue.Required("--ca", options->authority, "the folder that `pki init` wrote")
        .OneOf("--role", options->role,
               {"requester", "source", "counsel", "custodian", "auditor", "operator"},
               "the member's role")
        .Required("--id", options->id, "the member's id in the agreement")
        .Optional("--out", options->out, "the folder to write to; default that of --ca")
        .Number("--days", options->days, "how long it is valid; default 30");
    issue.Runs([options](Session& session) { return Issue(session, *options); });
  }
}

}  // namespace holdfast::cli
