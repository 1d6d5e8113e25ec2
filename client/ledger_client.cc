// SPDX-License-Identifier: Apache-2.0
#include "client/ledger_client.h"

#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/pull.h"
#include "crypto/merkle_proof.h"
#include "holdfast/v1/ledger_service.grpc.pb.h"

namespace holdfast::client {
namespace {

// Between two looks at a lock that another process holds.
constexpr std::chrono::milliseconds kWait{20};

constexpr std::size_t kMaxMemoryBytes = crypto::kMaxNoteBytes + 4096;

absl::Status Inconsistent(const CheckpointMemory& memory, std::string_view note,
                          const std::string& what) {
  absl::Status error = MakeError(Reason::kLedgerInconsistent, what);
  error = AddMetadata(error, "kept", memory.path());
  const auto kept = memory.KeepContradiction(note);
  return AddMetadata(error, "refused",
                     kept.ok() ? *kept : "not kept: " + std::string(kept.status().message()));
}

absl::StatusOr<crypto::NoteKey> KeyOf(const ExchangeId& exchange, ByteSpan bytes) {
  HF_ASSIGN_OR_RETURN(const crypto::PublicKey key, crypto::PublicKey::FromBytes(bytes));
  return crypto::NoteKey::Make(crypto::LedgerOrigin(exchange), crypto::NoteAlgorithm::kEd25519,
                               key);
}

// The size that a note of ours says; 0 for one that cannot be read.
std::uint64_t SizeOf(std::string_view note) {
  const auto parsed = crypto::ParseNote(note);
  if (!parsed.ok()) return 0;
  const auto checkpoint = crypto::ParseCheckpointText(parsed->text);
  return checkpoint.ok() ? checkpoint->size : 0;
}

std::unique_ptr<v1::LedgerService::Stub> StubOf(Channel& channel) {
  return v1::LedgerService::NewStub(channel.connection().channel());
}

}  // namespace

std::string CheckpointMemory::path() const {
  return JoinPath(folder_, Hex(BytesOf(exchange_)) + ".checkpoint");
}

absl::StatusOr<CheckpointMemory::Remembered> CheckpointMemory::Load() const {
  const auto bytes = files_.ReadWhole(path(), kMaxMemoryBytes);
  if (ReasonOf(bytes.status()) == Reason::kNotFound) return Remembered{};
  HF_RETURN_IF_ERROR(bytes.status());
  const std::string_view text = AsText(*bytes);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end == 0 || end + 1 == text.size()) {
    return AddMetadata(MakeError(Reason::kStoreCorrupt, "the remembered checkpoint is none"),
                       "file", path());
  }
  return Remembered{std::string(text.substr(0, end)), std::string(text.substr(end + 1))};
}

absl::Status CheckpointMemory::Store(const Remembered& remembered) const {
  if (ReasonOf(files_.Stat(folder_).status()) == Reason::kNotFound) {
    HF_RETURN_IF_ERROR(files_.MakeDirectory(folder_));
    HF_RETURN_IF_ERROR(files_.SyncDirectory(ParentPath(folder_)));
  }
  // Another process of the same client may be here too, for as long as a file takes to be written.
  // Whichever comes later keeps the newer of the two.
  auto lock = files_.Lock(path() + ".lock");
  for (std::chrono::milliseconds waited{0};
       ReasonOf(lock.status()) == Reason::kAlreadyRunning && waited < kPatience; waited += kWait) {
    std::this_thread::sleep_for(kWait);
    lock = files_.Lock(path() + ".lock");
  }
  HF_RETURN_IF_ERROR(lock.status());
  HF_ASSIGN_OR_RETURN(const Remembered now, Load());
  if (!now.note.empty() && now.key == remembered.key &&
      SizeOf(now.note) >= SizeOf(remembered.note)) {
    return absl::OkStatus();
  }
  return ReplaceFile(files_, path(), AsBytes(remembered.key + "\n" + remembered.note));
}

absl::StatusOr<std::string> CheckpointMemory::KeepContradiction(std::string_view note) const {
  const std::string contradiction = path() + ".refused";
  HF_RETURN_IF_ERROR(ReplaceFile(files_, contradiction, AsBytes(note)));
  return contradiction;
}

