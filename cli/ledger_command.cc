// SPDX-License-Identifier: Apache-2.0
// holdfast ledger: checkpoints, exports, and verification without the gateway.
#include <limits>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/ledger_verifier.h"
#include "client/ledger_client.h"
#include "client/ledger_export.h"
#include "crypto/dsse.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/order_json.h"
#include "policy/queries.h"

namespace holdfast::cli {
namespace {

struct ExportOptions {
  std::string out;
};

struct VerifyOptions {
  std::string folder;
  std::string exchange_id;
};

struct ShowOptions {
  std::string folder;
  std::uint64_t first = 0;
  std::uint64_t count = 50;
};

absl::StatusOr<ExitStatus> Checkpoint(Session& session) {
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint verified, VerifyCheckpoint(session));
  JsonObject object("Checkpoint");
  object.Set("origin", verified.checkpoint.origin)
      .Set("size", verified.checkpoint.size)
      .Set("root", Hex(verified.checkpoint.root))
      .Set("followed_from", verified.followed_from);
  session.out().Result(
      object,
      fmt::format("{} entries, root {}\n{}", verified.checkpoint.size,
                  Hex(verified.checkpoint.root),
                  verified.followed_from == 0
                      ? std::string("the first checkpoint that was seen here; it is remembered")
                      : fmt::format("it extends the {} entries that were verified before",
                                    verified.followed_from)));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Export(Session& session, const ExportOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient ledger(channel);
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, ledger.GetExchange());
  HF_ASSIGN_OR_RETURN(client::ExportWriter writer,
                      client::ExportWriter::Create(session.files(), options.out));
  Progress progress(session.out(), "exporting", exchange.ledger_size());
  HF_ASSIGN_OR_RETURN(const std::string checkpoint,
                      ledger.Export(0, [&](const v1::EntryBundle& bundle) -> absl::Status {
                        for (const std::string& entry : bundle.entries()) {
                          HF_RETURN_IF_ERROR(writer.Add(AsBytes(entry)));
                        }
                        progress.Update(writer.size());
                        return absl::OkStatus();
                      }));
  HF_RETURN_IF_ERROR(writer.Finish(checkpoint));
  JsonObject object("LedgerExport");
  object.Set("folder", options.out).Set("entries", writer.size()).Set("root", Hex(writer.Root()));
  session.out().Result(object, fmt::format("{} entries in {}", writer.size(), options.out));
  session.out().Note(
      "verify it with the exchange's id, which you got from elsewhere:\n"
      "  holdfast ledger verify " +
      options.out + " --exchange-id ID");
  return ExitStatus::kDone;
}

absl::StatusOr<ExchangeId> ExchangeIdOf(Session& session, const std::string& hex) {
  if (hex.empty()) return session.exchange_id();
  const auto bytes = FromHex(hex);
  if (!bytes.ok() || bytes->size() != sizeof(ExchangeId)) {
    return MakeError(Reason::kRequestMalformed,
                     "--exchange-id must be 64 hexadecimal digits, not " + EscapeForLog(hex));
  }
  return IdFromBytes<ExchangeId>(*bytes);
}

void ShowReport(Session& session, const LedgerVerifier& verifier,
                const crypto::Checkpoint& checkpoint) {
  const policy::ReplayReport& report = verifier.report();
  const policy::RecordTotals totals = policy::CountRecords(verifier.state());
  JsonObject facts;
  JsonObject refusals;
  std::string text = fmt::format(
      "verified: {} entries, root {}\nthe agreement is signed by both principals; {} entries were "
      "decided again and came out the same",
      checkpoint.size, Hex(checkpoint.root), report.decided_again);
  for (const auto& [name, count] : report.facts) {
    facts.Set(name, count);
    text += fmt::format("\n  {:>10} {}", count, name);
  }
  for (const auto& [name, count] : report.refusals) {
    refusals.Set(name, count);
    text += fmt::format("\n  {:>10} refused: {}", count, name);
  }
  text += fmt::format(
      "\nrecords: {} can be released but for holds, {} expired, {} revoked, {} "
      "destroyed",
      totals.active, totals.expired, totals.revoked, totals.destroyed);
  text +=
      "\nno key left under a freeze, and none was destroyed under a preservation hold.\n"
      "assumed: the gateway's machine ran this protocol and nothing else; the exchange's id came "
      "from elsewhere";
  JsonObject records;
  records.Set("active", totals.active)
      .Set("expired", totals.expired)
      .Set("revoked", totals.revoked)
      .Set("destroyed", totals.destroyed);
  JsonObject object("LedgerVerified");
  object.Set("entries", checkpoint.size)
      .Set("root", Hex(checkpoint.root))
      .Set("decided_again", report.decided_again)
      .Set("refusals_decided_again", report.refusals_decided_again)
      .Set("facts", facts)
      .Set("refusals", refusals)
      .Set("records", records);
  session.out().Result(object, text);
}

// Whatever is wrong with the export is a defect that the check found.
absl::Status AsDefect(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (reason != Reason::kStoreCorrupt && reason != Reason::kRequestMalformed &&
      reason != Reason::kNotFound) {
    return status;
  }
  absl::Status defect = MakeError(Reason::kLedgerInconsistent, std::string(status.message()));
  for (const auto& [key, value] : MetadataOf(status)) defect = AddMetadata(defect, key, value);
  return defect;
}

absl::StatusOr<ExitStatus> Verify(Session& session, const VerifyOptions& options) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, ExchangeIdOf(session, options.exchange_id));
  HF_ASSIGN_OR_RETURN(const std::string note,
                      client::ReadExportCheckpoint(session.files(), options.folder));
  const auto size = ClaimedSize(note);
  if (!size.ok()) return AsDefect(size.status());
  LedgerVerifier verifier(exchange);
  Progress progress(session.out(), "verifying", *size);
  const absl::Status read = client::ReadExport(session.files(), options.folder, *size,
                                               [&](std::uint64_t index, ByteSpan entry) {
                                                 progress.Update(index);
                                                 return verifier.Add(entry);
                                               });
  if (!read.ok()) return AsDefect(read);
  const auto checkpoint = verifier.Check(note);
  if (!checkpoint.ok()) return AsDefect(checkpoint.status());
  ShowReport(session, verifier, *checkpoint);
  return ExitStatus::kDone;
}

