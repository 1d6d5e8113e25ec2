// SPDX-License-Identifier: Apache-2.0
// holdfast backup: copies of the database, and what it takes to go on from one.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/verified_export.h"
#include "crypto/merkle.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"
#include "policy/joint_order.h"
#include "policy/replay.h"
#include "policy/restore_order.h"
#include "store/backup.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxNoteBytes = 256;

// In the state folder: the epoch, written by the daemon, and that of the newest backup, by us.
constexpr char kEpochName[] = "epoch";
constexpr char kBackupName[] = "backup-epoch";

struct Options {
  std::string state;
  std::string file;  // A backup.
  std::string into;  // A folder of backups.
  std::string out;
  std::string order;
  std::string countersign;
  std::string lost;
  std::uint64_t newest_known = 0;
  VerifiedExport source;  // For --exchange-id.
};

struct Backup {
  store::Head head;
  std::optional<policy::OpenedAgreement> agreement;
  policy::StruckOff struck_off;  // Only where the ledger was folded.
};

enum class Ledger { kHash, kHashAndFold };

absl::StatusOr<Backup> Inspect(const std::string& file, Ledger ledger = Ledger::kHash) {
  Backup backup;
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  const auto root_of = [&](store::Reader& reader) -> absl::StatusOr<Digest32> {
    crypto::Frontier frontier;
    HF_RETURN_IF_ERROR(reader.ForEachEntry(0, [&](std::uint64_t, ByteSpan entry) {
      frontier.Append(crypto::LeafHash(entry));
      return ledger == Ledger::kHash ? absl::OkStatus() : replayer.Step(entry);
    }));
    return frontier.Root();
  };
  HF_ASSIGN_OR_RETURN(const store::BackupInfo info, store::InspectBackup(file, root_of));
  backup.head = info.head;
  backup.struck_off = replayer.state().struck_off();
  ledger::v1::Entry first;
  if (info.first_entry.empty() ||
      !first.ParseFromArray(info.first_entry.data(), static_cast<int>(info.first_entry.size()))) {
    return MakeError(Reason::kStoreCorrupt, "the backup has no ledger");
  }
  HF_ASSIGN_OR_RETURN(backup.agreement,
                      policy::OpenAgreement(AsBytes(first.exchange_opened().agreement_dsse())));
  return backup;
}

// The number that `text` begins with; 0 if it begins with none.
std::uint64_t NumberAt(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

// The number in a note of the state folder; 0 if there is none.
std::uint64_t ReadNote(Session& session, const std::string& state, const char* name) {
  const auto text = session.files().ReadWhole(JoinPath(state, name), kMaxNoteBytes);
  return text.ok() ? NumberAt(AsText(*text)) : 0;
}

JsonObject BackupJson(const std::string& file, const Backup& backup) {
  JsonObject object("Backup");
  object.Set("file", file)
      .Set("exchange_id", Hex(BytesOf(backup.agreement->exchange_id())))
      .Set("epoch", backup.head.epoch)
      .Set("ledger_size", backup.head.ledger_size)
      .Set("root", Hex(backup.head.root));
  return object;
}

std::string BackupText(const Backup& backup) {
  return fmt::format("a whole backup of epoch {}, {} ledger entries, root {}", backup.head.epoch,
                     backup.head.ledger_size, Hex(backup.head.root));
}

// Removes the backups of `folder` that are of earlier epochs: nothing opens them any more.
absl::Status RemoveVoid(Session& session, const std::string& folder, std::uint64_t epoch) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, session.files().List(folder));
  constexpr std::string_view kBegin = "epoch-";
  for (const std::string& name : names) {
    if (!name.starts_with(kBegin) || !name.ends_with(".backup")) continue;
    const std::uint64_t of = NumberAt(std::string_view(name).substr(kBegin.size()));
    if (of == 0 || of >= epoch) continue;
    HF_RETURN_IF_ERROR(session.files().Remove(JoinPath(folder, name)));
  }
  return absl::OkStatus();
}

struct Made {
  std::string file;
  Backup backup;
};