namespace {

// Whether the ledger of `now` begins with the one of `old`, which is not empty and is shorter.
using Extends = std::function<bool(const crypto::Checkpoint& old, const crypto::Checkpoint& now)>;

absl::StatusOr<VerifiedCheckpoint> Accept(const CheckpointMemory& memory,
                                          const CheckpointMemory::Remembered& known,
                                          const ExchangeId& exchange, ByteSpan announced_key,
                                          const std::string& note, const Extends& extends) {
  HF_ASSIGN_OR_RETURN(const crypto::NoteKey key, known.key.empty()
                                                     ? KeyOf(exchange, announced_key)
                                                     : crypto::NoteKey::Parse(known.key));
  const auto opened = crypto::OpenCheckpoint(note, key);
  if (!opened.ok()) {
    if (known.note.empty()) return opened.status();
    return Inconsistent(memory, note,
                        "the checkpoint is not signed by the ledger's key that was seen first");
  }
  VerifiedCheckpoint verified{opened->checkpoint, note, 0};
  if (!known.note.empty()) {
    HF_ASSIGN_OR_RETURN(const crypto::OpenedCheckpoint before,
                        crypto::OpenCheckpoint(known.note, key));
    const crypto::Checkpoint& old = before.checkpoint;
    const crypto::Checkpoint& now = verified.checkpoint;
    verified.followed_from = old.size;
    if (now.size < old.size) {
      return Inconsistent(memory, note,
                          "the ledger has " + std::to_string(now.size) + " entries and had " +
                              std::to_string(old.size) + ": it was rolled back");
    }
    if (now.size == old.size && now.root != old.root) {
      return Inconsistent(memory, note,
                          "two ledgers of " + std::to_string(now.size) + " entries: a fork");
    }
    if (now.size > old.size && old.size > 0 && !extends(old, now)) {
      return Inconsistent(memory, note,
                          "the ledger of " + std::to_string(now.size) +
                              " entries does not begin with the one of " +
                              std::to_string(old.size) + " that was verified: a fork");
    }
  }
  HF_RETURN_IF_ERROR(memory.Store({key.ToString(), note}));
  return verified;
}

}  // namespace

absl::StatusOr<VerifiedCheckpoint> AcceptCheckpoint(const CheckpointMemory& memory,
                                                    const ExchangeId& exchange,
                                                    ByteSpan announced_key,
                                                    const v1::Checkpoint& answer) {
  HF_ASSIGN_OR_RETURN(const CheckpointMemory::Remembered known, memory.Load());
  return AcceptCheckpoint(memory, known, exchange, announced_key, answer);
}

absl::StatusOr<VerifiedCheckpoint> AcceptCheckpoint(const CheckpointMemory& memory,
                                                    const CheckpointMemory::Remembered& asked,
                                                    const ExchangeId& exchange,
                                                    ByteSpan announced_key,
                                                    const v1::Checkpoint& answer) {
  return Accept(
      memory, asked, exchange, announced_key, answer.note(),
      [&](const crypto::Checkpoint& old, const crypto::Checkpoint& now) {
        std::vector<ByteSpan> hashes;
        for (const std::string& hash : answer.consistency()) {
          hashes.push_back(AsBytes(hash));
        }
        const auto proof = crypto::ProofFromBytes(hashes);
        return proof.ok() &&
               crypto::VerifyConsistency(old.size, now.size, old.root, now.root, *proof).ok();
      });
}

absl::StatusOr<VerifiedCheckpoint> AcceptExport(const CheckpointMemory& memory,
                                                const ExchangeId& exchange, ByteSpan announced_key,
                                                const std::string& note,
                                                const RootAtSize& root_at) {
  HF_ASSIGN_OR_RETURN(const CheckpointMemory::Remembered known, memory.Load());
  return Accept(memory, known, exchange, announced_key, note,
                [&](const crypto::Checkpoint& old, const crypto::Checkpoint&) {
                  const absl::StatusOr<Digest32> root = root_at(old.size);
                  return root.ok() && *root == old.root;
                });
}

