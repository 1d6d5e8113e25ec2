// SPDX-License-Identifier: Apache-2.0
#include "evidence/witness.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "crypto/text_lines.h"

namespace holdfast::evidence {
namespace {

constexpr std::string_view kOld = "old ";
constexpr std::size_t kMaxProofHashes = 63;
constexpr std::string_view kSizeType = "text/x.tlog.size";

absl::Status Malformed(const char* what) { return MakeError(Reason::kRequestMalformed, what); }

WitnessAnswer Answer(int status, std::string body) {
  WitnessAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

WitnessAnswer Conflict(std::uint64_t size) {
  WitnessAnswer answer = Answer(409, std::to_string(size) + "\n");
  answer.content_type = std::string(kSizeType);
  return answer;
}

// Where the signatures of a note begin: after the empty line.
std::size_t SignaturesAt(std::string_view note) {
  const std::size_t end = note.rfind("\n\n");
  return end == std::string_view::npos ? note.size() : end + 2;
}

}  // namespace

std::string FormatAddCheckpoint(const AddCheckpoint& request) {
  std::string body = std::string(kOld) + std::to_string(request.old_size) + "\n";
  for (const Digest32& hash : request.proof) body += Base64(hash) + "\n";
  return body + "\n" + request.note;
}

absl::StatusOr<AddCheckpoint> ParseAddCheckpoint(std::string_view body) {
  if (body.size() > kMaxWitnessRequestBytes) {
    return MakeError(Reason::kRequestTooLarge, "the request is too large");
  }
  const auto take_line = [&]() -> std::optional<std::string_view> {
    const std::size_t end = body.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    return line;
  };
  AddCheckpoint request;
  const auto first = take_line();
  if (!first || !first->starts_with(kOld)) return Malformed("the request has no old size");
  const auto size = crypto::ParseDecimal(first->substr(kOld.size()));
  if (!size) return Malformed("the old size is not a number");
  request.old_size = *size;
  for (;;) {
    const auto line = take_line();
    if (!line) return Malformed("the request ends before its checkpoint");
    if (line->empty()) break;
    if (request.proof.size() == kMaxProofHashes) return Malformed("the proof is too long");
    const auto hash = FromBase64(*line);
    if (!hash.ok()) return Malformed("a hash of the proof is not base64");
    const auto digest = ArrayFromBytes<Digest32>(*hash);
    if (!digest.ok()) return Malformed("a hash of the proof is of another length");
    request.proof.push_back(*digest);
  }
  request.note = std::string(body);
  return request;
}

std::string Witness::path() const { return JoinPath(folder_, "cosigned"); }

absl::StatusOr<std::unique_ptr<Witness>> Witness::Open(FileSystem& files, std::string folder,
                                                       crypto::NoteKey ledger, crypto::NoteKey name,
                                                       crypto::SigningKey key) {
  if (ReasonOf(files.Stat(folder).status()) == Reason::kNotFound) {
    HF_RETURN_IF_ERROR(files.MakeDirectory(folder));
    HF_RETURN_IF_ERROR(files.SyncDirectory(ParentPath(folder)));
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, files.Lock(JoinPath(folder, "lock")));
  std::unique_ptr<Witness> witness(new Witness(files, std::move(folder), std::move(lock),
                                               std::move(ledger), std::move(name), std::move(key)));
  HF_RETURN_IF_ERROR(witness->Load());
  return witness;
}

absl::Status Witness::Load() {
  const auto bytes = files_.ReadWhole(path(), crypto::kMaxNoteBytes);
  if (ReasonOf(bytes.status()) == Reason::kNotFound) {
    known_ = {ledger_.name(), 0, crypto::EmptyRoot(), {}};
    return absl::OkStatus();
  }
  HF_RETURN_IF_ERROR(bytes.status());
  auto opened = crypto::OpenCheckpoint(AsText(*bytes), ledger_);
  if (!opened.ok()) {
    return AddMetadata(MakeError(Reason::kStoreCorrupt,
                                 "what was cosigned last is not of the ledger that is named"),
                       "file", path());
  }
  known_ = std::move(opened->checkpoint);
  return absl::OkStatus();
}

WitnessAnswer Witness::Add(std::string_view body, UnixMillis now) {
  const auto request = ParseAddCheckpoint(body);
  if (!request.ok()) return Answer(400, std::string(request.status().message()) + "\n");
  const auto opened = crypto::OpenCheckpoint(request->note, ledger_);
  if (!opened.ok()) {
    return Answer(403, "not a checkpoint of the ledger that this witness knows\n");
  }
  const crypto::Checkpoint& next = opened->checkpoint;
  if (request->old_size > next.size) return Answer(400, "the old size is larger than the new\n");
  if (request->old_size != known_.size) return Conflict(known_.size);
  if (known_.size == 0) {
    // Every tree begins with the empty one: there is nothing to prove, and nothing may be claimed.
    if (!request->proof.empty()) return Answer(422, "the consistency proof is not one\n");
  } else if (next.size == known_.size) {
    if (next.root != known_.root) return Conflict(known_.size);
    if (!request->proof.empty()) return Answer(422, "the consistency proof is not one\n");
  } else if (!crypto::VerifyConsistency(known_.size, next.size, known_.root, next.root,
                                        request->proof)
                  .ok()) {
    return Answer(422, "the consistency proof is not one\n");
  }

  const auto cosigned = crypto::AddNoteSignature(request->note, {name_, key_}, now);
  if (!cosigned.ok()) return Answer(400, "the note cannot take another signature\n");
  if (!ReplaceFile(files_, path(), AsBytes(request->note)).ok()) {
    return Answer(500, "this witness cannot remember what it signs, and so does not sign\n");
  }
  known_ = next;
  return Answer(200, cosigned->substr(request->note.size()));
}

absl::StatusOr<std::string> AddCosignature(std::string_view note, std::string_view lines,
                                           const crypto::NoteKey& witness) {
  const std::string cosigned = std::string(note) + std::string(lines);
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedNote before, crypto::ParseNote(note));
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedNote after, crypto::ParseNote(cosigned));
  // The lines may only add signatures: another text would be another note.
  if (after.text != before.text || SignaturesAt(cosigned) != SignaturesAt(note)) {
    return Malformed("a witness answered with something else than signatures");
  }
  HF_RETURN_IF_ERROR(crypto::OpenNote(cosigned, std::span(&witness, 1)).status());
  return cosigned;
}

}  // namespace holdfast::evidence
