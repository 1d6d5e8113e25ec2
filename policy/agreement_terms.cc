// SPDX-License-Identifier: Apache-2.0
//
// The numbers of an agreement, and their defaults.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "policy/agreement_compiler.h"
#include "policy/leases.h"

namespace holdfast::policy {
namespace {

using agreement::v1::Agreement;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kMaxWitnesses = 16;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::uint32_t kWhole = 10'000;  // In hundredths of a percent.

}  // namespace

void AgreementCompiler::CompileTerms() {
  using agreement::v1::Terms;
  const Terms& t = out_.message_.terms();
  const Place place{t, out_.message_.has_terms()
                           ? Nested(&root_, out_.message_, Agreement::kTermsFieldNumber, -1)
                           : nullptr};
  policy::Terms& out = out_.terms_;
  if (t.transfer_approvals() == 0) {
    Defect(place, Terms::kTransferApprovalsFieldNumber, "must be at least 1");
  }
  if (t.destruction_approvals() == 0) {
    Defect(place, Terms::kDestructionApprovalsFieldNumber, "must be at least 1");
  }
  out.transfer_approvals = t.transfer_approvals();
  out.destruction_approvals = t.destruction_approvals();
  out.record_lifetime = Period(place, Terms::kRecordLifetimeFieldNumber, t.has_record_lifetime(),
                               t.record_lifetime(), std::nullopt);
  out.lease_duration = Period(place, Terms::kLeaseDurationFieldNumber, t.has_lease_duration(),
                              t.lease_duration(), minutes(15));
  if (out.lease_duration > hours(24)) {
    Defect(place, Terms::kLeaseDurationFieldNumber, "must be at most 24 hours");
  }
  out.cooling_period = Period(place, Terms::kCoolingPeriodFieldNumber, t.has_cooling_period(),
                              t.cooling_period(), hours(72));
  out.destruction_window = Period(place, Terms::kDestructionWindowFieldNumber,
                                  t.has_destruction_window(), t.destruction_window(), hours(72));
  out.destroy_on_expiry = t.destroy_on_expiry();
  out.record_size_bytes = t.record_size_bytes() == 0 ? 1024 : t.record_size_bytes();
  if (out.record_size_bytes < 64 || out.record_size_bytes > 65'536) {
    Defect(place, Terms::kRecordSizeBytesFieldNumber, "must be 64 to 65,536");
  }
  out.notice_deadline = Period(place, Terms::kNoticeDeadlineFieldNumber, t.has_notice_deadline(),
                               t.notice_deadline(), hours(24 * 5));
  out.witness_max_age = Period(place, Terms::kWitnessMaxAgeFieldNumber, t.has_witness_max_age(),
                               t.witness_max_age(), hours(1));
  out.review_window = Period(place, Terms::kReviewWindowFieldNumber, t.has_review_window(),
                             t.review_window(), hours(72));
  out.document_deadline = Period(place, Terms::kDocumentDeadlineFieldNumber,
                                 t.has_document_deadline(), t.document_deadline(), hours(24 * 14));
}

void AgreementCompiler::CompileBrakes() {
  using agreement::v1::Brakes;
  const Brakes& b = out_.message_.brakes();
  const Place place{b, out_.message_.has_brakes()
                           ? Nested(&root_, out_.message_, Agreement::kBrakesFieldNumber, -1)
                           : nullptr};
  const auto number = [](std::uint32_t value, std::uint32_t otherwise) {
    return value == 0 ? otherwise : value;
  };
  const auto share = [&](int field, std::uint32_t value, std::uint32_t otherwise) {
    if (value > kWhole) Defect(place, field, "must be at most 10,000, which is all");
    return number(value, otherwise);
  };
  policy::Brakes& out = out_.brakes_;
  out.officer_open_cases = number(b.officer_open_cases(), 200);
  out.officer_share_basis_points =
      share(Brakes::kOfficerShareBasisPointsFieldNumber, b.officer_share_basis_points(), 500);
  out.transfer_subjects = number(b.transfer_subjects(), 2'000'000);
  if (out.transfer_subjects > 16'000'000) {
    Defect(place, Brakes::kTransferSubjectsFieldNumber, "must be at most 16,000,000");
  }
  out.refused_basis_points =
      share(Brakes::kRefusedBasisPointsFieldNumber, b.refused_basis_points(), 2'000);
  out.placeholder_basis_points =
      share(Brakes::kPlaceholderBasisPointsFieldNumber, b.placeholder_basis_points(), 100);
  out.open_records = number(b.open_records(), 10'000);
  out.daily_subjects = b.daily_subjects() == 0 ? 2'000'000 : b.daily_subjects();
  out.total_subjects = b.total_subjects() == 0 ? 10'000'000 : b.total_subjects();
  out.address_memory = Period(place, Brakes::kAddressMemoryFieldNumber, b.has_address_memory(),
                              b.address_memory(), hours(24 * 365));
  if (out.address_memory < hours(24)) {
    Defect(place, Brakes::kAddressMemoryFieldNumber, "must be at least 24 hours");
  }
  // What one requester opens must leave room for what every other one may open.
  const auto requesters = static_cast<std::uint32_t>(std::count_if(
      out_.members_.begin(), out_.members_.end(),
      [](const Member& member) { return member.role == agreement::v1::ROLE_REQUESTER; }));
  const std::uint32_t part = kMaxOpenLeases / std::max(requesters, 1U);
  out.open_leases = number(b.open_leases(), std::min(part, kDefaultOpenLeases));
  if (out.open_leases > part) {
    Defect(place, Brakes::kOpenLeasesFieldNumber,
           "must be at most " + std::to_string(part) + ", a requester's part of 65,536");
  }
}

void AgreementCompiler::CompileWitnesses() {
  using agreement::v1::Witness;
  const Agreement& a = out_.message_;
  if (static_cast<std::size_t>(a.witnesses_size()) > kMaxWitnesses) {
    Defect({a, &root_}, Agreement::kWitnessesFieldNumber, "too many");
    return;
  }
  for (int i = 0; i < a.witnesses_size(); ++i) {
    const Witness& witness = a.witnesses(i);
    const Place place{witness, Nested(&root_, a, Agreement::kWitnessesFieldNumber, i)};
    if (witness.name().empty() || witness.name().size() > kMaxNameBytes) {
      Defect(place, Witness::kNameFieldNumber, "must be 1 to 200 bytes");
    } else if (!IsUtf8(witness.name()) || HasUnicodeSpace(witness.name()) ||
               HasDeceptiveCharacter(witness.name()) ||
               witness.name().find('+') != std::string::npos) {
      // A signed note could not carry it, and the witness would never have signed anything.
      Defect(place, Witness::kNameFieldNumber, "must have no white space and no plus");
    }
    CheckSide(place, Witness::kSideFieldNumber, witness.side());
    const auto key = Key(place, Witness::kPublicKeyFieldNumber, witness.public_key());
    if (!key) continue;
    for (const WitnessTerm& other : out_.witnesses_) {
      if (other.public_key == *key || other.name == witness.name()) {
        Defect(place, Witness::kNameFieldNumber, "another witness has this name or key");
      }
    }
    out_.witnesses_.push_back({witness.name(), *key, witness.side()});
  }
}

}  // namespace holdfast::policy
