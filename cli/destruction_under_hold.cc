// SPDX-License-Identifier: Apache-2.0
#include "cli/destruction_under_hold.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/orders.h"
#include "cli/place_hold.h"
#include "cli/session.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

struct AuthoriseOptions {
  std::uint64_t revocation = 0;
  std::string matter;
  std::string court;
  std::string reference;
  std::string document;
  OrderOptions order;
};

std::string ConflictText(const v1::Conflict& conflict) {
  std::string text =
      fmt::format("revocation {} by {}: {} records, list {}", conflict.revocation_index(),
                  conflict.revoked_by(), conflict.count(), conflict.list_digest());
  for (const v1::ConflictingHold& hold : conflict.holds()) {
    text += fmt::format("\n  hold {} in matter {}, {}: preserves {} of them{}", hold.hold_id(),
                        hold.matter(), hold.court(), hold.records(),
                        hold.overridden() ? "; a court's order is over it" : "");
  }
  if (conflict.authorisation_index() != 0) {
    text += fmt::format("\n  authorised by two people, ledger entries {} and {}",
                        conflict.authorisation_first_index(), conflict.authorisation_index());
  } else if (conflict.authorisation_first_index() != 0) {
    text += fmt::format("\n  authorised by one person, ledger entry {}; another must say the same",
                        conflict.authorisation_first_index());
  }
  return text;
}

JsonObject ConflictJson(const v1::Conflict& conflict) {
  JsonArray holds;
  for (const v1::ConflictingHold& hold : conflict.holds()) {
    JsonObject one;
    one.Set("hold", hold.hold_id())
        .Set("matter", hold.matter())
        .Set("court", hold.court())
        .Set("placed_index", hold.placed_index())
        .Set("records", hold.records())
        .Set("overridden", hold.overridden());
    holds.AddRaw(one.text());
  }
  JsonObject object("DisposalConflict");
  object.Set("revocation_index", conflict.revocation_index())
      .Set("count", conflict.count())
      .Set("list_digest", conflict.list_digest())
      .Set("revoked_by", conflict.revoked_by())
      .Set("holds", holds)
      .Set("authorisation_first_index", conflict.authorisation_first_index())
      .Set("authorisation_index", conflict.authorisation_index());
  return object;
}

absl::StatusOr<std::vector<v1::Conflict>> Conflicts(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  return client::OrderClient(channel).ListConflicts();
}

absl::StatusOr<ExitStatus> List(Session& session) {
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Conflict> conflicts, Conflicts(session));
  for (const v1::Conflict& conflict : conflicts) {
    session.out().Result(ConflictJson(conflict), ConflictText(conflict));
  }
  if (conflicts.empty()) session.out().Line("no hold stands against a destruction");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Authorise(Session& session, const AuthoriseOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Conflict> conflicts, Conflicts(session));
  const auto it = std::find_if(conflicts.begin(), conflicts.end(), [&](const v1::Conflict& one) {
    return one.revocation_index() == options.revocation;
  });
  if (it == conflicts.end()) {
    return MakeError(Reason::kNotFound,
                     fmt::format("no hold stands against revocation {}", options.revocation));
  }
  order::v1::Order act;
  order::v1::AuthoriseDestruction& authorise = *act.mutable_authorise_destruction();
  authorise.set_revocation_index(it->revocation_index());
  authorise.set_count(it->count());
  authorise.set_list_digest(it->list_digest());
  authorise.set_matter(options.matter);
  authorise.set_court(options.court);
  authorise.set_order_reference(options.reference);
  HF_ASSIGN_OR_RETURN(*authorise.mutable_document_sha256(),
                      HashDocument(session, options.document));
  for (const v1::ConflictingHold& hold : it->holds()) {
    order::v1::OverriddenHold& over = *authorise.add_holds();
    over.set_hold_id(hold.hold_id());
    over.set_placed_index(hold.placed_index());
  }
  // Once two have said it, what follows is another first word: the holds have changed since.
  if (it->authorisation_index() == 0) authorise.set_first_index(it->authorisation_first_index());
  const bool first = authorise.first_index() == 0;
  HF_ASSIGN_OR_RETURN(const ExitStatus exit,
                      CarryOut(session, std::move(act), options.order, ConflictText(*it)));
  if (exit == ExitStatus::kDone && first && !options.order.changes_nothing()) {
    session.out().Note(fmt::format(
        "nothing is destroyed yet; another person, with the same document, must say the same:\n"
        "  holdfast disposal authorise {} ...",
        options.revocation));
  }
  return exit;
}

}  // namespace

void DeclareConflicts(Command disposal) {
  disposal.Sub("conflicts", "list destructions that holds stand against").Runs(List);
}

void DeclareAuthorise(Command disposal) {
  auto options = std::make_shared<AuthoriseOptions>();
  Command authorise =
      disposal.Sub("authorise", "say that a court wants records destroyed although holds preserve");
  authorise.RequiredNumber("revocation", options->revocation, "the revocation's ledger entry")
      .Required("--matter", options->matter, "the matter in which the court decided")
      .Required("--court", options->court, "the court")
      .Required("--order-reference", options->reference, "the order's docket reference")
      .Required("--document", options->document, "the order's document; its SHA-256 is recorded");
  options->order.Declare(authorise);
  authorise.Footer("Two people, in the same words, at least one of them counsel.");
  authorise.Runs([options](Session& session) { return Authorise(session, *options); });
}

}  // namespace holdfast::cli
