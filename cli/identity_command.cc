// SPDX-License-Identifier: Apache-2.0
// holdfast identity: signing keys of persons and machines.
#include <memory>
#include <string>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "crypto/key_file.h"

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

absl::StatusOr<crypto::WipedBuffer> KeyFileText(Session& session, const CreateOptions& options,
                                                const crypto::SigningKey& key) {
  if (options.no_passphrase) return crypto::WriteUnprotectedKeyFile(key);
  HF_ASSIGN_OR_RETURN(const crypto::WipedBuffer passphrase,
                      session.ReadPassphrase(options.passphrase_file, "New passphrase"));
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
  const auto published = crypto::ReadPublicKeyFile(text);
  const auto key = published.ok() ? absl::StatusOr<crypto::PublicKey>(published->key)
                                  : crypto::UnverifiedPublicKeyOf(AsBytes(text));
  crypto::Wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  if (!key.ok()) return AddMetadata(key.status(), "file", options.path);
  ShowKey(session, *key, options.path);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareIdentity(Command root) {
  Command identity = root.Sub("identity", "create signing keys");
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
    show.Required("file", options->path, "a key file, or its public half");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
}

}  // namespace holdfast::cli
