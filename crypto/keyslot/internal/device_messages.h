// SPDX-License-Identifier: Apache-2.0
// What the daemon and its helper for security devices say to each other: one packet each way a
// step.
//
// A request is an operation and its fields, an answer is an outcome and, where that is OK, fields.
// Numbers are big-endian; texts and byte strings have their length before them. Both programs are
// of one build, so the messages carry no version but the first byte of the opening.
//
// When to use  By the keyslots that need a device, and by the helper.
// Threads      Not safe for concurrent use.
// Ownership    A message owns its bytes, and wipes them: keys and passwords are in it.
// Errors       A reader that ran out says so in done(); nothing is believed then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/internal/wire.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {

inline constexpr std::size_t kMaxDeviceMessage = 8192;
inline constexpr std::uint8_t kDeviceMessagesVersion = 1;

enum class DeviceOperation : std::uint8_t {
  kNone = 0,
  kOpenPkcs11,  // module, label, PIN -> vendor, model, serial
  kCreateKey,   // id, initial vector, text -> ciphertext; the key is new
  kDecrypt,     // id, initial vector, ciphertext -> text
  kDestroyKey,  // id; nothing with that id is found afterwards
  kOpenTpm2,    // see crypto/keyslot/tpm2_keyslot.cc
  kReadIndex,   // number -> content
  kWriteIndex,  // number, content
};

enum class DeviceOutcome : std::uint8_t {
  kFailed = 0,  // The only field is what failed, for the operator.
  kOk,
  kNotFound,
  kAlreadyExists,
};

// A message while it is made.
class DeviceWriter final {
 public:
  explicit DeviceWriter(DeviceOperation operation) : DeviceWriter() { Put8(operation); }
  explicit DeviceWriter(DeviceOutcome outcome) : DeviceWriter() { Put8(outcome); }

  DeviceWriter& Bytes(ByteSpan bytes) {
    HF_CHECK(bytes.size() <= 0xffff);
    writer_.PutInteger(static_cast<std::uint16_t>(bytes.size()));
    writer_.Put(bytes);
    return *this;
  }
  DeviceWriter& Text(std::string_view text) { return Bytes(AsBytes(text)); }
  DeviceWriter& Number(std::uint32_t number) {
    writer_.PutInteger(number);
    return *this;
  }

  WipedBuffer Take() && {
    buffer_.Shrink(writer_.written());
    return std::move(buffer_);
  }

 private:
  DeviceWriter() : buffer_(kMaxDeviceMessage), writer_(buffer_.Mutable()) {}

  template <typename Enum>
  void Put8(Enum value) {
    writer_.PutInteger(static_cast<std::uint8_t>(value));
  }

  WipedBuffer buffer_;
  Writer writer_;
};

// A message that came.
class DeviceReader final {
 public:
  explicit DeviceReader(ByteSpan message) : reader_(message) {}

  template <typename Enum>
  Enum First() {
    return static_cast<Enum>(reader_.TakeInteger<std::uint8_t>());
  }
  ByteSpan Bytes() { return reader_.Take(reader_.TakeInteger<std::uint16_t>()); }
  std::string Text() { return std::string(AsText(Bytes())); }
  std::uint32_t Number() { return reader_.TakeInteger<std::uint32_t>(); }

  // Whether all was read, and was there.
  bool done() const { return reader_.done(); }

 private:
  Reader reader_;
};

}  // namespace holdfast::crypto::internal
