// SPDX-License-Identifier: Apache-2.0
// holdfast ledger: checkpoints, exports, and verification without the gateway.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "evidence/companions.h"
#include "evidence/explain.h"
#include "evidence/export_folder.h"
#include "evidence/query/query_file.h"
#include "evidence/verification.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/ledger_report.h"
#include "cli/ledger_statements.h"
#include "cli/ledger_witness.h"
#include "cli/verified_export.h"
#include "client/entry_proof.h"
#include "client/ledger_client.h"
#include "crypto/merkle.h"
#include "crypto/text_lines.h"
#include "crypto/tlog_proof.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/replay.h"

namespace holdfast::cli {
namespace {

struct ExportOptions {
  std::string out;
  std::string sqlite;
  bool log_only = false;
};

struct ExplainOptions {
  std::string folder;
  std::string index;
};

struct ProveOptions {
  std::string index;
  std::string out;
};

struct WatchOptions {
  std::vector<std::string> receipts;
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

// What was exported has to extend the ledger that this profile has verified, entry by entry: a
// gateway may prove one ledger and export another one.
absl::Status HoldAgainstMemory(Session& session, const v1::Exchange& gateway,
                               evidence::ExportWriter& writer, const std::string& checkpoint) {
  HF_ASSIGN_OR_RETURN(const Profile* profile, session.profile());
  if (profile->exchange_id.empty()) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string folder, session.ProfileValue(&Profile::state, "state"));
  const client::CheckpointMemory memory(session.files(), folder, exchange);
  return client::AcceptExport(memory, exchange, AsBytes(gateway.checkpoint_key()), checkpoint,
                              [&](std::uint64_t size) { return writer.RootAt(size); })
      .status();
}

absl::StatusOr<ExitStatus> Export(Session& session, const ExportOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::LedgerClient ledger(channel);
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, ledger.GetExchange());
  HF_ASSIGN_OR_RETURN(evidence::ExportWriter writer,
                      evidence::ExportWriter::Open(session.files(), options.out));
  const std::uint64_t found = writer.size();
  if (found > 0) {
    session.out().Note(
        fmt::format("{} has {} entries already; going on from there", options.out, found));
  }
  std::string checkpoint;
  {
    Progress progress(session.out(), "exporting", exchange.ledger_size());
    HF_ASSIGN_OR_RETURN(checkpoint,
                        ledger.Export(found, [&](const v1::EntryBundle& bundle) -> absl::Status {
                          for (const std::string& entry : bundle.entries()) {
                            HF_RETURN_IF_ERROR(writer.Add(AsBytes(entry)));
                          }
                          progress.Update(writer.size());
                          return absl::OkStatus();
                        }));
  }
  HF_RETURN_IF_ERROR(evidence::CheckRoot(writer, checkpoint));
  HF_RETURN_IF_ERROR(HoldAgainstMemory(session, exchange, writer, checkpoint));
  HF_RETURN_IF_ERROR(evidence::RemoveCompanions(session.files(), options.out));
  HF_RETURN_IF_ERROR(writer.Finish(checkpoint));
  if (!options.log_only) {
    Progress progress(session.out(), "writing events.jsonl", writer.size());
    HF_RETURN_IF_ERROR(
        evidence::WriteCompanions(session.files(), options.out, writer.size(),
                                  [&](std::uint64_t index) { progress.Update(index); }));
  }
  if (!options.sqlite.empty()) {
    Progress progress(session.out(), "writing " + options.sqlite, writer.size());
    HF_RETURN_IF_ERROR(
        evidence::WriteQueryFile(session.files(), options.out, writer.size(), options.sqlite,
                                 [&](std::uint64_t index) { progress.Update(index); }));
  }
  JsonObject object("LedgerExport");
  object.Set("folder", options.out)
      .Set("entries", writer.size())
      .Set("root", Hex(writer.Root()))
      .Set("found", found);
  session.out().Result(object, fmt::format("{} entries in {}", writer.size(), options.out));
  session.out().Note(
      "verify it with the exchange's id, which you got from elsewhere:\n"
      "  holdfast ledger verify " +
      options.out + " --exchange-id ID");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Verify(Session& session, const VerifiedExport& options) {
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification, options.Verify(session, {}));
  session.out().Result(LedgerVerifiedView(verification),
                       evidence::DescribeVerification(verification));
  return ExitStatus::kDone;
}

absl::StatusOr<std::uint64_t> IndexOf(const std::string& text) {
  const auto index = crypto::ParseDecimal(text);
  if (!index) {
    return MakeError(Reason::kRequestMalformed,
                     "an entry's index is a number, not " + EscapeForLog(text));
  }
  return *index;
}

absl::StatusOr<ExitStatus> Explain(Session& session, const ExplainOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t wanted, IndexOf(options.index));
  HF_ASSIGN_OR_RETURN(const std::uint64_t size,
                      evidence::ClaimedExportSize(session.files(), options.folder));
  if (wanted >= size) {
    return MakeError(Reason::kNotFound,
                     fmt::format("the export has {} entries, counted from 0", size));
  }
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  const absl::Status read = evidence::ReadExportUntil(
      session.files(), options.folder, size, wanted + 1,
      [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
        if (index < wanted) return replayer.Step(bytes);
        ledger::v1::Entry entry;
        if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
          return MakeError(Reason::kLedgerInconsistent, "the entry cannot be read");
        }
        const std::string text = evidence::ExplainEntry(replayer.state(), entry);
        const std::string rule = evidence::RuleOf(entry);
        JsonObject object("LedgerExplanation");
        object.Set("index", index)
            .Set("leaf_hash", Hex(crypto::LeafHash(bytes)))
            .Set("fact", policy::FactName(entry))
            .Set("policy_version", entry.policy_version())
            .Set("text", text)
            .Set("rule", rule);
        session.out().Result(
            object, fmt::format("entry {}, {}\n{}{}{}\npolicy version {}, leaf hash {}", index,
                                policy::FactName(entry), text, rule.empty() ? "" : "\nrule: ", rule,
                                entry.policy_version(), Hex(crypto::LeafHash(bytes))));
        return absl::OkStatus();
      });
  HF_RETURN_IF_ERROR(read);
  session.out().Note("nothing was verified: `holdfast ledger verify` does that");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Show(Session& session, const ShowOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t size,
                      evidence::ClaimedExportSize(session.files(), options.folder));
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  const std::uint64_t end =
      options.count < size - std::min(size, options.first) ? options.first + options.count : size;
  const absl::Status read = evidence::ReadExportUntil(
      session.files(), options.folder, size, end,
      [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
        if (index >= options.first) {
          ledger::v1::Entry entry;
          const bool readable = entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
          const std::string text = readable ? evidence::ExplainEntry(replayer.state(), entry)
                                            : "an entry that cannot be read";
          JsonObject object("LedgerEntry");
          object.Set("index", index).Set("text", text).Set("bytes", std::uint64_t{bytes.size()});
          session.out().Result(object, fmt::format("{:>10}  {}", index, text));
        }
        return replayer.Step(bytes);
      });
  HF_RETURN_IF_ERROR(read);
  session.out().Note("nothing was verified: `holdfast ledger verify` does that");
  return ExitStatus::kDone;
}

