// SPDX-License-Identifier: Apache-2.0
// holdfast keyslot: what the root key lies in, whether it is on its way to somewhere else, and how
// an exchange goes on without a keyslot that is lost.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/commands.h"
#include "cli/keyslot_view.h"
#include "cli/verified_export.h"
#include "client/ledger_client.h"
#include "policy/joint_order.h"
#include "policy/keyslot_strike_off.h"

namespace holdfast::cli {
namespace {

// In the state folder, written by the daemon.
constexpr char kEpochName[] = "epoch";
constexpr std::size_t kMaxNoteBytes = 256;

absl::StatusOr<ExitStatus> ShowKeyslot(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, client::LedgerClient(channel).GetExchange());
  JsonArray parts;
  std::string text = fmt::format("{}, erasure class {}, epoch {}", exchange.keyslot_kind(),
                                 exchange.erasure_class(), exchange.epoch());
  for (const v1::KeyslotPart& part : exchange.keyslot_parts()) {
    JsonObject object;
    object.Set("kind", part.kind())
        .Set("erasure_class", part.erasure_class())
        .Set("device", part.device());
    parts.AddRaw(object.text());
    text += fmt::format("\n  {} (erasure class {}){}{}", part.kind(), part.erasure_class(),
                        part.device().empty() ? "" : ": ", part.device());
  }
  const std::uint64_t budget = exchange.keyslot_epoch_budget();
  text += fmt::format("\n  {} epochs written to it", exchange.keyslot_epochs());
  if (budget != 0) text += fmt::format(", of some {} that its memory bears", budget);
  if (budget != 0 && exchange.keyslot_epochs() >= budget / 2) {
    text += "\n  HALF OF THEM ARE USED UP: plan a move to another one (docs/operations.md)";
  }
  if (exchange.keyslot_moving()) {
    text += "\n  moving: the epoch that ends it is still to be made; leave migrate_from in place";
  }
  JsonObject object("Keyslot");
  object.Set("keyslot", exchange.keyslot_kind())
      .Set("erasure_class", exchange.erasure_class())
      .Set("epoch", exchange.epoch())
      .Set("epochs_written", exchange.keyslot_epochs())
      .Set("epoch_budget", budget)
      .Set("moving", exchange.keyslot_moving())
      .Set("parts", parts);
  session.out().Result(object, text);
  NoteSingleKeyslot(session, exchange);
  return exchange.keyslot_moving() ? ExitStatus::kWaits : ExitStatus::kDone;
}

// What a move is called, as the daemon names its keyslot meanwhile.
constexpr std::string_view kMoving = "moving(";
constexpr std::chrono::milliseconds kLook{200};

struct MigrateOptions {
  std::string wait = "60s";
};

// Follows the move that the configuration asks for. It moves nothing itself: the key never leaves
// the daemon, and a move is an epoch of the exchange.
absl::StatusOr<ExitStatus> Migrate(Session& session, const MigrateOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds patience, ParseDuration(options.wait));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient client(channel);
  const auto end = session.clock().SinceBoot() + patience;
  HF_ASSIGN_OR_RETURN(v1::Exchange exchange, client.GetExchange());
  if (!std::string_view(exchange.keyslot_kind()).starts_with(kMoving)) {
    return MakeError(Reason::kConfigInvalid,
                     "the gateway's configuration names no migrate_from: put the new keyslot into "
                     "keyslots and the present one, " +
                         exchange.keyslot_kind() + ", into migrate_from, and start it again");
  }
  while (exchange.keyslot_moving() && session.clock().SinceBoot() < end) {
    std::this_thread::sleep_for(kLook);
    HF_ASSIGN_OR_RETURN(exchange, client.GetExchange());
  }
  JsonObject object("KeyslotMigration");
  object.Set("keyslot", exchange.keyslot_kind())
      .Set("epoch", exchange.epoch())
      .Set("moving", exchange.keyslot_moving());
  session.out().Result(
      object,
      exchange.keyslot_moving()
          ? exchange.keyslot_kind() +
                ": the epoch that moves the key is still to be made; until then the old "
                "keyslot alone has it"
          : fmt::format("{}: moved, in epoch {}. The new keyslot alone has the key, and the "
                        "old one is empty. Leave migrate_from out at the next start",
                        exchange.keyslot_kind(), exchange.epoch()));
  return exchange.keyslot_moving() ? ExitStatus::kWaits : ExitStatus::kDone;
}

