// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/review_service.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "daemon/rpc/opening.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/record_act.h"
#include "daemon/rpc/settlement.h"
#include "daemon/rpc/subject_chunk.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/review_service.pb.h"
#include "policy/proto_time.h"
#include "policy/queries.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "policy/review.h"
#include "store/entry_bundle.h"

namespace holdfast::rpc {
namespace {

using policy::ReviewCase;

constexpr std::int32_t kDefaultPage = 100;
constexpr std::int32_t kLargestPage = 1000;

v1::WaitingCase ViewOfCase(const policy::State& state, const policy::Transfer& transfer,
                           std::uint32_t row, const ReviewCase& waiting) {
  v1::WaitingCase view;
  view.set_transfer(policy::TransferName(transfer.id));
  view.set_row(row);
  view.set_officer(state.officer(transfer.officers[transfer.records.Find(row)->officer]));
  view.set_verdict(std::string(policy::ReleaseReasonName(waiting.verdict)));
  view.set_address(std::string(policy::AddressComparisonName(waiting.address)));
  view.set_candidates(waiting.candidates);
  view.set_releasable(static_cast<std::uint32_t>(std::popcount(waiting.releasable)));
  *view.mutable_opened_at() = policy::ToProto(waiting.opened_at);
  *view.mutable_expires_at() = policy::ToProto(waiting.due_at);
  view.set_shown(waiting.shown);
  view.set_digest(Hex(waiting.digest));
  const policy::Hold* hold = state.Freezing({transfer.number, row});
  if (hold != nullptr) view.set_frozen_by(hold->order->matter());
  return view;
}

// Where a page begins: the key of its first case, as four numbers.
std::string TokenOf(const policy::ReviewKey& key) {
  return std::to_string(key.due_at.value()) + "." + std::to_string(key.officer.value()) + "." +
         std::to_string(key.transfer) + "." + std::to_string(key.row);
}

std::optional<policy::ReviewKey> KeyOf(const std::string& token) {
  std::int64_t numbers[4] = {};
  const char* at = token.data();
  const char* const end = at + token.size();
  for (std::size_t i = 0; i < 4; ++i) {
    const auto parsed = std::from_chars(at, end, numbers[i]);
    const bool separated = i == 3 ? parsed.ptr == end : parsed.ptr != end && *parsed.ptr == '.';
    if (parsed.ec != std::errc() || !separated) return std::nullopt;
    at = parsed.ptr + 1;
    if (i > 0 && (numbers[i] < 0 || numbers[i] > 0xffff'ffff)) return std::nullopt;
  }
  return policy::ReviewKey{
      UnixMillis(numbers[0]), policy::OfficerNumber(static_cast<std::uint32_t>(numbers[1])),
      static_cast<std::uint32_t>(numbers[2]), static_cast<std::uint32_t>(numbers[3])};
}

void ListReviewCases(const Hosted& hosted, const Viewer& viewer, const Call&,
                     const v1::ListReviewCasesRequest& request,
                     Responder<v1::ListReviewCasesResponse> respond) {
  std::optional<policy::ReviewKey> first;
  if (!request.page_token().empty()) first = KeyOf(request.page_token());
  if (request.page_size() < 0 || (!request.page_token().empty() && !first.has_value())) {
    respond.Fail(MakeError(Reason::kRequestMalformed, "page size or page token is not valid"));
    return;
  }
  const std::int32_t wanted = request.page_size() == 0 ? kDefaultPage : request.page_size();
  AnswerFromState<v1::ListReviewCasesResponse>(
      hosted, std::move(respond),
      [viewer, first, name = request.transfer(), officer = request.officer(),
       size = std::min(wanted, kLargestPage)](
          const exchange::Core& core) -> absl::StatusOr<v1::ListReviewCasesResponse> {
        const policy::State& state = core.state;
        std::optional<std::uint32_t> only;
        if (!name.empty()) {
          HF_ASSIGN_OR_RETURN(const policy::Transfer* transfer,
                              VisibleTransfer(state, name, viewer));
          only = transfer->number;
        }
        v1::ListReviewCasesResponse response;
        response.set_waiting(static_cast<std::uint32_t>(state.reviews().size()));
        for (const auto& [verdict, count] : state.review_verdicts()) {
          v1::ReasonCount& out = *response.add_by_verdict();
          out.set_reason(
              std::string(policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(verdict))));
          out.set_count(count);
        }
        auto at = first.has_value() ? state.reviews().lower_bound(*first) : state.reviews().begin();
        for (; at != state.reviews().end(); ++at) {
          if (only.has_value() && at->transfer != *only) continue;
          if (!officer.empty() && state.officer(at->officer) != officer) continue;
          if (response.cases_size() == size) {
            response.set_next_page_token(TokenOf(*at));
            break;
          }
          const policy::Transfer& transfer = *state.transfer(at->transfer);
          *response.add_cases() = ViewOfCase(state, transfer, at->row, *transfer.FindCase(at->row));
        }
        return response;
      });
}

// What an act about one row needs to know of it.
struct RowFacts {
  std::shared_ptr<const TransferFacts> transfer;
  std::uint32_t row = 0;
  v1::WaitingCase view;   // Only where it waits.
  Digest32 commitment{};  // The same.
  std::uint64_t releasable = 0;
  bool waits = false;
  bool judged = false;  // By the release gate.
  bool destroyed = false;
  std::uint64_t first_outcome = 0;  // Where the verdicts of its chunk begin in the ledger.
};
using Row = std::shared_ptr<RowFacts>;

void FindRow(const Hosted& hosted, const Viewer& viewer, std::string name, std::uint32_t row,
             std::function<void(absl::StatusOr<Row>)> found) {
  hosted.exchange->Query(
      [viewer, name = std::move(name), row,
       found](const exchange::Core& core) -> exchange::Exchange::QueryReply {
        const absl::StatusOr<const policy::Transfer*> transfer =
            VisibleTransfer(core.state, name, viewer);
        if (!transfer.ok()) {
          return
              [found, status = transfer.status()](const exchange::LedgerHead&) { found(status); };
        }
        auto facts = std::make_shared<RowFacts>();
        facts->transfer = std::make_shared<const TransferFacts>(FactsOf(core.state, **transfer));
        facts->row = row;
        const policy::Record* record = (*transfer)->records.Find(row);
        if (record != nullptr) {
          facts->judged = record->release_verdict != 0;
          facts->destroyed = record->destroyed();
          facts->first_outcome = (*transfer)->records.chunk(row / kRowsPerChunk)->first_outcome;
        }
        if (const ReviewCase* waiting = (*transfer)->FindCase(row)) {
          facts->waits = true;
          facts->commitment = waiting->commitment;
          facts->releasable = waiting->releasable;
          facts->view = ViewOfCase(core.state, **transfer, row, *waiting);
        }
        return [found, facts](const exchange::LedgerHead&) { found(facts); };
      },
      [found](const absl::Status& status) { found(status); });
}

// Appends one fact, then calls `done` with its index.
void Record(const Hosted& hosted, const Viewer& viewer, const Row& row,
            const ledger::v1::Entry& fact, ledger::v1::Refused::Act what,
            std::function<void(absl::StatusOr<std::uint64_t>)> done) {
  RecordAct(hosted, viewer, fact, what, row->transfer->number, std::move(done));
}

v1::FieldComparison Compared(std::string field, policy::FieldResult result,
                             const std::vector<std::string_view>& differences) {
  v1::FieldComparison out;
  out.set_field(std::move(field));
  out.set_result(static_cast<v1::FieldComparison::Result>(result));
  for (const std::string_view difference : differences) {
    out.add_differences(std::string(difference));
  }
  return out;
}

absl::StatusOr<v1::ReviewCase> BuildCase(const Hosted& hosted, const RowFacts& row) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  HF_ASSIGN_OR_RETURN(const OpenedSubject subject,
                      OpenOneSubject(*published, hosted.exchange->id(), *row.transfer, row.row));
  HF_ASSIGN_OR_RETURN(const OpenedOpening opened,
                      OpenStoredOpening(*published, *row.transfer, subject));
  if (opened.commitment != row.commitment) {
    return MakeError(Reason::kStoreCorrupt, "a stored opening is not the one committed to");
  }
  v1::ReviewCase view;
  *view.mutable_summary() = row.view;
  view.mutable_summary()->set_shown(row.view.shown() + 1);
  FillPerson(subject.at_rest.subject.person, *view.mutable_subject());
  view.set_case_number(std::string(subject.at_rest.subject.case_number));
  for (int i = 0; i < opened.opening.candidates_size(); ++i) {
    const v1::Candidate& candidate = opened.opening.candidates(i);
    const policy::CandidateComparison compared = policy::CompareCandidate(
        *hosted.rules, subject.at_rest.subject.person, ViewOf(candidate.person()));
    v1::ReviewCandidate& out = *view.add_candidates();
    *out.mutable_person() = candidate.person();
    *out.mutable_fields() = candidate.fields();
    *out.add_comparisons() = Compared("name", compared.name, compared.name_differences);
    *out.add_comparisons() = Compared("address", compared.address, compared.address_differences);
    *out.add_comparisons() = Compared("tax_number", compared.tax_number, {});
    *out.add_comparisons() = Compared("birth_date", compared.birth_date, {});
    out.set_releasable(i < 64 && (row.releasable >> static_cast<unsigned>(i) & 1) != 0);
    out.set_verdict(std::string(policy::ReleaseReasonName(compared.reason)));
  }
  return view;
}

void ShowReviewCase(const Hosted& hosted, const Viewer& viewer, const Call&,
                    const v1::ShowReviewCaseRequest& request, Responder<v1::ReviewCase> respond) {
  FindRow(hosted, viewer, request.transfer(), request.row(),
          [&hosted, viewer, respond](absl::StatusOr<Row> found) {
            if (!found.ok()) {
              respond.Fail(found.status());
              return;
            }
            const Row row = *found;
            ledger::v1::Entry fact;
            fact.mutable_case_shown()->set_transfer(row->transfer->number);
            fact.mutable_case_shown()->set_row(row->row);
            fact.mutable_case_shown()->set_custodian(viewer.member);
            // On the record first: what has left cannot be put on it any more.
            Record(hosted, viewer, row, fact, ledger::v1::Refused::SHOW_CASE,
                   [&hosted, row, respond](absl::StatusOr<std::uint64_t> index) {
                     if (!index.ok()) {
                       respond.Fail(index.status());
                       return;
                     }
                     absl::StatusOr<v1::ReviewCase> view = BuildCase(hosted, *row);
                     if (!view.ok()) {
                       respond.Fail(view.status());
                       return;
                     }
                     view->set_ledger_index(*index);
                     respond.Reply(*view);
                   });
          });
}

// A verdict of the release gate, as the ledger has it.
struct RecordedVerdict {
  std::uint64_t index = 0;
  policy::ReleaseReason reason = policy::ReleaseReason::kUnspecified;
  policy::AddressComparison address = policy::AddressComparison::kUnspecified;
  std::uint32_t gate_version = 0;
  std::string commitment;
};

template <typename Fact>
std::optional<RecordedVerdict> VerdictIn(const Fact& fact, const RowFacts& row) {
  if (fact.transfer() != row.transfer->number || fact.row() != row.row) return std::nullopt;
  RecordedVerdict verdict;
  verdict.reason = static_cast<policy::ReleaseReason>(fact.verdict());
  verdict.address = static_cast<policy::AddressComparison>(fact.address());
  verdict.gate_version = fact.gate_version();
  verdict.commitment = fact.commitment();
  return verdict;
}

// Finds the verdict: a chunk's verdicts are in one command, so in entries that follow each other.
absl::StatusOr<RecordedVerdict> ReadVerdict(const exchange::Published& published,
                                            const RowFacts& row) {
  HF_ASSIGN_OR_RETURN(exchange::ReaderPool::Lease reader, published.readers->Borrow());
  const std::uint64_t first = row.first_outcome / store::kEntriesPerBundle;
  for (std::uint64_t bundle = first; bundle < first + 2; ++bundle) {
    absl::StatusOr<Bytes> bytes = reader->ReadBundle(bundle);
    if (ReasonOf(bytes.status()) == Reason::kNotFound) break;
    HF_RETURN_IF_ERROR(bytes.status());
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, store::ParseBundle(*bytes));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t index = bundle * store::kEntriesPerBundle + i;
      if (index < row.first_outcome || index >= row.first_outcome + kRowsPerChunk) continue;
      ledger::v1::Entry entry;
      if (!entry.ParseFromArray(entries[i].data(), static_cast<int>(entries[i].size()))) break;
      std::optional<RecordedVerdict> verdict;
      if (entry.has_envelope_deposited()) verdict = VerdictIn(entry.envelope_deposited(), row);
      if (entry.has_review_opened()) verdict = VerdictIn(entry.review_opened(), row);
      if (!verdict.has_value()) continue;
      verdict->index = index;
      return *std::move(verdict);
    }
  }
  return MakeError(Reason::kStoreCorrupt, "the row's verdict is not in the ledger");
}