// Writes the proof of one entry against the checkpoint that this profile remembers.
absl::StatusOr<ExitStatus> Prove(Session& session, const ProveOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t index, IndexOf(options.index));
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint verified, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient ledger(channel);
  HF_ASSIGN_OR_RETURN(const client::ProvenLeaf proven, client::ProveLeaf(ledger, verified, index));
  const Digest32& leaf = proven.leaf_hash;
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(crypto::FormatTlogProof(proven.proof)),
                                       Overwrite::kRefuse));
  JsonObject object("LedgerProof");
  object.Set("index", index)
      .Set("leaf_hash", Hex(leaf))
      .Set("size", verified.checkpoint.size)
      .Set("file", options.out);
  session.out().Result(object,
                       fmt::format("entry {} is in the ledger of {} entries: {}\n"
                                   "leaf hash {}",
                                   index, verified.checkpoint.size, options.out, Hex(leaf)));
  return ExitStatus::kDone;
}

// Follows the ledger once, and holds it against receipts: a fork, a shorter ledger, or one that
// lacks an entry that somebody was promised is a defect.
absl::StatusOr<ExitStatus> Watch(Session& session, const WatchOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::vector<crypto::TlogProof> receipts,
                      evidence::ReadReceipts(session.files(), options.receipts));
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint verified, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const std::string folder, session.ProfileValue(&Profile::state, "state"));
  const client::CheckpointMemory memory(session.files(), folder, exchange);
  HF_ASSIGN_OR_RETURN(const client::CheckpointMemory::Remembered known, memory.Load());
  HF_ASSIGN_OR_RETURN(const crypto::NoteKey key, crypto::NoteKey::Parse(known.key));
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient ledger(channel);
  for (const crypto::TlogProof& receipt : receipts) {
    const auto lacks = [&](std::string what) {
      return AddMetadata(
          AddMetadata(MakeError(Reason::kLedgerInconsistent, std::move(what)), "rule", "RECEIPT"),
          "index", std::to_string(receipt.index));
    };
    if (receipt.index >= verified.checkpoint.size) {
      return lacks(
          fmt::format("the ledger has {} entries, and lacks one that it gave a receipt for",
                      verified.checkpoint.size));
    }
    HF_ASSIGN_OR_RETURN(const client::ProvenLeaf proven,
                        client::ProveLeaf(ledger, verified, receipt.index));
    // The entry that is there now is the one that was there then.
    if (!crypto::VerifyTlogProof(receipt, proven.leaf_hash, key).ok()) {
      return lacks("the ledger has another entry than the one that it gave a receipt for");
    }
  }
  JsonObject object("LedgerWatched");
  object.Set("size", verified.checkpoint.size)
      .Set("root", Hex(verified.checkpoint.root))
      .Set("followed_from", verified.followed_from)
      .Set("receipts", std::uint64_t{receipts.size()});
  session.out().Result(
      object, fmt::format("{} entries; it extends the {} entries that were verified "
                          "before, and has the entries of {} receipts",
                          verified.checkpoint.size, verified.followed_from, receipts.size()));
  return ExitStatus::kDone;
}

}  // namespace

