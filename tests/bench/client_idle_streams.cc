// SPDX-License-Identifier: Apache-2.0
// The step of gateway_steps.h that keeps streams open and idle. It needs to open each stream by
// hand, with what only client/ may touch.
#include <memory>
#include <vector>

#include "base/check.h"
#include "client/internal/connection.h"
#include "client/ledger_client.h"
#include "holdfast/v1/key_service.grpc.pb.h"
#include "tests/bench/gateway_steps.h"
#include "tests/bench/require.h"

namespace holdfast::bench {
namespace {

// Fewer than the daemon lets a connection have.
constexpr std::size_t kStreamsAConnection = 200;

}  // namespace

void Steps::KeepIdleStreams() {
  struct Idle {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::ReleaseKeysRequest, v1::ReleaseKeysResponse>>
        stream;
  };
  std::vector<Idle> streams;
  const double before = world_.ResidentBytes();
  for (std::size_t left = sizes_.idle_streams; left > 0;) {
    // A connection of its own for as many as one takes.
    const auto channel = Take(world_.Another("requester-1").channel(), "connecting");
    const auto stub = v1::KeyService::NewStub(channel->connection().channel());
    for (std::size_t i = 0; i < kStreamsAConnection && left > 0; ++i, --left) {
      Idle& idle = streams.emplace_back(Idle{channel->connection().StreamContext(), nullptr});
      idle.stream = stub->ReleaseKeys(idle.context.get());
    }
    // Behind the streams on the same connection.
    Require(client::LedgerClient(channel).GetExchange().status(), "calling beside idle streams");
  }
  table_.AddBytes("memory of " + std::to_string(sizes_.idle_streams) + " idle streams",
                  world_.ResidentBytes() - before);
  for (const Idle& idle : streams) idle.context->TryCancel();
  for (const Idle& idle : streams) {
    HF_CHECK(idle.stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
}

}  // namespace holdfast::bench
