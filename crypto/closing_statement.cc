// SPDX-License-Identifier: Apache-2.0
#include "crypto/closing_statement.h"

#include <string_view>

namespace holdfast::crypto {
namespace {

// With the terminating zero byte, so that no other statement's name is a prefix of this one.
constexpr std::string_view kPurpose("holdfast/1/close\0", 17);

void Append(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

Bytes ClosingStatement(const ExchangeId& exchange, const TransferId& transfer,
                       std::uint32_t envelopes, const Digest32& envelopes_root) {
  Bytes out;
  Append(out, AsBytes(kPurpose));
  Append(out, BytesOf(exchange));
  Append(out, BytesOf(transfer));
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(envelopes >> shift & 0xff));
  }
  Append(out, envelopes_root);
  return out;
}

}  // namespace holdfast::crypto
