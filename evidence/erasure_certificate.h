// SPDX-License-Identifier: Apache-2.0
// The certificate of cryptographic erase (R34): one file that says which records' keys were
// destroyed, by whom, and who verified it, with everything that is needed to check it offline.
// docs/ledger-format.md#certificate-of-cryptographic-erase
//
// The file has the statement, signed in DSSE by the person who verified the ledger, and beside it
// the ledger's own entries with their proofs: the agreement, the orders of those who revoked and
// approved, the destruction, the new root key's epoch and the erasure of the old one. All that the
// statement says is made again from these entries, but for what only a whole ledger shows
// (ErasureAsserted), which the verifying person's signature stands for; with an export at hand,
// ErasureSearch makes that again too.
//
// When to use  ErasureSearch (evidence/erasure_search.h) makes what is certified, from an export
//              that is verified; SignErasure() signs it. OpenErasure() checks a file alone.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed for what is no certificate, kLedgerInconsistent where the entries
//              do not show what they must, kSignatureInvalid for signatures.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "evidence/prior_releases.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/checkpoint.h"
#include "crypto/ed25519.h"
#include "crypto/merkle_proof.h"
#include "crypto/signed_note.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"

namespace holdfast::evidence {

// The version of what is made. All of 1 to this are opened; a version's texts never change.
inline constexpr int kErasureVersion = 2;

// An inclusive limit: the largest entry, a few orders, an agreement, all in base64.
inline constexpr std::size_t kMaxErasureBytes = std::size_t{8} << 20;

// An entry of the ledger and its proof in that of the checkpoint.
struct ProvenEntry {
  std::uint64_t index = 0;
  Bytes bytes;
  crypto::MerkleProof path;
};

struct ErasureEvidence {
  std::string checkpoint;            // A signed note.
  std::vector<ProvenEntry> entries;  // Ascending by index.
};

// What only the whole ledger shows. The person who verified it says so.
struct ErasureAsserted {
  std::string verified_by;            // Member id.
  UnixMillis verified_at;             // By that person's clock.
  std::string tool;                   // The gateway's program and version.
  std::uint64_t holds_in_force = 0;   // When it was destroyed; of these none preserved it, or only
  std::uint64_t overridden = 0;       // so many, over which a court let it be destroyed.
  std::uint64_t released_before = 0;  // Records whose key had left at least once.
  std::uint64_t under_open_leases = 0;  // Of these, those of a lease that was open.
  PriorReleases prior;  // Who got these keys, and when. Since version 2; before, empty.

  friend bool operator==(const ErasureAsserted&, const ErasureAsserted&) = default;
};

// A person's part in it, as a signed order in the ledger shows it.
struct ErasurePart {
  std::string member;
  std::uint64_t index = 0;
  UnixMillis signed_at;  // By that person's clock.
};

// A folder or device in which the old root key was erased.
struct ErasureMedium {
  std::string kind;
  std::string erasure_class;
  std::string device;  // Vendor, model and serial number; empty for a folder.
};

// Members of a mirror that two people struck off before: nobody erased what they hold.
struct LostKeyslots {
  std::uint64_t index = 0;  // Ledger index of that.
  std::uint64_t epoch = 0;  // They may have the root key of this epoch, and of the one before.
  std::string keyslots;     // The mirror.
  std::vector<std::uint32_t> members;  // By place in it, from 1.
};

// What the entries say.
struct ErasureEvents {
  std::shared_ptr<const policy::OpenedAgreement> agreement;
  crypto::Checkpoint checkpoint;
  std::vector<crypto::NoteSigned> cosigned;  // By which of the agreement's witnesses.
  ledger::v1::RecordsDestroyed::Basis basis = ledger::v1::RecordsDestroyed::BASIS_UNSPECIFIED;
  std::vector<ErasurePart> performed_by;   // Who revoked. Nobody where they expired.
  std::vector<ErasurePart> approved_by;    // In the ledger's order.
  std::vector<ErasurePart> authorised_by;  // Where a court let it be done under holds.
  std::string reason;                      // The revocation's.
  std::uint64_t records = 0;
  Digest32 records_digest{};
  std::uint64_t transfers = 0;
  std::uint64_t destroyed_index = 0;
  UnixMillis destroyed_at;  // The newest late time before it.
  std::uint64_t time_index = 0;
  std::uint64_t epoch = 0;  // The new one.
  std::uint64_t epoch_index = 0;
  std::uint64_t erased_index = 0;
  std::string keyslot_kind;
  std::string erasure_class;
  std::vector<ErasureMedium> media;  // Empty where the ledger does not say.
  std::vector<LostKeyslots> lost;    // In the ledger's order.
};

struct ErasureCertificate {
  ExchangeId exchange;
  ErasureAsserted asserted;
  ErasureEvidence evidence;
  ErasureEvents events;
  int version = kErasureVersion;
  std::optional<crypto::PublicKey> key;  // Of who verified: the one that signed. In an opened one.
};

// Reads what the entries show, with every proof and every signature in them.
absl::StatusOr<ErasureEvents> ReadErasure(const ExchangeId& exchange,
                                          const ErasureEvidence& evidence);

// Returns the payload, of the certificate's version. One certificate has one text.
std::string RenderErasure(const ErasureCertificate& certificate);

// Returns the file, signed by `key`, which is one of `asserted.verified_by`.
absl::StatusOr<std::string> SignErasure(const ExchangeId& exchange, const ErasureAsserted& asserted,
                                        const ErasureEvidence& evidence,
                                        const crypto::SigningKey& key);

// ReadErasure(), or what says the same, such as what it said of the same entries before.
using ErasureReader =
    std::function<absl::StatusOr<ErasureEvents>(const ExchangeId&, const ErasureEvidence&)>;

// Opens a file and checks all that it can show by itself. Every byte of it counts. REQUIRES: `read`
// is what ErasureReader says.
absl::StatusOr<ErasureCertificate> OpenErasure(std::string_view file, const ExchangeId& exchange,
                                               const ErasureReader& read = ReadErasure);

// The certificate for people, without a line break at its end: a line for each field, and what it
// rests on.
std::string DescribeErasure(const ErasureCertificate& certificate);

// The same as a page for paper.
std::string ErasurePage(const ErasureCertificate& certificate);

}  // namespace holdfast::evidence
