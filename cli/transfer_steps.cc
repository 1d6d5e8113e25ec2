// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer_steps.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/file_writer.h"
#include "cli/request_list.h"
#include "client/envelope_file.h"
#include "client/requester_client.h"
#include "crypto/sha256.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "policy/request_gate.h"

namespace holdfast::cli {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kMaxTermsBytes = 64 << 10;
constexpr std::size_t kMaxAttestationBytes = std::size_t{64} << 20;

class Collector final : public pb::io::ErrorCollector {
 public:
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    if (!text.empty()) return;
    text = fmt::format("{}:{}: {}", line + 1, column + 1, message);
  }
  std::string text;
};

// The source of chunks of a list, and of what was refused in them.
class ListChunks final {
 public:
  ListChunks(std::unique_ptr<RequestList> list, const v1::Transfer& transfer)
      : list_(std::move(list)), transfer_(transfer) {
    for (int i = 0; i < transfer.terms().officers_size(); ++i) {
      position_.emplace(transfer.terms().officers(i), static_cast<std::uint32_t>(i));
    }
  }

  absl::StatusOr<std::optional<client::EncodedSubjects>> Next() {
    v1::SubmitSubjectsRequest request;
    request.set_transfer(transfer_.name());
    request.set_chunk(next_);
    for (std::uint32_t i = 0; i < kRowsPerChunk; ++i) {
      HF_ASSIGN_OR_RETURN(std::optional<RequestRow> row, list_->Next());
      if (!row) break;
      const auto officer = position_.find(row->officer);
      if (officer == position_.end()) {
        return MakeError(Reason::kRequestMalformed,
                         fmt::format("row {} names an officer that the transfer does not",
                                     next_ * kRowsPerChunk + i));
      }
      row->subject.set_officer(officer->second);
      *request.add_subjects() = std::move(row->subject);
    }
    if (request.subjects().empty()) return std::optional<client::EncodedSubjects>();
    ++next_;
    return std::optional<client::EncodedSubjects>(request);
  }

 private:
  std::unique_ptr<RequestList> list_;
  const v1::Transfer& transfer_;
  std::map<std::string, std::uint32_t> position_;
  std::uint32_t next_ = 0;
};

std::string VerdictName(std::uint8_t verdict) {
  return std::string(policy::RequestReasonName(static_cast<policy::RequestReason>(verdict)));
}

}  // namespace

absl::StatusOr<v1::Transfer> CreateTransfer(Session& session, const std::string& terms_path,
                                            const std::string& attestation_path,
                                            const std::string& list_path, ByteSpan request_id) {
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(terms_path, kMaxTermsBytes));
  HF_ASSIGN_OR_RETURN(const std::string attestation,
                      session.ReadText(attestation_path, kMaxAttestationBytes));
  v1::TransferTerms terms;
  Collector collector;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  if (!parser.ParseFromString(text, &terms)) {
    return AddMetadata(MakeError(Reason::kRequestMalformed, terms_path + ":" + collector.text),
                       "file", terms_path);
  }
  if (!terms.officers().empty() || !terms.attestation_digest().empty()) {
    return MakeError(Reason::kRequestMalformed,
                     terms_path +
                         ": officers come from the list, the attestation's digest from "
                         "its file; leave them out");
  }
  HF_ASSIGN_OR_RETURN(const ListSummary list, SummariseList(session.files(), list_path));
  for (const std::string& officer : list.officers) terms.add_officers(officer);
  terms.set_attestation_digest(ToString(crypto::Sha256Of(AsBytes(attestation))));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  return client::RequesterClient(channel).Create(terms, request_id);
}

absl::StatusOr<SubmitSummary> SubmitList(Session& session, const v1::Transfer& transfer,
                                         const std::string& list_path,
                                         const std::string& refused_path, std::size_t streams) {
  HF_ASSIGN_OR_RETURN(const ListSummary list, SummariseList(session.files(), list_path));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RequestList> rows,
                      RequestList::Open(session.files(), list_path));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::RequesterClient requester(channel);
  ListChunks chunks(std::move(rows), transfer);
  SubmitSummary summary;
  std::map<std::uint32_t, std::uint8_t> refused;
  Progress progress(session.out(), "submitting", list.rows);
  HF_RETURN_IF_ERROR(requester.Submit(
      [&] { return chunks.Next(); },
      [&](const client::EncodedSubjects& request, const v1::SubmitSubjectsResponse& response) {
        std::uint32_t row = request.chunk() * kRowsPerChunk;
        for (const char c : response.verdicts()) {
          const auto verdict = static_cast<std::uint8_t>(c);
          ++summary.rows;
          if (verdict == static_cast<std::uint8_t>(policy::RequestReason::kAccepted)) {
            ++summary.accepted;
          } else {
            refused.emplace(row, verdict);
            ++summary.refused[VerdictName(verdict)];
          }
          ++row;
        }
        progress.Update(summary.rows);
        return absl::OkStatus();
      },
      {streams, kMaxMessagesInFlight}));
  if (!refused_path.empty()) {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> out,
                        FileWriter::Create(session.files(), refused_path));
    HF_RETURN_IF_ERROR(out->Write("row,reason\n"));
    for (const auto& [row, verdict] : refused) {
      HF_RETURN_IF_ERROR(out->Write(fmt::format("{},{}\n", row, VerdictName(verdict))));
    }
    HF_RETURN_IF_ERROR(out->Finish());
  }
  HF_RETURN_IF_ERROR(requester.Finish(transfer.name(), list.rows).status());
  return summary;
}

absl::StatusOr<v1::Transfer> WaitUntilClosed(Session& session, const std::string& transfer,
                                             std::chrono::milliseconds patience) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  return client::RequesterClient(channel).WaitFor(
      transfer,
      [&](const v1::Transfer& now) {
        session.out().Detail(now.name() + " is " + v1::Transfer::State_Name(now.state()));
        return now.state() == v1::Transfer::CLOSED || now.state() == v1::Transfer::DENIED;
      },
      patience);
}

absl::StatusOr<std::uint64_t> CollectInto(Session& session, const std::string& transfer,
                                          const std::string& path) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const TransferId id, client::ParseTransferName(transfer));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::RequesterClient requester(channel);
  HF_ASSIGN_OR_RETURN(const v1::Transfer about, requester.Get(transfer));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<client::EnvelopeFile> file,
                      client::EnvelopeFile::OpenToAppend(session.files(), path, exchange, id));
  if (file->complete()) return file->rows().size();
  Progress progress(session.out(), "collecting", about.accepted());
  const absl::Status collected = requester.Collect(
      transfer, file->next_chunk(), [&](v1::CollectEnvelopesResponse& chunk) -> absl::Status {
        const std::span<const std::uint32_t> rows(chunk.rows().data(),
                                                  static_cast<std::size_t>(chunk.rows_size()));
        HF_RETURN_IF_ERROR(
            file->Append(chunk.chunk(), rows, AsBytes(chunk.envelopes()), chunk.envelope_bytes()));
        progress.Update(file->rows().size());
        return absl::OkStatus();
      });
  if (!collected.ok()) {
    // What was collected stays: collecting again goes on from here.
    HF_RETURN_IF_ERROR(file->Sync());
    return collected;
  }
  HF_RETURN_IF_ERROR(file->Finish());
  return file->rows().size();
}

}  // namespace holdfast::cli
