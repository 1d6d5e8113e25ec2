// SPDX-License-Identifier: Apache-2.0
//
// What an agreement says about the gates, and the signed documents that it names.
#include <algorithm>
#include <string>

#include "policy/agreement_compiler.h"

namespace holdfast::policy {
namespace {

using agreement::v1::Agreement;

constexpr std::size_t kMaxDocuments = 1'024;
constexpr std::size_t kMaxNameBytes = 200;

// What is wrong with a list of differences; empty if nothing is.
template <typename List>
std::string DefectOf(const List& list, int nothing, int last) {
  for (int i = 0; i < list.size(); ++i) {
    if (list.Get(i) <= 0 || list.Get(i) > last) return "no such difference";
    if (list.Get(i) == nothing && list.size() > 1) return "no difference, and others beside it";
    if (std::count(list.begin(), list.end(), list.Get(i)) > 1) return "a difference is named twice";
  }
  return "";
}

}  // namespace

void AgreementCompiler::CheckGate() {
  using agreement::v1::Gate;
  const Gate& g = out_.message_.gate();
  const Place place{g, out_.message_.has_gate()
                           ? Nested(&root_, out_.message_, Agreement::kGateFieldNumber, -1)
                           : nullptr};
  if (!Gate::AddressScheme_IsValid(g.address_scheme())) {
    Defect(place, Gate::kAddressSchemeFieldNumber, "must be US or GENERIC");
  }
  if (g.place_table_path().empty() != g.place_table_sha256().empty()) {
    Defect(place, Gate::kPlaceTablePathFieldNumber, "path and SHA-256 belong together");
  }
  if (!g.place_table_sha256().empty()) {
    const auto digest = FromHex(g.place_table_sha256());
    if (!digest.ok() || digest->size() != 32) {
      Defect(place, Gate::kPlaceTableSha256FieldNumber, "must be 64 lower-case hexadecimal digits");
    }
  }
  if (g.address_scheme() != Gate::GENERIC && !g.skip_zip_in_state() &&
      g.place_table_path().empty()) {
    Defect(place, Gate::kPlaceTablePathFieldNumber,
           "needed to check that a ZIP lies in its state; or set skip_zip_in_state");
  }
  if (g.check_city_of_zip() && (g.address_scheme() == Gate::GENERIC || g.skip_zip_in_state())) {
    Defect(place, Gate::kCheckCityOfZipFieldNumber,
           "needs the US scheme, and the check that a ZIP lies in its state");
  }
  const auto differences = [&](int field, const auto& list, int nothing, int last) {
    const std::string defect = DefectOf(list, nothing, last);
    if (!defect.empty()) Defect(place, field, defect);
  };
  differences(Gate::kNameAllowedFieldNumber, g.name_allowed(), Gate::NAME_NO_DIFFERENCE,
              Gate::NameDifference_MAX);
  differences(Gate::kNameAllowedWithBothFieldNumber, g.name_allowed_with_both(),
              Gate::NAME_NO_DIFFERENCE, Gate::NameDifference_MAX);
  differences(Gate::kAddressAllowedFieldNumber, g.address_allowed(), Gate::ADDRESS_NO_DIFFERENCE,
              Gate::AddressDifference_MAX);
  differences(Gate::kAddressAllowedWithBothFieldNumber, g.address_allowed_with_both(),
              Gate::ADDRESS_NO_DIFFERENCE, Gate::AddressDifference_MAX);
}

std::optional<Document> AgreementCompiler::CompileDocument(
    const Place& place, const std::string& signed_by, const std::string& sha256,
    const google::protobuf::Timestamp* from, const google::protobuf::Timestamp* until) {
  const google::protobuf::Descriptor& type = *place.message.GetDescriptor();
  const auto field = [&](const char* name) { return type.FindFieldByName(name)->number(); };
  Document document;
  document.signed_by = signed_by;
  if (signed_by.empty() || signed_by.size() > kMaxNameBytes) {
    Defect(place, field("signed_by"), "must be 1 to 200 bytes");
  }
  const auto bytes = FromHex(sha256);
  const auto digest =
      bytes.ok() ? ArrayFromBytes<Digest32>(*bytes) : absl::StatusOr<Digest32>(bytes.status());
  if (!digest.ok() || *digest == Digest32{}) {
    Defect(place, field("document_sha256"),
           "must be the document's SHA-256, 64 lower-case hexadecimal digits");
    return std::nullopt;
  }
  document.sha256 = *digest;
  // A document without an end would never be looked at again.
  if (from == nullptr) Defect(place, field("valid_from"), "must be set");
  if (until == nullptr) Defect(place, field("valid_until"), "must be set");
  if (from == nullptr || until == nullptr) return std::nullopt;
  document.from = Time(place, field("valid_from"), true, *from, kMinTime);
  document.until = Time(place, field("valid_until"), true, *until, kMinTime);
  if (document.until <= document.from) {
    Defect(place, field("valid_until"), "the document ends before it begins");
  }
  return document;
}

void AgreementCompiler::CompileDocuments() {
  const Agreement& a = out_.message_;
  if (static_cast<std::size_t>(a.delegations_size()) > kMaxDocuments) {
    Defect({a, &root_}, Agreement::kDelegationsFieldNumber, "too many");
    return;
  }
  if (static_cast<std::size_t>(a.safeguards_size()) > kMaxDocuments) {
    Defect({a, &root_}, Agreement::kSafeguardsFieldNumber, "too many");
    return;
  }
  for (int i = 0; i < a.delegations_size(); ++i) {
    using agreement::v1::Delegation;
    const Delegation& d = a.delegations(i);
    const Place place{d, Nested(&root_, a, Agreement::kDelegationsFieldNumber, i)};
    if (d.official().empty() || d.official().size() > kMaxNameBytes) {
      Defect(place, Delegation::kOfficialFieldNumber, "must be 1 to 200 bytes");
    }
    auto document = CompileDocument(place, d.signed_by(), d.document_sha256(),
                                    d.has_valid_from() ? &d.valid_from() : nullptr,
                                    d.has_valid_until() ? &d.valid_until() : nullptr);
    if (document) out_.delegations_.push_back({d.official(), *std::move(document)});
  }
  for (int i = 0; i < a.safeguards_size(); ++i) {
    const agreement::v1::SafeguardStatus& s = a.safeguards(i);
    auto document =
        CompileDocument({s, Nested(&root_, a, Agreement::kSafeguardsFieldNumber, i)}, s.signed_by(),
                        s.document_sha256(), s.has_valid_from() ? &s.valid_from() : nullptr,
                        s.has_valid_until() ? &s.valid_until() : nullptr);
    if (document) out_.safeguards_.push_back(*std::move(document));
  }
  // Fail closed, and early: with nothing named nobody could ask for anything.
  if (out_.delegations_.empty() && out_.demands_delegation()) {
    Defect({a, &root_}, Agreement::kDelegationsFieldNumber,
           "no official may ask for records; or set gate.skip_delegation");
  }
  if (out_.safeguards_.empty() && out_.demands_safeguard()) {
    Defect({a, &root_}, Agreement::kSafeguardsFieldNumber,
           "nothing shows how the requester safeguards records; or set gate.skip_safeguard");
  }
}

}  // namespace holdfast::policy
