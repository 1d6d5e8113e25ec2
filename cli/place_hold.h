// SPDX-License-Identifier: Apache-2.0
// Placing one hold, on one exchange or on several at once.
//
// When to use  Behind `holdfast hold place`.
// Threads      As the session. Exchanges are asked side by side, each by a thread and a session of
//              its own: one that is down keeps no other waiting.
// Ownership    Values.
// Errors       Those of cli/orders.h.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "cli/orders.h"
#include "cli/scope_options.h"
#include "cli/session.h"

namespace holdfast::cli {

struct PlaceOptions {
  std::string id;
  std::string matter;
  std::string court;
  std::string reference;
  std::string document;
  std::string basis;
  std::string kind;
  std::string review;
  std::string context;
  bool dry_run = false;
  ScopeOptions scope;
  OrderOptions order;

  void Declare(Command& command);
};

// Shows what it will do, asks, signs, delivers and verifies, on every exchange that the session's
// profiles name. Says IN FORCE of those alone that proved it. kPartlyDone unless all of several are
// in force; for one, the status that says why it is not.
absl::StatusOr<ExitStatus> PlaceHold(Session& session, const PlaceOptions& options);

// Parts that an amendment shares.

// Reads "freeze", "preserve", "both", or nothing, which is both.
absl::StatusOr<order::v1::HoldKind> ParseHoldKind(const std::string& text);

// Returns the SHA-256 of a document, in hex. Errors: kRequestMalformed if it is empty.
absl::StatusOr<std::string> HashDocument(Session& session, const std::string& path);

// What a preview counts, in words.
std::string EffectText(const v1::PreviewHoldResponse& preview);

}  // namespace holdfast::cli
