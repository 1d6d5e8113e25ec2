// SPDX-License-Identifier: Apache-2.0
// holdfast transfer: the way from a list to records; and its approval.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/transfer_orders.h"
#include "cli/transfer_steps.h"
#include "client/requester_client.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kRequestIdBytes = 16;
constexpr std::size_t kMaxStateBytes = 4096;

struct CreateOptions {
  std::string list;
  std::string terms;
  std::string attestation;
};

struct SubmitOptions {
  std::string transfer;
  std::string list;
  std::string refused;
  std::uint64_t streams = 2;
};

struct WaitOptions {
  std::string transfer;
  std::string patience = "1h";
};

struct RunOptions {
  CreateOptions create;
  std::string out;
  std::string patience = "1h";
};

// 12 if it waits for somebody, 10 if it was denied.
ExitStatus ExitOf(const v1::Transfer& transfer) {
  switch (transfer.state()) {
    case v1::Transfer::AWAITING_APPROVAL:
    case v1::Transfer::APPROVED:
    case v1::Transfer::SUBMITTING:
      return ExitStatus::kWaits;
    case v1::Transfer::DENIED:
      return ExitStatus::kRefused;
    default:
      return ExitStatus::kDone;
  }
}

absl::Status CheckStreams(std::uint64_t streams) {
  if (streams >= 1 && streams <= 16) return absl::OkStatus();
  return MakeError(Reason::kRequestMalformed, "--streams must be from 1 to 16");
}

absl::StatusOr<ExitStatus> Create(Session& session, const CreateOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer,
                      CreateTransfer(session, options.terms, options.attestation, options.list,
                                     crypto::Draw<kRequestIdBytes>(session.random())));
  session.out().Result(TransferJson(transfer), transfer.name());
  session.out().Note("now submit the list:\n  holdfast transfer submit " + transfer.name() + " " +
                     options.list);
  return ExitStatus::kDone;
}

void ShowSubmitted(Session& session, const std::string& transfer, const SubmitSummary& summary) {
  JsonObject refused;
  std::string text =
      fmt::format("{}: {} subjects, {} accepted", transfer, summary.rows, summary.accepted);
  for (const auto& [reason, count] : summary.refused) {
    refused.Set(reason, count);
    text += fmt::format("\n  {:>8} refused: {}", count, reason);
  }
  JsonObject object("Submission");
  object.Set("transfer", transfer)
      .Set("subjects", summary.rows)
      .Set("accepted", summary.accepted)
      .Set("refused", refused);
  session.out().Result(object, text);
}

absl::StatusOr<ExitStatus> Submit(Session& session, const SubmitOptions& options) {
  HF_RETURN_IF_ERROR(CheckStreams(options.streams));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer,
                      client::RequesterClient(channel).Get(options.transfer));
  HF_ASSIGN_OR_RETURN(const SubmitSummary summary,
                      SubmitList(session, transfer, options.list, options.refused,
                                 static_cast<std::size_t>(options.streams)));
  ShowSubmitted(session, transfer.name(), summary);
  session.out().Note("a custodian has to approve it:\n  holdfast transfer approve " +
                     transfer.name());
  return ExitStatus::kDone;
}

// The transfer when it is closed or denied, or as it is when the patience ends.
absl::StatusOr<v1::Transfer> WaitFor(Session& session, const std::string& name,
                                     const std::string& patience_text) {
  HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds patience, ParseDuration(patience_text));
  const auto transfer = WaitUntilClosed(session, name, patience);
  if (transfer.ok() || !MetadataOf(transfer.status()).contains("deadline")) return transfer;
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  return client::RequesterClient(channel).Get(name);
}

absl::StatusOr<ExitStatus> Wait(Session& session, const WaitOptions& options) {
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer,
                      WaitFor(session, options.transfer, options.patience));
  session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
  return ExitOf(transfer);
}

absl::StatusOr<ExitStatus> Show(Session& session, const WaitOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::Transfer transfer,
                      client::RequesterClient(channel).Get(options.transfer));
  session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> List(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Transfer> transfers,
                      client::RequesterClient(channel).List());
  for (const v1::Transfer& transfer : transfers) {
    session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
  }
  if (transfers.empty()) session.out().Line("there are no transfers");
  return ExitStatus::kDone;
}

// The request's id is on disk before the request is sent: run again, it finds the same transfer.
absl::StatusOr<Bytes> RequestIdOf(Session& session, const std::string& folder) {
  const std::string path = JoinPath(folder, "request-id");
  const auto there = session.files().ReadWhole(path, kMaxStateBytes);
  if (there.ok()) {
    std::string text = ToString(*there);
    while (text.ends_with('\n')) text.pop_back();
    return FromHex(text);
  }
  if (ReasonOf(there.status()) != Reason::kNotFound) return there.status();
  const auto id = crypto::Draw<kRequestIdBytes>(session.random());
  HF_RETURN_IF_ERROR(session.WriteFile(path, AsBytes(Hex(id) + "\n"), Overwrite::kRefuse));
  return ToBytes(id);
}