absl::StatusOr<v1::Exchange> LedgerClient::GetExchange() {
  const v1::GetExchangeRequest request;
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Exchange>(
      [&](auto* context, auto* response) { return stub->GetExchange(context, request, response); });
}

absl::StatusOr<VerifiedCheckpoint> LedgerClient::Checkpoint(const CheckpointMemory& memory,
                                                            const ExchangeId& exchange) {
  // Another process of this client may come to know a newer one while the answer is under way. That
  // is not what the proof begins with, so it is asked for anew, and neither is taken for a fork.
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    // Before anything is asked: the ledger has at least what was known then, or it became shorter.
    HF_ASSIGN_OR_RETURN(const CheckpointMemory::Remembered known, memory.Load());
    HF_ASSIGN_OR_RETURN(const v1::Exchange about, GetExchange());
    if (about.exchange_id() != ToString(BytesOf(exchange))) {
      return AddMetadata(MakeError(Reason::kAgreementMismatch,
                                   "the gateway hosts another exchange than the profile names"),
                         "exchange_id", Hex(AsBytes(about.exchange_id())));
    }
    std::uint64_t known_size = 0;
    if (!known.note.empty()) {
      HF_ASSIGN_OR_RETURN(const crypto::NoteKey key, crypto::NoteKey::Parse(known.key));
      HF_ASSIGN_OR_RETURN(const crypto::OpenedCheckpoint before,
                          crypto::OpenCheckpoint(known.note, key));
      known_size = before.checkpoint.size;
    }
    // A ledger that became shorter cannot prove anything about the size that is known here.
    if (about.ledger_size() < known_size) known_size = 0;
    HF_ASSIGN_OR_RETURN(const v1::Checkpoint answer, CheckpointFrom(known_size));
    HF_ASSIGN_OR_RETURN(const CheckpointMemory::Remembered now, memory.Load());
    if (now.note != known.note && attempt < kAttempts) continue;
    return AcceptCheckpoint(memory, known, exchange, AsBytes(about.checkpoint_key()), answer);
  }
}

absl::StatusOr<v1::Checkpoint> LedgerClient::CheckpointFrom(std::uint64_t known_size) {
  v1::GetCheckpointRequest request;
  request.set_known_size(known_size);
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::Checkpoint>([&](auto* context, auto* response) {
    return stub->GetCheckpoint(context, request, response);
  });
}

absl::StatusOr<v1::InclusionProof> LedgerClient::GetInclusionProof(std::uint64_t ledger_index,
                                                                   std::uint64_t tree_size) {
  v1::GetInclusionProofRequest request;
  request.set_ledger_index(ledger_index);
  request.set_tree_size(tree_size);
  const auto stub = StubOf(*channel_);
  return channel_->connection().Unary<v1::InclusionProof>([&](auto* context, auto* response) {
    return stub->GetInclusionProof(context, request, response);
  });
}

absl::StatusOr<std::string> LedgerClient::Export(std::uint64_t first, const TakeBundle& take) {
  v1::ReadEntriesRequest request;
  request.set_first(first);
  std::string checkpoint;
  const auto stub = StubOf(*channel_);
  const absl::Status status = internal::Pull<v1::EntryBundle>(
      channel_->connection(),
      [&](grpc::ClientContext* context) { return stub->ReadEntries(context, request); },
      [&](v1::EntryBundle& bundle) -> absl::StatusOr<internal::Pulled> {
        if (bundle.first() != request.first()) {
          return MakeError(Reason::kLedgerInconsistent, "the gateway left entries out");
        }
        HF_RETURN_IF_ERROR(take(bundle));
        request.set_first(bundle.first() + static_cast<std::uint64_t>(bundle.entries_size()));
        checkpoint = bundle.checkpoint();
        return internal::Pulled::kMore;
      });
  HF_RETURN_IF_ERROR(status);
  if (!checkpoint.empty()) return checkpoint;
  return MakeError(Reason::kUnavailable, "the gateway ended the export before its checkpoint");
}

}  // namespace holdfast::client
