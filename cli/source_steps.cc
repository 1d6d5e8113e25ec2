// SPDX-License-Identifier: Apache-2.0
#include "cli/source_steps.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "client/requester_client.h"
#include "client/source_client.h"
#include "policy/release_gate.h"

namespace holdfast::cli {

JsonObject VerdictObject(const VerdictCounts& verdicts) {
  JsonObject object;
  for (const auto& [name, count] : verdicts) object.Set(name, count);
  return object;
}

std::string VerdictText(const VerdictCounts& verdicts) {
  std::string text;
  for (const auto& [name, count] : verdicts) text += fmt::format("\n  {:>8} {}", count, name);
  return text;
}

absl::StatusOr<LocalGates> GatesOfProfile(Session& session,
                                          const policy::OpenedAgreement& agreement) {
  HF_ASSIGN_OR_RETURN(const std::string path,
                      session.ProfileValue(&Profile::agreement, "agreement"));
  return CompileGates(session, agreement, path);
}

absl::StatusOr<std::optional<v1::Transfer>> ApprovedTransfer(Session& session,
                                                             const std::string& name,
                                                             const std::string& patience) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::RequesterClient client(channel);
  if (!patience.empty()) {
    HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds longest, ParseDuration(patience));
    HF_RETURN_IF_ERROR(client
                           .WaitFor(
                               name,
                               [](const v1::Transfer& transfer) {
                                 return transfer.state() == v1::Transfer::APPROVED ||
                                        transfer.state() == v1::Transfer::CLOSED ||
                                        transfer.state() == v1::Transfer::DENIED;
                               },
                               longest)
                           .status());
  }
  HF_ASSIGN_OR_RETURN(v1::Transfer transfer, client.Get(name));
  if (transfer.state() == v1::Transfer::AWAITING_APPROVAL ||
      transfer.state() == v1::Transfer::SUBMITTING) {
    session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
    session.out().Note("the transfer is not approved yet; --wait waits for it");
    return std::optional<v1::Transfer>();
  }
  return std::optional<v1::Transfer>(std::move(transfer));
}

namespace {

ExitStatus Report(Session& session, const std::string& transfer,
                  const client::ServeReport& report) {
  VerdictCounts verdicts;
  for (std::size_t i = 0; i < report.verdicts.size(); ++i) {
    if (report.verdicts[i] == 0) continue;
    verdicts[std::string(policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(i)))] +=
        report.verdicts[i];
  }
  JsonObject object("SourceServed");
  object.Set("transfer", transfer)
      .Set("subjects", report.counts.fetched)
      .Set("candidates", report.counts.candidates)
      .Set("deposited", report.counts.deposited)
      .Set("verdicts", VerdictObject(verdicts))
      .Set("waiting", report.waiting);
  const std::string end =
      report.waiting == 0 ? std::string("the transfer is closed")
                          : fmt::format("{} doubtful cases were sent to review", report.waiting);
  session.out().Result(
      object,
      fmt::format("{} subjects, {} candidates, {} envelopes deposited; {}{}", report.counts.fetched,
                  report.counts.candidates, report.counts.deposited, end, VerdictText(verdicts)));
  if (report.waiting == 0) return ExitStatus::kDone;
  session.out().Note(
      "once a custodian has settled them (holdfast review), run this again to close the transfer");
  return ExitStatus::kWaits;
}

}  // namespace

absl::StatusOr<ExitStatus> ServeWith(Session& session, const v1::Transfer& transfer,
                                     client::SourceLookup& lookup, std::uint64_t streams,
                                     const std::string& patience) {
  if (streams < 1 || streams > 16) {
    return MakeError(Reason::kRequestMalformed, "--streams must be from 1 to 16");
  }
  // An earlier run may have closed it and not lived to say so.
  if (transfer.state() == v1::Transfer::CLOSED) {
    session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
    session.out().Note("the transfer was closed before; nothing was sent");
    return ExitStatus::kDone;
  }
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  const auto serve = [&]() -> absl::StatusOr<client::ServeReport> {
    Progress progress(session.out(), "depositing", transfer.accepted());
    return client::SourceClient(channel).Serve(
        transfer.name(), exchange, key, lookup,
        [&](const client::ServeProgress& now) { progress.Update(now.deposited); },
        {static_cast<std::size_t>(streams), 32});
  };
  HF_ASSIGN_OR_RETURN(client::ServeReport report, serve());
  if (report.waiting > 0 && !patience.empty()) {
    HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds longest, ParseDuration(patience));
    session.out().Note(
        fmt::format("{} doubtful cases wait for a custodian's review", report.waiting));
    HF_RETURN_IF_ERROR(client::RequesterClient(channel)
                           .WaitFor(
                               transfer.name(),
                               [](const v1::Transfer& now) {
                                 return now.waiting() == 0 || now.state() != v1::Transfer::APPROVED;
                               },
                               longest)
                           .status());
    HF_ASSIGN_OR_RETURN(report, serve());
  }
  return Report(session, transfer.name(), report);
}

}  // namespace holdfast::cli
