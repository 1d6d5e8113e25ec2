// SPDX-License-Identifier: Apache-2.0
#include "cli/dossier_view.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/queries.h"
#include "policy/request_gate.h"

namespace holdfast::cli {
namespace {

// Officers with the most open cases are shown; of the others there may be thousands.
constexpr std::size_t kShownOfficers = 10;

std::string VerdictName(std::uint32_t verdict) {
  const std::string name(
      policy::RequestReasonName(static_cast<policy::RequestReason>(verdict & 0xff)));
  return name.empty() || verdict > 0xff ? fmt::format("VERDICT_{}", verdict) : name;
}

std::string NameOfBrake(std::uint32_t brake) {
  const auto number = static_cast<int>(brake);
  return order::v1::Brake_IsValid(number)
             ? order::v1::Brake_Name(static_cast<order::v1::Brake>(number))
             : fmt::format("BRAKE_{}", brake);
}

std::uint32_t AcceptedIn(const policy::Dossier& dossier) {
  for (const auto& [verdict, rows] : dossier.verdicts) {
    if (verdict == static_cast<std::uint32_t>(policy::RequestReason::kAccepted)) return rows;
  }
  return 0;
}

}  // namespace

absl::StatusOr<policy::Dossier> OpenDossier(const v1::Transfer& transfer) {
  if (transfer.dossier_digest().empty() || !transfer.has_dossier()) {
    return MakeError(Reason::kTransferState, "the requester has not finished submitting");
  }
  const v1::Dossier& view = transfer.dossier();
  const auto agreement = ArrayFromBytes<Digest32>(AsBytes(view.agreement_digest()));
  const auto id = IdFromBytes<TransferId>(AsBytes(view.transfer()));
  const auto subjects = ArrayFromBytes<Digest32>(AsBytes(view.subjects_digest()));
  if (!agreement.ok() || !id.ok() || !subjects.ok() ||
      policy::TransferName(*id) != transfer.name()) {
    return MakeError(Reason::kLedgerInconsistent, "the dossier is malformed");
  }
  policy::Dossier dossier;
  dossier.agreement = *agreement;
  dossier.transfer = *id;
  dossier.requester = view.requester();
  dossier.authority = view.terms().authority();
  dossier.purpose = view.terms().purpose();
  dossier.requesting_official = view.terms().requesting_official();
  for (const v1::OfficerLoad& officer : view.officers()) {
    dossier.officers.push_back({officer.officer(), officer.accepted(), officer.open_cases()});
  }
  for (const v1::TaxPeriod& period : view.terms().periods()) {
    dossier.periods.emplace_back(period.first_year(), period.last_year());
  }
  dossier.attestation_digest = view.terms().attestation_digest();
  dossier.rows = view.subjects();
  for (const v1::VerdictCount& count : view.verdicts()) {
    dossier.verdicts.emplace_back(count.verdict(), count.rows());
  }
  dossier.second_addresses = view.second_addresses();
  dossier.brakes.assign(view.brakes().begin(), view.brakes().end());
  dossier.subjects_digest = *subjects;
  if (Hex(policy::DossierDigest(dossier)) != transfer.dossier_digest()) {
    return MakeError(Reason::kLedgerInconsistent,
                     "the dossier that the gateway shows is not the one whose digest it names");
  }
  return dossier;
}

JsonObject DossierJson(const policy::Dossier& dossier) {
  JsonObject object("Dossier");
  JsonArray officers;
  for (const policy::Dossier::Officer& officer : dossier.officers) {
    JsonObject one;
    one.Set("officer", officer.id)
        .Set("accepted", officer.accepted)
        .Set("open_cases", officer.open_cases);
    officers.AddRaw(one.text());
  }
  JsonArray periods;
  for (const auto& [first, last] : dossier.periods) {
    JsonObject one;
    one.Set("first_year", first).Set("last_year", last);
    periods.AddRaw(one.text());
  }
  JsonObject verdicts;
  for (const auto& [verdict, rows] : dossier.verdicts) verdicts.Set(VerdictName(verdict), rows);
  JsonArray brakes;
  for (const std::uint32_t brake : dossier.brakes) brakes.Add(NameOfBrake(brake));
  object.Set("transfer", policy::TransferName(dossier.transfer))
      .Set("agreement_digest", Hex(dossier.agreement))
      .Set("requester", dossier.requester)
      .Set("authority", dossier.authority)
      .Set("purpose", dossier.purpose)
      .Set("requesting_official", dossier.requesting_official)
      .Set("officers", officers)
      .Set("periods", periods)
      .Set("attestation_digest", Hex(AsBytes(dossier.attestation_digest)))
      .Set("subjects", dossier.rows)
      .Set("verdicts", verdicts)
      .Set("second_addresses", dossier.second_addresses)
      .Set("brakes", brakes)
      .Set("subjects_digest", Hex(dossier.subjects_digest))
      .Set("digest", Hex(policy::DossierDigest(dossier)));
  return object;
}

std::string DossierText(const policy::Dossier& dossier) {
  std::string text =
      fmt::format("THE DOSSIER of {}\n  {} asks, by {}, under {}\n  for: {}\n",
                  policy::TransferName(dossier.transfer), EscapeForLog(dossier.requester),
                  EscapeForLog(dossier.requesting_official), EscapeForLog(dossier.authority),
                  EscapeForLog(dossier.purpose));
  text += "  taxable years:";
  for (const auto& [first, last] : dossier.periods) {
    text += first == last ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
  }
  text += fmt::format("\n  attestation, SHA-256: {}\n", Hex(AsBytes(dossier.attestation_digest)));
  text += fmt::format("  {} people asked for, {} accepted\n", dossier.rows, AcceptedIn(dossier));
  for (const auto& [verdict, rows] : dossier.verdicts) {
    if (verdict == static_cast<std::uint32_t>(policy::RequestReason::kAccepted)) continue;
    text += fmt::format("  {:>8} refused: {}\n", rows, VerdictName(verdict));
  }
  text += fmt::format("  {} of them were asked for at another address before\n",
                      dossier.second_addresses);
  std::vector<policy::Dossier::Officer> officers = dossier.officers;
  std::stable_sort(officers.begin(), officers.end(),
                   [](const auto& a, const auto& b) { return a.open_cases > b.open_cases; });
  text += fmt::format("  {} officers, by open cases:\n", officers.size());
  for (std::size_t i = 0; i < officers.size() && i < kShownOfficers; ++i) {
    text += fmt::format("  {:>8} in this transfer, {} in all: {}\n", officers[i].accepted,
                        officers[i].open_cases, EscapeForLog(officers[i].id));
  }
  if (officers.size() > kShownOfficers) {
    text += fmt::format("           and {} more; --json shows them all\n",
                        officers.size() - kShownOfficers);
  }
  if (dossier.brakes.empty()) text += "  no brake tripped\n";
  for (const std::uint32_t brake : dossier.brakes) {
    text += fmt::format("  BRAKE: {}\n", NameOfBrake(brake));
  }
  text += fmt::format("  digest, computed here: {}", Hex(policy::DossierDigest(dossier)));
  return text;
}

}  // namespace holdfast::cli
