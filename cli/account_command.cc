// SPDX-License-Identifier: Apache-2.0
// holdfast account: who got what, from a verified export; and what a custodian may read about one
// person, from the gateway.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "evidence/accounting.h"
#include "evidence/pseudonym_key_end.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/file_writer.h"
#include "cli/orders.h"
#include "cli/person_identity.h"
#include "cli/scope_options.h"
#include "cli/session.h"
#include "cli/verified_export.h"
#include "client/account_client.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kFirstYear = 1970;
constexpr std::uint64_t kLastYear = 2105;

struct YearOptions {
  VerifiedExport source;
  std::uint64_t year = 0;
};

struct AffectedOptions {
  VerifiedExport source;
  ScopeOptions scope;
  std::string out;
};

struct PersonOptions {
  std::vector<std::string> people;
  std::string identity;  // A file that says who the person is (cli/person_identity.h).
  std::string reason;
  std::uint64_t order_index = 0;
  OrderOptions order;
};

struct KeyCertificateOptions {
  VerifiedExport source;
  std::string out;
};

struct KeyOptions {
  std::string reason;
  std::uint64_t first = 0;
  OrderOptions order;
};

// What every count rests on that is made from a verified export.
JsonArray AssumptionsJson() {
  JsonArray assumptions;
  for (const std::string& line : evidence::VerificationAssumptions()) assumptions.Add(line);
  return assumptions;
}

std::string AssumptionsText() {
  std::string text = "\n\nAssumed:";
  for (const std::string& line : evidence::VerificationAssumptions()) text += "\n- " + line;
  return text;
}

std::string TimeOr(const google::protobuf::Timestamp& time, bool present) {
  return present ? FormatRfc3339(ToMillis(time)) : std::string();
}

JsonObject RecordJson(const v1::PersonRecord& record) {
  JsonObject object("PersonRecord");
  object.Set("transfer", record.transfer())
      .Set("row", record.row())
      .Set("requester", record.requester())
      .Set("authority", record.authority())
      .Set("purpose", record.purpose())
      .Set("requesting_official", record.requesting_official())
      .Set("officer", record.officer())
      .Set("requested_at", TimeOr(record.requested_at(), record.has_requested_at()))
      .Set("request_verdict", record.request_verdict())
      .Set("release_verdict", record.release_verdict())
      .Set("deposited_at", TimeOr(record.deposited_at(), record.has_deposited_at()))
      .Set("collected", record.collected())
      .Set("disclosures", record.disclosures())
      .Set("first_disclosed_at",
           TimeOr(record.first_disclosed_at(), record.has_first_disclosed_at()))
      .Set("last_disclosed_at", TimeOr(record.last_disclosed_at(), record.has_last_disclosed_at()))
      .Set("key", record.key())
      .Set("frozen_by", record.frozen_by())
      .Set("preserved_by", record.preserved_by());
  return object;
}

std::string RecordText(const Output& out, const v1::PersonRecord& record) {
  std::string text = fmt::format(
      "row {} of {}\n  asked for by {} ({}, for officer {}) under {}, {}\n  for: {}\n  request "
      "gate: {}",
      record.row(), record.transfer(), record.requester(), record.requesting_official(),
      record.officer(), record.authority(), out.Time(ToMillis(record.requested_at())),
      record.purpose(), record.request_verdict());
  if (!record.release_verdict().empty()) {
    text += "\n  release gate: " + record.release_verdict();
  }
  if (record.has_deposited_at()) {
    text += fmt::format("\n  envelope sealed {}, {}", out.Time(ToMillis(record.deposited_at())),
                        record.collected() ? "collected" : "not collected");
  }
  if (record.disclosures() > 0) {
    text += fmt::format("\n  DISCLOSED: its key left {} times, first {}, last {}",
                        record.disclosures(), out.Time(ToMillis(record.first_disclosed_at())),
                        out.Time(ToMillis(record.last_disclosed_at())));
  } else {
    text += "\n  not disclosed: no key left";
  }
  if (!record.key().empty()) text += "\n  key: " + record.key();
  if (!record.frozen_by().empty()) text += "\n  frozen in matter " + record.frozen_by();
  if (!record.preserved_by().empty()) text += "\n  preserved in matter " + record.preserved_by();
  return text;
}

