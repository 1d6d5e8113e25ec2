// SPDX-License-Identifier: Apache-2.0
#include "client/envelope_file.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "crypto/sha256.h"

namespace holdfast::client {
namespace {

constexpr std::string_view kMagic = "HFENV01\n";
constexpr std::string_view kChunkMark = "CHNK";
constexpr std::string_view kEndMark = "DONE";
constexpr std::size_t kMarkBytes = 4;
constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kFrameHeadBytes = kMarkBytes + 2 * kNumberBytes;
constexpr std::size_t kDigestBytes = sizeof(Digest32);

absl::Status Corrupt(const std::string& what) {
  return MakeError(Reason::kStoreCorrupt, "the envelope file " + what);
}

void AppendNumber(Bytes& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(number >> shift));
  }
}

void AppendBytes(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::uint32_t NumberAt(ByteSpan bytes, std::size_t offset) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) {
    number = (number << 8) | std::to_integer<std::uint32_t>(bytes[offset + i]);
  }
  return number;
}

void AppendDigest(Bytes& frame) {
  const Digest32 digest = crypto::Sha256Of(frame);
  AppendBytes(frame, digest);
}

}  // namespace

EnvelopeFile::~EnvelopeFile() = default;

absl::StatusOr<std::unique_ptr<EnvelopeFile>> EnvelopeFile::OpenToAppend(
    FileSystem& files, const std::string& path, const ExchangeId& exchange,
    const TransferId& transfer) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> opened, files.Open(path, OpenMode::kOpenOrCreate));
  std::unique_ptr<EnvelopeFile> file(new EnvelopeFile(std::move(opened)));
  HF_ASSIGN_OR_RETURN(const std::uint64_t size, file->file_->Size());
  if (size < kEnvelopeFileHeaderBytes) {
    // Nothing was collected, or the very first write was cut short.
    HF_RETURN_IF_ERROR(file->file_->Truncate(0));
    HF_RETURN_IF_ERROR(files.SyncDirectory(ParentPath(path)));
    file->exchange_ = exchange;
    file->transfer_ = transfer;
    return file;
  }
  HF_RETURN_IF_ERROR(file->ReadHeader());
  if (file->exchange_ != exchange || file->transfer_ != transfer) {
    return MakeError(Reason::kRequestMalformed, path + " holds envelopes of another transfer");
  }
  HF_RETURN_IF_ERROR(file->Scan(Torn::kCutOff));
  return file;
}

absl::StatusOr<std::unique_ptr<EnvelopeFile>> EnvelopeFile::OpenToRead(FileSystem& files,
                                                                       const std::string& path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> opened, files.Open(path, OpenMode::kRead));
  std::unique_ptr<EnvelopeFile> file(new EnvelopeFile(std::move(opened)));
  HF_RETURN_IF_ERROR(file->ReadHeader());
  HF_RETURN_IF_ERROR(file->Scan(Torn::kRefuse));
  return file;
}

absl::Status EnvelopeFile::ReadHeader() {
  std::array<std::byte, kEnvelopeFileHeaderBytes> header{};
  HF_ASSIGN_OR_RETURN(const std::size_t size, file_->ReadAt(0, header));
  const ByteSpan bytes(header);
  if (size != header.size() || AsText(bytes.first(kMagic.size())) != kMagic) {
    return Corrupt("is none");
  }
  HF_ASSIGN_OR_RETURN(exchange_, IdFromBytes<ExchangeId>(bytes.subspan(8, 32)));
  HF_ASSIGN_OR_RETURN(transfer_, IdFromBytes<TransferId>(bytes.subspan(40, 16)));
  envelope_bytes_ = NumberAt(bytes, 56);
  if (envelope_bytes_ == 0 || envelope_bytes_ > kMaxFileEnvelopeBytes || NumberAt(bytes, 60) != 0) {
    return Corrupt("has a header that nobody wrote");
  }
  size_ = kEnvelopeFileHeaderBytes;
  return absl::OkStatus();
}

absl::Status EnvelopeFile::WriteHeader(std::uint32_t envelope_bytes) {
  Bytes header = ToBytes(kMagic);
  AppendBytes(header, BytesOf(exchange_));
  AppendBytes(header, BytesOf(transfer_));
  AppendNumber(header, envelope_bytes);
  AppendNumber(header, 0);
  HF_CHECK(header.size() == kEnvelopeFileHeaderBytes);
  HF_RETURN_IF_ERROR(file_->Append(header));
  envelope_bytes_ = envelope_bytes;
  size_ = header.size();
  return absl::OkStatus();
}

absl::Status EnvelopeFile::Scan(Torn torn) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t end, file_->Size());
  while (size_ < end) {
    if (complete_) return Corrupt("goes on after its end");
    HF_ASSIGN_OR_RETURN(const bool whole, ScanFrame(end));
    if (whole) continue;
    if (torn == Torn::kRefuse) return Corrupt("is cut off; collect again to complete it");
    return file_->Truncate(size_);
  }
  return absl::OkStatus();
}

