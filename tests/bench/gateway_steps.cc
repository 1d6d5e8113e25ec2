// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gateway_steps.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "cli/agreement_files.h"
#include "cli/request_list.h"
#include "cli/transfer_steps.h"
#include "client/requester_client.h"
#include "client/source_client.h"
#include "crypto/closing_statement.h"
#include "crypto/envelope.h"
#include "crypto/merkle.h"
#include "policy/agreement_gate.h"
#include "tests/bench/require.h"

namespace holdfast::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 1024;  // As the sample agreement says.
constexpr std::size_t kSubjectBytes = 512;  // A subject at rest, padded.
constexpr std::size_t kSubjectHeaderBytes = 54;
constexpr std::size_t kWindow = 32;
constexpr int kSyncs = 50;

// Chunks whose findings are in memory at one time: with a million people everybody has namesakes,
// and all findings at once would take tens of gigabytes.
constexpr std::size_t kChunksLookedUp = 128;

// Hands out messages that are bytes already, to several threads at once.
template <typename Message>
class Prepared final {
 public:
  using Chunk = client::EncodedChunk<Message>;

  explicit Prepared(std::vector<Message> messages) {
    for (const Message& message : messages) chunks_.emplace_back(message);
  }

  std::uint64_t bytes() const {
    std::uint64_t bytes = 0;
    for (const Chunk& chunk : chunks_) bytes += chunk.bytes()->size();
    return bytes;
  }

  absl::StatusOr<std::optional<Chunk>> Next() {
    const std::size_t at = next_.fetch_add(1);
    if (at >= chunks_.size()) return std::optional<Chunk>();
    return std::optional<Chunk>(std::move(chunks_[at]));
  }

 private:
  std::vector<Chunk> chunks_;
  std::atomic<std::size_t> next_ = 0;
};

std::string StreamsText(std::size_t streams) {
  return std::to_string(streams) + (streams == 1 ? " stream" : " streams");
}

}  // namespace

struct Steps::Load {
  double seconds = 0;
  std::uint64_t messages = 0;
  std::uint64_t items = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t reply_bytes = 0;
  std::map<std::uint32_t, std::string> digests;  // Of the envelopes, by chunk.

  Traffic TrafficOf(std::size_t streams) const {
    return {messages, request_bytes / messages, reply_bytes / messages, streams, kWindow};
  }
};

Steps::Steps(GatewayWorld& world, const EchoPeer& peer, Table& table, const Sizes& sizes)
    : world_(world), peer_(peer), table_(table), sizes_(sizes) {
  cli::Session& source = world_.As("source-1");
  const policy::OpenedAgreement agreement =
      Take(cli::AgreementOfProfile(source), "reading the agreement");
  const std::string table_text =
      Take(source.ReadText(world_.File("sample/places.csv"), std::size_t{64} << 20), "places");
  places_ = std::make_unique<policy::PlaceTable>(
      Take(policy::PlaceTable::Parse(table_text), "reading places"));
  rules_ = std::make_unique<policy::GateRules>(
      Take(policy::GateRulesOf(agreement, places_.get()), "compiling the gates"));
  std::set<std::string, std::less<>> permitted;
  for (const policy::Authority& authority : agreement.authorities()) {
    permitted.insert(authority.fields.begin(), authority.fields.end());
  }
  people_ = Take(client::CsvLookup::Open(
                     world_.files(), world_.File("sample/people.csv"),
                     [&](std::string_view column) { return permitted.contains(column); }, nullptr),
                 "reading people");
}

Steps::~Steps() = default;

double Steps::SyncNow() const { return MedianOf(SyncTimes(world_.File("sync"), kSyncs)); }

std::vector<v1::SubmitSubjectsRequest> Steps::ReadList(const v1::Transfer& transfer) const {
  std::map<std::string, std::uint32_t> officers;
  for (int i = 0; i < transfer.terms().officers_size(); ++i) {
    officers.emplace(transfer.terms().officers(i), static_cast<std::uint32_t>(i));
  }
  const auto list = Take(cli::RequestList::Open(world_.files(), world_.File("sample/requests.csv")),
                         "opening the list");
  std::vector<v1::SubmitSubjectsRequest> chunks;
  for (;;) {
    std::optional<cli::RequestRow> row = Take(list->Next(), "reading the list");
    if (!row) return chunks;
    if (chunks.empty() ||
        static_cast<std::uint32_t>(chunks.back().subjects_size()) == kRowsPerChunk) {
      v1::SubmitSubjectsRequest& chunk = chunks.emplace_back();
      chunk.set_transfer(transfer.name());
      chunk.set_chunk(static_cast<std::uint32_t>(chunks.size() - 1));
    }
    row->subject.set_officer(officers.at(row->officer));
    *chunks.back().add_subjects() = std::move(row->subject);
  }
}

