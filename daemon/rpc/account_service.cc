// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/account_service.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/account_service.pb.h"
#include "policy/proto_time.h"
#include "policy/queries.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

// What one page looks at, on the writer's thread: 65,536 records, about a millisecond's worth.
constexpr std::uint32_t kChunksAPage = 256;
// What one page has at most, so that a person in very many records fits into a message.
constexpr int kMostRecords = 512;

// A chunk of a transfer: the first that the page looks at.
struct Place {
  std::uint32_t transfer = 0;
  std::uint32_t chunk = 0;
};

std::string TokenOf(const Place& place) {
  return std::to_string(place.transfer) + "." + std::to_string(place.chunk);
}

std::optional<Place> PlaceOf(const std::string& token) {
  Place place;
  if (token.empty()) return place;
  const char* const end = token.data() + token.size();
  const auto first = std::from_chars(token.data(), end, place.transfer);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, place.chunk);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return place;
}

std::string KeyState(const policy::State& state, const policy::Transfer& transfer,
                     const policy::Record& record) {
  if (!record.accepted()) return {};
  if (record.destroyed()) return "DESTROYED";
  if (record.revoked()) return "REVOKED";
  return transfer.approved() && state.now().late >= transfer.end() ? "EXPIRED" : "ALIVE";
}

google::protobuf::Timestamp OfSeconds(std::uint32_t seconds) {
  return policy::ToProto(UnixMillis(std::int64_t{seconds} * 1'000));
}

v1::PersonRecord ViewOf(const policy::State& state, const policy::Transfer& transfer,
                        std::uint32_t row, const policy::Record& record) {
  v1::PersonRecord view;
  view.set_transfer(policy::TransferName(transfer.id));
  view.set_row(row);
  view.set_requester(state.agreement().member(transfer.requester).id);
  view.set_authority(transfer.terms->authority());
  view.set_purpose(transfer.terms->purpose());
  view.set_requesting_official(transfer.terms->requesting_official());
  view.set_officer(state.officer(transfer.officers[record.officer]));
  *view.mutable_requested_at() = policy::ToProto(transfer.created_at);
  view.set_request_verdict(std::string(
      policy::RequestReasonName(static_cast<policy::RequestReason>(record.request_verdict))));
  if (record.outcome() != 0) {
    view.set_release_verdict(std::string(
        policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(record.outcome()))));
  }
  if (record.deposited()) *view.mutable_deposited_at() = OfSeconds(record.deposited_at);
  view.set_collected(record.deposited() && transfer.records.chunk(row / kRowsPerChunk)->collected);
  view.set_disclosures(record.releases);
  if (record.releases > 0) {
    *view.mutable_first_disclosed_at() = OfSeconds(record.first_released_at);
    *view.mutable_last_disclosed_at() = OfSeconds(record.last_released_at);
  }
  view.set_key(KeyState(state, transfer, record));
  const policy::RecordId id{transfer.number, row};
  if (const policy::Hold* hold = state.Freezing(id)) view.set_frozen_by(hold->matter());
  if (const policy::Hold* hold = state.Preserving(id)) view.set_preserved_by(hold->matter());
  return view;
}

// Whether the record is about one of the account's people.
bool IsAbout(const policy::PersonAccount& account, const policy::Record& record) {
  const auto named = [&](const policy::PersonKey& person) {
    return person != policy::PersonKey() &&
           std::binary_search(account.people.begin(), account.people.end(), person);
  };
  return named(record.person) || named(record.alias);
}

v1::ReadAccountResponse PageOf(const policy::State& state, const policy::PersonAccount& account,
                               Place at) {
  v1::ReadAccountResponse page;
  page.set_ledger_size(state.ledger_size());
  std::uint32_t left = kChunksAPage;
  while (const policy::Transfer* transfer = state.transfer(at.transfer)) {
    for (; at.chunk < transfer->records.chunk_count(); ++at.chunk, --left) {
      if (left == 0 || page.records_size() >= kMostRecords) {
        page.set_next_page_token(TokenOf(at));
        return page;
      }
      const policy::RecordChunk* chunk = transfer->records.chunk(at.chunk);
      if (chunk == nullptr) continue;
      for (std::uint32_t i = 0; i < kRowsPerChunk; ++i) {
        const policy::Record& record = chunk->records[i];
        if (!record.judged() || !IsAbout(account, record)) continue;
        *page.add_records() = ViewOf(state, *transfer, at.chunk * kRowsPerChunk + i, record);
      }
    }
    at = {at.transfer + 1, 0};
  }
  return page;
}

void ReadAccount(const Hosted& hosted, const Viewer& viewer, const Call&,
                 const v1::ReadAccountRequest& request,
                 Responder<v1::ReadAccountResponse> respond) {
  const std::optional<Place> place = PlaceOf(request.page_token());
  if (!place) {
    respond.Fail(MakeError(Reason::kRequestMalformed, "the page token is not one of ours"));
    return;
  }
  AnswerFromState<v1::ReadAccountResponse>(
      hosted, std::move(respond),
      [viewer, index = request.ledger_index(),
       place = *place](const exchange::Core& core) -> absl::StatusOr<v1::ReadAccountResponse> {
        const policy::EvidenceRecord& evidence = core.state.evidence();
        const policy::Member* reader = core.state.agreement().FindMember(viewer.member);
        const auto account = evidence.accounts.find(index);
        if (reader == nullptr || account == evidence.accounts.end() ||
            account->second.reader != reader->number) {
          return MakeError(Reason::kNotFound, "the caller has signed no such order");
        }
        if (evidence.pseudonym_key_destroyed()) {
          return policy::RefusalError(policy::Refusal::kPseudonymKeyDestroyed);
        }
        return PageOf(core.state, account->second, place);
      });
}

}  // namespace

void RegisterAccounts(const Directory& directory, MethodTable& table) {
  RegisterUnary<v1::ReadAccountRequest, v1::ReadAccountResponse>(
      directory, table, "/holdfast.v1.AccountService/ReadAccount", ReadAccount);
}

}  // namespace holdfast::rpc
