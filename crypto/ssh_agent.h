// SPDX-License-Identifier: Apache-2.0
// Messages of the ssh-agent protocol (draft-miller-ssh-agent): what it takes to have an Ed25519 key
// sign that lives in an agent.
//
// The agent's signature of kind ssh-ed25519 is RFC 8032's over the very bytes that it was given, so
// it is the same signature that SigningKey::Sign() makes.
//
// When to use  Behind a socket to an agent. What the agent answers is verified before it is used:
//              it may lie, and everything here treats it as a stranger.
// Security     The private key never enters this process. An agent signs whatever its socket is
//              asked to: keys for orders belong in one that asks its owner (`ssh-add -c`) and that
//              is not forwarded. What it signs here begins with "DSSEv1", so it cannot pass for a
//              login.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed for what is no such message; kRequestTooLarge over a limit;
//              kPermissionDenied if the agent declined.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/ed25519.h"

namespace holdfast::crypto {

// Inclusive limits, as OpenSSH has them.
inline constexpr std::size_t kMaxAgentMessageBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxAgentIdentities = 2048;

// The bytes before a message that say how long it is.
inline constexpr std::size_t kAgentFrameBytes = 4;

// Returns the length of the message behind a frame.
// REQUIRES: frame.size() == kAgentFrameBytes.
absl::StatusOr<std::size_t> AgentMessageBytes(ByteSpan frame);

// Requests, with their frame.
Bytes AgentIdentitiesRequest();

// Errors: kRequestTooLarge if `message` does not fit into a request.
absl::StatusOr<Bytes> AgentSignRequest(const PublicKey& key, ByteSpan message);

struct AgentIdentity {
  PublicKey key;
  std::string comment;  // Whatever the agent says. Escape it before it is shown.

  friend bool operator==(const AgentIdentity&, const AgentIdentity&) = default;
};

// Returns the Ed25519 keys in the answer to AgentIdentitiesRequest(); those of other kinds are left
// out, and certificates, and keys that nobody can have made from a seed.
absl::StatusOr<std::vector<AgentIdentity>> ParseAgentIdentities(ByteSpan message);

// Returns the signature in the answer to AgentSignRequest(). Nobody has verified it.
absl::StatusOr<Signature> ParseAgentSignature(ByteSpan message);

// Reads the public half of a key as OpenSSH writes it: "ssh-ed25519 AAAA… comment".
absl::StatusOr<PublicKey> ReadOpenSshPublicKey(std::string_view line);

}  // namespace holdfast::crypto
