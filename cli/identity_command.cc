// SPDX-License-Identifier: Apache-2.0
// holdfast identity: signing keys of persons and machines.
#include <memory>
#include <string>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/orders.h"
#include "cli/session.h"
#include "cli/ssh_agent_socket.h"
#include "crypto/key_file.h"
#include "crypto/ssh_agent.h"

namespace holdfast::cli {
namespace {

struct CreateOptions {
  std::string out;
  std::string comment;
  std::string passphrase_file;
  bool no_passphrase = false;
};

struct ShowOptions {
  std::string path;
};

struct StrikeOptions {
  std::string member;
  std::string key;
  std::string reason;
  OrderOptions order;
};

struct ChangeOptions {
  std::string path;
  std::string passphrase_file;
  std::string new_passphrase_file;
};

absl::StatusOr<crypto::WipedBuffer> KeyFileText(Session& session, const CreateOptions& options,
                                                const crypto::SigningKey& key) {
  if (options.no_passphrase) return crypto::WriteUnprotectedKeyFile(key);
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer passphrase,
                      session.ReadNewPassphrase(options.passphrase_file));
  return crypto::WriteKeyFile(key, passphrase, crypto::KeyFileCost{}, session.random());
}

void ShowKey(Session& session, const crypto::PublicKey& key, const std::string& path) {
  JsonObject object("Identity");
  object.Set("public_key", key.ToBase64()).Set("key_id", key.id().value()).Set("file", path);
  session.out().Result(object, key.ToBase64());
}

absl::StatusOr<ExitStatus> Create(Session& session, const CreateOptions& options) {
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, crypto::SigningKey::Generate(session.random()));
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer text, KeyFileText(session, options, key));
  const std::string folder = ParentPath(options.out);
  HF_RETURN_IF_ERROR(session.MakeFolder(folder));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, text.Reveal(), Overwrite::kRefuse));
  HF_RETURN_IF_ERROR(session.WriteFile(
      options.out + ".pub", AsBytes(crypto::WritePublicKeyFile(key.public_key(), options.comment)),
      Overwrite::kRefuse));
  session.out().Note("secret key in " + options.out + ", public key in " + options.out +
                     ".pub; the public key, for the agreement:");
  ShowKey(session, key.public_key(), options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Show(Session& session, const ShowOptions& options) {
  HF_ASSIGN_OR_RETURN(std::string text, session.ReadText(options.path, crypto::kMaxKeyFileBytes));
  auto key = crypto::ReadOpenSshPublicKey(text);
  if (!key.ok()) {
    const auto published = crypto::ReadPublicKeyFile(text);
    key = published.ok() ? absl::StatusOr<crypto::PublicKey>(published->key)
                         : crypto::UnverifiedPublicKeyOf(AsBytes(text));
  }
  crypto::Wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  if (!key.ok()) return AddMetadata(key.status(), "file", options.path);
  ShowKey(session, *key, options.path);
  return ExitStatus::kDone;
}

// The key stays the same, and with it the agreement.
absl::StatusOr<ExitStatus> ChangePassphrase(Session& session, const ChangeOptions& options) {
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key,
                      session.ReadSigningKey(options.path, options.passphrase_file));
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer passphrase,
                      session.ReadNewPassphrase(options.new_passphrase_file));
  HF_ASSIGN_OR_RETURN(
      const crypto::WipedBuffer text,
      crypto::WriteKeyFile(key, passphrase, crypto::KeyFileCost{}, session.random()));
  HF_RETURN_IF_ERROR(session.WriteFile(options.path, text.Reveal(), Overwrite::kPermit));
  session.out().Note(
      options.path +
      " has the new passphrase; copies of it, in backups too, still open with the old one");
  ShowKey(session, key.public_key(), options.path);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> StrikeOff(Session& session, const StrikeOptions& options) {
  order::v1::Order act;
  order::v1::StrikeOff& strike = *act.mutable_strike_off();
  strike.set_member(options.member);
  strike.set_public_key(options.key);
  strike.set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order,
                  "What " + options.member +
                      " signs or asks for from then on is refused. Nothing but another agreement "
                      "undoes it.");
}

absl::StatusOr<ExitStatus> ListAgent(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto identities, SshAgentSocket(session.agent_socket()).Identities());
  for (const crypto::AgentIdentity& identity : identities) {
    const std::string comment = EscapeForLog(identity.comment, 200);
    JsonObject object("AgentKey");
    object.Set("public_key", identity.key.ToBase64())
        .Set("key_id", identity.key.id().value())
        .Set("comment", comment);
    session.out().Result(object, identity.key.ToBase64() + "  " + comment);
  }
  if (identities.empty()) session.out().Line("the ssh-agent has no Ed25519 key");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareIdentity(Command root) {
  Command identity =
      root.Sub("identity", "create signing keys, change a passphrase, list an agent's, strike off");
  {
    auto options = std::make_shared<CreateOptions>();
    Command create = identity.Sub("create", "make an Ed25519 key for a person or a machine");
    create.Required("--out", options->out, "the file to write; its public half is beside it, .pub")
        .Optional("--comment", options->comment, "whose it is, for the public file")
        .Optional("--passphrase-file", options->passphrase_file,
                  "a file with the passphrase in its first line")
        .Flag("--no-passphrase", options->no_passphrase,
              "keep the key in the clear: for machines and tests");
    create.Footer("Without either, the passphrase is asked for, or read from standard input.");
    create.Runs([options](Session& session) { return Create(session, *options); });
  }
  {
    auto options = std::make_shared<ShowOptions>();
    Command show = identity.Sub("show", "print the public key of a key file");
    show.Required("file", options->path, "a key file, or its public half, or OpenSSH's");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
  {
    auto options = std::make_shared<ChangeOptions>();
    Command change = identity.Sub("change-passphrase", "give a key file another passphrase");
    change.Required("file", options->path, "the key file; a passphrase is added if it has none")
        .Optional("--passphrase-file", options->passphrase_file,
                  "a file with the old one in its first line")
        .Optional("--new-passphrase-file", options->new_passphrase_file,
                  "a file with the new one in its first line");
    change.Footer(
        "Without them, both are asked for, or read as two lines from --passphrase-fd or standard\n"
        "input: the old one first.");
    change.Runs([options](Session& session) { return ChangePassphrase(session, *options); });
  }
  {
    auto options = std::make_shared<StrikeOptions>();
    Command strike = identity.Sub("strike-off", "take from a person or a key all that it may do");
    strike.Required("member", options->member, "the member's id")
        .Optional("--key", options->key, "one of its public keys; without it the member whole")
        .Required("--reason", options->reason, "why, such as a lost key; no personal data");
    options->order.Declare(strike);
    strike.Footer("At once, by one person, of one's own side or by the court's counsel.");
    strike.Runs([options](Session& session) { return StrikeOff(session, *options); });
  }
  identity.Sub("agent", "list the Ed25519 keys in the running ssh-agent").Runs(ListAgent);
}

}  // namespace holdfast::cli