struct Rerun {
  RecordedVerdict recorded;
  std::optional<policy::ReleaseVerdict> now;
  ledger::v1::VerdictRerun::Result result = ledger::v1::VerdictRerun::RESULT_UNSPECIFIED;
};

absl::StatusOr<Rerun> RunAgain(const Hosted& hosted, const RowFacts& row) {
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  HF_ASSIGN_OR_RETURN(const OpenedSubject subject,
                      OpenOneSubject(*published, hosted.exchange->id(), *row.transfer, row.row));
  HF_ASSIGN_OR_RETURN(const OpenedOpening opened,
                      OpenStoredOpening(*published, *row.transfer, subject));
  Rerun rerun;
  HF_ASSIGN_OR_RETURN(rerun.recorded, ReadVerdict(*published, row));
  // The gates that this program has. A later one keeps the earlier ones beside it.
  if (rerun.recorded.gate_version != policy::kGateVersion) {
    return MakeError(Reason::kUnavailable, "this program does not have the gate of that version");
  }
  const Digest32 who = subject.at_rest.Commitment();
  if (AsText(opened.commitment) != rerun.recorded.commitment ||
      opened.opening.subject_commitment() != AsText(who)) {
    rerun.result = ledger::v1::VerdictRerun::COMMITMENT_DIFFERS;
    return rerun;
  }
  std::vector<policy::PersonView> candidates;
  for (const v1::Candidate& candidate : opened.opening.candidates()) {
    candidates.push_back(ViewOf(candidate.person()));
  }
  rerun.now = policy::JudgeRelease(*hosted.rules, subject.at_rest.subject.person, candidates);
  const bool same =
      rerun.now->reason == rerun.recorded.reason && rerun.now->address == rerun.recorded.address;
  rerun.result = same ? ledger::v1::VerdictRerun::SAME : ledger::v1::VerdictRerun::DIFFERS;
  return rerun;
}

