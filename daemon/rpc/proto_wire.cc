// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/proto_wire.h"

#include <cstring>

#include "base/check.h"
#include "base/utf8.h"
#include "google/protobuf/wire_format_lite.h"

namespace holdfast::rpc {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

namespace {

// The most bytes that a tag or a size may have.
constexpr int kMost32BitBytes = 5;

}  // namespace

WireReader::WireReader(std::string_view bytes)
    : in_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

bool WireReader::Next() {
  const int begin = in_.CurrentPosition();
  tag_ = in_.ReadTag();
  if (tag_ == 0) return false;
  // There is no field 0, and a longer tag than it has to be is none either.
  whole_ = tag_ > 7 && in_.CurrentPosition() - begin <= kMost32BitBytes;
  return whole_;
}

bool WireReader::Bytes(std::string_view& out) {
  const int begin = in_.CurrentPosition();
  int size = 0;
  if (!in_.ReadVarintSizeAsInt(&size)) return false;
  if (in_.CurrentPosition() - begin > kMost32BitBytes) return false;
  const void* data = nullptr;
  int room = 0;
  // Nothing left is nothing wrong where nothing is wanted.
  in_.GetDirectBufferPointerInline(&data, &room);
  if (size > room) return false;
  out = {static_cast<const char*>(data), static_cast<std::size_t>(size)};
  return in_.Skip(size);
}

bool WireReader::Text(std::string_view& out) { return Bytes(out) && IsUtf8(out); }

bool WireReader::Number(std::uint32_t& out) {
  // Longer numbers lose their upper half, as in the generated parser.
  std::uint64_t value = 0;
  if (!in_.ReadVarint64(&value)) return false;
  out = static_cast<std::uint32_t>(value);
  return true;
}

bool WireReader::Skip() {
  switch (WireFormatLite::GetTagWireType(tag_)) {
    case WireFormatLite::WIRETYPE_LENGTH_DELIMITED: {
      std::string_view skipped;
      return Bytes(skipped);
    }
    case WireFormatLite::WIRETYPE_VARINT:
    case WireFormatLite::WIRETYPE_FIXED32:
    case WireFormatLite::WIRETYPE_FIXED64:
      return WireFormatLite::SkipField(&in_, tag_);
    default:
      return false;
  }
}

std::size_t DelimitedBytes(std::size_t size) {
  return 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(size)) + size;
}

std::size_t VarintBytes(std::uint32_t value) { return 1 + CodedOutputStream::VarintSize32(value); }

void WireWriter::Number(int field, std::uint32_t value) {
  *at_++ = static_cast<std::uint8_t>(VarintTag(field));
  at_ = CodedOutputStream::WriteVarint32ToArray(value, at_);
}

void WireWriter::Begin(int field, std::size_t size) {
  *at_++ = static_cast<std::uint8_t>(DelimitedTag(field));
  at_ = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(size), at_);
}

void WireWriter::Bytes(int field, ByteSpan bytes) {
  Begin(field, bytes.size());
  HF_DCHECK(bytes.size() <= static_cast<std::size_t>(end_ - at_));
  if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
  at_ += bytes.size();
}

void WireWriter::Message(int field, const google::protobuf::MessageLite& message) {
  Begin(field, static_cast<std::size_t>(message.GetCachedSize()));
  at_ = message.SerializeWithCachedSizesToArray(at_);
}

}  // namespace holdfast::rpc
