// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/encoded_message.h"

#include <cstdint>

namespace holdfast::rpc {

void EncodedMessage::Append(const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data()));
  Append(std::move(bytes));
}

}  // namespace holdfast::rpc
