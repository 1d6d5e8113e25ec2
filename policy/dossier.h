// SPDX-License-Identifier: Apache-2.0
//
// What a custodian approves, as a value: a transfer's terms, counts, officers and brakes.
//
// When to use  The daemon makes one of the state, to show it; a client makes one of what it shows,
//              and signs the digest that it computes itself.
// Threads      Pure functions: may be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "policy/state.h"

namespace holdfast::policy {

struct Dossier {
  struct Officer {
    std::string id;
    std::uint32_t accepted = 0;    // In this transfer.
    std::uint64_t open_cases = 0;  // In the exchange, when the submission ended.
  };

  Digest32 agreement{};
  TransferId transfer;
  std::string requester;
  std::string authority;
  std::string purpose;
  std::string requesting_official;
  std::vector<Officer> officers;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> periods;  // First and last year.
  std::string attestation_digest;
  std::uint32_t rows = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> verdicts;  // Verdict, rows; ascending.
  std::uint32_t second_addresses = 0;
  std::vector<std::uint32_t> brakes;  // order.v1.Brake, ascending.
  Digest32 subjects_digest{};
};

// SHA-256 over verdict, officer, whether the address is a second one, and pseudonym of each row, in
// order: so an approval is of these people only. Takes time by rows; Transfer keeps it.
Digest32 SubjectsDigest(const Transfer& transfer);

// REQUIRES: the transfer's submission has ended, or is about to and its counts and the digest of
// its subjects are set.
Dossier DossierOf(const State& state, const Transfer& transfer);

// The bytes whose SHA-256 a custodian approves. docs/ledger-format.md#dossier
std::string DossierBytes(const Dossier& dossier);
Digest32 DossierDigest(const Dossier& dossier);

}  // namespace holdfast::policy
