// SPDX-License-Identifier: Apache-2.0
// Protocol Buffers' wire format, read and written in place: for the messages that come and go by
// the hundred thousand, whose every text would otherwise be copied to a string of its own.
//
// When to use  Where a profile says that a generated message costs more than what is done with it.
//              Everywhere else use the generated class.
// Source       protobuf.dev/programming-guides/encoding. A WireReader that reads every field of a
//              message, and skips what it does not know, accepts and merges as the generated parser
//              does (tests/daemon/rpc/view_model.h holds the two against each other), but for
//              groups, which nobody sends any more: they are no message.
// Threads      Not safe for concurrent use.
// Ownership    Both borrow the bytes.
// Errors       Those of the functions' results: what cannot be read is no message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message_lite.h"

namespace holdfast::rpc {

// The tag of a field with text, bytes or a message; and of one with a number.
constexpr std::uint32_t DelimitedTag(int field) {
  return static_cast<std::uint32_t>(field) << 3 | 2;
}
constexpr std::uint32_t VarintTag(int field) { return static_cast<std::uint32_t>(field) << 3; }

class WireReader final {
 public:
  // REQUIRES: at most 2 GiB.
  explicit WireReader(std::string_view bytes);

  // Goes to the next field, whose tag is then tag(). False at the end of the message, and where
  // there is no field.
  bool Next();
  std::uint32_t tag() const { return tag_; }

  // Each takes the field's value. False if it cannot be read: then there is no message.
  bool Bytes(std::string_view& out);
  bool Text(std::string_view& out);  // Only UTF-8.
  bool Number(std::uint32_t& out);
  bool Skip();

  // Whether the last Next() was false because everything was read.
  bool done() { return whole_ && in_.ConsumedEntireMessage(); }

 private:
  google::protobuf::io::CodedInputStream in_;
  std::uint32_t tag_ = 0;
  bool whole_ = true;  // So far.
};

// Calls `take` at each field of the message: it takes the field's value, or skips it, and returns
// whether that could be read. False if it could not, or `bytes` are no message.
template <typename Take>
bool ReadFields(std::string_view bytes, Take take) {
  WireReader in(bytes);
  while (in.Next()) {
    if (!take(in)) return false;
  }
  return in.done();
}

// How many bytes a field takes, for one tag of a byte: numbers up to 15.
std::size_t DelimitedBytes(std::size_t size);
std::size_t VarintBytes(std::uint32_t value);

// As a generated message: a field without a value is left out.
inline std::size_t TextBytes(std::string_view text) {
  return text.empty() ? 0 : DelimitedBytes(text.size());
}

class WireWriter final {
 public:
  explicit WireWriter(std::span<std::byte> out)
      : at_(reinterpret_cast<std::uint8_t*>(out.data())), end_(at_ + out.size()) {}

  // Each REQUIRES: a field number up to 15, and room.
  void Number(int field, std::uint32_t value);
  void Bytes(int field, ByteSpan bytes);
  // Begins a message of `size` bytes, which is to be written next.
  void Begin(int field, std::size_t size);
  void Text(int field, std::string_view text) {
    if (!text.empty()) Bytes(field, AsBytes(text));
  }
  // REQUIRES: ByteSizeLong() was called for it.
  void Message(int field, const google::protobuf::MessageLite& message);

  bool full() const { return at_ == end_; }

 private:
  std::uint8_t* at_;
  std::uint8_t* const end_;
};

}  // namespace holdfast::rpc
