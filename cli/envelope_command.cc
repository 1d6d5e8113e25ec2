// SPDX-License-Identifier: Apache-2.0
// holdfast envelope: collected envelopes.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/transfer_steps.h"
#include "client/envelope_file.h"
#include "crypto/envelope.h"
#include "crypto/sha256.h"

namespace holdfast::cli {
namespace {

struct CollectOptions {
  std::string transfer;
  std::string out;
};

struct OpenOptions {
  std::string file;
  std::string list;
  std::string out;
  std::vector<std::string> rows;
};

struct InspectOptions {
  std::string file;
  std::string row;
};

absl::StatusOr<ExitStatus> Collect(Session& session, const CollectOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint64_t count,
                      CollectInto(session, options.transfer, options.out));
  JsonObject object("Collected");
  object.Set("transfer", options.transfer).Set("envelopes", count).Set("file", options.out);
  session.out().Result(object, fmt::format("{} envelopes in {}", count, options.out));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Open(Session& session, const OpenOptions& options) {
  HF_ASSIGN_OR_RETURN(const OpenSummary summary, OpenEnvelopes(session, options.file, options.rows,
                                                               options.list, options.out));
  if (summary.asked > 0 || summary.stopped.ok()) {
    JsonObject object("Opened");
    object.Set("opened", summary.opened)
        .Set("released", summary.released)
        .Set("not_released", summary.not_released)
        .Set("file", options.out);
    std::string text = fmt::format("{} envelopes opened, {} with a record: {}", summary.opened,
                                   summary.released, options.out);
    if (summary.not_released > 0) {
      text += fmt::format("\n{} keys are no longer released: expired, revoked or destroyed",
                          summary.not_released);
    }
    session.out().Result(object, text);
  }
  if (!summary.stopped.ok()) return summary.stopped;
  return summary.not_released > 0 ? ExitStatus::kPartlyDone : ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> InspectOne(Session& session, client::EnvelopeFile& file,
                                      const std::string& text) {
  const auto it = std::find_if(file.rows().begin(), file.rows().end(),
                               [&](std::uint32_t row) { return std::to_string(row) == text; });
  if (it == file.rows().end()) {
    return MakeError(Reason::kNotFound, "the file has no envelope of row " + text);
  }
  HF_ASSIGN_OR_RETURN(const Bytes envelope,
                      file.Read(static_cast<std::size_t>(it - file.rows().begin())));
  HF_ASSIGN_OR_RETURN(const crypto::EnvelopeHeader header, crypto::InspectEnvelope(envelope));
  JsonObject object("EnvelopeHeader");
  object.Set("row", header.row)
      .Set("suite", static_cast<int>(header.suite))
      .Set("segment", Hex(BytesOf(header.segment)))
      .Set("leaf", header.leaf)
      .Set("not_before", FormatRfc3339(header.not_before))
      .Set("not_after", FormatRfc3339(header.not_after))
      .Set("agreement", Hex(header.agreement))
      .Set("binding", Hex(header.binding))
      .Set("envelope_sha256", Hex(crypto::Sha256Of(envelope)));
  session.out().Result(
      object,
      fmt::format("row {}, suite {}, leaf {} of segment {}\n  keys from {} to {}\n  agreement {}\n"
                  "  binding {}\n  SHA-256 {}\n  (a header says nothing for certain before the "
                  "envelope is opened)",
                  header.row, static_cast<int>(header.suite), header.leaf,
                  Hex(BytesOf(header.segment)), session.out().Time(header.not_before),
                  session.out().Time(header.not_after), Hex(header.agreement), Hex(header.binding),
                  Hex(crypto::Sha256Of(envelope))));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Inspect(Session& session, const InspectOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<client::EnvelopeFile> file,
                      client::EnvelopeFile::OpenToRead(session.files(), options.file));
  if (!options.row.empty()) return InspectOne(session, *file, options.row);
  const std::string transfer = "transfers/" + Hex(BytesOf(file->transfer()));
  JsonObject object("EnvelopeFile");
  object.Set("exchange_id", Hex(BytesOf(file->exchange())))
      .Set("transfer", transfer)
      .Set("envelopes", std::uint64_t{file->rows().size()})
      .Set("envelope_bytes", file->envelope_bytes())
      .Set("complete", file->complete());
  session.out().Result(object,
                       fmt::format("{}: {} envelopes of {} bytes, {}\n  of exchange {}", transfer,
                                   file->rows().size(), file->envelope_bytes(),
                                   file->complete() ? "complete" : "not complete: collect again",
                                   Hex(BytesOf(file->exchange()))));
  return ExitStatus::kDone;
}

}  // namespace

void DeclareEnvelope(Command root) {
  Command envelope = root.Sub("envelope", "collect, open, inspect");
  {
    auto options = std::make_shared<CollectOptions>();
    Command collect = envelope.Sub("collect", "fetch the envelopes of a closed transfer");
    collect.Required("transfer", options->transfer, "transfers/ID")
        .Required("--out", options->out, "the file; what is there already is not fetched again");
    collect.Runs([options](Session& session) { return Collect(session, *options); });
  }
  {
    auto options = std::make_shared<OpenOptions>();
    Command open = envelope.Sub("open", "ask for keys and open envelopes");
    open.Required("file", options->file, "a file of collected envelopes")
        .Required("--out", options->out, "the records, as a CSV file")
        .Several("--rows", options->rows, "only these, such as 7 or 0-99; may be repeated")
        .Optional("--list", options->list,
                  "the list that was submitted: each envelope must be bound to its row's case");
    open.Runs([options](Session& session) { return Open(session, *options); });
  }
  {
    auto options = std::make_shared<InspectOptions>();
    Command inspect = envelope.Sub("inspect", "what a file of envelopes says; needs no network");
    inspect.Required("file", options->file, "a file of collected envelopes")
        .Optional("--row", options->row, "the header of this row's envelope");
    inspect.Runs([options](Session& session) { return Inspect(session, *options); });
  }
}

}  // namespace holdfast::cli
