// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/call.h"

#include <utility>

#include "base/check.h"
#include "daemon/rpc/reactors.h"

namespace holdfast::rpc {
namespace {

// A journey around the world and back, and then some.
constexpr std::chrono::milliseconds kSendPatience{500};

}  // namespace

Call::Call(std::shared_ptr<internal::CallCore> core) : core_(std::move(core)) {}

const std::string& Call::peer() const { return core_->caller().peer; }
const std::string& Call::member() const { return core_->caller().member; }
const std::string& Call::exchange() const { return core_->caller().exchange; }
const std::string& Call::method() const { return core_->caller().method; }
std::uint64_t Call::request_id() const { return core_->caller().request_id; }

std::optional<std::string> Call::Header(std::string_view name) const {
  const auto& headers = core_->caller().headers;
  const auto found = headers.find(name);
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

bool Call::ended() const { return core_->ended(); }

void Call::OnEnd(std::function<void()> callback) const {
  core_->AddEndCallback(std::move(callback));
}

void Call::Cut(absl::Status why) const {
  HF_CHECK(!why.ok());
  core_->Cut(std::move(why));
}

void Call::WhenSent(std::function<void()> done) const {
  core_->connections().WhenSent(kSendPatience, std::move(done));
}

}  // namespace holdfast::rpc