// Reads and prints the account that the order at `index` opened.
absl::StatusOr<ExitStatus> ShowAccount(Session& session, std::uint64_t index) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::AccountClient client(channel);
  std::uint64_t records = 0;
  std::uint64_t disclosed = 0;
  std::uint64_t disclosures = 0;
  std::uint64_t ledger_size = 0;
  std::string token;
  do {
    HF_ASSIGN_OR_RETURN(const v1::ReadAccountResponse page, client.Read(index, token));
    for (const v1::PersonRecord& record : page.records()) {
      session.out().Result(RecordJson(record), RecordText(session.out(), record));
      ++records;
      disclosures += record.disclosures();
      if (record.disclosures() > 0) ++disclosed;
    }
    ledger_size = page.ledger_size();
    token = page.next_page_token();
  } while (!token.empty());
  JsonObject object("AccountPerson");
  object.Set("order_index", index)
      .Set("records", records)
      .Set("disclosed", disclosed)
      .Set("disclosures", disclosures)
      .Set("ledger_size", ledger_size);
  session.out().Result(
      object, fmt::format("asked for {} times; keys of {} records left, {} times in all; by ledger "
                          "entry {}, in a ledger of {} entries",
                          records, disclosed, disclosures, index, ledger_size));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Person(Session& session, const PersonOptions& options) {
  if (options.order_index != 0) return ShowAccount(session, options.order_index);
  if (options.reason.empty()) return MakeError(Reason::kRequestMalformed, "--reason is missing");
  order::v1::Order act;
  order::v1::AccountPerson& account = *act.mutable_account_person();
  std::vector<std::string> people = options.people;
  if (!options.identity.empty()) {
    HF_ASSIGN_OR_RETURN(const v1::IdentifyPersonRequest person,
                        ReadIdentity(session, options.identity));
    v1::Scope found;
    HF_RETURN_IF_ERROR(NamePerson(session, person, Namesakes::kLeaveOut, found));
    people.insert(people.end(), found.people().begin(), found.people().end());
  }
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  for (const std::string& person : people) account.add_people(person);
  account.set_reason(options.reason);
  const char* effect = "This order stays in the ledger, with the pseudonym and your reason.";
  if (options.order.changes_nothing()) {
    return CarryOut(session, std::move(act), options.order, effect);
  }
  HF_ASSIGN_OR_RETURN(const order::v1::Order order,
                      DraftOrder(session, std::move(act), options.order.valid_for));
  HF_RETURN_IF_ERROR(
      ConfirmOrder(session, order, options.order.yes ? Consent::kGiven : Consent::kAsk, effect));
  HF_ASSIGN_OR_RETURN(const std::string signed_order, SignOrder(session, order));
  HF_ASSIGN_OR_RETURN(const AcceptedOrder accepted, Deliver(session, order, signed_order));
  const ExitStatus shown = ShowReceipt(session, order, accepted);
  if (shown != ExitStatus::kDone) return shown;
  return ShowAccount(session, accepted.response.receipt().ledger_index());
}

absl::StatusOr<ExitStatus> DestroyKey(Session& session, const KeyOptions& options) {
  order::v1::Order act;
  order::v1::DestroyPseudonymKey& destroy = *act.mutable_destroy_pseudonym_key();
  destroy.set_reason(options.reason);
  destroy.set_first_index(options.first);
  return CarryOut(session, std::move(act), options.order,
                  options.first == 0
                      ? "Nothing happens before another custodian gives the same order."
                      : "Nobody can be found by identity, or asked for, from then on.");
}

