// SPDX-License-Identifier: Apache-2.0
// OpenEnvelopes(): keys, records, and a file of what they say.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/exchange_view.h"
#include "cli/file_writer.h"
#include "cli/request_list.h"
#include "cli/scope_options.h"
#include "cli/transfer_steps.h"
#include "client/csv.h"
#include "client/envelope_file.h"
#include "client/requester_client.h"
#include "crypto/envelope.h"
#include "holdfast/record/v1/outcome.pb.h"

namespace holdfast::cli {
namespace {

// Which positions of the file are asked for.
absl::StatusOr<std::vector<std::size_t>> Positions(const client::EnvelopeFile& file,
                                                   const std::vector<std::string>& ranges) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> wanted;
  for (const std::string& text : ranges) {
    HF_ASSIGN_OR_RETURN(const v1::RowRange range, ParseRowRange(text));
    wanted.emplace_back(range.first(), range.last());
  }
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < file.rows().size(); ++i) {
    const std::uint32_t row = file.rows()[i];
    const bool take = wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](auto range) {
                        return range.first <= row && row <= range.second;
                      });
    if (take) positions.push_back(i);
  }
  return positions;
}

// What each row's envelope must be bound to.
class Bindings final {
 public:
  static absl::StatusOr<Bindings> Read(Session& session, const v1::Transfer& transfer,
                                       const std::string& recipient, const std::string& path) {
    Bindings bindings;
    if (path.empty()) return bindings;
    crypto::BindingContext context;
    HF_ASSIGN_OR_RETURN(context.nonce, ArrayFromBytes<Digest32>(AsBytes(transfer.binding_nonce())));
    HF_ASSIGN_OR_RETURN(context.attestation,
                        ArrayFromBytes<Digest32>(AsBytes(transfer.terms().attestation_digest())));
    context.recipient = recipient;
    context.purpose = transfer.terms().purpose();
    context.authority = transfer.terms().authority();
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<RequestList> list,
                        RequestList::Open(session.files(), path));
    for (;;) {
      HF_ASSIGN_OR_RETURN(const std::optional<RequestRow> row, list->Next());
      if (!row) break;
      context.officer = row->officer;
      context.case_number = row->subject.case_number();
      bindings.by_row_.push_back(crypto::ComputeBinding(context));
    }
    return bindings;
  }

  std::optional<Digest32> Of(std::uint32_t row) const {
    return row < by_row_.size() ? std::optional(by_row_[row]) : std::nullopt;
  }

 private:
  std::vector<Digest32> by_row_;
};

// Writes one line a record: row, reference, result, ledger entry, and the permitted fields.
class RecordWriter final {
 public:
  RecordWriter(std::unique_ptr<FileWriter> file, std::vector<std::string> fields)
      : file_(std::move(file)), fields_(std::move(fields)) {}

  absl::Status Begin() {
    std::vector<std::string> line = {"row", "reference", "result", "ledger_index"};
    line.insert(line.end(), fields_.begin(), fields_.end());
    return file_->Write(client::CsvLine(line));
  }

  absl::Status Add(std::uint32_t row, std::uint64_t ledger_index,
                   const record::v1::Outcome& outcome) {
    std::vector<std::string> line = {
        std::to_string(row), outcome.client_reference(),
        outcome.result() == record::v1::Outcome::RELEASED ? "released" : "nothing released",
        std::to_string(ledger_index)};
    for (const std::string& name : fields_) {
      const auto it = std::find_if(outcome.fields().begin(), outcome.fields().end(),
                                   [&](const record::v1::Field& f) { return f.name() == name; });
      line.push_back(it == outcome.fields().end() ? "" : it->value());
    }
    return file_->Write(client::CsvLine(line));
  }

  absl::Status Finish() { return file_->Finish(); }

 private:
  std::unique_ptr<FileWriter> file_;
  const std::vector<std::string> fields_;
};

