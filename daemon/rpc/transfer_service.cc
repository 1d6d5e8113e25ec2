// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/transfer_service.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/closing_statement.h"
#include "crypto/ed25519.h"
#include "daemon/exchange/act_command.h"
#include "daemon/rpc/record_act.h"
#include "daemon/rpc/transfer_view.h"
#include "daemon/rpc/transfer_watch.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/agreement_gate.h"
#include "policy/queries.h"
#include "policy/refusal.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

constexpr int kMostOfficers = 4096;
constexpr int kMostPeriods = 64;
constexpr std::int32_t kDefaultPage = 50;
constexpr std::int32_t kLargestPage = 1000;

// An act about one transfer whose answer is the transfer as it then is.
struct TransferAct {
  ledger::v1::Refused::Act act = ledger::v1::Refused::ACT_UNSPECIFIED;
  ledger::v1::Entry fact;
  const TransferFacts* transfer = nullptr;  // Null for a new one.

  // Finds the transfer in the state, before or after the act; null if it is not there.
  std::function<const policy::Transfer*(const policy::State&)> find;

  // Whether the act was done before.
  std::function<bool(const policy::Transfer&)> done_before;

  // A number that a refusal tells, taken before the act; null for none.
  std::function<std::uint32_t(const policy::Transfer&)> waiting;
};

void Run(const Hosted& hosted, const Viewer& viewer, TransferAct what,
         Responder<v1::Transfer> respond) {
  exchange::Act act;
  act.batch = std::make_unique<exchange::EntryBatch>(1, hosted.exchange->random());
  act.batch->Add()->MergeFrom(what.fact);
  act.batch->Seal();
  act.refused.set_member(viewer.member);
  act.refused.set_act(what.act);
  if (what.transfer != nullptr) {
    act.refused.set_transfer(what.transfer->number);
    act.refused.set_has_transfer(true);
  }
  auto view = std::make_shared<v1::Transfer>();
  auto waiting = std::make_shared<std::uint32_t>(0);
  act.already = [view, waiting, viewer, find = what.find, count = what.waiting,
                 done_before = what.done_before](const policy::State& state) {
    const policy::Transfer* transfer = find(state);
    if (transfer != nullptr && count) *waiting = count(*transfer);
    if (transfer == nullptr || !done_before(*transfer)) return false;
    *view = ViewOfTransfer(state, *transfer, viewer);
    return true;
  };
  act.applied = [view, viewer, find = what.find](const policy::State& state) {
    *view = ViewOfTransfer(state, *find(state), viewer);
  };
  act.done = [view, waiting, respond](exchange::ActOutcome outcome, const std::string& matter) {
    if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      if (outcome.decision.refusal == policy::Refusal::kCasesWaiting) {
        error = AddMetadata(std::move(error), "waiting", std::to_string(*waiting));
      }
      respond.Fail(std::move(error));
    } else {
      respond.Reply(*view);
    }
  };
  hosted.exchange->Submit(exchange::Lane::kNormal, std::make_unique<exchange::ActCommand>(
                                                       std::move(act), hosted.exchange->executor(),
                                                       hosted.exchange->egress()));
}

// What is wrong with the terms of a transfer, before anything but the agreement is looked at.
struct Objection {
  policy::Refusal refusal = policy::Refusal::kMalformed;
  std::string message;
  std::string gate;  // The rule of the request gate; empty if it was not asked.
};

// The refusal that the ledger has for a rule of the request gate: the policy's own, where it has
// the same rule.
policy::Refusal RefusalOf(policy::RequestReason reason) {
  switch (reason) {
    case policy::RequestReason::kAuthorityNotDesignated:
      return policy::Refusal::kAuthorityUnknown;
    case policy::RequestReason::kAuthorityNotInForce:
      return policy::Refusal::kAuthorityNotInForce;
    case policy::RequestReason::kDelegationNotInForce:
      return policy::Refusal::kDelegationNotInForce;
    case policy::RequestReason::kSafeguardNotInForce:
      return policy::Refusal::kSafeguardNotInForce;
    default:
      return policy::Refusal::kMalformed;
  }
}

std::optional<Objection> CheckTerms(const Hosted& hosted,
                                    const v1::CreateTransferRequest& request) {
  const v1::TransferTerms& terms = request.terms();
  const auto malformed = [](const char* message) {
    return Objection{policy::Refusal::kMalformed, message, {}};
  };
  if (request.request_id().size() != 16) return malformed("request_id has 16 bytes");
  if (terms.officers_size() < 1 || terms.officers_size() > kMostOfficers) {
    return malformed("a transfer names 1 to 4,096 officers");
  }
  if (terms.periods_size() > kMostPeriods) return malformed("a transfer names at most 64 periods");
  std::vector<policy::YearRange> periods;
  for (const v1::TaxPeriod& period : terms.periods()) {
    periods.push_back({period.first_year(), period.last_year()});
  }
  const policy::RequestVerdict verdict =
      policy::JudgeTerms(*hosted.rules,
                         {terms.authority(), terms.purpose(), terms.requesting_official(), periods,
                          AsBytes(terms.attestation_digest())},
                         policy::DayOf(hosted.exchange->options().core.clock->WallNow()));
  if (verdict.accepted()) return std::nullopt;
  const std::string rule(policy::RequestReasonName(verdict.reason));
  return Objection{RefusalOf(verdict.reason), "the request gate refuses the terms: " + rule, rule};
}

