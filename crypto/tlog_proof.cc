// SPDX-License-Identifier: Apache-2.0
#include "crypto/tlog_proof.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/text_lines.h"

namespace holdfast::crypto {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr std::size_t kMaxPath = 63;  // The depth of a tree of 2^63 leaves.

absl::Status NoProof(const char* message) { return MakeError(Reason::kRequestMalformed, message); }

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string text(kFirstLine);
  text += "\n" + std::string(kIndex) + std::to_string(proof.index) + "\n";
  for (const Digest32& hash : proof.path) text += Base64(hash) + "\n";
  return text + "\n" + proof.checkpoint;
}

absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text) {
  if (text.size() > kMaxTlogProofBytes) return NoProof("the proof is too long");
  if (TakeLine(text) != kFirstLine) return NoProof("the first line is not that of a tlog-proof");
  auto line = TakeLine(text);
  if (line && line->starts_with(kExtra)) {
    HF_RETURN_IF_ERROR(FromBase64(line->substr(kExtra.size())).status());
    line = TakeLine(text);
  }
  if (!line || !line->starts_with(kIndex)) return NoProof("the proof has no index");
  const auto index = ParseDecimal(line->substr(kIndex.size()));
  if (!index) return NoProof("the proof's index is not a number");
  TlogProof proof;
  proof.index = *index;
  while (true) {
    line = TakeLine(text);
    if (!line) return NoProof("the proof is cut off");
    if (line->empty()) break;
    if (proof.path.size() == kMaxPath) return NoProof("the proof's path is too long");
    HF_ASSIGN_OR_RETURN(const Bytes hash, FromBase64(*line));
    HF_ASSIGN_OR_RETURN(const Digest32 digest, ArrayFromBytes<Digest32>(hash));
    proof.path.push_back(digest);
  }
  HF_RETURN_IF_ERROR(ParseNote(text).status());
  proof.checkpoint = std::string(text);
  return proof;
}

absl::StatusOr<OpenedCheckpoint> VerifyTlogProof(const TlogProof& proof, const Digest32& leaf_hash,
                                                 const NoteKey& ledger,
                                                 std::span<const NoteKey> witnesses) {
  HF_ASSIGN_OR_RETURN(OpenedCheckpoint opened, OpenCheckpoint(proof.checkpoint, ledger, witnesses));
  HF_RETURN_IF_ERROR(VerifyInclusion(proof.index, opened.checkpoint.size, leaf_hash, proof.path,
                                     opened.checkpoint.root));
  return opened;
}

}  // namespace holdfast::crypto
