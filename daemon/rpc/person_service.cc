// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/person_service.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/pseudonym.h"
#include "daemon/rpc/record_act.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/person_service.pb.h"
#include "policy/canonical_identity.h"

namespace holdfast::rpc {
namespace {

v1::PseudonymBasis BasisOf(policy::IdentityBasis basis) {
  switch (basis) {
    case policy::IdentityBasis::kTaxNumber:
      return v1::TAX_NUMBER;
    case policy::IdentityBasis::kNameAndBirthDate:
      return v1::NAME_AND_BIRTH_DATE;
    case policy::IdentityBasis::kNameAlone:
      return v1::NAME_ALONE;
  }
  return v1::PSEUDONYM_BASIS_UNSPECIFIED;
}

// Answers, once it is in the ledger who wanted to know.
void IdentifyPerson(const Hosted& hosted, const Viewer& viewer, const Call&,
                    const v1::IdentifyPersonRequest& request,
                    Responder<v1::IdentifyPersonResponse> respond) {
  const auto published = PublishedOf(hosted);
  if (!published.ok()) {
    respond.Fail(published.status());
    return;
  }
  policy::PersonView person;
  person.name = request.name();
  person.tax_number = request.tax_number();
  person.birth_date = request.birth_date();
  const auto identities = policy::AllIdentities(person, hosted.rules->config().tax_number_form);
  if (identities.empty()) {
    respond.Fail(MakeError(Reason::kRequestMalformed,
                           "nobody is described: there is neither a name nor a tax number"));
    return;
  }
  v1::IdentifyPersonResponse response;
  ledger::v1::Entry entry;
  ledger::v1::PersonIdentified& fact = *entry.mutable_person_identified();
  fact.set_member(viewer.member);
  const crypto::SecretBytes* key = (*published)->vault->pseudonym_key();
  for (const policy::BasedIdentity& identity : identities) {
    if (key == nullptr) break;  // The policy refuses, and says why.
    const Pseudonym pseudonym = crypto::PseudonymOf(*key, AsBytes(identity.bytes));
    fact.add_people(ToString(BytesOf(pseudonym)));
    v1::PersonPseudonym& out = *response.add_pseudonyms();
    out.set_pseudonym(Hex(BytesOf(pseudonym)));
    out.set_basis(BasisOf(identity.basis));
  }
  RecordAct(hosted, viewer, entry, ledger::v1::Refused::IDENTIFY_PERSON, std::nullopt,
            [response = std::move(response), respond](absl::StatusOr<std::uint64_t> index) mutable {
              if (!index.ok()) {
                respond.Fail(index.status());
                return;
              }
              response.set_ledger_index(*index);
              respond.Reply(response);
            });
}

}  // namespace

void RegisterPeople(const Directory& directory, MethodTable& table) {
  RegisterUnary<v1::IdentifyPersonRequest, v1::IdentifyPersonResponse>(
      directory, table, "/holdfast.v1.PersonService/IdentifyPerson", IdentifyPerson);
}

}  // namespace holdfast::rpc