absl::StatusOr<ExitStatus> RunAll(Session& session, const RunOptions& options) {
  HF_RETURN_IF_ERROR(ParseDuration(options.patience).status());
  HF_RETURN_IF_ERROR(session.MakeFolder(options.out));
  const auto path = [&](std::string_view name) { return JoinPath(options.out, name); };
  HF_ASSIGN_OR_RETURN(const Bytes request_id, RequestIdOf(session, options.out));
  HF_ASSIGN_OR_RETURN(v1::Transfer transfer,
                      CreateTransfer(session, options.create.terms, options.create.attestation,
                                     options.create.list, request_id));
  session.out().Note(transfer.name());
  if (transfer.state() == v1::Transfer::SUBMITTING) {
    HF_ASSIGN_OR_RETURN(const SubmitSummary summary,
                        SubmitList(session, transfer, options.create.list, path("refused.csv"), 2));
    session.out().Note(fmt::format("{} subjects, {} accepted, {} refused (refused.csv)",
                                   summary.rows, summary.accepted,
                                   summary.rows - summary.accepted));
    session.out().Note("waiting for a custodian and the source");
  }
  HF_ASSIGN_OR_RETURN(transfer, WaitFor(session, transfer.name(), options.patience));
  const ExitStatus waited = ExitOf(transfer);
  if (waited != ExitStatus::kDone) {
    session.out().Result(TransferJson(transfer), TransferText(session.out(), transfer));
    session.out().Note(waited == ExitStatus::kWaits
                           ? "it still waits; run the same command again later"
                           : "a custodian has denied it");
    return waited;
  }
  HF_RETURN_IF_ERROR(CollectInto(session, transfer.name(), path("envelopes")).status());
  HF_ASSIGN_OR_RETURN(
      const OpenSummary opened,
      OpenEnvelopes(session, path("envelopes"), {}, options.create.list, path("records.csv")));
  JsonObject object("TransferRun");
  object.Set("transfer", transfer.name())
      .Set("opened", opened.opened)
      .Set("released", opened.released)
      .Set("not_released", opened.not_released)
      .Set("records", path("records.csv"));
  session.out().Result(object, fmt::format("{} envelopes opened, {} records in {}", opened.opened,
                                           opened.released, path("records.csv")));
  if (!opened.stopped.ok()) return opened.stopped;
  return opened.not_released > 0 ? ExitStatus::kPartlyDone : ExitStatus::kDone;
}

void DeclareCreation(Command& command, CreateOptions& options) {
  command.Required("list", options.list, "the subjects: a CSV file")
      .Required("--terms", options.terms,
                "authority, purpose, official and periods: a textproto file")
      .Required("--attestation", options.attestation, "the signed attestation; its digest is sent");
}

}  // namespace

void DeclareTransfer(Command root) {
  Command transfer =
      root.Sub("transfer", "create, submit, wait, run, show, list; and a custodian's orders");
  {
    auto options = std::make_shared<CreateOptions>();
    Command create = transfer.Sub("create", "open a transfer");
    DeclareCreation(create, *options);
    create.Runs([options](Session& session) { return Create(session, *options); });
  }
  {
    auto options = std::make_shared<SubmitOptions>();
    Command submit = transfer.Sub("submit", "submit all subjects of a list, and finish");
    submit.Required("transfer", options->transfer, "transfers/ID")
        .Required("list", options->list, "the same list as at its creation")
        .Optional("--refused", options->refused, "write the refused rows and why to this file")
        .Number("--streams", options->streams, "how many streams side by side; default 2");
    submit.Runs([options](Session& session) { return Submit(session, *options); });
  }
  {
    auto options = std::make_shared<WaitOptions>();
    Command wait = transfer.Sub("wait", "wait until envelopes can be collected");
    wait.Required("transfer", options->transfer, "transfers/ID")
        .Optional("--for", options->patience, "how long; default 1h");
    wait.Runs([options](Session& session) { return Wait(session, *options); });
  }
  {
    auto options = std::make_shared<RunOptions>();
    Command run = transfer.Sub("run", "all of it: create, submit, wait, collect, open");
    DeclareCreation(run, options->create);
    run.Required("--out", options->out, "a folder for the results, and for what makes it resumable")
        .Optional("--for", options->patience, "how long to wait for others; default 1h");
    run.Footer("Run again with the same folder, it goes on where it stopped.");
    run.Runs([options](Session& session) { return RunAll(session, *options); });
  }
  {
    auto options = std::make_shared<WaitOptions>();
    Command show = transfer.Sub("show", "show one transfer");
    show.Required("transfer", options->transfer, "transfers/ID");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
  transfer.Sub("list", "show all that I may see").Runs(List);
  DeclareTransferOrders(transfer);
}

}  // namespace holdfast::cli
