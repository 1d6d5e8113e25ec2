// SPDX-License-Identifier: Apache-2.0
#include "cli/signer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/ssh_agent_socket.h"

namespace holdfast::cli {
namespace {

class FileSigner final : public Signer {
 public:
  explicit FileSigner(crypto::SigningKey key) : key_(std::move(key)) {}
  const crypto::PublicKey& public_key() const override { return key_.public_key(); }
  absl::StatusOr<crypto::Signature> Sign(ByteSpan message) override { return key_.Sign(message); }

 private:
  const crypto::SigningKey key_;
};

class AgentSigner final : public Signer {
 public:
  AgentSigner(const crypto::PublicKey& key, std::string socket)
      : key_(key), agent_(std::move(socket)) {}
  const crypto::PublicKey& public_key() const override { return key_; }
  absl::StatusOr<crypto::Signature> Sign(ByteSpan message) override {
    return agent_.Sign(key_, message);
  }

 private:
  const crypto::PublicKey key_;
  const SshAgentSocket agent_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Signer>> OpenFileSigner(Session& session, const std::string& path,
                                                       const std::string& passphrase_file) {
  HF_ASSIGN_OR_RETURN(crypto::SigningKey key, session.ReadSigningKey(path, passphrase_file));
  return std::make_unique<FileSigner>(std::move(key));
}

absl::StatusOr<std::unique_ptr<Signer>> OpenAgentSigner(Session& session,
                                                        std::string_view public_key) {
  HF_ASSIGN_OR_RETURN(const crypto::PublicKey key, crypto::PublicKey::FromBase64(public_key));
  const std::string socket = session.agent_socket();
  // Before anybody is shown an order that then cannot be signed.
  HF_ASSIGN_OR_RETURN(const auto identities, SshAgentSocket(socket).Identities());
  const bool there =
      std::any_of(identities.begin(), identities.end(),
                  [&](const crypto::AgentIdentity& identity) { return identity.key == key; });
  if (!there) {
    return MakeError(Reason::kConfigInvalid, "the ssh-agent does not have the key " +
                                                 key.ToBase64() +
                                                 ": add it with ssh-add, or unlock the agent");
  }
  return std::make_unique<AgentSigner>(key, socket);
}

absl::StatusOr<std::unique_ptr<Signer>> OpenSigner(Session& session) {
  HF_ASSIGN_OR_RETURN(const Profile* const profile, session.profile());
  if (profile->signing_agent.empty()) {
    HF_ASSIGN_OR_RETURN(const std::string path,
                        session.ProfileValue(&Profile::signing_key, "signing_key"));
    return OpenFileSigner(session, path, "");
  }
  auto signer = OpenAgentSigner(session, profile->signing_agent);
  if (!signer.ok()) return AddMetadata(signer.status(), "file", profile->path);
  return signer;
}

absl::Status AddSignature(crypto::UnverifiedDsse& envelope, Signer& signer) {
  const crypto::KeyId id = signer.public_key().id();
  for (const crypto::DsseSignature& signature : envelope.signatures) {
    if (signature.key == id) {
      return MakeError(Reason::kAlreadyExists, "this key has signed it already");
    }
  }
  if (envelope.signatures.size() >= crypto::kMaxDsseSignatures) {
    return MakeError(Reason::kRequestTooLarge, "it has all signatures that it can hold");
  }
  const Bytes message = crypto::DssePreAuthEncoding(envelope.payload_type, envelope.payload);
  HF_ASSIGN_OR_RETURN(const crypto::Signature signature, signer.Sign(message));
  envelope.signatures.push_back({id, signature});
  return absl::OkStatus();
}

}  // namespace holdfast::cli
