// SPDX-License-Identifier: Apache-2.0
// What the release gate's rules say of one subject and its candidates, rule by rule, in words that
// name no value.
//
// When to use  For a source's own staff, who ask why a record would not be released.
// Threads      A pure function: may be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/source_lookup.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/gate_rules.h"
#include "policy/release_gate.h"

namespace holdfast::cli {

// How two parts relate: "equal", "compatible", "different", "incomplete"; for an identifier
// "agrees", "contradicts", "missing". `differences` names what has to be allowed, or what
// contradicts.
struct Comparison {
  std::string result;
  std::vector<std::string> differences;
  bool accepted = false;  // As the agreement has it.
};

struct CandidateExplanation {
  // What the gate would say if there were nobody else.
  policy::ReleaseReason alone = policy::ReleaseReason::kUnspecified;
  Comparison name;
  Comparison address;
  std::string address_lack;  // Why it is incomplete, as a reason of the request gate.
  Comparison tax_number;
  Comparison birth_date;
};

struct SubjectExplanation {
  policy::ReleaseVerdict verdict;
  std::string name;     // ACCEPTED, or the request gate's reason.
  std::string address;  // The same.
  std::vector<CandidateExplanation> candidates;
};

// Judges as the gateway does; no verdict is made here.
policy::ReleaseVerdict Judge(const policy::GateRules& rules, const v1::Person& subject,
                             const client::Candidates& candidates);

// REQUIRES: the rules are those of the agreement.
SubjectExplanation Explain(const policy::GateRules& rules, const v1::Person& subject,
                           const client::Candidates& candidates);

}  // namespace holdfast::cli
