// SPDX-License-Identifier: Apache-2.0
// What an ssh-agent answers, and OpenSSH's public keys.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/ssh_agent.h"

namespace crypto = holdfast::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const holdfast::ByteSpan bytes = holdfast::AsBytes(text);
  const auto identities = crypto::ParseAgentIdentities(bytes);
  HF_CHECK(!identities.ok() || identities->size() <= crypto::kMaxAgentIdentities);
  const auto signature = crypto::ParseAgentSignature(bytes);
  HF_CHECK(!(identities.ok() && signature.ok()));  // One message is one or the other.
  (void)crypto::ReadOpenSshPublicKey(text);
  if (size >= crypto::kAgentFrameBytes) {
    const auto length = crypto::AgentMessageBytes(bytes.first(crypto::kAgentFrameBytes));
    HF_CHECK(!length.ok() || (*length > 0 && *length <= crypto::kMaxAgentMessageBytes));
  }
  return 0;
}
