// SPDX-License-Identifier: Apache-2.0
// The report of an incident, from a verified ledger (R42): what, when, how found, how many, which
// elements, which systems, which holds, and the clocks that run. As JSON and as a page to print. It
// has no personal data but what its author writes into the two free texts.
//
// When to use  IncidentSearch as a reader of a verification; then IncidentJson(), IncidentPage().
// Threads      A search as its verification; functions may be called concurrently.
// Ownership    Values.
// Errors       None. A scope that is not valid is an answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "evidence/ledger_reader.h"
#include "evidence/non_use.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/v1/scope.pb.h"

namespace holdfast::evidence {

// Within this after it was found, an incident has to be reported.
inline constexpr std::chrono::hours kReportWithin{24};

// What the author says.
struct IncidentTerms {
  v1::Scope scope;
  UnixMillis from = kMinTime;  // Keys that left in [from, to) count.
  UnixMillis to = kMaxTime;
  std::string what;       // No control characters, no personal data. Nobody checks the latter.
  std::string how_found;  // The same.
  UnixMillis found_at;
  UnixMillis written_at;
};

struct Incident {
  bool scope_valid = false;

  // How many.
  std::uint64_t covered = 0;      // Records of the scope.
  std::uint64_t records = 0;      // Of these, those whose key left in the period.
  std::uint64_t with_data = 0;    // Of these, those with a record in the envelope.
  std::uint64_t persons = 0;      // Different pseudonyms among `records`.
  std::uint64_t disclosures = 0;  // Times that a key left.
  struct Receiver {
    std::string requester;
    std::string authority;
    std::uint64_t records = 0;
  };
  std::vector<Receiver> receivers;

  // When, by the entries' late time. kMaxTime and kMinTime if no key left.
  UnixMillis first = kMaxTime;
  UnixMillis last = kMinTime;

  // What can still be opened: leases in the scope that were open at the ledger's end.
  std::uint64_t open_leases = 0;
  UnixMillis leases_end = kMinTime;

  // Which elements: the fields that the agreement permits, of each authority concerned.
  struct Elements {
    std::string authority;
    std::string citation;
    std::vector<std::string> fields;
  };
  std::vector<Elements> elements;

  // Which systems.
  std::string exchange_name;
  ExchangeId exchange;
  std::set<std::string> gateways;  // Version and keyslot.
  std::set<std::string> erasure_classes;
  std::vector<std::string> machines;  // Of requester and source, by id and side.

  // Which holds touch the scope, and the court's clock.
  struct OfHold {
    std::string id;
    std::string matter;
    std::string court;
    std::string kind;
    std::string state;
    std::uint64_t placed_index = 0;
    UnixMillis placed_at;
    UnixMillis notice_due;  // Where it is in force.
    bool in_force = false;
  };
  std::vector<OfHold> holds;

  std::vector<std::string> contacts;  // Who acts in office: principals, custodians, counsel.

  std::uint64_t size = 0;  // Of the ledger.
  UnixMillis ledger_time;  // Its newest late time.
};

class IncidentSearch final : public LedgerReader {
 public:
  explicit IncidentSearch(IncidentTerms terms) : terms_(std::move(terms)) {}

  void Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
            const policy::State& before) override;
  void End(const LedgerVerifier& ledger) override;

  const Incident& found() const { return found_; }

 private:
  void CountKeys(const policy::State& state, const policy::CompiledScope& scope);
  void NameSystems(const policy::State& state);
  void NameHolds(const policy::State& state, const policy::CompiledScope& scope);

  const IncidentTerms terms_;
  Incident found_;
  std::vector<LeftKey> released_;
};

// When the incident has to be reported.
UnixMillis ReportDue(const IncidentTerms& terms);

// Returns the report as JSON, with a line feed at its end. docs/evidence.md#incident
std::string IncidentJson(const IncidentTerms& terms, const Incident& incident,
                         const Digest32& root);

// Returns it as one HTML page for paper: black on white, without scripts, pictures or links out.
std::string IncidentPage(const IncidentTerms& terms, const Incident& incident,
                         const Digest32& root);

}  // namespace holdfast::evidence
