// SPDX-License-Identifier: Apache-2.0
// Collected envelopes in one file, which can be appended to after any interruption.
//
// docs/requesters.md#envelope-file gives the bytes. A file begins with exchange, transfer and the
// one size of its envelopes; each chunk follows with a digest of its own; a last frame says that
// nothing is missing.
//
// When to use  To keep what CollectEnvelopes sends. It is ciphertext: the file may be kept
// anywhere. Threads      Not safe for concurrent use. Ownership    Borrows the file system. Errors
// kStoreCorrupt for what is no such file or was altered; kRequestMalformed for a file of
//              another transfer; the file system's own.
//
// Invariants
//   (1) What a frame's digest covers is what was collected; a torn last frame is cut off when the
//       file is opened to append, and an error anywhere else.
//   (2) Chunks follow each other without a gap, rows ascend.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"

namespace holdfast::client {

inline constexpr std::size_t kEnvelopeFileHeaderBytes = 64;
inline constexpr std::uint32_t kMaxFileEnvelopeBytes = 1 << 20;

class EnvelopeFile final {
 public:
  // Opens a file to append to, and makes it if it is not there.
  static absl::StatusOr<std::unique_ptr<EnvelopeFile>> OpenToAppend(FileSystem& files,
                                                                    const std::string& path,
                                                                    const ExchangeId& exchange,
                                                                    const TransferId& transfer);

  // Opens a file to read. Every digest in it is checked.
  static absl::StatusOr<std::unique_ptr<EnvelopeFile>> OpenToRead(FileSystem& files,
                                                                  const std::string& path);

  EnvelopeFile(const EnvelopeFile&) = delete;
  EnvelopeFile& operator=(const EnvelopeFile&) = delete;
  ~EnvelopeFile();

  const ExchangeId& exchange() const { return exchange_; }
  const TransferId& transfer() const { return transfer_; }
  std::uint32_t envelope_bytes() const { return envelope_bytes_; }

  // The chunk that comes next, and whether the last one has been written.
  std::uint32_t next_chunk() const { return next_chunk_; }
  bool complete() const { return complete_; }

  // The rows that have an envelope, in ascending order.
  const std::vector<std::uint32_t>& rows() const { return rows_; }

  // Appends a chunk. `envelopes` has those of `rows`, one after the other.
  absl::Status Append(std::uint32_t chunk, std::span<const std::uint32_t> rows, ByteSpan envelopes,
                      std::uint32_t envelope_bytes);

  // Says that the last chunk was appended, and makes the file durable.
  absl::Status Finish();

  // Makes what was appended durable.
  absl::Status Sync();

  // Returns the envelope of rows()[position].
  absl::StatusOr<Bytes> Read(std::size_t position);

 private:
  enum class Torn { kRefuse = 0, kCutOff };

  explicit EnvelopeFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  absl::Status ReadHeader();
  absl::Status WriteHeader(std::uint32_t envelope_bytes);
  absl::Status Scan(Torn torn);
  absl::StatusOr<bool> ScanFrame(std::uint64_t end);

  std::unique_ptr<File> file_;
  ExchangeId exchange_;
  TransferId transfer_;
  std::uint32_t envelope_bytes_ = 0;  // 0 until the header is there.
  std::uint32_t next_chunk_ = 0;
  bool complete_ = false;
  std::uint64_t size_ = 0;  // Of the whole frames.
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint64_t> offsets_;  // Of each row's envelope.
};

}  // namespace holdfast::client
