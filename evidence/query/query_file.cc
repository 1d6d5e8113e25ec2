// SPDX-License-Identifier: Apache-2.0
#include "evidence/query/query_file.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "evidence/explain.h"
#include "evidence/export_folder.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/order_json.h"
#include "policy/queries.h"
#include "policy/refusal.h"
#include "policy/release_gate.h"
#include "policy/replay.h"
#include "policy/request_gate.h"

namespace holdfast::evidence {
namespace {

constexpr const char* kSchema = R"sql(
PRAGMA application_id = 0x48464c51;
PRAGMA user_version = 1;
CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE entry(
  entry INTEGER PRIMARY KEY, fact TEXT NOT NULL, late TEXT NOT NULL, leaf_hash TEXT NOT NULL,
  text TEXT NOT NULL) STRICT;
CREATE TABLE transfer(
  transfer INTEGER PRIMARY KEY, name TEXT NOT NULL, entry INTEGER NOT NULL,
  requester TEXT NOT NULL, authority TEXT NOT NULL, purpose TEXT NOT NULL,
  official TEXT NOT NULL) STRICT;
CREATE TABLE subject(
  transfer INTEGER NOT NULL, row INTEGER NOT NULL, entry INTEGER NOT NULL, verdict TEXT NOT NULL,
  officer TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY(transfer, row)) STRICT, WITHOUT ROWID;
CREATE TABLE outcome(
  entry INTEGER PRIMARY KEY, transfer INTEGER NOT NULL, row INTEGER NOT NULL,
  verdict TEXT NOT NULL) STRICT;
CREATE TABLE release(
  entry INTEGER PRIMARY KEY, lease INTEGER NOT NULL, transfer INTEGER NOT NULL,
  row INTEGER NOT NULL, requester TEXT NOT NULL, late TEXT NOT NULL) STRICT;
CREATE TABLE person_order(
  entry INTEGER PRIMARY KEY, person TEXT NOT NULL, act TEXT NOT NULL, id TEXT NOT NULL,
  text TEXT NOT NULL) STRICT;
CREATE TABLE refusal(
  entry INTEGER PRIMARY KEY, member TEXT NOT NULL, act TEXT NOT NULL, reason TEXT NOT NULL,
  transfer INTEGER) STRICT;
CREATE TABLE hold(
  hold TEXT PRIMARY KEY, entry INTEGER NOT NULL, matter TEXT NOT NULL, court TEXT NOT NULL,
  freezes INTEGER NOT NULL, preserves INTEGER NOT NULL, in_force INTEGER NOT NULL) STRICT;
)sql";

constexpr const char* kIndexes = R"sql(
CREATE INDEX release_by_row ON release(transfer, row);
CREATE INDEX outcome_by_row ON outcome(transfer, row);
CREATE INDEX subject_by_person ON subject(person);
CREATE INDEX entry_by_fact ON entry(fact);
)sql";

absl::Status Failed(int code, const std::string& doing) {
  const Reason reason = (code & 0xff) == SQLITE_FULL ? Reason::kStoreFull : Reason::kStoreFailed;
  return AddMetadata(MakeError(reason, "cannot " + doing + ": " + sqlite3_errstr(code)),
                     "sqlite_code", std::to_string(code));
}

using Database = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

absl::Status Execute(sqlite3* database, const char* sql) {
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failed(code, "write the file for queries");
}

// One INSERT that is run again and again.
class Insert final {
 public:
  static absl::StatusOr<Insert> Make(sqlite3* database, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
    if (code != SQLITE_OK) return Failed(code, "prepare the file for queries");
    return Insert(statement);
  }

  Insert& Add(std::uint64_t value) {
    Note(sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<sqlite3_int64>(value)));
    return *this;
  }
  Insert& Add(std::string_view text) {
    Note(sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                           SQLITE_TRANSIENT));
    return *this;
  }
  Insert& AddNull() {
    Note(sqlite3_bind_null(statement_.get(), ++bound_));
    return *this;
  }

  absl::Status Run() {
    bound_ = 0;
    const int bind = std::exchange(result_, SQLITE_OK);
    const int step = bind == SQLITE_OK ? sqlite3_step(statement_.get()) : bind;
    sqlite3_reset(statement_.get());
    return step == SQLITE_DONE ? absl::OkStatus() : Failed(step, "write the file for queries");
  }

 private:
  explicit Insert(sqlite3_stmt* statement) : statement_(statement, &sqlite3_finalize) {}
  void Note(int code) {
    if (code != SQLITE_OK) result_ = code;
  }

  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bound_ = 0;
  int result_ = SQLITE_OK;
};