struct OrderOptions {
  std::string keyslots;
  std::vector<std::string> members;
  std::uint64_t epoch = 0;
  std::string reason;
  std::string countersign;
  std::string order;
  std::string out;
  std::string state;
  std::string agreement;
  VerifiedExport source;  // For --exchange-id.
};

absl::StatusOr<std::vector<std::uint32_t>> ParseMembers(const std::vector<std::string>& texts) {
  std::vector<std::uint32_t> members;
  for (const std::string& text : texts) {
    const bool number = text.size() == 1 && text[0] >= '1' && text[0] <= '9';
    if (!number) {
      return MakeError(
          Reason::kRequestMalformed,
          "--member is a place in the mirror, from 1, as in `holdfast keyslot status`");
    }
    members.push_back(static_cast<std::uint32_t>(text[0] - '0'));
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::string TermsText(const policy::KeyslotStrikeOffTerms& terms, const std::string& left) {
  return fmt::format(
      "strike member {} off {}, of epoch {}, and go on with {}\n"
      "nobody erases what it holds: whoever has it, and a copy of the database up to the next "
      "epoch, can open what is in that\n"
      "reason: {}",
      fmt::join(terms.members, " and "), terms.keyslots, terms.epoch, left, terms.reason);
}

JsonObject OrderJson(const std::string& file, const policy::UnverifiedKeyslotStrikeOff& order) {
  JsonArray members;
  for (const std::uint32_t member : order.terms.members) members.AddRaw(std::to_string(member));
  JsonObject object("KeyslotStrikeOff");
  object.Set("file", file)
      .Set("keyslots", order.terms.keyslots)
      .Set("members", members)
      .Set("left", order.left)
      .Set("epoch", order.terms.epoch)
      .Set("reason", order.terms.reason)
      .Set("signatures", std::uint64_t{order.envelope.signatures.size()});
  return object;
}

absl::StatusOr<ExitStatus> SignStrikeOff(Session& session, const OrderOptions& options) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, options.source.Exchange(session));
  std::string order;
  if (options.countersign.empty()) {
    policy::KeyslotStrikeOffTerms terms;
    terms.exchange = exchange;
    terms.epoch = options.epoch;
    terms.keyslots = options.keyslots;
    HF_ASSIGN_OR_RETURN(terms.members, ParseMembers(options.members));
    terms.reason = options.reason;
    terms.made_at = session.clock().WallNow();
    if (terms.epoch == 0 || terms.keyslots.empty() || terms.reason.empty()) {
      return MakeError(Reason::kRequestMalformed,
                       "--keyslots, --member, --epoch and --reason say what is lost, or "
                       "--countersign names the order that the first person signed");
    }
    HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
    HF_ASSIGN_OR_RETURN(order, policy::SignKeyslotStrikeOff(terms, key));
  } else {
    HF_ASSIGN_OR_RETURN(const std::string first,
                        session.ReadText(options.countersign, policy::kMaxJointOrderBytes));
    HF_ASSIGN_OR_RETURN(const policy::UnverifiedKeyslotStrikeOff read,
                        policy::ReadKeyslotStrikeOff(first));
    if (read.terms.exchange != exchange) {
      return MakeError(Reason::kAgreementMismatch, "the order is about another exchange");
    }
    session.out().Note(TermsText(read.terms, read.left));
    HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
    HF_ASSIGN_OR_RETURN(order, policy::CountersignKeyslotStrikeOff(first, key));
  }
  HF_ASSIGN_OR_RETURN(const policy::UnverifiedKeyslotStrikeOff read,
                      policy::ReadKeyslotStrikeOff(order));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(order), Overwrite::kRefuse));
  session.out().Result(
      OrderJson(options.out, read),
      TermsText(read.terms, read.left) +
          (options.countersign.empty() ? "\nsigned; another person countersigns " + options.out
                                       : "\nsigned by two people: " + options.out));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> StrikeOff(Session& session, const OrderOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text,
                      session.ReadText(options.order, policy::kMaxJointOrderBytes));
  HF_ASSIGN_OR_RETURN(const policy::UnverifiedKeyslotStrikeOff order,
                      policy::ReadKeyslotStrikeOff(text));
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement,
                      ReadSignedAgreement(session, options.agreement));
  // Who was struck off in the meantime only the ledger knows: the daemon asks the policy.
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> members,
                      policy::OpenKeyslotStrikeOff(order, agreement, policy::StruckOff()));
  const auto noted = session.files().ReadWhole(JoinPath(options.state, kEpochName), kMaxNoteBytes);
  if (noted.ok() && AsText(*noted) != std::to_string(order.terms.epoch) + "\n") {
    return MakeError(Reason::kEpochUnknown,
                     fmt::format("the order is about epoch {}, and the exchange is at another one",
                                 order.terms.epoch));
  }
  const std::string kept = JoinPath(options.state, policy::KeyslotStrikeOffName(order.terms.epoch));
  HF_RETURN_IF_ERROR(session.WriteFile(kept, AsBytes(text), Overwrite::kRefuse));
  session.out().Result(
      OrderJson(kept, order),
      TermsText(order.terms, order.left) +
          fmt::format("\nordered by {}\nName {} alone in the configuration. The next start puts "
                      "the order into the ledger, and makes an epoch of which the lost one has no "
                      "key.",
                      fmt::join(members, " and "), order.left));
  return ExitStatus::kDone;
}

}  // namespace

