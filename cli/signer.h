// SPDX-License-Identifier: Apache-2.0
// Who signs for a person: a key file that is opened here, or an ssh-agent that keeps the key to
// itself.
//
// When to use  For persons' orders and the agreement. Machines, which sign a lease or a closing a
//              thousand times a day, use a key file (Session::signing_key).
// Threads      As the session.
// Ownership    Owns the key, or the path of the agent's socket.
// Errors       Sign(): those of cli/ssh_agent_socket.h. A key file cannot fail.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "cli/session.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"

namespace holdfast::cli {

class Signer {
 public:
  Signer() = default;
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;
  virtual ~Signer() = default;

  virtual const crypto::PublicKey& public_key() const = 0;
  virtual absl::StatusOr<crypto::Signature> Sign(ByteSpan message) = 0;
};

// Returns who signs for the profile's member: `signing_key`, or `signing_agent`. Asks for the
// passphrase where the file has one.
// Errors: kConfigInvalid if the profile names neither, or both.
absl::StatusOr<std::unique_ptr<Signer>> OpenSigner(Session& session);

// The same for a key file, and for the key in base64 that the agent has.
absl::StatusOr<std::unique_ptr<Signer>> OpenFileSigner(Session& session, const std::string& path,
                                                       const std::string& passphrase_file);
absl::StatusOr<std::unique_ptr<Signer>> OpenAgentSigner(Session& session,
                                                        std::string_view public_key);

// Adds a signature to `envelope`. Errors: kAlreadyExists if this key has signed it.
absl::Status AddSignature(crypto::UnverifiedDsse& envelope, Signer& signer);

}  // namespace holdfast::cli
