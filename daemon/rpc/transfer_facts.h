// SPDX-License-Identifier: Apache-2.0
// What a stream must know of its transfer, and how it finds out without waiting.
//
// When to use  By the services that move chunks and keys: ask once a stream, then work on every
//              message without the writer.
// Threads      TransferFacts is immutable. FindTransferFacts() may be called concurrently.
// Ownership    Facts own everything.
// Errors       kTransferNotFound, also for a transfer of another requester: who may not see it does
//              not learn that it exists.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/time.h"
#include "daemon/exchange/core.h"
#include "daemon/rpc/directory.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/transfer.h"

namespace holdfast::rpc {

struct TransferFacts {
  std::uint32_t number = 0;
  TransferId id;
  std::string requester;
  policy::TransferState state = policy::TransferState::kUnspecified;
  std::shared_ptr<const ledger::v1::TransferCreated> terms;
  UnixMillis not_before;
  UnixMillis not_after;
  Digest32 agreement_digest{};
  std::uint32_t rows = 0;    // 0 until the submission has finished.
  std::uint32_t chunks = 0;  // The same.
  UnixMillis late;           // The ledger's late time, when this was asked.
};

// Who asks for a transfer. A requester sees its own only.
struct Viewer {
  std::string member;
  policy::Role role = agreement::v1::ROLE_UNSPECIFIED;
};

// Errors: kPermissionDenied if the agreement does not know the caller.
absl::StatusOr<Viewer> ViewerOf(const Hosted& hosted, const Call& call);

// The transfer called `name`, if `viewer` may know of it.
absl::StatusOr<const policy::Transfer*> VisibleTransfer(const policy::State& state,
                                                        const std::string& name,
                                                        const Viewer& viewer);

TransferFacts FactsOf(const policy::State& state, const policy::Transfer& transfer);

// Calls `found` on the executor.
void FindTransferFacts(
    const Hosted& hosted, std::string name, Viewer viewer,
    std::function<void(absl::StatusOr<std::shared_ptr<const TransferFacts>>)> found);

}  // namespace holdfast::rpc
