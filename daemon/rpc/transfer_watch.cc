// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/transfer_watch.h"

#include <utility>

#include "base/status_macros.h"
#include "daemon/rpc/state_watch.h"
#include "daemon/rpc/transfer_view.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::rpc {

void RegisterWatch(const Directory& directory, MethodTable& table) {
  RegisterStateWatch<v1::GetTransferRequest, v1::Transfer>(
      directory, table, "/holdfast.v1.TransferService/WatchTransfer",
      [](const v1::GetTransferRequest& request, Viewer viewer) {
        return [viewer = std::move(viewer),
                name = request.name()](const exchange::Core& core) -> absl::StatusOr<v1::Transfer> {
          HF_ASSIGN_OR_RETURN(const policy::Transfer* transfer,
                              VisibleTransfer(core.state, name, viewer));
          return ViewOfTransfer(core.state, *transfer, viewer);
        };
      });
}

}  // namespace holdfast::rpc
