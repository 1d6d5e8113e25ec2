// SPDX-License-Identifier: Apache-2.0
#include "cli/exchange_view.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "cli/scope_options.h"

namespace holdfast::cli {
namespace {

// Enumerators are written in lower case: AWAITING_APPROVAL is "awaiting approval" to people.
std::string Lower(const std::string& name) {
  std::string text;
  for (const char c : name) {
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? ' ' : c;
  }
  return text;
}

void SetTime(JsonObject& object, std::string_view name, bool present,
             const google::protobuf::Timestamp& time) {
  if (present) object.Set(name, FormatRfc3339(ToMillis(time)));
}

std::string Stops(const v1::Hold& hold) {
  if (hold.freezes() && hold.preserves()) return "freezes and preserves";
  return hold.freezes() ? "freezes" : "preserves";
}

}  // namespace

absl::StatusOr<client::VerifiedCheckpoint> VerifyCheckpoint(Session& session) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string folder, session.ProfileValue(&Profile::state, "state"));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_RETURN_IF_ERROR(session.MakeFolder(folder));
  const client::CheckpointMemory memory(session.files(), folder, exchange);
  return client::LedgerClient(channel).Checkpoint(memory, exchange);
}

absl::StatusOr<std::shared_ptr<client::Channel>> WitnessedChannel(Session& session) {
  HF_ASSIGN_OR_RETURN(const Profile* profile, session.profile());
  if (!profile->exchange_id.empty()) HF_RETURN_IF_ERROR(VerifyCheckpoint(session).status());
  return session.channel();
}

