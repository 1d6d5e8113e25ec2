// SPDX-License-Identifier: Apache-2.0
// The socket to a running ssh-agent.
//
// When to use  Where a profile says that the key is in an agent (cli/signer.h). One connection for
//              each question: an agent that is gone is noticed, and started again is found.
// Threads      Not safe for concurrent use.
// Ownership    Owns its path only.
// Errors       kUnavailable where nobody listens, or whoever does takes too long; else those of
//              crypto/ssh_agent.h.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/ssh_agent.h"

namespace holdfast::cli {

class SshAgentSocket final {
 public:
  // `path` is that of the socket: $SSH_AUTH_SOCK. An agent may ask its owner before it signs, so
  // `patience` is a person's.
  explicit SshAgentSocket(std::string path,
                          std::chrono::milliseconds patience = std::chrono::minutes(2))
      : path_(std::move(path)), patience_(patience) {}

  // The Ed25519 keys in the agent.
  absl::StatusOr<std::vector<crypto::AgentIdentity>> Identities() const;

  // Has the agent sign, and verifies what it answers.
  // Errors: kPermissionDenied if it declines or has no such key; kSignatureInvalid if the signature
  //         is not one of `key` over `message`.
  absl::StatusOr<crypto::Signature> Sign(const crypto::PublicKey& key, ByteSpan message) const;

 private:
  absl::StatusOr<Bytes> Ask(ByteSpan request) const;

  const std::string path_;
  const std::chrono::milliseconds patience_;
};

}  // namespace holdfast::cli
