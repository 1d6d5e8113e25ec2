// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "policy/order_json.h"
#include "policy/proto_time.h"

namespace holdfast::policy {
namespace {

// Returns "2026-11-24 10:24:45 UTC", with milliseconds where they are not zero.
std::string Say(const google::protobuf::Timestamp& time) {
  const std::optional<UnixMillis> millis = FromProto(time);
  if (!millis) return "a time that cannot be read";
  const std::string text = FormatRfc3339(*millis);
  const std::string fraction = text.substr(19, 4);
  return text.substr(0, 10) + " " + text.substr(11, 8) + (fraction == ".000" ? "" : fraction) +
         " UTC";
}

// What is empty is named, so that a missing word is not read over.
std::string Say(const std::string& text) { return text.empty() ? "(not given)" : text; }

std::string Count(std::uint64_t count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string EntryOf(std::uint64_t index) { return "ledger entry " + std::to_string(index); }

class Description final {
 public:
  void Line(const std::string& sentence) { text_ += sentence + "\n"; }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string SayDate(v1::RecordDate date) {
  switch (static_cast<int>(date)) {
    case v1::REQUESTED:
      return "of a transfer that was created";
    case v1::APPROVED:
      return "of a transfer that was approved";
    case v1::DEPOSITED:
      return "deposited";
    case v1::RELEASED:
      return "of which a key left";
    default:
      return "(of no date that is known)";
  }
}

void DescribeScope(bool given, const v1::Scope& scope, Description& out) {
  const bool rows = !scope.rows().empty();
  if (!given || (!scope.everything() && scope.transfer().empty() && !rows &&
                 scope.officer().empty() && scope.authority().empty() && scope.person().empty() &&
                 scope.people().empty() && !scope.has_dates() && !scope.has_verdicts())) {
    out.Line("It covers nothing, and will be refused.");
    return;
  }
  out.Line("It covers, now and later, the records for which all of this is true:");
  if (scope.everything()) out.Line("- any record of this exchange;");
  if (!scope.transfer().empty()) out.Line("- of " + scope.transfer() + ";");
  for (const v1::RowRange& range : scope.rows()) {
    out.Line("- in rows " + std::to_string(range.first()) + " to " + std::to_string(range.last()) +
             (scope.rows_size() > 1 ? ", or in another range of rows named here;" : ";"));
  }
  if (!scope.officer().empty()) out.Line("- of officer " + scope.officer() + ";");
  if (!scope.authority().empty()) out.Line("- asked for under " + scope.authority() + ";");
  if (!scope.person().empty()) out.Line("- of the person with pseudonym " + scope.person() + ";");
  if (!scope.people().empty()) {
    std::string names;
    for (const std::string& person : scope.people()) {
      names += (names.empty() ? "" : " or ") + Say(person);
    }
    out.Line("- of a person with the pseudonym " + names + ";");
  }
  if (scope.has_dates()) {
    out.Line("- " + SayDate(scope.dates().of()) + " from " + Say(scope.dates().from()) +
             " on and before " + Say(scope.dates().until()) + ";");
  }
  if (scope.has_verdicts()) {
    std::string names;
    for (const std::string& name : scope.verdicts().release()) {
      names += (names.empty() ? "" : " or ") + name;
    }
    const std::uint32_t version = scope.verdicts().gate_version();
    out.Line("- of which the release gate" +
             (version == 0 ? std::string() : ", in its version " + std::to_string(version) + ",") +
             " found " + Say(names) + ";");
  }
  out.Line("and no others.");
}

void DescribeRows(const google::protobuf::RepeatedPtrField<v1::RowRange>& rows, Description& out) {
  if (rows.empty()) out.Line("It names no rows, and will be refused.");
  for (const v1::RowRange& range : rows) {
    out.Line("- every case that waits in rows " + std::to_string(range.first()) + " to " +
             std::to_string(range.last()) + ";");
  }
}

void DescribeEffect(order::v1::HoldKind kind, Description& out) {
  constexpr std::string_view kFreeze =
      "From then on no record that it covers is deposited, collected or released";
  constexpr std::string_view kPreserve = "no key that it covers is destroyed";
  switch (kind) {
    case order::v1::FREEZE:
      out.Line(std::string(kFreeze) + ". It keeps nothing from being destroyed.");
      return;
    case order::v1::PRESERVE:
      out.Line("From then on " + std::string(kPreserve) + ". It stops no release.");
      return;
    case order::v1::HOLD_KIND_UNSPECIFIED:
    case order::v1::FREEZE_AND_PRESERVE:
      out.Line(std::string(kFreeze) + ", and " + std::string(kPreserve) + ".");
      return;
    case order::v1::HoldKind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case order::v1::HoldKind_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  out.Line("What it stops is not known to this program, and it will be refused.");
}

// "matter 1:26-cv-00001, court: D.D.C., by its order ECF 12, whose document has SHA-256 ..."
template <typename Act>
std::string SayCourtOrder(const Act& act) {
  return "matter " + Say(act.matter()) + ", court: " + Say(act.court()) + ", by its order " +
         Say(act.order_reference()) + ", whose document has SHA-256 " + Say(act.document_sha256());
}

std::string SayBasis(const order::v1::PlaceHold& hold) {
  const std::string document = hold.document_sha256().empty()
                                   ? "; its document is still to be named"
                                   : "; its document has SHA-256 " + hold.document_sha256();
  switch (hold.basis()) {
    case order::v1::HOLD_BASIS_UNSPECIFIED:
    case order::v1::WRITTEN_ORDER:
      return "By the court's order " + Say(hold.order_reference()) + "; its document has SHA-256 " +
             Say(hold.document_sha256());
    case order::v1::ORAL_ORDER:
      return "By an oral order of the court, reference: " + Say(hold.order_reference()) + document;
    case order::v1::ANTICIPATED_LITIGATION:
      return "In anticipation of litigation, reference: " + Say(hold.order_reference()) + document;
    case order::v1::HoldBasis_INT_MIN_SENTINEL_DO_NOT_USE_:
    case order::v1::HoldBasis_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "What it rests on is not known to this program, and it will be refused";
}

// What a hold is, whether it is placed or amended.
void DescribeHold(const order::v1::PlaceHold& hold, Description& out) {
  out.Line("Hold " + Say(hold.hold_id()) + " in matter " + Say(hold.matter()) +
           ", court: " + Say(hold.court()) + ".");
  out.Line(SayBasis(hold) + ".");
  DescribeEffect(hold.kind(), out);
  DescribeScope(hold.has_scope(), hold.scope(), out);
  out.Line(hold.has_review_at() ? "Somebody must look at it again by " + Say(hold.review_at()) +
                                      ". That date lifts nothing."
                                : "No date is set on which somebody must look at it again.");
}

std::string_view SayBrake(order::v1::Brake brake) {
  switch (brake) {
    case order::v1::OFFICER_LOAD:
      return "an officer has more open cases than agreed (OFFICER_LOAD)";
    case order::v1::OFFICER_SHARE:
      return "an officer has a larger part of the transfer than agreed (OFFICER_SHARE)";
    case order::v1::REFUSED_SHARE:
      return "more of the subjects were refused than agreed (REFUSED_SHARE)";
    case order::v1::PLACEHOLDER_SHARE:
      return "more of the subjects were placeholders than agreed (PLACEHOLDER_SHARE)";
    case order::v1::DAILY_VOLUME:
      return "the requester asks for more people in a day than agreed (DAILY_VOLUME)";
    case order::v1::TOTAL_VOLUME:
      return "the requester asks for more people in all than agreed (TOTAL_VOLUME)";
    case order::v1::SECOND_ADDRESS:
      return "a person was asked for at a second, different address (SECOND_ADDRESS)";
    case order::v1::BRAKE_UNSPECIFIED:
    case order::v1::Brake_INT_MIN_SENTINEL_DO_NOT_USE_:
    case order::v1::Brake_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "a brake that this program does not know";
}

void DescribeAct(const order::v1::Order& order, Description& out) {
  using order::v1::Order;
  switch (order.act_case()) {
    case Order::kApproveTransfer: {
      const auto& act = order.approve_transfer();
      out.Line("APPROVE A TRANSFER: its accepted subjects may go to the source.");
      out.Line(Say(act.transfer()) + ", as shown in the dossier with SHA-256 " +
               Say(act.dossier_digest()) + ".");
      return;
    }
    case Order::kDenyTransfer: {
      const auto& act = order.deny_transfer();
      out.Line("DENY A TRANSFER: it ends, and nothing of it goes to the source.");
      out.Line(Say(act.transfer()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kSuspendTransfer: {
      const auto& act = order.suspend_transfer();
      out.Line(
          "SUSPEND A TRANSFER, at once: nothing of it is submitted, approved, fetched, deposited,"
          " closed, collected or released until a custodian resumes it.");
      out.Line(Say(act.transfer()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kResumeTransfer: {
      const auto& act = order.resume_transfer();
      out.Line("RESUME A TRANSFER: it goes on where it was suspended.");
      out.Line(Say(act.transfer()) + ", suspended by " + EntryOf(act.suspension_index()) +
               ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kCapTransfer: {
      const auto& act = order.cap_transfer();
      out.Line("CAP A TRANSFER, at once: keys of at most " + Count(act.records(), "record") +
               " leave, those that have left before included. It can only be lowered.");
      out.Line(Say(act.transfer()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kEndTransfer: {
      const auto& act = order.end_transfer();
      out.Line("END A TRANSFER: nothing of it moves from " +
               (act.has_end_at() ? Say(act.end_at()) : Say(std::string())) +
               " on. It can only be made earlier, and it destroys nothing.");
      out.Line(Say(act.transfer()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kLetTransferGoOn: {
      const auto& act = order.let_transfer_go_on();
      out.Line("LET A TRANSFER GO ON although brakes of the agreement stopped it:");
      for (const int brake : act.brakes()) {
        out.Line("- " + std::string(SayBrake(static_cast<order::v1::Brake>(brake))) + ";");
      }
      if (act.brakes().empty()) out.Line("- none, and it will be refused;");
      out.Line(Say(act.transfer()) +
               (act.dossier_digest().empty()
                    ? ", whose subjects are still being submitted."
                    : ", as shown in the dossier with SHA-256 " + act.dossier_digest() + ".") +
               " Reason: " + Say(act.reason()));
      return;
    }
    case Order::kReleaseCase: {
      const auto& act = order.release_case();
      out.Line("RELEASE ONE DOUBTFUL CASE: you say that this candidate is the person asked about.");
      out.Line(Say(act.transfer()) + ", row " + std::to_string(act.row()) + ", candidate " +
               std::to_string(act.candidate()) + ", as shown in the case with SHA-256 " +
               Say(act.case_digest()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kRefuseCases: {
      const auto& act = order.refuse_cases();
      out.Line("REFUSE DOUBTFUL CASES: nothing is released for these subjects, now or later.");
      out.Line(Count(act.count(), "case") + " of " + Say(act.transfer()) +
               ". Reason: " + Say(act.reason()));
      DescribeRows(act.rows(), out);
      return;
    }
    case Order::kPlaceHold:
      out.Line("PLACE A HOLD, at once.");
      DescribeHold(order.place_hold(), out);
      return;
    case Order::kAmendHold: {
      const auto& act = order.amend_hold();
      out.Line(
          "AMEND A HOLD. If what it stops and covers only grows, at once; if not, this is a"
          " proposal: the hold stays as it is until another person confirms and the cooling period"
          " is over.");
      out.Line("It was last placed by " + EntryOf(act.placed_index()) +
               ". Reason: " + Say(act.reason()) + " It is to say:");
      DescribeHold(act.hold(), out);
      return;
    }
    case Order::kConfirmAmendment: {
      const auto& act = order.confirm_amendment();
      out.Line(
          "CONFIRM THE NARROWING OF A HOLD. It stays as it is until the cooling period is over,"
          " and any counsel can still cancel it.");
      out.Line("Hold " + Say(act.hold_id()) + ", last placed by " + EntryOf(act.placed_index()) +
               ", the amendment proposed by " + EntryOf(act.proposal_index()) + ".");
      return;
    }
    case Order::kAttachDocument: {
      const auto& act = order.attach_document();
      out.Line("NAME THE DOCUMENT OF A HOLD that was placed without one.");
      out.Line("Hold " + Say(act.hold_id()) + ", court: " + Say(act.court()) + ", its order " +
               Say(act.order_reference()) + "; the document has SHA-256 " +
               Say(act.document_sha256()) + ".");
      return;
    }
    case Order::kAcknowledgeNotice: {
      const auto& act = order.acknowledge_notice();
      out.Line("ACKNOWLEDGE THE NOTICE OF A HOLD.");
      out.Line("Hold " + Say(act.hold_id()) + ", last placed by " + EntryOf(act.placed_index()) +
               ". The notice went to " + Say(act.requester()) + ".");
      return;
    }
    case Order::kRestoreHold: {
      const auto& act = order.restore_hold();
      out.Line("RESTORE A HOLD that was lifted: it is in force again, at once, as it was.");
      out.Line("Hold " + Say(act.hold_id()) + ", last placed by " + EntryOf(act.placed_index()) +
               ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kProposeLift: {
      const auto& act = order.propose_lift();
      out.Line(
          "PROPOSE TO LIFT A HOLD. It stays in force until another person confirms and the"
          " cooling period is over.");
      out.Line("Hold " + Say(act.hold_id()) + ", last placed by " + EntryOf(act.placed_index()) +
               ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kConfirmLift: {
      const auto& act = order.confirm_lift();
      out.Line(
          "CONFIRM THE LIFTING OF A HOLD. It stays in force until the cooling period is over,"
          " and any counsel can still cancel the lift.");
      out.Line("Hold " + Say(act.hold_id()) + ", last placed by " + EntryOf(act.placed_index()) +
               ", proposed by " + EntryOf(act.proposal_index()) + ".");
      return;
    }
    case Order::kCancelLift: {
      const auto& act = order.cancel_lift();
      out.Line("CANCEL THE LIFTING OR NARROWING OF A HOLD. It stays in force as it is.");
      out.Line("Hold " + Say(act.hold_id()) + ", what was proposed by " +
               EntryOf(act.proposal_index()) + ".");
      return;
    }
    case Order::kRevokeRecords: {
      const auto& act = order.revoke_records();
      out.Line("REVOKE RECORDS: their keys are never released again, and are to be destroyed.");
      out.Line(Count(act.count(), "record") + ", in the list with SHA-256 " +
               Say(act.list_digest()) + ". Reason: " + Say(act.reason()));
      DescribeScope(act.has_scope(), act.scope(), out);
      return;
    }
    case Order::kApproveDestruction: {
      const auto& act = order.approve_destruction();
      out.Line("APPROVE A DESTRUCTION: keys that are destroyed cannot be brought back.");
      out.Line(Count(act.count(), "record") + ", in the list with SHA-256 " +
               Say(act.list_digest()) + ", revoked by " + EntryOf(act.revocation_index()) + ".");
      return;
    }
    case Order::kCancelDestruction: {
      const auto& act = order.cancel_destruction();
      out.Line("CANCEL A DESTRUCTION: the keys are kept. The records stay revoked.");
      out.Line("Revoked by " + EntryOf(act.revocation_index()) + ". Reason: " + Say(act.reason()));
      return;
    }
    case Order::kAuthoriseDestruction: {
      const auto& act = order.authorise_destruction();
      out.Line(
          "AUTHORISE A DESTRUCTION UNDER HOLDS, because a court has ordered it: keys that are"
          " destroyed cannot be brought back.");
      out.Line(Count(act.count(), "record") + ", in the list with SHA-256 " +
               Say(act.list_digest()) + ", revoked by " + EntryOf(act.revocation_index()) + ".");
      out.Line("In " + SayCourtOrder(act) + ".");
      out.Line("These holds do not keep the records any more; any other still does:");
      for (const auto& hold : act.holds()) {
        out.Line("- hold " + Say(hold.hold_id()) + ", last placed by " +
                 EntryOf(hold.placed_index()) + ";");
      }
      if (act.holds().empty()) out.Line("- none, and it will be refused;");
      out.Line(act.first_index() == 0
                   ? "This is the first of two persons' authorisations."
                   : "This is the second; the first is " + EntryOf(act.first_index()) + ".");
      return;
    }
    case Order::kStrikeOff: {
      const auto& act = order.strike_off();
      out.Line(act.public_key().empty()
                   ? "STRIKE A MEMBER OFF, at once: nothing that they sign or ask for is accepted."
                   : "STRIKE A KEY OFF, at once: nothing that is signed with it is accepted.");
      out.Line("Member " + Say(act.member()) +
               (act.public_key().empty() ? "." : ", key " + act.public_key() + ".") +
               " What they have proposed or approved and has not taken effect counts no more."
               " Reason: " +
               Say(act.reason()));
      return;
    }
    case Order::kAccountPerson: {
      const auto& act = order.account_person();
      out.Line("ACCOUNT FOR A PERSON: read every request for, and disclosure about, one person.");
      for (const std::string& person : act.people()) out.Line("Pseudonym " + Say(person) + ".");
      out.Line("Reason: " + Say(act.reason()));
      return;
    }
    case Order::kDestroyPseudonymKey: {
      const auto& act = order.destroy_pseudonym_key();
      out.Line(
          "DESTROY THE KEY THAT MAKES PSEUDONYMS: nobody can be found by identity, nor asked for,"
          " ever again.");
      out.Line(act.first_index() == 0
                   ? "This is the first of two persons' orders."
                   : "This is the second; the first is " + EntryOf(act.first_index()) + ".");
      out.Line("Reason: " + Say(act.reason()));
      return;
    }
    case Order::kTrustClock: {
      out.Line("TRUST THE GATEWAY'S CLOCK: releases, lifts and destructions go on by it.");
      out.Line("Reason: " + Say(order.trust_clock().reason()));
      return;
    }
    case Order::ACT_NOT_SET:
      break;
  }
  out.Line("This orders nothing, and will be refused.");
}

}  // namespace

std::string DescribeOrder(const order::v1::Order& order) {
  Description out;
  DescribeAct(order, out);
  out.Line("Order " + Say(order.id()) + " by " + Say(order.person()) + ".");
  out.Line("For exchange " + Say(order.exchange_id()) + ", under version " +
           std::to_string(order.agreement_version()) + " of its agreement.");
  out.Line("Signed at " + (order.has_issued_at() ? Say(order.issued_at()) : Say(std::string())) +
           "; void from " +
           (order.has_void_after() ? Say(order.void_after()) : Say(std::string())) + " on.");
  out.Line("The ledger that the signer had verified: " + std::to_string(order.head().size()) +
           " entries" + ", root " + Say(order.head().root()) + ".");
  out.Line(order.prev().empty()
               ? "No order of this person was accepted before."
               : "The last accepted order of this person has SHA-256 " + order.prev() + ".");
  return out.Take();
}

}  // namespace holdfast::policy