absl::StatusOr<Made> MakeOne(Session& session, const Options& options, const std::string& file) {
  HF_RETURN_IF_ERROR(store::BackUpStore(session.files(), options.state, file));
  HF_ASSIGN_OR_RETURN(Backup backup, Inspect(file));
  return Made{file, std::move(backup)};
}

// Makes a backup in the folder, under a name that says of what, and removes those that it makes
// void.
absl::StatusOr<Made> MakeOneInto(Session& session, const Options& options) {
  const std::string file = JoinPath(options.into, "new.backup");
  const absl::Status removed = session.files().Remove(file);  // Of a run that was cut short.
  if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  HF_ASSIGN_OR_RETURN(Made made, MakeOne(session, options, file));
  const store::Head& head = made.backup.head;
  made.file = JoinPath(options.into,
                       fmt::format("epoch-{}-entries-{}.backup", head.epoch, head.ledger_size));
  HF_RETURN_IF_ERROR(session.files().Rename(file, made.file));
  HF_RETURN_IF_ERROR(session.files().SyncDirectory(options.into));
  HF_RETURN_IF_ERROR(RemoveVoid(session, options.into, head.epoch));
  return made;
}

absl::Status NoteBackup(Session& session, const Options& options, const Made& made) {
  const std::string note = std::to_string(made.backup.head.epoch) + "\n";
  return ReplaceFile(session.files(), JoinPath(options.state, kBackupName), AsBytes(note));
}

// Makes backups until one is of the epoch that the state folder names. A path unit starts this once
// an epoch, and hears of none that begins while it runs.
absl::StatusOr<Made> MakeNewestInto(Session& session, const Options& options) {
  HF_RETURN_IF_ERROR(session.MakeFolder(options.into));
  std::uint64_t before = 0;
  while (true) {
    HF_ASSIGN_OR_RETURN(Made made, MakeOneInto(session, options));
    HF_RETURN_IF_ERROR(NoteBackup(session, options, made));
    const std::uint64_t epoch = made.backup.head.epoch;
    const std::uint64_t now = ReadNote(session, options.state, kEpochName);
    if (now <= epoch) return made;
    if (epoch <= before) {
      session.out().Note(fmt::format(
          "the state folder names epoch {}, and its database is of epoch {}", now, epoch));
      return made;
    }
    before = epoch;
  }
}

absl::StatusOr<Made> MakeOut(Session& session, const Options& options) {
  HF_ASSIGN_OR_RETURN(Made made, MakeOne(session, options, options.out));
  HF_RETURN_IF_ERROR(NoteBackup(session, options, made));
  return made;
}

absl::StatusOr<ExitStatus> Create(Session& session, const Options& options) {
  if (options.out.empty() == options.into.empty()) {
    return MakeError(Reason::kRequestMalformed, "one of --out and --into is needed");
  }
  HF_ASSIGN_OR_RETURN(const Made made, options.into.empty() ? MakeOut(session, options)
                                                            : MakeNewestInto(session, options));
  session.out().Result(BackupJson(made.file, made.backup),
                       BackupText(made.backup) + ": " + made.file);
  session.out().Note("the keyslot is not part of it, and must not be backed up");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Verify(Session& session, const Options& options) {
  HF_ASSIGN_OR_RETURN(const Backup backup, Inspect(options.file));
  JsonObject object = BackupJson(options.file, backup);
  std::string text = BackupText(backup);
  ExitStatus exit = ExitStatus::kDone;
  if (!options.state.empty()) {
    const std::uint64_t now = ReadNote(session, options.state, kEpochName);
    object.Set("present_epoch", now);
    if (now == 0) {
      text += "\nwhich epoch it is now is not known: the state folder does not say";
      exit = ExitStatus::kDefectFound;
    } else if (now != backup.head.epoch) {
      text += fmt::format(
          "\nvoid: it is epoch {} now, and the root key of epoch {} is erased. It never opens "
          "again",
          now, backup.head.epoch);
      exit = ExitStatus::kDefectFound;
    } else {
      text += "\nof the present epoch: two people can let the exchange go on from it";
    }
  }
  session.out().Result(object, text);
  return exit;
}

absl::Status CheckExchange(Session& session, const Options& options, const Backup& backup) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, options.source.Exchange(session));
  if (backup.agreement->exchange_id() == exchange) return absl::OkStatus();
  return MakeError(Reason::kAgreementMismatch, "the backup is of another exchange");
}

