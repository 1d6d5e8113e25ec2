// SPDX-License-Identifier: Apache-2.0
//
// The agreement between the two sides, verified and compiled.
//
// When to use  OpenAgreement when a daemon or a verifier loads the signed file; CheckAgreementText
//              before it is signed. Everything that the gateway knows about members, authorities
//              and numbers it asks here.
// Threads      An OpenedAgreement is immutable: share it by std::shared_ptr<const OpenedAgreement>.
// Ownership    Owns everything. Pointers to members and authorities live as long as it does.
// Errors       The functions that read text: kAgreementInvalid, with line and column where there
//              is one; kSignatureInvalid. Look-ups return null.
//
// Invariants
//   (1) Exactly one principal a side, SOURCE and REQUESTER, with different keys; both have signed.
//   (2) Member ids, SPIFFE ids and signing keys are each unique: nobody has two roles.
//   (3) Every number is filled in: a default of the format never has to be known elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/ed25519.h"
#include "holdfast/agreement/v1/agreement.pb.h"

namespace holdfast::policy {

using agreement::v1::Role;
using agreement::v1::Side;

// The largest agreement, as text: what an envelope takes.
inline constexpr std::size_t kMaxAgreementBytes = crypto::kMaxDssePayloadBytes;

// Position in the agreement's list of members, or of authorities.
using MemberNumber = StrongId<struct MemberNumberTag, std::uint16_t>;
using AuthorityNumber = StrongId<struct AuthorityNumberTag, std::uint16_t>;

// A key with which a member signs, valid in [from, until).
struct MemberKey {
  crypto::PublicKey public_key;
  UnixMillis from = kMinTime;
  UnixMillis until = kMaxTime;  // kMaxTime: no end.

  bool ValidAt(UnixMillis time) const { return from <= time && time < until; }
};

// A machine or a person.
struct Member {
  MemberNumber number;
  std::string id;
  std::string display_name;
  std::string spiffe_id;  // "spiffe://TRUST-DOMAIN/ROLE/ID"
  Role role = agreement::v1::ROLE_UNSPECIFIED;
  Side side = agreement::v1::SIDE_UNSPECIFIED;
  std::vector<MemberKey> keys;

  // Counsel and custodians sign orders; the others are machines or only read.
  bool signs_orders() const {
    return role == agreement::v1::ROLE_COUNSEL || role == agreement::v1::ROLE_CUSTODIAN;
  }
};

// A statute, in force in [from, until).
struct Authority {
  AuthorityNumber number;
  std::string id;
  std::string citation;
  UnixMillis from;
  UnixMillis until;
  std::vector<std::string> fields;

  bool InForceAt(UnixMillis time) const { return from <= time && time < until; }
};

// A signed document, known by its digest, in force in [from, until). R7.
struct Document {
  std::string signed_by;
  Digest32 sha256{};
  UnixMillis from;
  UnixMillis until;

  bool InForceAt(UnixMillis time) const { return from <= time && time < until; }
};

// An official who may ask for records.
struct DelegationTerm {
  std::string official;
  Document document;
};

// The two principals, for signing and for people.
struct Principal {
  Side side = agreement::v1::SIDE_UNSPECIFIED;
  std::string name;
  crypto::PublicKey public_key;
};

// A witness of the ledger.
struct WitnessTerm {
  std::string name;
  crypto::PublicKey public_key;
  Side side = agreement::v1::SIDE_UNSPECIFIED;
};

// agreement.v1.Terms with its defaults.
struct Terms {
  std::uint32_t transfer_approvals = 0;
  std::uint32_t destruction_approvals = 0;
  std::chrono::milliseconds record_lifetime{};
  std::chrono::milliseconds lease_duration{};
  std::chrono::milliseconds cooling_period{};
  std::chrono::milliseconds destruction_window{};
  bool destroy_on_expiry = false;
  std::uint32_t record_size_bytes = 0;
  std::chrono::milliseconds notice_deadline{};
  std::chrono::milliseconds witness_max_age{};
  std::chrono::milliseconds review_window{};
  std::chrono::milliseconds document_deadline{};
};

// agreement.v1.Brakes with its defaults.
struct Brakes {
  std::uint32_t officer_open_cases = 0;
  std::uint32_t officer_share_basis_points = 0;
  std::uint32_t transfer_subjects = 0;
  std::uint32_t refused_basis_points = 0;
  std::uint32_t placeholder_basis_points = 0;
  std::uint32_t open_records = 0;
  std::uint32_t open_leases = 0;
  std::uint64_t daily_subjects = 0;
  std::uint64_t total_subjects = 0;
  std::chrono::milliseconds address_memory{};
};

class OpenedAgreement final {
 public:
  // Compiles `text` without looking at signatures: for CheckAgreementText, and for tests.
  // Errors: kAgreementInvalid.
  static absl::StatusOr<OpenedAgreement> CompileUnsigned(std::string_view text);

