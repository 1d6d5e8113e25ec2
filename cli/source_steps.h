// SPDX-License-Identifier: Apache-2.0
// The steps that the source's commands share.
//
// When to use  In `holdfast source`.
// Threads      As the session.
// Ownership    Values.
// Errors       Those of the client library.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "cli/agreement_files.h"
#include "cli/session.h"
#include "client/source_lookup.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::cli {

// How often each verdict of the release gate was given, by name.
using VerdictCounts = std::map<std::string, std::uint64_t>;
JsonObject VerdictObject(const VerdictCounts& verdicts);
std::string VerdictText(const VerdictCounts& verdicts);  // A line each, with a break before it.

// The gates of the profile's agreement, with the place table beside it.
absl::StatusOr<LocalGates> GatesOfProfile(Session& session,
                                          const policy::OpenedAgreement& agreement);

// Returns the transfer, once custodians have approved it. `patience` says how long to wait, such as
// "1h"; empty for not at all. Nothing, and a note, if it is not approved.
absl::StatusOr<std::optional<v1::Transfer>> ApprovedTransfer(Session& session,
                                                             const std::string& name,
                                                             const std::string& patience);

// Fetches, looks up, deposits, closes, and prints what came of it. Of a transfer that is closed it
// prints that. While doubtful cases wait for a custodian it cannot be closed: `patience` says how
// long to wait for that, as above; kWaits if they still do.
absl::StatusOr<ExitStatus> ServeWith(Session& session, const v1::Transfer& transfer,
                                     client::SourceLookup& lookup, std::uint64_t streams,
                                     const std::string& patience);

}  // namespace holdfast::cli