class QueryWriter final {
 public:
  static absl::StatusOr<std::unique_ptr<QueryWriter>> Open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Database database(raw, &sqlite3_close);
    if (code != SQLITE_OK) return Failed(code, "create the file for queries");
    // It has its name only when it is whole, so nothing is gained by a journal.
    HF_RETURN_IF_ERROR(Execute(database.get(), "PRAGMA journal_mode = OFF"));
    HF_RETURN_IF_ERROR(Execute(database.get(), "PRAGMA synchronous = OFF"));
    HF_RETURN_IF_ERROR(Execute(database.get(), kSchema));
    HF_RETURN_IF_ERROR(Execute(database.get(), "BEGIN"));
    const auto insert = [&](const char* sql) { return Insert::Make(database.get(), sql); };
    HF_ASSIGN_OR_RETURN(Insert about, insert("INSERT INTO about VALUES(?,?)"));
    HF_ASSIGN_OR_RETURN(Insert entry, insert("INSERT INTO entry VALUES(?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert transfer, insert("INSERT INTO transfer VALUES(?,?,?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert subject, insert("INSERT INTO subject VALUES(?,?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert outcome, insert("INSERT INTO outcome VALUES(?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert release, insert("INSERT INTO release VALUES(?,?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert order, insert("INSERT INTO person_order VALUES(?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert refusal, insert("INSERT INTO refusal VALUES(?,?,?,?,?)"));
    HF_ASSIGN_OR_RETURN(Insert hold, insert("INSERT INTO hold VALUES(?,?,?,?,?,?,?)"));
    return std::unique_ptr<QueryWriter>(
        new QueryWriter(std::move(database), std::move(about), std::move(entry),
                        std::move(transfer), std::move(subject), std::move(outcome),
                        std::move(release), std::move(order), std::move(refusal), std::move(hold)));
  }

  absl::Status Add(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
                   const policy::State& before) {
    HF_RETURN_IF_ERROR(entry_.Add(index)
                           .Add(policy::FactName(entry))
                           .Add(FormatRfc3339(before.now().late))
                           .Add(Hex(crypto::LeafHash(bytes)))
                           .Add(ExplainEntry(before, entry))
                           .Run());
    if (entry.has_transfer_created()) {
      const auto& fact = entry.transfer_created();
      const auto id = IdFromBytes<TransferId>(AsBytes(fact.transfer()));
      return transfer_.Add(std::uint64_t{before.transfers().size()})
          .Add(id.ok() ? policy::TransferName(*id) : std::string())
          .Add(index)
          .Add(fact.requester())
          .Add(fact.authority())
          .Add(fact.purpose())
          .Add(fact.requesting_official())
          .Run();
    }
    if (entry.has_subject_judged()) return AddSubject(index, entry.subject_judged(), before);
    if (entry.has_envelope_deposited()) {
      const auto& fact = entry.envelope_deposited();
      return AddOutcome(index, fact.transfer(), fact.row(), fact.verdict());
    }
    if (entry.has_review_opened()) {
      const auto& fact = entry.review_opened();
      return AddOutcome(index, fact.transfer(), fact.row(), fact.verdict());
    }
    if (entry.has_key_released()) return AddRelease(index, entry.key_released(), before);
    if (entry.has_order_accepted()) return AddOrder(index, entry.order_accepted());
    if (entry.has_refused()) return AddRefusal(index, entry.refused());
    return absl::OkStatus();
  }

  absl::Status Finish(const policy::State& end) {
    for (const policy::Hold& hold : end.holds().all()) {
      HF_RETURN_IF_ERROR(hold_.Add(hold.id())
                             .Add(hold.placed_index)
                             .Add(hold.order->matter())
                             .Add(hold.order->court())
                             .Add(std::uint64_t{hold.freezes})
                             .Add(std::uint64_t{hold.preserves})
                             .Add(std::uint64_t{hold.in_force()})
                             .Run());
    }
    HF_RETURN_IF_ERROR(
        about_.Add("exchange_id").Add(Hex(BytesOf(end.agreement().exchange_id()))).Run());
    HF_RETURN_IF_ERROR(about_.Add("entries").Add(std::to_string(end.ledger_size())).Run());
    HF_RETURN_IF_ERROR(
        about_.Add("note").Add("made from an export's log for queries; proves nothing").Run());
    HF_RETURN_IF_ERROR(Execute(database_.get(), "COMMIT"));
    return Execute(database_.get(), kIndexes);
  }

 private:
  QueryWriter(Database database, Insert about, Insert entry, Insert transfer, Insert subject,
              Insert outcome, Insert release, Insert order, Insert refusal, Insert hold)
      : database_(std::move(database)),
        about_(std::move(about)),
        entry_(std::move(entry)),
        transfer_(std::move(transfer)),
        subject_(std::move(subject)),
        outcome_(std::move(outcome)),
        release_(std::move(release)),
        order_(std::move(order)),
        refusal_(std::move(refusal)),
        hold_(std::move(hold)) {}

  absl::Status AddSubject(std::uint64_t index, const ledger::v1::SubjectJudged& fact,
                          const policy::State& before) {
    const policy::Transfer* transfer = before.transfer(fact.transfer());
    const bool has_officer =
        transfer != nullptr && static_cast<int>(fact.officer()) < transfer->terms->officers_size();
    return subject_.Add(std::uint64_t{fact.transfer()})
        .Add(std::uint64_t{fact.row()})
        .Add(index)
        .Add(policy::RequestReasonName(static_cast<policy::RequestReason>(fact.verdict() & 0xFFU)))
        .Add(has_officer
                 ? std::string_view(transfer->terms->officers(static_cast<int>(fact.officer())))
                 : std::string_view())
        .Add(Hex(AsBytes(fact.pseudonym())))
        .Run();
  }

  absl::Status AddOutcome(std::uint64_t index, std::uint32_t transfer, std::uint32_t row,
                          std::uint32_t verdict) {
    return outcome_.Add(index)
        .Add(std::uint64_t{transfer})
        .Add(std::uint64_t{row})
        .Add(policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(verdict & 0xFFU)))
        .Run();
  }

  absl::Status AddRelease(std::uint64_t index, const ledger::v1::KeyReleased& fact,
                          const policy::State& before) {
    const auto lease = before.open_leases().find(fact.lease());
    if (lease == before.open_leases().end()) {
      return MakeError(Reason::kLedgerInconsistent, "a key left without a lease");
    }
    return release_.Add(index)
        .Add(std::uint64_t{fact.lease()})
        .Add(std::uint64_t{lease->second.transfer})
        .Add(std::uint64_t{fact.row()})
        .Add(before.agreement().member(lease->second.requester).id)
        .Add(FormatRfc3339(before.now().late))
        .Run();
  }

  absl::Status AddOrder(std::uint64_t index, const ledger::v1::OrderAccepted& fact) {
    const auto envelope = crypto::ParseDsse(fact.order_dsse());
    if (!envelope.ok()) return MakeError(Reason::kLedgerInconsistent, "an order cannot be read");
    const auto order = policy::ParseOrder(envelope->payload);
    if (!order.ok()) return MakeError(Reason::kLedgerInconsistent, "an order cannot be read");
    const auto* act =
        order::v1::Order::descriptor()->FindFieldByNumber(static_cast<int>(order->act_case()));
    return order_.Add(index)
        .Add(order->person())
        .Add(act == nullptr ? std::string_view() : std::string_view(act->name()))
        .Add(order->id())
        .Add(policy::DescribeOrder(*order))
        .Run();
  }

  absl::Status AddRefusal(std::uint64_t index, const ledger::v1::Refused& fact) {
    const auto reason = policy::RefusalFromNumber(fact.refusal());
    refusal_.Add(index)
        .Add(fact.member())
        .Add(ledger::v1::Refused::Act_Name(fact.act()))
        .Add(reason ? policy::RefusalName(*reason) : std::string_view("UNKNOWN"));
    if (fact.has_transfer()) {
      refusal_.Add(std::uint64_t{fact.transfer()});
    } else {
      refusal_.AddNull();
    }
    return refusal_.Run();
  }

  // Before the statements, which must be finalised first.
  Database database_;
  Insert about_;
  Insert entry_;
  Insert transfer_;
  Insert subject_;
  Insert outcome_;
  Insert release_;
  Insert order_;
  Insert refusal_;
  Insert hold_;
};

absl::Status WriteAll(FileSystem& files, const std::string& folder, std::uint64_t size,
                      const std::string& path, const std::function<void(std::uint64_t)>& progress) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<QueryWriter> writer, QueryWriter::Open(path));
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  const absl::Status read =
      ReadExport(files, folder, size, [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
        progress(index);
        ledger::v1::Entry entry;
        if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
          return MakeError(Reason::kLedgerInconsistent, "an entry cannot be read");
        }
        HF_RETURN_IF_ERROR(writer->Add(index, bytes, entry, replayer.state()));
        return replayer.Step(bytes);
      });
  HF_RETURN_IF_ERROR(read);
  if (!replayer.state().open()) {
    return MakeError(Reason::kLedgerInconsistent, "the ledger has no entry");
  }
  return writer->Finish(replayer.state());
}

}  // namespace

absl::Status WriteQueryFile(FileSystem& files, const std::string& folder, std::uint64_t size,
                            const std::string& path,
                            const std::function<void(std::uint64_t)>& progress) {
  if (files.Stat(path).ok()) {
    return AddMetadata(MakeError(Reason::kAlreadyExists, "the file for queries is there already"),
                       "file", path);
  }
  const std::string part = path + ".part";
  if (files.Stat(part).ok()) HF_RETURN_IF_ERROR(files.Remove(part));
  absl::Status written = WriteAll(files, folder, size, part, progress);
  if (written.ok()) written = files.Rename(part, path);
  if (!written.ok()) {
    static_cast<void>(files.Remove(part));
    return written;
  }
  return files.SyncDirectory(ParentPath(path));
}

}  // namespace holdfast::evidence
