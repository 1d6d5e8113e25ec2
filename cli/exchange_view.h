// SPDX-License-Identifier: Apache-2.0
// What the gateway's answers look like, as text and as JSON; and the checkpoint that every person's
// act begins with.
//
// Threads      As the session.
// Ownership    Values.
// Errors       VerifyCheckpoint(), WitnessedChannel(): those of client/ledger_client.h.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "base/time.h"
#include "cli/json.h"
#include "cli/session.h"
#include "client/ledger_client.h"
#include "google/protobuf/timestamp.pb.h"
#include "holdfast/v1/disposal_service.pb.h"
#include "holdfast/v1/hold_service.pb.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::cli {

// Gets the newest checkpoint and verifies that it extends the one that was seen last.
absl::StatusOr<client::VerifiedCheckpoint> VerifyCheckpoint(Session& session);

// Returns the connection once the gateway's ledger was verified to extend what this profile saw
// last: whoever calls is a witness. A profile that does not name its exchange cannot be one.
absl::StatusOr<std::shared_ptr<client::Channel>> WitnessedChannel(Session& session);

UnixMillis ToMillis(const google::protobuf::Timestamp& time);

std::string StateName(v1::Transfer::State state);
std::string StateName(v1::Hold::State state);
std::string StateName(v1::Disposal::State state);
std::string EventName(v1::HoldEvent::Kind kind);  // "lift proposed"

JsonObject TransferJson(const v1::Transfer& transfer);
std::string TransferText(const Output& output, const v1::Transfer& transfer);

JsonObject HoldJson(const v1::Hold& hold);
std::string HoldText(const Output& output, const v1::Hold& hold);

JsonObject DisposalJson(const v1::Disposal& disposal);
std::string DisposalText(const Output& output, const v1::Disposal& disposal);

}  // namespace holdfast::cli
