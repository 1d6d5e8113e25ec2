// SPDX-License-Identifier: Apache-2.0
// From an act to a signed order that was delivered.
//
// When to use  By every command that is an act of a person. With --draft the order is written to a
// file
//              instead, to be shown, signed and carried by others (`holdfast order`).
// Threads      As the session.
// Ownership    Options are written to by the parser; they must live as long as the command.
// Errors       Those of the client library, and of the files.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "cli/session.h"
#include "holdfast/order/v1/order.pb.h"
#include "holdfast/v1/hold_service.pb.h"

namespace holdfast::cli {

struct OrderOptions {
  bool yes = false;
  std::string draft;
  std::string valid_for = "1h";

  void Declare(Command& command);
};

// Gets the ledger's verified head and the signer's chain from the gateway and makes an order of
// `act`, whose act alone is set.
absl::StatusOr<order::v1::Order> DraftOrder(Session& session, order::v1::Order act,
                                            const std::string& valid_for);

// Signs with the profile's key. Returns the DSSE envelope.
absl::StatusOr<std::string> SignOrder(Session& session, const order::v1::Order& order);

// Shows what the order does and asks, on a terminal, whether to sign. Without a terminal `yes` is
// needed: nobody signs by accident.
// Errors: kRequestMalformed if it was declined.
enum class Consent { kAsk = 0, kGiven };
absl::Status ConfirmOrder(Session& session, const order::v1::Order& order, Consent consent);

// Prints where the order stands in the ledger, and for a hold what was still in flight.
ExitStatus ShowReceipt(Session& session, const order::v1::Order& order,
                       const v1::SubmitOrderResponse& response);

// All of it: draft, confirm, sign, deliver, show; or only the draft with --draft.
absl::StatusOr<ExitStatus> CarryOut(Session& session, order::v1::Order act,
                                    const OrderOptions& options);

}  // namespace holdfast::cli
