// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/test_agreement.h"

#include <utility>

#include "gtest/gtest.h"

#include "base/check.h"
#include "crypto/dsse.h"
#include "crypto/secret_bytes.h"
#include "crypto/sha256.h"

namespace holdfast::test {
namespace {

std::string MemberText(std::string_view id, std::string_view role, std::string_view side) {
  return "members { id: \"" + std::string(id) + "\" role: " + std::string(role) +
         " side: " + std::string(side) + " keys { public_key: \"" +
         KeyOf(id).public_key().ToBase64() + "\" } }\n";
}

}  // namespace

crypto::SigningKey KeyOf(std::string_view name) {
  Digest32 seed = crypto::Sha256Of(AsBytes("seed of " + std::string(name)));
  auto secret = crypto::SecretBytes::TakeFrom(seed);
  HF_CHECK(secret.ok());
  auto key = crypto::SigningKey::FromSeed(*secret);
  HF_CHECK(key.ok());
  return *std::move(key);
}

std::string AgreementText(const AgreementOptions& options) {
  std::string text =
      "# A test's agreement.\n"
      "name: \"address-requests\"\n"
      "version: 1\n"
      "suite: 1\n"
      "trust_domain: \"holdfast.example\"\n";
  text += "principals { side: SOURCE name: \"Tax agency\" public_key: \"" +
          KeyOf("source").public_key().ToBase64() + "\" }\n";
  text += "principals { side: REQUESTER name: \"Enforcement agency\" public_key: \"" +
          KeyOf("requester").public_key().ToBase64() + "\" }\n";
  text += MemberText("ice", "ROLE_REQUESTER", "REQUESTER");
  text += MemberText("ice2", "ROLE_REQUESTER", "REQUESTER");
  text += MemberText("irs", "ROLE_SOURCE", "SOURCE");
  text += MemberText("carol", "ROLE_COUNSEL", "SOURCE");
  text += MemberText("erin", "ROLE_COUNSEL", "SOURCE");
  text += MemberText("dan", "ROLE_COUNSEL", "REQUESTER");
  text += MemberText("judge", "ROLE_COUNSEL", "COURT");
  text += MemberText("paula", "ROLE_CUSTODIAN", "SOURCE");
  text += MemberText("pete", "ROLE_CUSTODIAN", "SOURCE");
  text += MemberText("pia", "ROLE_CUSTODIAN", "SOURCE");
  text += MemberText("cora", "ROLE_CUSTODIAN", "COURT");
  text += MemberText("audra", "ROLE_AUDITOR", "COURT");
  text += MemberText("otto", "ROLE_OPERATOR", "SOURCE");
  text +=
      "authorities { id: \"statute\" citation: \"Statute 1\" fields: \"address\" }\n"
      "authorities { id: \"sunset\" citation: \"Statute 2\" fields: \"address\"\n"
      "              valid_until { seconds: 1767225600 } }\n";
  text += "terms {\n  transfer_approvals: " + std::to_string(options.transfer_approvals) +
          "\n  destruction_approvals: " + std::to_string(options.destruction_approvals) +
          "\n  record_lifetime { seconds: 2592000 }\n  destroy_on_expiry: true\n" + options.terms +
          "}\n";
  text += "brakes {\n" + options.brakes + "}\n";
  text +=
      "delegations { official: \"director\" signed_by: \"Secretary\"\n"
      "  document_sha256: \"" +
      Hex(crypto::Sha256Of(AsBytes("delegation"))) +
      "\"\n  valid_from { seconds: 0 } valid_until { seconds: " +
      std::to_string(options.delegation_until) + " } }\n";
  text += "safeguards { signed_by: \"Safeguards office\"\n  document_sha256: \"" +
          Hex(crypto::Sha256Of(AsBytes("safeguard"))) +
          "\"\n  valid_from { seconds: 0 } valid_until { seconds: " +
          std::to_string(options.safeguard_until) + " } }\n";
  text += "gate { address_scheme: GENERIC }\n";
  text += options.more;
  return text;
}

std::string SignAgreement(std::string_view text) {
  auto envelope = crypto::SignDsse(crypto::kAgreementPayloadType, AsBytes(text), KeyOf("source"));
  HF_CHECK(envelope.ok());
  HF_CHECK(crypto::AddDsseSignature(*envelope, KeyOf("requester")).ok());
  return crypto::RenderDsse(*envelope);
}

std::shared_ptr<const policy::OpenedAgreement> MakeAgreement(const AgreementOptions& options) {
  auto opened = policy::OpenedAgreement::CompileUnsigned(AgreementText(options));
  if (!opened.ok()) ADD_FAILURE() << opened.status();
  HF_CHECK(opened.ok());
  return std::make_shared<const policy::OpenedAgreement>(*std::move(opened));
}

}  // namespace holdfast::test