UnixMillis ToMillis(const google::protobuf::Timestamp& time) {
  return UnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

std::string StateName(v1::Transfer::State state) { return v1::Transfer::State_Name(state); }
std::string StateName(v1::Hold::State state) { return v1::Hold::State_Name(state); }
std::string EventName(v1::HoldEvent::Kind kind) { return Lower(v1::HoldEvent::Kind_Name(kind)); }
std::string StateName(v1::Disposal::State state) { return v1::Disposal::State_Name(state); }

JsonObject TransferJson(const v1::Transfer& transfer) {
  JsonObject object("Transfer");
  JsonObject refused;
  for (const v1::ReasonCount& count : transfer.refused())
    refused.Set(count.reason(), count.count());
  JsonArray matters;
  for (const std::string& matter : transfer.matters()) matters.Add(matter);
  JsonArray stops;
  for (const v1::Stop& stop : transfer.stops()) stops.Add(stop.reason());
  object.Set("name", transfer.name())
      .Set("state", StateName(transfer.state()))
      .Set("authority", transfer.terms().authority())
      .Set("purpose", transfer.terms().purpose())
      .Set("subjects", transfer.subjects())
      .Set("accepted", transfer.accepted())
      .Set("refused", refused)
      .Set("deposited", transfer.deposited())
      .Set("approvals", transfer.approvals())
      .Set("dossier_digest", transfer.dossier_digest())
      .Set("matters", matters);
  SetTime(object, "not_before", transfer.has_not_before(), transfer.not_before());
  SetTime(object, "not_after", transfer.has_not_after(), transfer.not_after());
  object.Set("stops", stops);
  if (transfer.has_record_cap()) object.Set("record_cap", transfer.record_cap());
  SetTime(object, "ends_at", transfer.has_ends_at(), transfer.ends_at());
  object.Set("waiting", transfer.waiting());
  return object;
}

std::string TransferText(const Output& output, const v1::Transfer& transfer) {
  std::string text = fmt::format("{}  {}", transfer.name(), Lower(StateName(transfer.state())));
  text +=
      fmt::format("\n  under {} for: {}", transfer.terms().authority(), transfer.terms().purpose());
  text += fmt::format("\n  {} subjects, {} accepted", transfer.subjects(), transfer.accepted());
  if (transfer.deposited() > 0) text += fmt::format(", {} deposited", transfer.deposited());
  if (transfer.waiting() > 0) {
    text +=
        fmt::format("\n  {:>8} doubtful cases wait for a custodian's review", transfer.waiting());
  }
  for (const v1::ReasonCount& count : transfer.refused()) {
    text += fmt::format("\n  {:>8} refused: {}", count.count(), count.reason());
  }
  if (!transfer.dossier_digest().empty()) {
    text += fmt::format("\n  {} approvals of dossier {}", transfer.approvals(),
                        transfer.dossier_digest());
  }
  if (transfer.has_not_after()) {
    text += "\n  keys can be released until " + output.Time(ToMillis(transfer.not_after()));
  }
  if (transfer.has_ends_at()) {
    text += "\n  a custodian ends it at " + output.Time(ToMillis(transfer.ends_at()));
  }
  if (transfer.has_record_cap()) {
    text += fmt::format("\n  keys of at most {} records leave", transfer.record_cap());
  }
  for (const v1::Stop& stop : transfer.stops()) {
    text += "\n  STOPPED: " + stop.reason() + "; it waits for a custodian";
  }
  for (const std::string& matter : transfer.matters()) text += "\n  held in matter " + matter;
  return text;
}

JsonObject HoldJson(const v1::Hold& hold) {
  JsonObject object("HoldView");
  object.Set("id", hold.id())
      .Set("state", StateName(hold.state()))
      .Set("matter", hold.matter())
      .Set("court", hold.court())
      .Set("order_reference", hold.order_reference())
      .Set("document_sha256", hold.document_sha256())
      .Set("freezes", hold.freezes())
      .Set("preserves", hold.preserves())
      .Set("scope", DescribeScope(hold.scope()))
      .Set("placed_index", hold.placed_index())
      .Set("placed_by", hold.placed_by())
      .Set("proposal_index", hold.proposal_index());
  SetTime(object, "placed_at", hold.has_placed_at(), hold.placed_at());
  SetTime(object, "lift_at", hold.has_lift_at(), hold.lift_at());
  SetTime(object, "review_at", hold.has_review_at(), hold.review_at());
  object.Set("last_placed_index", hold.last_placed_index())
      .Set("basis", v1::Hold::Basis_Name(hold.basis()))
      .Set("document_overdue", hold.document_overdue());
  SetTime(object, "document_due_at", hold.has_document_due_at(), hold.document_due_at());
  std::uint64_t waiting = 0;
  std::uint64_t overdue = 0;
  for (const v1::Notice& notice : hold.notices()) {
    if (notice.acknowledged_index() == 0) ++waiting;
    if (notice.overdue()) ++overdue;
  }
  object.Set("notices", std::uint64_t{static_cast<std::uint64_t>(hold.notices_size())})
      .Set("notices_waiting", waiting)
      .Set("notices_overdue", overdue);
  if (hold.has_amendment()) object.Set("amendment_scope", DescribeScope(hold.amendment().scope()));
  return object;
}

std::string HoldText(const Output& output, const v1::Hold& hold) {
  std::string text = fmt::format("{}  {}", hold.id(), Lower(StateName(hold.state())));
  text += fmt::format("\n  matter {}, {}, {}", hold.matter(), hold.court(), hold.order_reference());
  const std::string scope = DescribeScope(hold.scope());
  text += "\n  " + Stops(hold) + (scope.empty() ? "" : " " + scope);
  if (!hold.placed_by().empty()) {
    text += fmt::format("\n  placed by {} at {}, ledger entry {}", hold.placed_by(),
                        output.Time(ToMillis(hold.placed_at())), hold.placed_index());
  }
  if (hold.has_document_due_at()) {
    text += fmt::format(
        "\n  {}: its document {} {}",
        hold.basis() == v1::Hold::ORAL_ORDER ? "on an oral order" : "in anticipation of litigation",
        hold.document_overdue() ? "is OVERDUE since" : "is due by",
        output.Time(ToMillis(hold.document_due_at())));
  }
  for (const v1::Notice& notice : hold.notices()) {
    if (notice.acknowledged_index() != 0) continue;
    text += fmt::format("\n  notice to {} {} {}", notice.requester(),
                        notice.overdue() ? "OVERDUE: not acknowledged by" : "to be acknowledged by",
                        output.Time(ToMillis(notice.due_at())));
  }
  if (hold.state() == v1::Hold::AMENDMENT_PROPOSED) {
    text += fmt::format("\n  to be narrowed to {} (ledger entry {}): needs another person",
                        DescribeScope(hold.amendment().scope()), hold.proposal_index());
  }
  if (hold.state() == v1::Hold::AMENDMENT_CONFIRMED) {
    text += "\n  narrowed to " + DescribeScope(hold.amendment().scope()) + " at " +
            output.Time(ToMillis(hold.lift_at()));
  }
  if (hold.state() == v1::Hold::LIFT_PROPOSED) {
    text += fmt::format("\n  a lift is proposed (ledger entry {}) and needs another person",
                        hold.proposal_index());
  }
  if (hold.state() == v1::Hold::LIFT_CONFIRMED) {
    text += "\n  in force until " + output.Time(ToMillis(hold.lift_at()));
  }
  if (hold.has_review_at()) text += "\n  review by " + output.Time(ToMillis(hold.review_at()));
  return text;
}

JsonObject DisposalJson(const v1::Disposal& disposal) {
  JsonObject object("Disposal");
  object.Set("revocation_index", disposal.revocation_index())
      .Set("state", StateName(disposal.state()))
      .Set("count", disposal.count())
      .Set("list_digest", disposal.list_digest())
      .Set("revoked_by", disposal.revoked_by())
      .Set("approvals", disposal.approvals())
      .Set("destroyed_index", disposal.destroyed_index())
      .Set("matter", disposal.matter());
  SetTime(object, "due_at", disposal.has_due_at(), disposal.due_at());
  return object;
}

std::string DisposalText(const Output& output, const v1::Disposal& disposal) {
  std::string text = fmt::format("revocation {}  {}", disposal.revocation_index(),
                                 Lower(StateName(disposal.state())));
  text += fmt::format("\n  {} records, list {}", disposal.count(), disposal.list_digest());
  text +=
      fmt::format("\n  revoked by {}, {} approvals", disposal.revoked_by(), disposal.approvals());
  if (disposal.has_due_at() && disposal.state() != v1::Disposal::DESTROYED) {
    text += "\n  destroyed not before " + output.Time(ToMillis(disposal.due_at()));
  }
  if (disposal.state() == v1::Disposal::DESTROYED) {
    text += fmt::format("\n  destroyed: ledger entry {}", disposal.destroyed_index());
  }
  if (!disposal.matter().empty()) text += "\n  preserved in matter " + disposal.matter();
  return text;
}

}  // namespace holdfast::cli
