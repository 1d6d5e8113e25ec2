// SPDX-License-Identifier: Apache-2.0
#include "crypto/checkpoint.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "crypto/text_lines.h"

namespace holdfast::crypto {
namespace {

absl::Status NoCheckpoint(const char* message) {
  return MakeError(Reason::kRequestMalformed, message);
}

}  // namespace

std::string LedgerOrigin(const ExchangeId& exchange) {
  return "holdfast.dev/exchange/" + Hex(BytesOf(exchange));
}

std::string CheckpointText(const Checkpoint& checkpoint) {
  std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
                     Base64(checkpoint.root) + "\n";
  for (const std::string& line : checkpoint.extensions) text += line + "\n";
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpointText(std::string_view text) {
  const auto origin = TakeLine(text);
  const auto size_line = TakeLine(text);
  const auto root_line = TakeLine(text);
  if (!origin || !size_line || !root_line || origin->empty()) {
    return NoCheckpoint("a checkpoint has three lines");
  }
  const auto size = ParseDecimal(*size_line);
  if (!size) return NoCheckpoint("the checkpoint's size is not a number");
  HF_ASSIGN_OR_RETURN(const Bytes root, FromBase64(*root_line));
  Checkpoint checkpoint;
  checkpoint.origin = std::string(*origin);
  checkpoint.size = *size;
  HF_ASSIGN_OR_RETURN(checkpoint.root, ArrayFromBytes<Digest32>(root));
  if (checkpoint.size == 0 && checkpoint.root != EmptyRoot()) {
    return NoCheckpoint("the checkpoint's root is not that of an empty tree");
  }
  while (!text.empty()) {
    const auto line = TakeLine(text);
    if (!line || line->empty()) return NoCheckpoint("the checkpoint has a bad extension line");
    checkpoint.extensions.emplace_back(*line);
  }
  return checkpoint;
}

absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& ledger) {
  return SignNote(CheckpointText(checkpoint), ledger);
}

absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(std::string_view note, const NoteKey& ledger,
                                                std::span<const NoteKey> witnesses) {
  std::vector<NoteKey> keys{ledger};
  keys.insert(keys.end(), witnesses.begin(), witnesses.end());
  HF_ASSIGN_OR_RETURN(OpenedNote opened, OpenNote(note, keys));
  OpenedCheckpoint result;
  bool signed_by_ledger = false;
  for (NoteSigned& by : opened.by) {
    if (by.key.name() == ledger.name() && by.key.hash() == ledger.hash()) {
      signed_by_ledger = true;
    } else {
      result.witnesses.push_back(std::move(by));
    }
  }
  if (!signed_by_ledger) {
    return MakeError(Reason::kSignatureInvalid, "the ledger has not signed the checkpoint");
  }
  HF_ASSIGN_OR_RETURN(result.checkpoint, ParseCheckpointText(opened.text));
  if (result.checkpoint.origin != ledger.name()) {
    return MakeError(Reason::kLedgerInconsistent, "the checkpoint is of another ledger");
  }
  return result;
}

}  // namespace holdfast::crypto