void DeclareLedger(Command root) {
  Command ledger = root.Sub("ledger",
                            "checkpoint, watch, cosign, witness; export, verify, explain, prove, "
                            "show; non-use, incident, certify");
  ledger.Sub("checkpoint", "verify that the ledger extends what I saw before, and remember it")
      .Runs(Checkpoint);
  {
    auto options = std::make_shared<ExportOptions>();
    Command command = ledger.Sub("export", "copy the whole ledger into a folder (auditor)");
    command.Required("--out", options->out, "a folder; an export that is there is gone on with")
        .Optional("--sqlite", options->sqlite, "also a SQLite file, for queries; must not exist")
        .Flag("--log-only", options->log_only,
              "only what is verified: no events.jsonl, no list of sums, no orders' files");
    command.Runs([options](Session& session) { return Export(session, *options); });
  }
  {
    auto options = std::make_shared<VerifiedExport>();
    Command verify = ledger.Sub("verify", "check an export: signatures, tree, every decision");
    options->Declare(verify);
    verify.Several("--statements", options->statements,
                   "a statement of non-use: the ledger must say the same");
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
  {
    auto options = std::make_shared<ExplainOptions>();
    Command explain = ledger.Sub("explain", "say what one entry decided, by which rule, for whom");
    explain.Required("index", options->index, "the entry")
        .Required("folder", options->folder, "an export");
    explain.Runs([options](Session& session) { return Explain(session, *options); });
  }
  {
    auto options = std::make_shared<ProveOptions>();
    Command prove = ledger.Sub("prove", "write the proof that an entry is in the ledger");
    prove.Required("index", options->index, "the entry, such as a receipt names it")
        .Required("--out", options->out, "a file; its usual ending is .tlog-proof");
    prove.Footer(
        "The file is a C2SP tlog-proof: others' tools check it too, and `ledger verify\n"
        "--receipts` demands it of an export.");
    prove.Runs([options](Session& session) { return Prove(session, *options); });
  }
  {
    auto options = std::make_shared<WatchOptions>();
    Command watch = ledger.Sub(
        "watch", "follow the ledger, and demand of it what receipts promise; for a timer");
    watch.Several("--receipts", options->receipts, "a .tlog-proof, or a folder of them");
    watch.Footer(
        "Ends with 1 if the ledger is a fork, is shorter, or lacks one of the entries. The unit\n"
        "holdfast-watch@PROFILE.timer runs it every hour.");
    watch.Runs([options](Session& session) { return Watch(session, *options); });
  }
  DeclareLedgerStatements(ledger);
  DeclareLedgerWitness(ledger);
}

}  // namespace holdfast::cli