Carried Steps::Carry(std::size_t streams) {
  cli::Session& requester = world_.As("requester-1");
  const v1::Transfer transfer =
      Take(cli::CreateTransfer(
               requester, world_.File("sample/terms.txt"), world_.File("sample/attestation.txt"),
               world_.File("sample/requests.csv"), crypto::Draw<16>(world_.random())),
           "opening a transfer");
  std::vector<v1::SubmitSubjectsRequest> list = ReadList(transfer);
  const std::vector<std::string> officers(transfer.terms().officers().begin(),
                                          transfer.terms().officers().end());
  const double request_gate = RequestGateSeconds(*rules_, list, officers);
  const Load submitted = Submit(transfer, std::move(list), streams);
  table_.Add("submit, " + StreamsText(streams), submitted.items, submitted.seconds,
             request_gate + AeadSeconds(submitted.items, kSubjectBytes, kSubjectHeaderBytes) +
                 InsertSeconds(world_.File("insert.db"), submitted.items,
                               kSubjectBytes + kSubjectHeaderBytes + 16) +
                 peer_.Upload(submitted.TrafficOf(streams)),
             "request gate + AEAD + SQLite insert + upload");

  // Of many people some have the same name and date of birth: the same person at two addresses.
  client::RequesterClient asking(Take(requester.channel(), "connecting"));
  if (Take(asking.Get(transfer.name()), "looking at the transfer").stops_size() > 0) {
    world_.Cli({"--profile", "custodian-1", "transfer", "let-go-on", transfer.name(), "--reason",
                "measured", "--yes"});
  }
  world_.Cli({"--profile", "custodian-1", "transfer", "approve", transfer.name(), "--yes"});
  const std::vector<v1::FetchSubjectsResponse> subjects = Fetch(transfer.name());
  double release_gate = 0;
  Load deposited;
  for (std::span<const v1::FetchSubjectsResponse> left(subjects); !left.empty();) {
    const auto slice = left.first(std::min(left.size(), kChunksLookedUp));
    left = left.subspan(slice.size());
    std::vector<v1::DepositRecordsRequest> findings = LookUp(transfer.name(), slice);
    release_gate += ReleaseGateSeconds(*rules_, slice, findings);
    Deposit(std::move(findings), streams, deposited);
  }
  Close(transfer.name(), deposited);
  table_.Add("deposit, " + StreamsText(streams), deposited.items, deposited.seconds,
             request_gate + release_gate +
                 AeadSeconds(deposited.items, kSubjectBytes, kSubjectHeaderBytes) +
                 AeadSeconds(deposited.items, kRecordBytes, crypto::kEnvelopeHeaderBytes) +
                 HashSeconds(deposited.items, kRecordBytes + crypto::kEnvelopeHeaderBytes) +
                 InsertSeconds(world_.File("insert.db"), deposited.items,
                               crypto::EnvelopeBytes(kRecordBytes)) +
                 peer_.Upload(deposited.TrafficOf(streams)),
             "both gates + 2 AEAD + BLAKE2b + SQLite insert + upload");
  return {transfer.name(), Collect(transfer.name())};
}

Steps::Load Steps::Submit(const v1::Transfer& transfer,
                          std::vector<v1::SubmitSubjectsRequest> chunks, std::size_t streams) {
  client::RequesterClient client(Take(world_.As("requester-1").channel(), "connecting"));
  Require(client.Get(transfer.name()).status(), "connecting");
  Load load;
  load.messages = chunks.size();
  for (const v1::SubmitSubjectsRequest& chunk : chunks) {
    load.items += static_cast<std::uint64_t>(chunk.subjects_size());
  }
  Prepared prepared(std::move(chunks));
  load.request_bytes = prepared.bytes();
  const auto start = SteadyClock::now();
  Require(client.Submit(
              [&] { return prepared.Next(); },
              [&](const client::EncodedSubjects&, const v1::SubmitSubjectsResponse& response) {
                load.reply_bytes += response.ByteSizeLong();
                return absl::OkStatus();
              },
              {streams, kWindow}),
          "submitting");
  load.seconds = SecondsSince(start);
  Require(client.Finish(transfer.name(), static_cast<std::uint32_t>(load.items)).status(),
          "finishing the submission");
  return load;
}