std::string TermsText(const policy::RestoreTerms& terms) {
  return fmt::format(
      "go on from a backup of epoch {}, {} ledger entries, root {}\n"
      "lost: entries {} to {}, as far as is known: {}",
      terms.epoch, terms.ledger_size, Hex(terms.root), terms.ledger_size, terms.newest_known,
      terms.lost);
}

JsonObject OrderJson(const std::string& file, const policy::RestoreTerms& terms,
                     std::uint64_t signatures) {
  JsonObject object("RestoreOrder");
  object.Set("file", file)
      .Set("epoch", terms.epoch)
      .Set("ledger_size", terms.ledger_size)
      .Set("newest_known", terms.newest_known)
      .Set("lost", terms.lost)
      .Set("signatures", signatures);
  return object;
}

absl::StatusOr<ExitStatus> SignOrder(Session& session, const Options& options) {
  HF_ASSIGN_OR_RETURN(const Backup backup, Inspect(options.file, Ledger::kHashAndFold));
  HF_RETURN_IF_ERROR(CheckExchange(session, options, backup));
  policy::RestoreTerms terms;
  terms.exchange = backup.agreement->exchange_id();
  terms.epoch = backup.head.epoch;
  terms.ledger_size = backup.head.ledger_size;
  terms.root = backup.head.root;
  std::string order;
  std::uint64_t signatures = 1;
  if (options.countersign.empty()) {
    if (options.lost.empty() || options.newest_known < terms.ledger_size) {
      return MakeError(Reason::kRequestMalformed,
                       "--lost says what is lost, and --newest-known the size of the newest ledger "
                       "that anybody has seen, which is no smaller than the backup's");
    }
    terms.newest_known = options.newest_known;
    terms.lost = options.lost;
    terms.made_at = session.clock().WallNow();
    session.out().Note(TermsText(terms));
    HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
    HF_ASSIGN_OR_RETURN(order, policy::SignRestore(terms, key));
  } else {
    HF_ASSIGN_OR_RETURN(const std::string first,
                        session.ReadText(options.countersign, policy::kMaxJointOrderBytes));
    HF_ASSIGN_OR_RETURN(const policy::UnverifiedRestore read, policy::ReadRestore(first));
    const policy::RestoreTerms& said = read.terms;
    if (said.exchange != terms.exchange || said.epoch != terms.epoch ||
        said.ledger_size != terms.ledger_size || said.root != terms.root) {
      return MakeError(Reason::kRequestMalformed, "the order is about another backup");
    }
    terms = said;
    session.out().Note(TermsText(terms));
    HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
    HF_ASSIGN_OR_RETURN(order, policy::CountersignRestore(first, key));
    HF_RETURN_IF_ERROR(policy::OpenRestore(order, *backup.agreement, backup.struck_off).status());
    signatures = 2;
  }
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(order), Overwrite::kRefuse));
  session.out().Result(OrderJson(options.out, terms, signatures),
                       signatures == 1 ? "signed; another person countersigns " + options.out
                                       : "signed by two people: " + options.out);
  return ExitStatus::kDone;
}

