// SPDX-License-Identifier: Apache-2.0
// A message in the bytes in which it is sent, so that what is stored is sent without a copy.
//
// When to use  Where most of a message is bytes that exist already: envelopes, subjects. Other
//              messages are left to StreamWriter::Write() to serialise.
// Threads      Not safe for concurrent use.
// Ownership    Owns its bytes until they were sent.
// Errors       None. That the bytes are a message of the method's type is up to who makes it.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "google/protobuf/message_lite.h"

namespace holdfast::rpc {

class EncodedMessage final {
 public:
  struct Part {
    Bytes bytes;
    std::size_t from = 0;
  };

  // Appends `bytes` but for the first `from`. REQUIRES: from <= bytes.size().
  void Append(Bytes bytes, std::size_t from = 0) { parts_.push_back({std::move(bytes), from}); }

  // Appends the fields of `message`: parts of one message, one after the other, are the message.
  void Append(const google::protobuf::MessageLite& message);

  std::vector<Part> TakeParts() { return std::move(parts_); }

 private:
  std::vector<Part> parts_;
};

}  // namespace holdfast::rpc