std::vector<v1::FetchSubjectsResponse> Steps::Fetch(const std::string& transfer) {
  client::SourceClient client(Take(world_.As("source-1").channel(), "connecting"));
  std::vector<v1::FetchSubjectsResponse> chunks;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  std::uint64_t subjects = 0;
  const auto start = SteadyClock::now();
  Require(client.Fetch(transfer, 0,
                       [&](v1::FetchSubjectsResponse& chunk) {
                         bytes += chunk.ByteSizeLong();
                         ++messages;
                         subjects += static_cast<std::uint64_t>(chunk.subjects_size());
                         if (chunk.subjects_size() > 0) chunks.push_back(std::move(chunk));
                         return absl::OkStatus();
                       }),
          "fetching subjects");
  const double seconds = SecondsSince(start);
  table_.Add("fetch", subjects, seconds,
             AeadSeconds(subjects, kSubjectBytes, kSubjectHeaderBytes) +
                 peer_.Download(messages, bytes / messages),
             "AEAD + download");
  return chunks;
}

std::vector<v1::DepositRecordsRequest> Steps::LookUp(
    const std::string& transfer, std::span<const v1::FetchSubjectsResponse> subjects) const {
  std::vector<v1::DepositRecordsRequest> chunks;
  for (const v1::FetchSubjectsResponse& chunk : subjects) {
    v1::DepositRecordsRequest& request =
        chunks.emplace_back(Take(client::LookUpChunk(*people_, transfer, chunk), "looking up"));
    // Nobody reviews in a bench: what would be doubtful is not found.
    for (int i = 0; i < request.findings_size(); ++i) {
      v1::Findings& findings = *request.mutable_findings(i);
      if (policy::NeedsReview(JudgeFindings(*rules_, chunk.subjects(i), findings))) {
        findings.clear_candidates();
      }
    }
  }
  return chunks;
}

void Steps::Deposit(std::vector<v1::DepositRecordsRequest> chunks, std::size_t streams,
                    Load& load) {
  client::SourceClient client(Take(world_.As("source-1").channel(), "connecting"));
  load.messages += chunks.size();
  Prepared prepared(std::move(chunks));
  load.request_bytes += prepared.bytes();
  const auto start = SteadyClock::now();
  Require(client.Deposit([&] { return prepared.Next(); },
                         [&](const client::EncodedFindings& request,
                             const v1::DepositRecordsResponse& response) {
                           load.reply_bytes += response.ByteSizeLong();
                           load.items += response.verdicts().size();
                           load.digests[request.chunk()] = response.envelope_digests();
                           return absl::OkStatus();
                         },
                         {streams, kWindow}),
          "depositing");
  load.seconds += SecondsSince(start);
}

void Steps::Close(const std::string& transfer, const Load& load) {
  cli::Session& source = world_.As("source-1");
  client::SourceClient client(Take(source.channel(), "connecting"));
  crypto::Frontier envelopes;
  for (const auto& [chunk, all] : load.digests) {
    const ByteSpan bytes = AsBytes(all);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Digest32)) {
      envelopes.Append(crypto::LeafHash(bytes.subspan(at, sizeof(Digest32))));
    }
  }
  Require(client
              .Close(transfer, Take(source.exchange_id(), "reading the profile"),
                     static_cast<std::uint32_t>(load.items), envelopes.Root(),
                     Take(source.signing_key(), "reading the key"))
              .status(),
          "closing");
}

std::vector<std::uint32_t> Steps::Collect(const std::string& transfer) {
  client::RequesterClient client(Take(world_.As("requester-1").channel(), "connecting"));
  std::vector<std::uint32_t> rows;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  const auto start = SteadyClock::now();
  Require(client.Collect(transfer, 0,
                         [&](v1::CollectEnvelopesResponse& chunk) {
                           bytes += chunk.ByteSizeLong();
                           ++messages;
                           rows.insert(rows.end(), chunk.rows().begin(), chunk.rows().end());
                           return absl::OkStatus();
                         }),
          "collecting");
  const double seconds = SecondsSince(start);
  table_.Add("collect", rows.size(), seconds, peer_.Download(messages, bytes / messages),
             "download of the same bytes");
  return rows;
}

}  // namespace holdfast::bench