// The error of a refusal that is on the record, in the words of the objection.
absl::Status InWordsOf(const Objection& objection, const absl::Status& error) {
  if (!MetadataOf(error).contains("refusal")) return error;
  absl::Status said = MakeError(policy::RefusalReason(objection.refusal), objection.message);
  for (const auto& [key, value] : MetadataOf(error)) {
    said = AddMetadata(std::move(said), key, value);
  }
  return objection.gate.empty() ? said : AddMetadata(std::move(said), "gate", objection.gate);
}

void CreateTransfer(const Hosted& hosted, const Viewer& viewer, const Call&,
                    const v1::CreateTransferRequest& request, Responder<v1::Transfer> respond) {
  if (const std::optional<Objection> objection = CheckTerms(hosted, request)) {
    RecordRefusal(hosted, viewer, ledger::v1::Refused::CREATE_TRANSFER, std::nullopt,
                  objection->refusal, [objection = *objection, respond](const absl::Status& error) {
                    respond.Fail(InWordsOf(objection, error));
                  });
    return;
  }
  crypto::Random& random = hosted.exchange->random();
  TransferAct what;
  what.act = ledger::v1::Refused::CREATE_TRANSFER;
  ledger::v1::TransferCreated& fact = *what.fact.mutable_transfer_created();
  fact.set_transfer(ToString(crypto::Draw<16>(random)));
  fact.set_requester(viewer.member);
  fact.set_authority(request.terms().authority());
  fact.set_purpose(request.terms().purpose());
  fact.set_requesting_official(request.terms().requesting_official());
  *fact.mutable_officers() = request.terms().officers();
  for (const v1::TaxPeriod& period : request.terms().periods()) {
    ledger::v1::Period& out = *fact.add_periods();
    out.set_first_year(period.first_year());
    out.set_last_year(period.last_year());
  }
  fact.set_attestation_digest(request.terms().attestation_digest());
  fact.set_binding_nonce(ToString(crypto::Draw<32>(random)));
  fact.set_request_id(request.request_id());
  what.find = [requester = viewer.member, id = request.request_id()](const policy::State& state) {
    const policy::Member* member = state.agreement().FindMember(requester);
    return member == nullptr ? nullptr : state.FindTransferByRequestId(member->number, id);
  };
  what.done_before = [](const policy::Transfer&) { return true; };
  Run(hosted, viewer, std::move(what), std::move(respond));
}

// Looks the transfer up, then calls `next`.
void WithFacts(const Hosted& hosted, const Viewer& viewer, const std::string& name,
               Responder<v1::Transfer> respond,
               std::function<void(const std::shared_ptr<const TransferFacts>&)> next) {
  FindTransferFacts(hosted, name, viewer,
                    [respond, next](absl::StatusOr<std::shared_ptr<const TransferFacts>> facts) {
                      if (facts.ok()) {
                        next(*facts);
                      } else {
                        respond.Fail(facts.status());
                      }
                    });
}

void FinishSubmission(const Hosted& hosted, const Viewer& viewer, const Call&,
                      const v1::FinishSubmissionRequest& request, Responder<v1::Transfer> respond) {
  WithFacts(hosted, viewer, request.transfer(), respond,
            [&hosted, viewer, rows = request.rows(),
             respond](const std::shared_ptr<const TransferFacts>& facts) {
              TransferAct what;
              what.act = ledger::v1::Refused::FINISH_SUBMISSION;
              what.transfer = facts.get();
              what.fact.mutable_submission_finished()->set_transfer(facts->number);
              what.fact.mutable_submission_finished()->set_rows(rows);
              what.find = [number = facts->number](const policy::State& state) {
                return state.transfer(number);
              };
              what.done_before = [rows](const policy::Transfer& transfer) {
                return transfer.rows == rows && rows > 0;
              };
              Run(hosted, viewer, std::move(what), respond);
            });
}

// The key of the source that signed `statement`, if it is valid now.
absl::Status CheckSignature(const Hosted& hosted, const std::string& member, ByteSpan statement,
                            ByteSpan signature) {
  const UnixMillis now = hosted.exchange->options().core.clock->WallNow();
  const policy::Member* signer = hosted.agreement->FindMember(member);
  HF_ASSIGN_OR_RETURN(const auto published, PublishedOf(hosted));
  for (const policy::MemberKey& key : signer->keys) {
    if (key.ValidAt(now) && !published->struck_off.Has(key.public_key) &&
        key.public_key.Verify(statement, signature).ok()) {
      return absl::OkStatus();
    }
  }
  return MakeError(Reason::kSignatureInvalid,
                   "no enrolled key of the caller verifies the signature");
}

