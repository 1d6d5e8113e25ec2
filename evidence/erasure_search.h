// SPDX-License-Identifier: Apache-2.0
// Finds in a ledger that is being verified what a certificate of cryptographic erase is made of.
//
// When to use  As a reader of a verification, with the ledger entry of a revocation or of a
//              destruction; then SignErasure() (evidence/erasure_certificate.h), or a comparison
//              with what a certificate says.
// Threads      As its verification.
// Ownership    Values.
// Errors       Result(): kNotFound, saying what the ledger has not got.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evidence/erasure_certificate.h"
#include "evidence/ledger_reader.h"
#include "evidence/prior_releases.h"

#include "crypto/ed25519.h"
#include "policy/struck_off.h"

namespace holdfast::evidence {

class ErasureSearch final : public LedgerReader {
 public:
  // `index` is the ledger entry of the revocation, or that of the destruction itself, which is the
  // only one where the records had expired. Entries from `size` on do not count; all of them count
  // without one.
  explicit ErasureSearch(std::uint64_t index, std::optional<std::uint64_t> size = std::nullopt)
      : index_(index), size_(size) {}

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void Folded(std::uint64_t index, const policy::State& after) override;
  void End(const LedgerVerifier& ledger) override;

  // What it found, for the ledger of `checkpoint`, a signed note. The fields about the person are
  // not set.
  struct Found {
    ErasureAsserted asserted;
    ErasureEvidence evidence;
  };
  absl::StatusOr<Found> Result(std::string checkpoint) const;

  // The ledger entry that struck off `member`, or the key with which that person signed.
  struct StrikeOff {
    std::uint64_t index = 0;
    UnixMillis at;  // The late time then.
  };
  std::optional<StrikeOff> FindStrikeOff(const std::string& member,
                                         const crypto::PublicKey& key) const;

  // Refuses one whom the ledger had struck off when they verified: in an entry of those that count,
  // or of a later one by `at`, the time that they say. Call after Result().
  // Errors: kSignatureInvalid, with `index`, the entry.
  absl::Status CheckVerifier(const std::string& member, const crypto::PublicKey& key,
                             UnixMillis at) const;

 private:
  void Keep(std::uint64_t index, ByteSpan bytes) {
    found_.evidence.entries.push_back({index, ToBytes(bytes), {}});
  }
  void TakeOrder(std::uint64_t index, ByteSpan bytes, const ledger::v1::OrderAccepted& fact);
  void TakeDestruction(const ledger::v1::RecordsDestroyed& fact, const policy::State& before);

  const std::uint64_t index_;
  const std::optional<std::uint64_t> size_;
  Found found_;
  std::optional<ProvenEntry> time_;  // The newest.
  std::string tool_;
  bool destroyed_ = false;
  std::uint64_t epoch_ = 0;  // That made it so; 0 before.
  bool erased_ = false;
  PriorReleaseSearch prior_;
  std::shared_ptr<const policy::OpenedAgreement> agreement_;
  struct Struck {
    StrikeOff when;
    policy::StruckOff all;  // After it.
  };
  std::vector<Struck> struck_;
  absl::Status proven_;
};

}  // namespace holdfast::evidence