// Whether an error ends the asking, and leaves what was opened before as a result.
bool Stops(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return reason == Reason::kHeld || reason == Reason::kBrakeOn ||
         reason == Reason::kRecordNotReleasable;
}

}  // namespace

absl::StatusOr<OpenSummary> OpenEnvelopes(Session& session, const std::string& envelopes_path,
                                          const std::vector<std::string>& rows,
                                          const std::string& list_path, const std::string& out) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<client::EnvelopeFile> file,
                      client::EnvelopeFile::OpenToRead(session.files(), envelopes_path));
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  if (file->exchange() != exchange) {
    return MakeError(Reason::kAgreementMismatch, envelopes_path + " is of another exchange");
  }
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const std::string member, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  const std::string name = "transfers/" + Hex(BytesOf(file->transfer()));
  client::RequesterClient requester(channel);
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer, requester.Get(name));
  const policy::Authority* authority = agreement.FindAuthority(transfer.terms().authority());
  if (authority == nullptr) {
    return MakeError(Reason::kAgreementMismatch,
                     "the agreement does not know the transfer's authority");
  }
  HF_ASSIGN_OR_RETURN(const Bindings bindings,
                      Bindings::Read(session, transfer, member, list_path));
  HF_ASSIGN_OR_RETURN(const std::vector<std::size_t> positions, Positions(*file, rows));
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileWriter> writer, FileWriter::Create(session.files(), out));
  RecordWriter records(std::move(writer), authority->fields);
  HF_RETURN_IF_ERROR(records.Begin());

  std::map<std::uint32_t, std::size_t> position_of;
  for (const std::size_t position : positions)
    position_of.emplace(file->rows()[position], position);
  OpenSummary summary;
  std::size_t next = 0;
  Progress progress(session.out(), "opening", positions.size());
  const absl::Status status = requester.ReleaseKeys(
      name, {exchange, member, key, head.checkpoint.size, head.checkpoint.root},
      [&]() -> absl::StatusOr<std::optional<std::vector<std::uint32_t>>> {
        std::vector<std::uint32_t> batch;
        while (next < positions.size() && batch.size() < client::RequesterClient::kMaxKeyBatch) {
          batch.push_back(file->rows()[positions[next++]]);
        }
        if (batch.empty()) return std::optional<std::vector<std::uint32_t>>();
        return std::optional(std::move(batch));
      },
      [&](std::vector<client::ReleasedKey> keys,
          std::span<const std::uint32_t> not_released) -> absl::Status {
        summary.asked += keys.size() + not_released.size();
        summary.not_released += not_released.size();
        for (const client::ReleasedKey& released : keys) {
          HF_ASSIGN_OR_RETURN(const Bytes envelope, file->Read(position_of.at(released.row)));
          crypto::ExpectedEnvelope expected;
          expected.exchange = exchange;
          expected.transfer = file->transfer();
          expected.row = released.row;
          expected.binding = bindings.Of(released.row);
          const auto payload = crypto::OpenEnvelope(envelope, released.key, expected);
          if (!payload.ok()) {
            return AddMetadata(payload.status(), "row", std::to_string(released.row));
          }
          record::v1::Outcome outcome;
          const ByteSpan bytes = payload->Reveal();
          if (!outcome.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
            return AddMetadata(MakeError(Reason::kEnvelopeRejected, "an envelope holds no outcome"),
                               "row", std::to_string(released.row));
          }
          ++summary.opened;
          if (outcome.result() == record::v1::Outcome::RELEASED) ++summary.released;
          HF_RETURN_IF_ERROR(records.Add(released.row, released.ledger_index, outcome));
        }
        progress.Update(summary.asked);
        return absl::OkStatus();
      },
      session.clock(), session.random());
  if (!status.ok() && !Stops(status)) return status;
  summary.stopped = status;
  // A refusal before the first key leaves an earlier result in place.
  if (status.ok() || summary.asked > 0) HF_RETURN_IF_ERROR(records.Finish());
  return summary;
}

}  // namespace holdfast::cli