void CloseTransfer(const Hosted& hosted, const Viewer& viewer, const Call&,
                   const v1::CloseTransferRequest& request, Responder<v1::Transfer> respond) {
  const absl::StatusOr<Digest32> root = ArrayFromBytes<Digest32>(AsBytes(request.envelopes_root()));
  if (!root.ok()) {
    respond.Fail(root.status());
    return;
  }
  WithFacts(hosted, viewer, request.transfer(), respond,
            [&hosted, viewer, root = *root, envelopes = request.envelopes(),
             signature = request.signature(),
             respond](const std::shared_ptr<const TransferFacts>& facts) {
              const Bytes statement =
                  crypto::ClosingStatement(hosted.exchange->id(), facts->id, envelopes, root);
              if (absl::Status signed_by =
                      CheckSignature(hosted, viewer.member, statement, AsBytes(signature));
                  !signed_by.ok()) {
                respond.Fail(std::move(signed_by));
                return;
              }
              TransferAct what;
              what.act = ledger::v1::Refused::CLOSE_TRANSFER;
              what.transfer = facts.get();
              ledger::v1::TransferClosed& fact = *what.fact.mutable_transfer_closed();
              fact.set_transfer(facts->number);
              fact.set_source(viewer.member);
              fact.set_envelopes(envelopes);
              fact.set_envelopes_root(ToString(root));
              fact.set_signature(signature);
              what.find = [number = facts->number](const policy::State& state) {
                return state.transfer(number);
              };
              what.done_before = [root](const policy::Transfer& transfer) {
                return transfer.state == policy::TransferState::kClosed &&
                       transfer.envelopes_root == root;
              };
              what.waiting = [](const policy::Transfer& transfer) {
                return static_cast<std::uint32_t>(transfer.cases.size());
              };
              Run(hosted, viewer, std::move(what), respond);
            });
}

void GetTransfer(const Hosted& hosted, const Viewer& viewer, const Call&,
                 const v1::GetTransferRequest& request, Responder<v1::Transfer> respond) {
  AnswerFromState<v1::Transfer>(
      hosted, std::move(respond),
      [viewer, name = request.name()](const exchange::Core& core) -> absl::StatusOr<v1::Transfer> {
        HF_ASSIGN_OR_RETURN(const policy::Transfer* transfer,
                            VisibleTransfer(core.state, name, viewer));
        v1::Transfer view = ViewOfTransfer(core.state, *transfer, viewer);
        if (transfer->rows > 0 && viewer.role == agreement::v1::ROLE_CUSTODIAN) {
          *view.mutable_dossier() = ViewOfDossier(core.state, *transfer);
        }
        return view;
      });
}

void ListTransfers(const Hosted& hosted, const Viewer& viewer, const Call&,
                   const v1::ListTransfersRequest& request,
                   Responder<v1::ListTransfersResponse> respond) {
  std::uint32_t first = 0;
  const std::string& token = request.page_token();
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), first);
  if (request.page_size() < 0 ||
      (!token.empty() && (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()))) {
    respond.Fail(MakeError(Reason::kRequestMalformed, "page size or page token is not valid"));
    return;
  }
  const std::int32_t wanted = request.page_size() == 0 ? kDefaultPage : request.page_size();
  const int size = std::min(wanted, kLargestPage);
  AnswerFromState<v1::ListTransfersResponse>(
      hosted, std::move(respond),
      [viewer, first,
       size](const exchange::Core& core) -> absl::StatusOr<v1::ListTransfersResponse> {
        v1::ListTransfersResponse response;
        const auto transfers = core.state.transfers();
        for (std::size_t i = first; i < transfers.size(); ++i) {
          if (!VisibleTransfer(core.state, policy::TransferName(transfers[i].id), viewer).ok()) {
            continue;
          }
          if (response.transfers_size() == size) {
            response.set_next_page_token(std::to_string(i));
            break;
          }
          *response.add_transfers() = ViewOfTransfer(core.state, transfers[i], viewer);
        }
        return response;
      });
}

}  // namespace

void RegisterTransfers(const Directory& directory, MethodTable& table) {
  const std::string service = "/holdfast.v1.TransferService/";
  RegisterUnary<v1::CreateTransferRequest, v1::Transfer>(
      directory, table, service + "CreateTransfer", CreateTransfer);
  RegisterUnary<v1::FinishSubmissionRequest, v1::Transfer>(
      directory, table, service + "FinishSubmission", FinishSubmission);
  RegisterUnary<v1::GetTransferRequest, v1::Transfer>(directory, table, service + "GetTransfer",
                                                      GetTransfer);
  RegisterUnary<v1::ListTransfersRequest, v1::ListTransfersResponse>(
      directory, table, service + "ListTransfers", ListTransfers);
  RegisterUnary<v1::CloseTransferRequest, v1::Transfer>(directory, table, service + "CloseTransfer",
                                                        CloseTransfer);
  RegisterWatch(directory, table);
}

}  // namespace holdfast::rpc
