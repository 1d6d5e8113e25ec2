// SPDX-License-Identifier: Apache-2.0
#include "evidence/witness_client.h"

#include <utility>

#include "evidence/http.h"
#include "evidence/witness.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "crypto/text_lines.h"

namespace holdfast::evidence {
namespace {

constexpr std::size_t kMostAnswerShown = 200;

absl::Status DoesNotSign(const AskedWitness& witness, const std::string& what) {
  return AddMetadata(
      MakeError(Reason::kLedgerInconsistent, "the witness " + witness.key.name() + " " + what),
      "witness", witness.key.name());
}

absl::Status Conflict(const AskedWitness& witness, std::uint64_t known, const std::string& what) {
  return AddMetadata(DoesNotSign(witness, what), "conflict", std::to_string(known));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> AskWitness(AskedWitness& asked, const std::string& note,
                                                      std::uint64_t size,
                                                      const ProofFrom& proof_from,
                                                      std::chrono::milliseconds timeout) {
  // What it knows it says itself: it takes no checkpoint from another size.
  for (int attempt = 0; attempt < 2; ++attempt) {
    AddCheckpoint request;
    request.note = note;
    request.old_size = asked.known;
    if (asked.known > 0 && asked.known < size) {
      HF_ASSIGN_OR_RETURN(std::optional<crypto::MerkleProof> proof, proof_from(asked.known));
      if (!proof) return std::optional<std::string>();
      request.proof.assign(proof->begin(), proof->end());
    }
    HF_ASSIGN_OR_RETURN(const HttpAnswer answer,
                        HttpPost(asked.url, kWitnessPath, FormatAddCheckpoint(request), timeout));
    if (answer.status == 200) {
      HF_RETURN_IF_ERROR(AddCosignature(note, answer.body, asked.key).status());
      asked.known = size;
      return std::optional<std::string>(answer.body);
    }
    std::string text = answer.body;
    while (text.ends_with('\n')) text.pop_back();
    const auto known = crypto::ParseDecimal(text);
    if (answer.status == 422) {
      return Conflict(asked, asked.known,
                      "has seen other entries: the first " + std::to_string(asked.known) +
                          " are not those that it has signed");
    }
    if (answer.status != 409 || !known) {
      return DoesNotSign(asked, "does not cosign: " + std::to_string(answer.status) + " " +
                                    EscapeForLog(text, kMostAnswerShown));
    }
    if (*known > size) {
      return Conflict(asked, *known,
                      "has seen " + std::to_string(*known) + " entries, and the gateway shows " +
                          std::to_string(size));
    }
    if (*known == asked.known) {
      return Conflict(asked, *known, "has seen another ledger of that size");
    }
    asked.known = *known;
  }
  // Somebody else has it sign at the same time.
  return std::optional<std::string>();
}

}  // namespace holdfast::evidence
