// SPDX-License-Identifier: Apache-2.0
// holdfast source: the source's side of a transfer.
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/session.h"
#include "cli/source_lookups.h"
#include "client/requester_client.h"
#include "client/source_client.h"
#include "policy/release_gate.h"

namespace holdfast::cli {
namespace {

struct ServeOptions {
  std::string transfer;
  LookupOptions lookup;
  std::string patience;
  std::uint64_t streams = 2;
};

absl::StatusOr<ExitStatus> Serve(Session& session, const ServeOptions& options) {
  if (options.streams < 1 || options.streams > 16) {
    return MakeError(Reason::kRequestMalformed, "--streams must be from 1 to 16");
  }
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, session.exchange_id());
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<client::SourceLookup> lookup,
                      OpenLookup(session, options.lookup, agreement));
  if (!options.patience.empty()) {
    HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds patience, ParseDuration(options.patience));
    HF_RETURN_IF_ERROR(client::RequesterClient(channel)
                           .WaitFor(
                               options.transfer,
                               [](const v1::Transfer& transfer) {
                                 return transfer.state() == v1::Transfer::APPROVED ||
                                        transfer.state() == v1::Transfer::CLOSED ||
                                        transfer.state() == v1::Transfer::DENIED;
                               },
                               patience)
                           .status());
  }
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer,
                      client::RequesterClient(channel).Get(options.transfer));
  if (transfer.state() == v1::Transfer::AWAITING_APPROVAL ||
      transfer.state() == v1::Transfer::SUBMITTING) {
    session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
    session.out().Note("the transfer is not approved yet; --wait waits for it");
    return ExitStatus::kWaits;
  }
  Progress progress(session.out(), "depositing", transfer.accepted());
  HF_ASSIGN_OR_RETURN(const client::ServeReport report,
                      client::SourceClient(channel).Serve(
                          options.transfer, exchange, key, *lookup,
                          [&](const client::ServeProgress& now) { progress.Update(now.deposited); },
                          {static_cast<std::size_t>(options.streams), 32}));
  std::map<std::string, std::uint64_t> verdicts;
  for (std::size_t i = 0; i < report.verdicts.size(); ++i) {
    if (report.verdicts[i] == 0) continue;
    verdicts[std::string(policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(i)))] +=
        report.verdicts[i];
  }
  JsonObject by_verdict;
  std::string text =
      fmt::format("{} subjects, {} candidates, {} envelopes deposited; the transfer is closed",
                  report.counts.fetched, report.counts.candidates, report.counts.deposited);
  for (const auto& [name, count] : verdicts) {
    by_verdict.Set(name, count);
    text += fmt::format("\n  {:>8} {}", count, name);
  }
  JsonObject object("SourceServed");
  object.Set("transfer", options.transfer)
      .Set("subjects", report.counts.fetched)
      .Set("candidates", report.counts.candidates)
      .Set("deposited", report.counts.deposited)
      .Set("verdicts", by_verdict);
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareSource(Command root) {
  Command source = root.Sub("source", "serve: fetch, look up, deposit, close");
  auto options = std::make_shared<ServeOptions>();
  Command serve = source.Sub("serve", "fetch subjects, look them up, deposit, close");
  serve.Required("transfer", options->transfer, "transfers/ID")
      .Optional("--wait", options->patience, "how long to wait for the approval, such as 1h")
      .Number("--streams", options->streams, "how many streams side by side; default 2");
  DeclareLookup(serve, options->lookup);
  serve.Footer("Stopped at any time, it may be run again from the beginning.");
  serve.Runs([options](Session& session) { return Serve(session, *options); });
}

}  // namespace holdfast::cli
