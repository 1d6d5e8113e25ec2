// SPDX-License-Identifier: Apache-2.0
//
// An agreement with everybody in it, and their keys.
//
// When to use  In tests of policy/; most use it through World (tests/policy/policy_world.h).
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       MakeAgreement fails the test and ends it if the text is not valid.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/ed25519.h"
#include "policy/agreement.h"

namespace holdfast::test {

// A key that is always the same for the same name.
crypto::SigningKey KeyOf(std::string_view name);

struct AgreementOptions {
  std::string terms;   // Further lines of `terms { ... }`, after the defaults of TestTerms().
  std::string brakes;  // Lines of `brakes { ... }`.
  std::string more;    // Lines at the end of the file.
  std::int64_t delegation_until = 4'102'444'800;  // Of `director`, in seconds since 1970.
  std::int64_t safeguard_until = 4'102'444'800;
  std::uint32_t transfer_approvals = 1;
  std::uint32_t destruction_approvals = 1;
};

// The text of an agreement that is valid. Members: ice (requester), ice2 (a second one), irs
// (source), carol and erin (counsel of the source), dan (counsel of the requester), judge (counsel
// of the court), paula, pete and pia (custodians of the source), cora (custodian of the court),
// audra (auditor), otto (operator). Each key is KeyOf(id). The principals' are KeyOf("source") and
// KeyOf("requester"). Authorities: `statute`, in force, and `sunset`, in force until 2026.
std::string AgreementText(const AgreementOptions& options = {});

// The DSSE envelope, signed by both principals.
std::string SignAgreement(std::string_view text);

std::shared_ptr<const policy::OpenedAgreement> MakeAgreement(const AgreementOptions& options = {});

}  // namespace holdfast::test
