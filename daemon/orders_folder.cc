// SPDX-License-Identifier: Apache-2.0
#include "daemon/orders_folder.h"

#include <algorithm>
#include <future>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "daemon/observe/log.h"
#include "daemon/rpc/order_service.h"

namespace holdfast::daemon {
namespace {

absl::Status MakeFolder(FileSystem& files, const std::string& folder) {
  absl::Status made = files.MakeDirectory(folder);
  if (ReasonOf(made) == Reason::kAlreadyExists) return absl::OkStatus();
  return made;
}

// Whether an order that failed so was refused, as opposed to not decided.
bool IsRefusal(Reason reason) {
  switch (reason) {
    case Reason::kRequestMalformed:
    case Reason::kRequestTooLarge:
    case Reason::kSignatureInvalid:
    case Reason::kOrderRejected:
    case Reason::kOrderAlreadyAccepted:
    case Reason::kAgreementMismatch:
    case Reason::kPermissionDenied:
    case Reason::kTransferNotFound:
    case Reason::kTransferState:
    case Reason::kHeld:
    case Reason::kNotFound:
    case Reason::kAlreadyExists:
      return true;
    default:
      return false;
  }
}

absl::Status Apply(const rpc::Hosted& hosted, Bytes dsse) {
  std::promise<absl::Status> decided;
  std::future<absl::Status> result = decided.get_future();
  HF_RETURN_IF_ERROR(rpc::SubmitOrder(
      hosted, std::move(dsse),
      [&decided](exchange::OrderOutcome outcome) { decided.set_value(rpc::ErrorOf(outcome)); }));
  return result.get();
}

}  // namespace

absl::Status ApplyOrdersFolder(FileSystem& files, const std::string& folder,
                               const rpc::Hosted& hosted) {
  HF_RETURN_IF_ERROR(MakeFolder(files, folder));
  HF_RETURN_IF_ERROR(MakeFolder(files, folder + "/accepted"));
  HF_RETURN_IF_ERROR(MakeFolder(files, folder + "/refused"));
  HF_ASSIGN_OR_RETURN(std::vector<std::string> names, files.List(folder));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (!std::string_view(name).ends_with(".json")) continue;
    const std::string path = folder + "/" + name;
    // Twice the JSON: base64 and signatures are around it.
    HF_ASSIGN_OR_RETURN(Bytes dsse, files.ReadWhole(path, 2 * kMaxOrderBytes));
    const absl::Status applied = Apply(hosted, std::move(dsse));
    const Reason reason = ReasonOf(applied).value_or(Reason::kInternal);
    if (!applied.ok() && !IsRefusal(reason)) return applied;
    observe::Info("daemon", applied.ok() ? "order_accepted" : "order_refused",
                  "an order from the orders folder was decided",
                  {{"file", name},
                   {"exchange", hosted.exchange->name()},
                   {"reason", applied.ok() ? std::string_view("OK") : ReasonName(reason)}});
    HF_RETURN_IF_ERROR(
        files.Rename(path, folder + (applied.ok() ? "/accepted/" : "/refused/") + name));
  }
  return files.SyncDirectory(folder);
}

}  // namespace holdfast::daemon