// Reads the frame at size_. False if the file ends within it.
absl::StatusOr<bool> EnvelopeFile::ScanFrame(std::uint64_t end) {
  std::array<std::byte, kFrameHeadBytes> head{};
  HF_ASSIGN_OR_RETURN(const std::size_t head_size, file_->ReadAt(size_, head));
  if (head_size < head.size()) return false;
  const std::string_view mark = AsText(ByteSpan(head).first(kMarkBytes));
  const std::uint32_t chunk = NumberAt(head, kMarkBytes);
  const std::uint32_t count = NumberAt(head, kMarkBytes + kNumberBytes);
  const bool is_end = mark == kEndMark;
  if (!is_end && mark != kChunkMark) return Corrupt("has bytes between its chunks");
  const bool fits = is_end ? count == rows_.size() : count <= kRowsPerChunk;
  if (chunk != next_chunk_ || !fits)
    return Corrupt("has a chunk that does not follow the last one");
  const std::uint64_t rows_at = size_ + kFrameHeadBytes;
  const std::uint64_t envelopes_at = rows_at + (is_end ? 0 : std::uint64_t{count} * kNumberBytes);
  const std::uint64_t digest_at =
      envelopes_at + (is_end ? 0 : std::uint64_t{count} * envelope_bytes_);
  if (digest_at + kDigestBytes > end) return false;
  Bytes frame(static_cast<std::size_t>(digest_at + kDigestBytes - size_));
  HF_ASSIGN_OR_RETURN(const std::size_t read, file_->ReadAt(size_, frame));
  if (read != frame.size()) return false;
  const ByteSpan body = ByteSpan(frame).first(frame.size() - kDigestBytes);
  const Digest32 digest = crypto::Sha256Of(body);
  if (!std::equal(digest.begin(), digest.end(), frame.end() - kDigestBytes)) {
    // A last frame that was being written when the power failed may have any content.
    if (digest_at + kDigestBytes == end) return false;
    return Corrupt("was altered");
  }
  if (is_end) {
    complete_ = true;
  } else {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t row = NumberAt(frame, kFrameHeadBytes + i * kNumberBytes);
      if (!rows_.empty() && row <= rows_.back()) return Corrupt("has rows out of order");
      rows_.push_back(row);
      offsets_.push_back(envelopes_at + std::uint64_t{i} * envelope_bytes_);
    }
    ++next_chunk_;
  }
  size_ = digest_at + kDigestBytes;
  return true;
}

absl::Status EnvelopeFile::Append(std::uint32_t chunk, std::span<const std::uint32_t> rows,
                                  ByteSpan envelopes, std::uint32_t envelope_bytes) {
  HF_CHECK(!complete_);
  if (envelope_bytes_ == 0) {
    if (envelope_bytes == 0 || envelope_bytes > kMaxFileEnvelopeBytes) {
      return MakeError(Reason::kRequestMalformed, "the gateway's envelopes have no proper size");
    }
    HF_RETURN_IF_ERROR(WriteHeader(envelope_bytes));
  }
  if (chunk != next_chunk_ || rows.size() > kRowsPerChunk ||
      (!rows.empty() && envelope_bytes != envelope_bytes_) ||
      envelopes.size() != rows.size() * envelope_bytes_) {
    return MakeError(Reason::kRequestMalformed, "the gateway's chunk does not fit the file");
  }
  Bytes frame = ToBytes(kChunkMark);
  frame.reserve(kFrameHeadBytes + rows.size() * kNumberBytes + envelopes.size() + kDigestBytes);
  AppendNumber(frame, chunk);
  AppendNumber(frame, static_cast<std::uint32_t>(rows.size()));
  std::uint64_t offset = size_ + kFrameHeadBytes + rows.size() * kNumberBytes;
  for (const std::uint32_t row : rows) {
    if (!rows_.empty() && row <= rows_.back()) {
      return MakeError(Reason::kRequestMalformed, "the gateway's rows are out of order");
    }
    AppendNumber(frame, row);
    rows_.push_back(row);
    offsets_.push_back(offset);
    offset += envelope_bytes_;
  }
  AppendBytes(frame, envelopes);
  AppendDigest(frame);
  HF_RETURN_IF_ERROR(file_->Append(frame));
  size_ += frame.size();
  ++next_chunk_;
  return absl::OkStatus();
}

absl::Status EnvelopeFile::Finish() {
  HF_CHECK(!complete_);
  if (envelope_bytes_ == 0) {
    return MakeError(Reason::kRequestMalformed, "no chunk was collected");
  }
  Bytes frame = ToBytes(kEndMark);
  AppendNumber(frame, next_chunk_);
  AppendNumber(frame, static_cast<std::uint32_t>(rows_.size()));
  AppendDigest(frame);
  HF_RETURN_IF_ERROR(file_->Append(frame));
  size_ += frame.size();
  complete_ = true;
  return file_->Sync();
}

absl::Status EnvelopeFile::Sync() { return file_->Sync(); }

absl::StatusOr<Bytes> EnvelopeFile::Read(std::size_t position) {
  HF_CHECK(position < rows_.size());
  Bytes envelope(envelope_bytes_);
  HF_ASSIGN_OR_RETURN(const std::size_t size, file_->ReadAt(offsets_[position], envelope));
  if (size != envelope.size()) return Corrupt("became shorter while it was read");
  return envelope;
}

}  // namespace holdfast::client
