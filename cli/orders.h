// SPDX-License-Identifier: Apache-2.0
// From an act to a signed order that was delivered, and of which the ledger was seen to have it.
//
// When to use  By every command that is an act of a person. With --draft the order is written to a
//              file instead, to be shown, signed and carried by others (`holdfast order`). With
//              --drill it is signed and decided as a drill, and nothing is done.
// Threads      As the session; functions with different sessions may run side by side.
// Ownership    Options are written to by the parser; they must live as long as the command.
// Errors       Those of the client library, and of the files.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "cli/session.h"
#include "client/ledger_client.h"
#include "holdfast/order/v1/order.pb.h"
#include "holdfast/v1/drill_service.pb.h"
#include "holdfast/v1/hold_service.pb.h"

namespace holdfast::cli {

class Signer;

struct OrderOptions {
  bool yes = false;
  bool drill = false;
  std::string draft;
  std::string valid_for = "1h";

  void Declare(Command& command);

  // Errors: kRequestMalformed, for a drill that is to be drafted.
  absl::Status Check() const;

  // With --draft, or in a drill: whatever the command would say of a change does not hold.
  bool changes_nothing() const { return drill || !draft.empty(); }
};

// What goes into the next order of the profile's person beside the act: the exchange, the person,
// the agreement's version, the ledger's verified head and the person's last accepted order. An
// order of which all else is still missing; its JSON form is what `order context --out` keeps.
absl::StatusOr<order::v1::Order> ContextFromGateway(Session& session);

// The same from a file, without a gateway. It goes stale when the gateway accepts another order of
// this person: it names the one before.
// Errors: kRequestMalformed  not such a file, or another person's;
//         kAgreementMismatch  of another exchange.
absl::StatusOr<order::v1::Order> ContextFromFile(Session& session, const std::string& path);

// Makes an order of `act`, whose act alone is set, with the context of the file, or of the gateway
// where none is given.
absl::StatusOr<order::v1::Order> DraftOrder(Session& session, order::v1::Order act,
                                            const std::string& valid_for,
                                            const std::string& context_file = {});

// Signs with the profile's key. Returns the DSSE envelope.
absl::StatusOr<std::string> SignOrder(Session& session, const order::v1::Order& order);

// The same with a key that is open already; as an order, or as a drill (policy/drill.h), which
// never counts as one.
enum class SignAs { kOrder = 0, kDrill };
absl::StatusOr<std::string> SignOrderWith(Signer& signer, const order::v1::Order& order,
                                          SignAs as = SignAs::kOrder);

// Writes an unsigned order to a file that is not there yet, and says so.
absl::StatusOr<ExitStatus> WriteDraft(Session& session, const order::v1::Order& order,
                                      const std::string& path);

// Shows what the order does, and `effect`, a line or more about what it will change, if there is
// any. Asks, on a terminal, whether to sign. Without a terminal `yes` is needed: nobody signs by
// accident.
// Errors: kRequestMalformed if it was declined.
enum class Consent { kAsk = 0, kGiven };
absl::Status ConfirmOrder(Session& session, const order::v1::Order& order, Consent consent,
                          const std::string& effect = {}, SignAs as = SignAs::kOrder);

// Has the gateway decide a signed drill.
absl::StatusOr<v1::RehearseOrderResponse> Rehearse(Session& session, const std::string& dsse);

// Says that the gateway would accept the order, and in large letters that nothing is in force.
// `where` begins the lines, where there are several exchanges.
void ShowDrill(Session& session, const order::v1::Order& order,
               const v1::RehearseOrderResponse& response, const std::string& where = {});

// An order that a gateway says it accepted.
struct AcceptedOrder {
  v1::SubmitOrderResponse response;

  // Whether it has shown that: the entry holds this order, or one that places the same hold, and is
  // in a ledger that its key signed and that extends what was verified before. Until then nothing
  // may be called done.
  absl::Status proven;

  // Where `proven` is OK. The file is empty where it could not be written.
  client::VerifiedCheckpoint head;
  std::string receipt_file;
};

// Delivers a signed order, asks for the proof and keeps it, as a C2SP tlog-proof in the folder
// `receipts` of the profile's state.
absl::StatusOr<AcceptedOrder> Deliver(Session& session, const order::v1::Order& order,
                                      const std::string& dsse);

// Prints where the order stands in the ledger, and for a hold what was still in flight. An order
// that was accepted and not proven is an error.
ExitStatus ShowReceipt(Session& session, const order::v1::Order& order,
                       const AcceptedOrder& accepted);

// All of it: draft, confirm, sign, deliver, show; or only the draft with --draft; or a drill.
absl::StatusOr<ExitStatus> CarryOut(Session& session, order::v1::Order act,
                                    const OrderOptions& options, const std::string& effect = {});

// What CarryOut() made, for a command that says more of it than the receipt.
struct CarriedOut {
  order::v1::Order order;
  AcceptedOrder accepted;
};

// The same as CarryOut() but for the showing. Empty where only the draft was written, and after a
// drill, which was shown.
absl::StatusOr<std::optional<CarriedOut>> SignAndDeliver(Session& session, order::v1::Order act,
                                                         const OrderOptions& options,
                                                         const std::string& effect = {});

// Why an order that was accepted counts as unproven, for people.
absl::Status UnprovenOrder(const AcceptedOrder& accepted);

}  // namespace holdfast::cli
