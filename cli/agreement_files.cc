// SPDX-License-Identifier: Apache-2.0
#include "cli/agreement_files.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/dsse.h"
#include "crypto/sha256.h"
#include "policy/agreement_gate.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxAgreementFileBytes = policy::kMaxAgreementBytes * 2;
constexpr std::size_t kMaxPlaceTableBytes = std::size_t{64} << 20;

}  // namespace

absl::StatusOr<policy::OpenedAgreement> ReadSignedAgreement(Session& session,
                                                            const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxAgreementFileBytes));
  auto agreement = policy::OpenAgreement(AsBytes(text));
  if (!agreement.ok()) return AddMetadata(agreement.status(), "file", path);
  return agreement;
}

absl::StatusOr<policy::OpenedAgreement> ReadAnyAgreement(Session& session,
                                                         const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxAgreementFileBytes));
  const auto dsse = crypto::ParseDsse(text);
  const std::string agreement_text = dsse.ok() ? ToString(dsse->payload) : text;
  auto agreement = policy::OpenedAgreement::CompileUnsigned(agreement_text);
  if (!agreement.ok()) return AddMetadata(agreement.status(), "file", path);
  return agreement;
}

absl::Status CheckPlaceTable(Session& session, const policy::OpenedAgreement& agreement,
                             const std::string& agreement_path) {
  return CompileGates(session, agreement, agreement_path).status();
}

absl::StatusOr<LocalGates> CompileGates(Session& session, const policy::OpenedAgreement& agreement,
                                        const std::string& agreement_path) {
  const agreement::v1::Gate& gate = agreement.message().gate();
  std::unique_ptr<policy::PlaceTable> places;
  if (!gate.place_table_path().empty()) {
    const std::string path = gate.place_table_path().starts_with('/')
                                 ? gate.place_table_path()
                                 : JoinPath(ParentPath(agreement_path), gate.place_table_path());
    HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxPlaceTableBytes));
    const std::string digest = Hex(crypto::Sha256Of(AsBytes(text)));
    if (digest != gate.place_table_sha256()) {
      return AddMetadata(
          AddMetadata(MakeError(Reason::kAgreementInvalid,
                                path + " is not the place table that the agreement names"),
                      "file", path),
          "sha256", digest);
    }
    HF_ASSIGN_OR_RETURN(policy::PlaceTable table, policy::PlaceTable::Parse(text));
    places = std::make_unique<policy::PlaceTable>(std::move(table));
  }
  HF_ASSIGN_OR_RETURN(policy::GateRules rules, policy::GateRulesOf(agreement, places.get()));
  return LocalGates{std::move(places), std::move(rules)};
}

absl::StatusOr<policy::OpenedAgreement> AgreementOfProfile(Session& session) {
  HF_ASSIGN_OR_RETURN(const std::string path,
                      session.ProfileValue(&Profile::agreement, "agreement"));
  HF_ASSIGN_OR_RETURN(policy::OpenedAgreement agreement, ReadSignedAgreement(session, path));
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  if (agreement.version() == 1 && agreement.exchange_id() != exchange) {
    return AddMetadata(MakeError(Reason::kAgreementMismatch,
                                 "the agreement is not of the exchange that the profile names"),
                       "file", path);
  }
  return agreement;
}

}  // namespace holdfast::cli