void NoteSingleKeyslot(Session& session, const v1::Exchange& exchange) {
  if (exchange.keyslot_parts_size() != 1) return;
  session.out().Note(
      "there is one keyslot only: if it is lost, every key of this exchange is lost, also of what "
      "a "
      "court wants preserved");
}

void DeclareKeyslot(Command root) {
  Command keyslot = root.Sub("keyslot", "where the root key lies, where it moves, what is lost");
  keyslot.Sub("status", "kinds, erasure classes and devices; exit 12 while the key moves")
      .Runs(ShowKeyslot);
  {
    auto options = std::make_shared<MigrateOptions>();
    Command migrate = keyslot.Sub("migrate", "wait until the root key has moved; exit 12 if not");
    migrate.Optional("--wait", options->wait, "how long; default 60s");
    migrate.Footer(
        "The configuration says from where to where (migrate_from, keyslots), and the daemon "
        "moves\n"
        "at its start, by an epoch: at each moment one of the two holds the key, and never both.");
    migrate.Runs([options](Session& session) { return Migrate(session, *options); });
  }
  {
    auto options = std::make_shared<OrderOptions>();
    Command order =
        keyslot.Sub("order", "sign, as one of two people, that a mirror's member is lost");
    order.Optional("--keyslots", options->keyslots, "the mirror as it was, as the ledger names it")
        .Several("--member", options->members, "the lost one, by place in it, from 1")
        .Number("--epoch", options->epoch, "the present epoch")
        .Optional("--reason", options->reason, "how it was lost, in a line; no personal data")
        .Optional("--countersign", options->countersign, "the order that the first person signed")
        .Required("--out", options->out, "the order; nothing is replaced")
        .Optional("--exchange-id", options->source.exchange_id,
                  "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
    order.Footer("It is void once the exchange has made another epoch.");
    order.Runs([options](Session& session) { return SignStrikeOff(session, *options); });
  }
  {
    auto options = std::make_shared<OrderOptions>();
    Command strike = keyslot.Sub("strike-off", "let the exchange go on without a lost keyslot");
    strike.Required("order", options->order, "what two people signed: holdfast keyslot order")
        .Required("--state", options->state, "the exchange's state folder")
        .Required("--agreement", options->agreement, "the signed agreement that the daemon loads");
    strike.Footer("On the gateway's machine, with the daemon stopped.");
    strike.Runs([options](Session& session) { return StrikeOff(session, *options); });
  }
}

}  // namespace holdfast::cli
