// SPDX-License-Identifier: Apache-2.0
// A chunk of subjects or of findings as it goes over the wire: made into bytes once, by the thread
// that made the message, and sent again as it is where a stream breaks.
//
//   requester.Submit([&] { return EncodedSubjects(message); }, ...)
//
// A message of 256 findings has some ten thousand strings. To keep it until it is answered, measure
// it, and free it on another thread costs several times what sending its bytes does.
//
// When to use  For what RequesterClient::Submit() and SourceClient::Deposit() send.
// Threads      Immutable.
// Ownership    Copies share the bytes. The message is not kept.
// Errors       None.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

template <typename Request>
class EncodedChunk final {
 public:
  explicit EncodedChunk(const Request& request);

  std::uint32_t chunk() const { return chunk_; }  // Its number in the transfer.
  std::uint32_t rows() const { return rows_; }    // How many subjects or findings it has.

  // The message in Protocol Buffers' encoding, which nobody changes. Never null.
  const std::shared_ptr<std::string>& bytes() const { return bytes_; }

 private:
  std::uint32_t chunk_;
  std::uint32_t rows_;
  std::shared_ptr<std::string> bytes_;  // Not const, since gRPC takes memory that is not.
};

using EncodedSubjects = EncodedChunk<v1::SubmitSubjectsRequest>;
using EncodedFindings = EncodedChunk<v1::DepositRecordsRequest>;

}  // namespace holdfast::client