// A page about the end of the pseudonym key, from a ledger that was verified.
absl::StatusOr<ExitStatus> KeyCertificate(Session& session, const KeyCertificateOptions& options) {
  evidence::PseudonymKeySearch search;
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      options.source.Verify(session, {&search}));
  if (!search.found()) {
    return MakeError(Reason::kNotFound, "in this ledger the pseudonym key was not destroyed");
  }
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, options.source.Exchange(session));
  const evidence::PseudonymKeyEnd& end = *search.found();
  const auto order = [](const char* which, const evidence::PseudonymKeyOrder& of) {
    return fmt::format("{:<22} ledger entry {}, {}\n{:<22} by {}\n", which, of.index,
                       FormatRfc3339(of.at), "", of.person);
  };
  std::string page =
      "DESTRUCTION OF THE KEY THAT MAKES PSEUDONYMS\n"
      "============================================\n\n"
      "Two people ordered it, and the gateway replaced the key under which it was sealed by\n"
      "another that does not have it. From then on nobody can be found in the ledger by\n"
      "identity, and nobody can be asked for. What the ledger said before stays in it.\n\n";
  page += order("First order", end.first) + order("Second order", end.second);
  page += fmt::format("{:<22} {}\n", "Reason", EscapeForLog(end.reason, 1'000));
  page += fmt::format("{:<22} {}, ledger entry {}\n", "First epoch without it", end.epoch,
                      end.epoch_index);
  page += end.erased ? fmt::format("{:<22} ledger entry {}, keyslot {}, erasure class {}\n",
                                   "Old root key erased", end.erased->index,
                                   end.erased->keyslot_kind, end.erased->erasure_class)
                     : fmt::format("{:<22} not in this ledger\n", "Old root key erased");
  page += fmt::format("\n{:<22} {}\n{:<22} {} entries, root\n{:<22} {}\n", "Exchange",
                      Hex(BytesOf(exchange)), "Ledger", verification.checkpoint.size, "",
                      Hex(verification.checkpoint.root));
  page +=
      "\nVerify it with the export that it was made from:\n  holdfast-verify EXPORT "
      "--exchange-id ID\n\nThis rests on these assumptions:\n";
  for (const std::string& line : evidence::VerificationAssumptions()) page += "- " + line + "\n";
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(page), Overwrite::kRefuse));
  JsonObject object("PseudonymKeyCertificate");
  object.Set("file", options.out)
      .Set("first_index", end.first.index)
      .Set("second_index", end.second.index)
      .Set("epoch", end.epoch)
      .Set("epoch_index", end.epoch_index)
      .Set("erased_index", end.erased ? end.erased->index : 0)
      .Set("ledger_size", verification.checkpoint.size);
  session.out().Result(object, page + "written to " + options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Year(Session& session, const YearOptions& options) {
  if (options.year < kFirstYear || options.year > kLastYear) {
    return MakeError(Reason::kRequestMalformed,
                     fmt::format("--year is {} to {}", kFirstYear, kLastYear));
  }
  evidence::YearAccount account(static_cast<std::uint32_t>(options.year));
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      options.source.Verify(session, {&account}));
  JsonArray lines;
  std::string text = fmt::format("{}, by agency and authority, from a ledger of {} entries",
                                 options.year, verification.checkpoint.size);
  for (const auto& [of, line] : account.lines()) {
    JsonObject one;
    one.Set("requester", of.first)
        .Set("authority", of.second)
        .Set("transfers", line.transfers)
        .Set("asked", line.asked)
        .Set("accepted", line.accepted)
        .Set("deposited", line.deposited)
        .Set("records", line.records)
        .Set("with_data", line.with_data)
        .Set("without_data", line.without_data)
        .Set("persons", line.persons)
        .Set("disclosures", line.disclosures);
    lines.AddRaw(one.text());
    text += fmt::format(
        "\n\n{}, {}\n  {:>10} transfers opened\n  {:>10} subjects asked for, {} accepted\n"
        "  {:>10} envelopes deposited\n  {:>10} records disclosed: {} with data, {} that say "
        "nothing; of {} persons\n  {:>10} times that a key left",
        of.first, of.second, line.transfers, line.asked, line.accepted, line.deposited,
        line.records, line.with_data, line.without_data, line.persons, line.disclosures);
  }
  if (account.lines().empty()) text += "\nnothing was asked for and nothing disclosed";
  if (!account.covers_begin()) text += "\n\nthe ledger begins within the year, or after it";
  if (!account.covers_end()) text += "\n\nthe ledger ends before the year does";
  JsonObject object("AccountYear");
  object.Set("year", options.year)
      .Set("ledger_size", verification.checkpoint.size)
      .Set("covers_begin", account.covers_begin())
      .Set("covers_end", account.covers_end())
      .Set("lines", lines)
      .Set("assumptions", AssumptionsJson());
  session.out().Result(object, text + AssumptionsText());
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Affected(Session& session, const AffectedOptions& options) {
  HF_ASSIGN_OR_RETURN(v1::Scope scope, options.scope.ToScope());
  evidence::AffectedSearch search(std::move(scope));
  HF_RETURN_IF_ERROR(options.source.Verify(session, {&search}).status());
  const evidence::Affected& found = search.found();
  if (!found.scope_valid) {
    return MakeError(Reason::kRequestMalformed,
                     "the scope names a transfer, an authority or rows that this exchange does not "
                     "have");
  }
  HF_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(session.files(), options.out));
  HF_RETURN_IF_ERROR(file->Write(
      "transfer,row,requester,authority,keys_left,first,last,with_data,destroyed_since\n"));
  for (const evidence::AffectedRecord& record : found.records) {
    HF_RETURN_IF_ERROR(file->Write(
        fmt::format("{},{},{},{},{},{},{},{},{}\n", record.transfer, record.row, record.requester,
                    record.authority, record.releases, FormatRfc3339(record.first_released),
                    FormatRfc3339(record.last_released), record.with_data ? "yes" : "no",
                    record.destroyed ? "yes" : "no")));
  }
  HF_RETURN_IF_ERROR(file->Finish());
  JsonObject object("AccountAffected");
  object.Set("file", options.out)
      .Set("covered", found.covered)
      .Set("records", std::uint64_t{found.records.size()})
      .Set("persons", found.persons)
      .Set("assumptions", AssumptionsJson());
  session.out().Result(
      object, fmt::format("keys of {} records left, of {} that the scope covers; {} persons: {}",
                          found.records.size(), found.covered, found.persons, options.out) +
                  AssumptionsText());
  session.out().Note(
      "the source knows who stands behind a row; the ledger does not, and neither does this file");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareAccount(Command root) {
  Command account =
      root.Sub("account",
               "count disclosures: person, year, affected; destroy-pseudonym-key, key-certificate");
  {
    auto options = std::make_shared<PersonOptions>();
    Command person =
        account.Sub("person", "find every request for, and disclosure about, one person");
    person
        .Several("--pseudonym", options->people,
                 "the person's pseudonym, 32 hexadecimal digits; may be repeated")
        .Optional("--identity", options->identity,
                  "a CSV file that describes the person by name, tax_number and birth_date; - asks "
                  "for them")
        .Optional("--reason", options->reason, "why; no personal data")
        .Number("--order", options->order_index,
                "in their place: the ledger index of an order of yours that was accepted");
    options->order.Declare(person);
    person.Footer(
        "For custodians. Signs an order, which the ledger keeps, and reads what it opens.");
    person.Runs([options](Session& session) { return Person(session, *options); });
  }
  {
    auto options = std::make_shared<KeyOptions>();
    Command destroy = account.Sub("destroy-pseudonym-key",
                                  "make it impossible to find anybody by identity, for ever");
    destroy.Required("--reason", options->reason, "why; the same in both orders; no personal data")
        .Number("--first", options->first,
                "the ledger index of the first custodian's order, for the second one's");
    options->order.Declare(destroy);
    destroy.Footer(
        "Two custodians give it. Refused while a hold in force preserves, or covers a person. "
        "From\n"
        "then on nobody can be asked for either: the exchange is over but for what it has.");
    destroy.Runs([options](Session& session) { return DestroyKey(session, *options); });
  }
  {
    auto options = std::make_shared<KeyCertificateOptions>();
    Command certificate = account.Sub(
        "key-certificate", "write one page about the end of the pseudonym key, from an export");
    options->source.Declare(certificate);
    certificate.Required("--out", options->out, "the page, as text");
    certificate.Footer("Verifies the export first. Needs no network.");
    certificate.Runs([options](Session& session) { return KeyCertificate(session, *options); });
  }
  {
    auto options = std::make_shared<YearOptions>();
    Command year = account.Sub("year", "count a year's requests and disclosures");
    options->source.Declare(year);
    year.RequiredNumber("--year", options->year, "the calendar year, in UTC");
    year.Footer("Verifies the export first. A disclosure is a key that left.");
    year.Runs([options](Session& session) { return Year(session, *options); });
  }
  {
    auto options = std::make_shared<AffectedOptions>();
    Command affected =
        account.Sub("affected", "list the records of those who must be told, for the source");
    options->source.Declare(affected);
    options->scope.Declare(affected);
    affected.Required("--out", options->out, "a CSV file of transfer and row, without names");
    affected.Footer("Verifies the export first. Lists each record in the scope whose key left.");
    affected.Runs([options](Session& session) { return Affected(session, *options); });
  }
}

}  // namespace holdfast::cli
