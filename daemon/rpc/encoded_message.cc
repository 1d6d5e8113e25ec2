// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/encoded_message.h"

#include <array>
#include <cstdint>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace holdfast::rpc {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

void EncodedMessage::Append(const google::protobuf::MessageLite& message) {
  Bytes bytes;
  AppendFields(message, bytes);
  Append(std::move(bytes));
}

void AppendFields(const google::protobuf::MessageLite& message, Bytes& out) {
  const std::size_t before = out.size();
  out.resize(before + message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + before));
}

void AppendFieldHead(int field, std::size_t size, Bytes& out) {
  constexpr std::size_t kMostBytes = 2 * 5;  // Two numbers of 32 bits.
  std::array<std::uint8_t, kMostBytes> head{};
  std::uint8_t* end = WireFormatLite::WriteTagToArray(
      field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, head.data());
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(size), end);
  const auto* first = reinterpret_cast<const std::byte*>(head.data());
  out.insert(out.end(), first, first + (end - head.data()));
}

}  // namespace holdfast::rpc
