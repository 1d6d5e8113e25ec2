// SPDX-License-Identifier: Apache-2.0
// A commented agreement to begin with.
//
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace holdfast::cli {

struct AgreementSample {
  std::string name;
  std::string trust_domain;
  std::string place_table_path;    // Relative to the agreement's folder.
  std::string place_table_sha256;  // In hex.
  std::string cooling_period;      // In seconds.
  std::string destruction_window;  // In seconds.
  std::string official;            // Who may ask for records.
  std::string delegation_sha256;   // In hex, of the signed documents.
  std::string safeguard_sha256;
  std::int64_t documents_from = 0;  // Both are in force for a year from this second on.

  // Whether a witness of each side has to sign the ledger. An exchange for tests may do without.
  bool witnesses = true;

  // Base64 by the names in SampleSigners(). A name that is left out gets a text to be replaced.
  std::map<std::string, std::string> keys;
};

// Whoever signs under the sample agreement: both principals, the members with keys, and a witness
// of each side.
const std::map<std::string, std::string>& SampleSigners();

std::string AgreementSampleText(const AgreementSample& sample);

}  // namespace holdfast::cli
