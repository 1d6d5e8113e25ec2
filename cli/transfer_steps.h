// SPDX-License-Identifier: Apache-2.0
// The steps of a requester's transfer, each of which can be taken again after a failure.
//
// When to use  One by one by `holdfast transfer create|submit|wait` and `envelope collect|open`,
// all
//              of them by `transfer run`.
// Threads      As the session.
// Ownership    Values.
// Errors       Those of the client library, and of the files.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "cli/session.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::cli {

// Makes terms of a textproto file, an attestation and the list's officers, and opens a transfer.
absl::StatusOr<v1::Transfer> CreateTransfer(Session& session, const std::string& terms_path,
                                            const std::string& attestation_path,
                                            const std::string& list_path, ByteSpan request_id);

struct SubmitSummary {
  std::uint64_t rows = 0;
  std::uint64_t accepted = 0;
  std::map<std::string, std::uint64_t> refused;  // By reason.
};

// Submits the list, writes what was refused to `refused_path` unless that is empty, and says that
// no more subjects come.
absl::StatusOr<SubmitSummary> SubmitList(Session& session, const v1::Transfer& transfer,
                                         const std::string& list_path,
                                         const std::string& refused_path, std::size_t streams);

// Waits until envelopes can be collected, or it is clear that they never will.
absl::StatusOr<v1::Transfer> WaitUntilClosed(Session& session, const std::string& transfer,
                                             std::chrono::milliseconds patience);

// Collects what is not yet in the file. Returns the number of envelopes in it.
absl::StatusOr<std::uint64_t> CollectInto(Session& session, const std::string& transfer,
                                          const std::string& path);

struct OpenSummary {
  std::uint64_t asked = 0;
  std::uint64_t opened = 0;
  std::uint64_t released = 0;      // Of the opened ones, those with a record.
  std::uint64_t not_released = 0;  // Expired, revoked or destroyed.
  absl::Status stopped;            // Why it ended before all were asked for, if it did: a hold.
};

// Asks for keys, opens the envelopes and writes the records to `out`. `rows` may be empty: all.
// `list_path` may be empty; with it, each envelope must be bound to the officer and case of its
// row.
absl::StatusOr<OpenSummary> OpenEnvelopes(Session& session, const std::string& envelopes_path,
                                          const std::vector<std::string>& rows,
                                          const std::string& list_path, const std::string& out);

}  // namespace holdfast::cli
