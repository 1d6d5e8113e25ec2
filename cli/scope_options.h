// SPDX-License-Identifier: Apache-2.0
// Which records a hold or a revocation covers, on the command line.
//
// Threads      As the command line.
// Ownership    Written to by the parser; must live as long as the command.
// Errors       kRequestMalformed.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "holdfast/v1/scope.pb.h"

namespace holdfast::cli {

struct ScopeOptions {
  bool everything = false;
  std::string transfer;
  std::vector<std::string> rows;
  std::string officer;
  std::string authority;
  std::string person;
  std::string identity;  // A file that says who the person is (cli/person_identity.h).
  std::string date;
  std::string from;
  std::string until;
  std::vector<std::string> verdicts;
  std::uint64_t gate_version = 0;  // 0: any.

  // How the ends of the range of dates are called: --from and --until, or --date-from and
  // --date-until where a command has a period of its own.
  enum class DateNames { kFromUntil = 0, kDateFromUntil };

  void Declare(Command& command, DateNames names = DateNames::kFromUntil);

  // Also --identity, for commands that ask the gateway; they use ScopeWithPerson().
  void DeclareIdentity(Command& command);

  // Without the person whom `identity` describes.
  absl::StatusOr<v1::Scope> ToScope() const;

  // Whether any of it was given.
  bool given() const {
    return everything || !transfer.empty() || !rows.empty() || !officer.empty() ||
           !authority.empty() || !person.empty() || !identity.empty() || !date.empty() ||
           !from.empty() || !until.empty() || !verdicts.empty() || gate_version != 0;
  }

 private:
  absl::Status ReadDates(v1::Scope& scope) const;
};

// Reads "7" or "0-99", both ends included.
absl::StatusOr<v1::RowRange> ParseRowRange(std::string_view text);

// The scope in a few words.
std::string DescribeScope(const v1::Scope& scope);

}  // namespace holdfast::cli
