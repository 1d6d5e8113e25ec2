// SPDX-License-Identifier: Apache-2.0
#include "policy/dossier.h"

#include "crypto/sha256.h"
#include "policy/brakes.h"
#include "policy/hash_writer.h"

namespace holdfast::policy {
namespace {

void AddU32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void AddU64(std::string& out, std::uint64_t value) {
  AddU32(out, static_cast<std::uint32_t>(value >> 32));
  AddU32(out, static_cast<std::uint32_t>(value));
}

void AddBytes(std::string& out, std::string_view bytes) {
  AddU32(out, static_cast<std::uint32_t>(bytes.size()));
  out += bytes;
}

}  // namespace

Digest32 SubjectsDigest(const Transfer& transfer) {
  HashWriter hash;
  for (std::uint32_t k = 0; k < transfer.records.chunk_count(); ++k) {
    const RecordChunk* chunk = transfer.records.chunk(k);
    if (chunk == nullptr) continue;
    for (std::size_t i = 0; i < kRowsPerChunk; ++i) {
      const Record& record = chunk->records[i];
      if (!record.judged()) break;
      hash.U8(record.request_verdict)
          .U16(record.officer)
          .U8((record.flags & kRecordIsSecondAddress) != 0 ? 1 : 0)
          .Fixed(BytesOf(record.person))
          .Fixed(chunk->tails[i]);
    }
  }
  return hash.Finish();
}

Dossier DossierOf(const State& state, const Transfer& transfer) {
  const ledger::v1::TransferCreated& terms = *transfer.terms;
  Dossier dossier;
  dossier.agreement = state.agreement().digest();
  dossier.transfer = transfer.id;
  dossier.requester = terms.requester();
  dossier.authority = terms.authority();
  dossier.purpose = terms.purpose();
  dossier.requesting_official = terms.requesting_official();
  for (std::size_t i = 0; i < transfer.officers.size(); ++i) {
    const std::uint64_t cases =
        i < transfer.officer_open_cases.size() ? transfer.officer_open_cases[i] : 0;
    dossier.officers.push_back(
        {terms.officers(static_cast<int>(i)), transfer.accepted_by_officer[i], cases});
  }
  for (const ledger::v1::Period& period : terms.periods()) {
    dossier.periods.emplace_back(period.first_year(), period.last_year());
  }
  dossier.attestation_digest = terms.attestation_digest();
  dossier.rows = transfer.rows;
  dossier.verdicts.assign(transfer.request_verdicts.begin(), transfer.request_verdicts.end());
  dossier.second_addresses = transfer.second_addresses;
  for (const order::v1::Brake brake : BrakesOf(transfer.brakes)) {
    dossier.brakes.push_back(static_cast<std::uint32_t>(brake));
  }
  dossier.subjects_digest = transfer.subjects_digest;
  return dossier;
}

std::string DossierBytes(const Dossier& dossier) {
  // Spec: docs/ledger-format.md#dossier
  std::string out;
  const auto count = [&](std::size_t size) { AddU32(out, static_cast<std::uint32_t>(size)); };
  AddBytes(out, "holdfast/dossier/v2");
  AddBytes(out, AsText(dossier.agreement));
  AddBytes(out, AsText(BytesOf(dossier.transfer)));
  AddBytes(out, dossier.requester);
  AddBytes(out, dossier.authority);
  AddBytes(out, dossier.purpose);
  AddBytes(out, dossier.requesting_official);
  count(dossier.officers.size());
  for (const Dossier::Officer& officer : dossier.officers) {
    AddBytes(out, officer.id);
    AddU32(out, officer.accepted);
    AddU64(out, officer.open_cases);
  }
  count(dossier.periods.size());
  for (const auto& [first, last] : dossier.periods) {
    AddU32(out, first);
    AddU32(out, last);
  }
  AddBytes(out, dossier.attestation_digest);
  AddU32(out, dossier.rows);
  count(dossier.verdicts.size());
  for (const auto& [verdict, rows] : dossier.verdicts) {
    AddU32(out, verdict);
    AddU32(out, rows);
  }
  AddU32(out, dossier.second_addresses);
  count(dossier.brakes.size());
  for (const std::uint32_t brake : dossier.brakes) AddU32(out, brake);
  AddBytes(out, AsText(dossier.subjects_digest));
  return out;
}

Digest32 DossierDigest(const Dossier& dossier) {
  return crypto::Sha256Of(AsBytes(DossierBytes(dossier)));
}

}  // namespace holdfast::policy