// One entry for people: what it is, and who did it.
std::string EntryText(const ledger::v1::Entry& entry) {
  using ledger::v1::Entry;
  const auto* field = Entry::descriptor()->FindFieldByNumber(static_cast<int>(entry.fact_case()));
  const std::string name = field == nullptr ? "unknown" : field->name();
  if (entry.has_order_accepted()) {
    const auto envelope = crypto::ParseDsse(entry.order_accepted().order_dsse());
    const auto order = envelope.ok() ? policy::ParseOrder(envelope->payload)
                                     : absl::StatusOr<order::v1::Order>(envelope.status());
    return name + ": " +
           (order.ok() ? policy::DescribeOrder(*order) : "an order that cannot be read");
  }
  if (entry.has_refused()) {
    const auto refusal = policy::RefusalFromNumber(entry.refused().refusal());
    return fmt::format("{}: {} of {}: {}", name,
                       ledger::v1::Refused::Act_Name(entry.refused().act()),
                       entry.refused().member(),
                       refusal ? policy::RefusalName(*refusal) : std::string_view("unknown"));
  }
  return name;
}

absl::StatusOr<ExitStatus> Show(Session& session, const ShowOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string note,
                      client::ReadExportCheckpoint(session.files(), options.folder));
  HF_ASSIGN_OR_RETURN(const std::uint64_t size, ClaimedSize(note));
  HF_RETURN_IF_ERROR(client::ReadExport(
      session.files(), options.folder, size,
      [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
        if (index < options.first || index - options.first >= options.count) {
          return absl::OkStatus();
        }
        ledger::v1::Entry entry;
        const bool read = entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
        const std::string text = read ? EntryText(entry) : "an entry that cannot be read";
        JsonObject object("LedgerEntry");
        object.Set("index", index).Set("text", text).Set("bytes", std::uint64_t{bytes.size()});
        session.out().Result(object, fmt::format("{:>10}  {}", index, text));
        return absl::OkStatus();
      }));
  session.out().Note("nothing was verified: `holdfast ledger verify` does that");
  return ExitStatus::kDone;
}

}  // namespace

void DeclareLedger(Command root) {
  Command ledger = root.Sub("ledger", "checkpoint, export, verify, show");
  ledger.Sub("checkpoint", "verify that the ledger extends what I saw before, and remember it")
      .Runs(Checkpoint);
  {
    auto options = std::make_shared<ExportOptions>();
    Command command = ledger.Sub("export", "copy the whole ledger into a folder (auditor)");
    command.Required("--out", options->out, "a folder that does not exist yet");
    command.Runs([options](Session& session) { return Export(session, *options); });
  }
  {
    auto options = std::make_shared<VerifyOptions>();
    Command verify = ledger.Sub("verify", "check an export: signatures, tree, every decision");
    verify.Required("folder", options->folder, "an export")
        .Optional("--exchange-id", options->exchange_id,
                  "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
    verify.Footer("Needs no network and no gateway: the export and the id are enough.");
    verify.Runs([options](Session& session) { return Verify(session, *options); });
  }
  {
    auto options = std::make_shared<ShowOptions>();
    Command show = ledger.Sub("show", "say what is in an export");
    show.Required("folder", options->folder, "an export")
        .Number("--first", options->first, "the first entry; default 0")
        .Number("--count", options->count, "how many; default 50");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
}

}  // namespace holdfast::cli