v1::RerunVerdictResponse AnswerOf(const Rerun& rerun, std::uint64_t index) {
  v1::RerunVerdictResponse response;
  response.set_result(static_cast<v1::RerunVerdictResponse::Result>(rerun.result));
  response.set_verdict(std::string(policy::ReleaseReasonName(rerun.recorded.reason)));
  if (rerun.now.has_value()) {
    response.set_verdict_now(std::string(policy::ReleaseReasonName(rerun.now->reason)));
  }
  response.set_address(std::string(policy::AddressComparisonName(rerun.recorded.address)));
  response.set_gate_version(rerun.recorded.gate_version);
  response.set_verdict_index(rerun.recorded.index);
  response.set_ledger_index(index);
  return response;
}

void RerunRow(const Hosted& hosted, const Viewer& viewer, const Row& row,
              const Responder<v1::RerunVerdictResponse>& respond) {
  // What the verdict was decided from is to be read before the policy can be asked about the fact.
  if (!row->judged || row->destroyed) {
    RecordRefusal(
        hosted, viewer, ledger::v1::Refused::RERUN_VERDICT, row->transfer->number,
        row->judged ? policy::Refusal::kRecordDestroyed : policy::Refusal::kRecordNotDeposited,
        [respond](absl::Status error) { respond.Fail(std::move(error)); });
    return;
  }
  const absl::StatusOr<Rerun> rerun = RunAgain(hosted, *row);
  if (!rerun.ok()) {
    respond.Fail(rerun.status());
    return;
  }
  ledger::v1::Entry fact;
  ledger::v1::VerdictRerun& out = *fact.mutable_verdict_rerun();
  out.set_transfer(row->transfer->number);
  out.set_row(row->row);
  out.set_custodian(viewer.member);
  out.set_verdict_index(rerun->recorded.index);
  out.set_gate_version(rerun->recorded.gate_version);
  out.set_result(rerun->result);
  Record(hosted, viewer, row, fact, ledger::v1::Refused::RERUN_VERDICT,
         [rerun = *rerun, respond](absl::StatusOr<std::uint64_t> index) {
           if (!index.ok()) {
             respond.Fail(index.status());
             return;
           }
           respond.Reply(AnswerOf(rerun, *index));
         });
}

void RerunVerdict(const Hosted& hosted, const Viewer& viewer, const Call&,
                  const v1::RerunVerdictRequest& request,
                  Responder<v1::RerunVerdictResponse> respond) {
  FindRow(hosted, viewer, request.transfer(), request.row(),
          [&hosted, viewer, respond](absl::StatusOr<Row> found) {
            if (found.ok()) {
              RerunRow(hosted, viewer, *found, respond);
            } else {
              respond.Fail(found.status());
            }
          });
}

}  // namespace

void RegisterReviews(const Directory& directory, MethodTable& table) {
  const std::string service = "/holdfast.v1.ReviewService/";
  RegisterUnary<v1::ListReviewCasesRequest, v1::ListReviewCasesResponse>(
      directory, table, service + "ListReviewCases", ListReviewCases);
  RegisterUnary<v1::ShowReviewCaseRequest, v1::ReviewCase>(
      directory, table, service + "ShowReviewCase", ShowReviewCase);
  RegisterUnary<v1::RerunVerdictRequest, v1::RerunVerdictResponse>(
      directory, table, service + "RerunVerdict", RerunVerdict);
  SettleExpired(directory);
}

}  // namespace holdfast::rpc
