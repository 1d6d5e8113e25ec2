// SPDX-License-Identifier: Apache-2.0
// One person by who they are, for the commands that take a scope: the gateway turns the identity
// into the pseudonyms under which the ledger has the person.
//
// When to use  For --identity. It is personal data: it comes from a file or is typed, never from an
//              argument, which others can read, and is shown nowhere.
// Threads      As the command line.
// Ownership    Values.
// Errors       kRequestMalformed for a file that does not describe exactly one person; those of the
//              gateway. None shows what a field holds.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "cli/scope_options.h"
#include "cli/session.h"
#include "holdfast/v1/person_service.pb.h"

namespace holdfast::cli {

// Reads a CSV file with the columns name, tax_number and birth_date (others are not looked at) and
// one line. "-" asks on a terminal, and else reads the same from standard input.
absl::StatusOr<v1::IdentifyPersonRequest> ReadIdentity(Session& session, const std::string& path);

// Whether the pseudonym of the name alone counts, which others of the same name have too. In doubt
// a hold covers them, and nothing of theirs is destroyed.
enum class Namesakes { kLeaveOut = 0, kInclude };

// Makes `scope` one of that person too, by the pseudonyms that the session's exchange has for them.
// Errors: kRequestMalformed if none counts.
absl::Status NamePerson(Session& session, const v1::IdentifyPersonRequest& person,
                        Namesakes namesakes, v1::Scope& scope);

// The scope that the options say, with the person whom --identity describes.
absl::StatusOr<v1::Scope> ScopeWithPerson(Session& session, const ScopeOptions& options,
                                          Namesakes namesakes);

}  // namespace holdfast::cli
