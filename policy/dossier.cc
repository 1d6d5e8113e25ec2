// SPDX-License-Identifier: Apache-2.0
//
// What a custodian approves: a transfer's terms, the verdicts, and a digest of whom it asks about.
#include <string>

#include "policy/hash_writer.h"
#include "policy/queries.h"

namespace holdfast::policy {
namespace {

void AddU32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void AddBytes(std::string& out, std::string_view bytes) {
  AddU32(out, static_cast<std::uint32_t>(bytes.size()));
  out += bytes;
}

// Verdict, officer and pseudonym of each row, in order: so an approval is of these people only.
Digest32 SubjectsDigest(const Transfer& transfer) {
  HashWriter hash;
  for (std::uint32_t k = 0; k < transfer.records.chunk_count(); ++k) {
    const RecordChunk* chunk = transfer.records.chunk(k);
    if (chunk == nullptr) continue;
    for (const Record& record : chunk->records) {
      if (!record.judged()) break;
      hash.U8(record.request_verdict).U16(record.officer).Fixed(BytesOf(record.pseudonym));
    }
  }
  return hash.Finish();
}

}  // namespace

std::string DossierBytes(const State& state, const Transfer& transfer) {
  // Spec: docs/ledger-format.md#dossier
  const ledger::v1::TransferCreated& terms = *transfer.terms;
  std::string out;
  AddBytes(out, "holdfast/dossier/v1");
  AddBytes(out, AsText(state.agreement().digest()));
  AddBytes(out, AsText(BytesOf(transfer.id)));
  AddBytes(out, terms.requester());
  AddBytes(out, terms.authority());
  AddBytes(out, terms.purpose());
  AddBytes(out, terms.requesting_official());
  AddU32(out, static_cast<std::uint32_t>(terms.officers_size()));
  for (const std::string& officer : terms.officers()) AddBytes(out, officer);
  AddU32(out, static_cast<std::uint32_t>(terms.periods_size()));
  for (const ledger::v1::Period& period : terms.periods()) {
    AddU32(out, period.first_year());
    AddU32(out, period.last_year());
  }
  AddBytes(out, terms.attestation_digest());
  AddBytes(out, terms.binding_nonce());
  AddU32(out, transfer.rows);
  AddU32(out, transfer.accepted);
  AddU32(out, static_cast<std::uint32_t>(transfer.request_verdicts.size()));
  for (const auto& [verdict, count] : transfer.request_verdicts) {
    AddU32(out, verdict);
    AddU32(out, count);
  }
  AddU32(out, static_cast<std::uint32_t>(transfer.brake));
  AddBytes(out, AsText(SubjectsDigest(transfer)));
  return out;
}

}  // namespace holdfast::policy
