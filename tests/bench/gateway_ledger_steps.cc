// SPDX-License-Identifier: Apache-2.0
// The steps of gateway_steps.h that check the ledger.
#include <chrono>
#include <string>
#include <vector>

#include "evidence/export_folder.h"
#include "evidence/verification.h"

#include "base/check.h"
#include "client/ledger_client.h"
#include "crypto/checkpoint.h"
#include "crypto/merkle.h"
#include "crypto/tlog_proof.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "tests/bench/gateway_steps.h"
#include "tests/bench/require.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kReceipts = 100;

// Parsing the entries of an export, and the tree over them.
double ParseAndHashSeconds(const std::vector<Bytes>& entries) {
  crypto::Frontier frontier;
  const auto start = SteadyClock::now();
  for (const Bytes& bytes : entries) {
    ledger::v1::Entry entry;
    HF_CHECK(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    frontier.Append(crypto::LeafHash(bytes));
  }
  const Digest32 root = frontier.Root();
  const double seconds = SecondsSince(start);
  HF_CHECK(root != crypto::EmptyRoot());
  return seconds;
}

}  // namespace

void Steps::VerifyLedger() {
  const std::string folder = world_.NewFolder("export");
  world_.Cli({"--profile", "auditor-1", "ledger", "export", "--out", folder});
  evidence::VerificationRequest request;
  request.folder = folder;
  request.exchange = Take(world_.As("auditor-1").exchange_id(), "reading the profile");
  const auto start = SteadyClock::now();
  const evidence::Verification verified =
      Take(evidence::VerifyExport(world_.files(), request, [](std::uint64_t) {}), "verifying");
  const double seconds = SecondsSince(start);
  std::vector<Bytes> entries;
  entries.reserve(verified.checkpoint.size);
  Require(evidence::ReadExport(world_.files(), folder, verified.checkpoint.size,
                               [&](std::uint64_t, ByteSpan entry) {
                                 entries.emplace_back(entry.begin(), entry.end());
                                 return absl::OkStatus();
                               }),
          "reading the export");
  table_.Add("ledger verify, whole export", entries.size(), seconds, ParseAndHashSeconds(entries),
             "parse and Merkle tree of the entries");

  const std::string file = folder + "-receipt.tlog-proof";
  const std::uint64_t index = verified.checkpoint.size / 2;
  world_.Cli({"--profile", "auditor-1", "ledger", "prove", std::to_string(index), "--out", file});
  const auto channel = Take(world_.As("auditor-1").channel(), "connecting");
  const v1::Exchange exchange = Take(client::LedgerClient(channel).GetExchange(), "asking");
  const auto key = Take(crypto::PublicKey::FromBytes(AsBytes(exchange.checkpoint_key())),
                        "reading the ledger's key");
  const crypto::NoteKey ledger = Take(crypto::NoteKey::Make(crypto::LedgerOrigin(request.exchange),
                                                            crypto::NoteAlgorithm::kEd25519, key),
                                      "naming the ledger's key");
  const auto bytes =
      Take(world_.files().ReadWhole(file, crypto::kMaxTlogProofBytes), "reading a receipt");
  std::vector<double> receipts;
  for (int i = 0; i < kReceipts; ++i) {
    const auto begun = SteadyClock::now();
    const auto proof = Take(crypto::ParseTlogProof(AsText(bytes)), "parsing a receipt");
    Require(crypto::VerifyTlogProof(proof, crypto::LeafHash(entries[index]), ledger).status(),
            "verifying a receipt");
    receipts.push_back(SecondsSince(begun));
  }
  table_.Add("verify one receipt, p50", 1, MedianOf(std::move(receipts)));
}

}  // namespace holdfast::bench