// Orders of earlier restorations in a folder are of ledgers that are lost: the daemon shall not
// take one of them for this one's.
absl::Status SetAside(Session& session, const std::string& state) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, session.files().List(state));
  for (const std::string& name : names) {
    if (!name.starts_with("restored-")) continue;
    HF_RETURN_IF_ERROR(
        session.files().Rename(JoinPath(state, name), JoinPath(state, "void-" + name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitStatus> Restore(Session& session, const Options& options) {
  HF_ASSIGN_OR_RETURN(const Backup backup, Inspect(options.file, Ledger::kHashAndFold));
  HF_RETURN_IF_ERROR(CheckExchange(session, options, backup));
  HF_ASSIGN_OR_RETURN(const std::string text,
                      session.ReadText(options.order, policy::kMaxJointOrderBytes));
  HF_ASSIGN_OR_RETURN(const policy::RestoreOrder order,
                      policy::OpenRestore(text, *backup.agreement, backup.struck_off));
  const policy::RestoreTerms& terms = order.terms;
  if (terms.epoch != backup.head.epoch || terms.ledger_size != backup.head.ledger_size ||
      terms.root != backup.head.root) {
    return MakeError(Reason::kRequestMalformed, "the order is about another backup");
  }
  const std::uint64_t now = ReadNote(session, options.state, kEpochName);
  if (now > terms.epoch) {
    return MakeError(
        Reason::kEpochUnknown,
        fmt::format("the exchange was at epoch {} and the backup is of epoch {}: its root key is "
                    "erased, so that it cannot open. Look for a backup of epoch {}; if there is "
                    "none, what this epoch protected is lost (docs/operations.md, Backups)",
                    now, terms.epoch, now));
  }
  HF_RETURN_IF_ERROR(session.MakeFolder(options.state));
  const std::string kept = JoinPath(options.state, policy::RestoreOrderName(terms.ledger_size));
  HF_RETURN_IF_ERROR(SetAside(session, options.state));
  // The order first: no database goes on without it.
  HF_RETURN_IF_ERROR(session.WriteFile(kept, AsBytes(text), Overwrite::kPermit));
  HF_RETURN_IF_ERROR(store::RestoreStore(session.files(), options.file, options.state));
  session.out().Result(
      OrderJson(kept, terms, order.members.size()),
      TermsText(terms) +
          fmt::format("\nordered by {}\nThe next start goes on from "
                      "there, if the keyslot has epoch {}, and puts the order into the "
                      "ledger. Then this backup is void.",
                      fmt::join(order.members, " and "), terms.epoch));
  return ExitStatus::kDone;
}

void DeclareExchangeId(Command& command, Options& options) {
  command.Optional("--exchange-id", options.source.exchange_id,
                   "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
}

}  // namespace

void DeclareBackup(Command root) {
  Command backup = root.Sub("backup", "create, verify, order, restore copies of the database");
  {
    auto options = std::make_shared<Options>();
    Command create = backup.Sub("create", "copy the database, beside a running gateway");
    create.Required("--state", options->state, "the exchange's state folder")
        .Optional("--out", options->out, "the backup; nothing is replaced")
        .Optional("--into", options->into,
                  "a folder of backups; those of earlier epochs, which are void, are removed");
    create.Footer("On the gateway's machine. The keyslot is never part of a backup.");
    create.Runs([options](Session& session) { return Create(session, *options); });
  }
  {
    auto options = std::make_shared<Options>();
    Command verify = backup.Sub("verify", "is a backup whole, and of the present epoch");
    verify.Required("file", options->file, "the backup")
        .Optional("--state", options->state, "the exchange's state folder");
    verify.Runs([options](Session& session) { return Verify(session, *options); });
  }
  {
    auto options = std::make_shared<Options>();
    Command order = backup.Sub("order", "sign, as one of two people, that a backup goes on");
    order.Required("file", options->file, "the backup")
        .Optional("--lost", options->lost, "what is lost by it, in a line; no personal data")
        .Number("--newest-known", options->newest_known,
                "the size of the newest ledger that anybody has seen")
        .Optional("--countersign", options->countersign, "the order that the first person signed")
        .Required("--out", options->out, "the order; nothing is replaced");
    DeclareExchangeId(order, *options);
    order.Runs([options](Session& session) { return SignOrder(session, *options); });
  }
  {
    auto options = std::make_shared<Options>();
    Command restore = backup.Sub("restore", "let the exchange go on from a backup");
    restore.Required("file", options->file, "the backup")
        .Required("--state", options->state, "the exchange's state folder, without a database")
        .Required("--order", options->order, "what two people signed: holdfast backup order");
    DeclareExchangeId(restore, *options);
    restore.Footer("On the gateway's machine, with the daemon stopped.");
    restore.Runs([options](Session& session) { return Restore(session, *options); });
  }
}

}  // namespace holdfast::cli