  // SHA-256 of the text. That of the first version is the exchange's id.
  const Digest32& digest() const { return digest_; }
  ExchangeId exchange_id() const { return ExchangeId(digest_); }

  const agreement::v1::Agreement& message() const { return message_; }
  const std::string& text() const { return text_; }
  const std::string& name() const { return message_.name(); }
  std::uint32_t version() const { return message_.version(); }
  const Terms& terms() const { return terms_; }
  const Brakes& brakes() const { return brakes_; }
  std::span<const Principal> principals() const { return principals_; }
  std::span<const Member> members() const { return members_; }
  std::span<const Authority> authorities() const { return authorities_; }
  std::span<const WitnessTerm> witnesses() const { return witnesses_; }
  std::span<const DelegationTerm> delegations() const { return delegations_; }
  std::span<const Document> safeguards() const { return safeguards_; }

  // Whether the agreement demands a delegation, or a safeguard status, in force.
  bool demands_delegation() const { return !message_.gate().skip_delegation(); }
  bool demands_safeguard() const { return !message_.gate().skip_safeguard(); }

  // REQUIRES: `number` came from this agreement.
  const Member& member(MemberNumber number) const;

  // Null if there is none.
  const Member* FindMember(std::string_view id) const;
  const Member* FindMemberBySpiffeId(std::string_view uri) const;
  const Authority* FindAuthority(std::string_view id) const;

  // Whether a delegation of `official`, spelt in any way of the same normal form, or a safeguard
  // status, is in force at `time`; true where the agreement demands none. R7.
  bool IsDelegatedAt(std::string_view official, UnixMillis time) const;
  bool IsSafeguardedAt(UnixMillis time) const;

  // Returns whether the member with this SPIFFE id has `permission` (policy/permissions.h).
  bool Allows(std::string_view spiffe_id, std::string_view permission) const;

 private:
  friend class AgreementCompiler;

  OpenedAgreement() = default;

  std::string text_;
  Digest32 digest_{};
  agreement::v1::Agreement message_;
  Terms terms_;
  Brakes brakes_;
  std::vector<Principal> principals_;
  std::vector<Member> members_;
  std::vector<Authority> authorities_;
  std::vector<WitnessTerm> witnesses_;
  std::vector<DelegationTerm> delegations_;
  std::vector<Document> safeguards_;
  absl::flat_hash_map<std::string, MemberNumber> by_id_;
  absl::flat_hash_map<std::string, MemberNumber> by_spiffe_id_;
};

// Verifies and compiles the DSSE envelope `dsse`.
// Errors: kAgreementInvalid  no strict DSSE, another payload type, or the text is not valid;
//         kSignatureInvalid  it is not signed by exactly the two principals that it names.
absl::StatusOr<OpenedAgreement> OpenAgreement(ByteSpan dsse);

// Says what is wrong with an unsigned agreement.
// Errors: kAgreementInvalid, "LINE:COLUMN: what" where there is a place, one line a defect.
absl::Status CheckAgreementText(std::string_view text);

// Returns what changes from `before` to `after`, a line in plain words for each change; empty if
// nothing that matters does.
std::vector<std::string> DiffAgreements(const OpenedAgreement& before,
                                        const OpenedAgreement& after);

}  // namespace holdfast::policy
