// SPDX-License-Identifier: Apache-2.0
#include "daemon/wiring.h"

#include <string>
#include <string_view>

namespace holdfast::daemon {
namespace {

// Without an agreement nobody may do anything.
class NoAuthority final : public rpc::Authority {
 public:
  bool Allows(std::string_view, std::string_view, std::string_view) const override { return false; }
  std::string MemberOf(std::string_view, std::string_view) const override { return {}; }
};

}  // namespace

class Wiring::Impl final {
 public:
  NoAuthority authority;
};

Wiring::Wiring() : impl_(std::make_unique<Impl>()) {}
Wiring::~Wiring() = default;

absl::StatusOr<std::unique_ptr<Wiring>> Wiring::Open(const config::v1::Config&, const Clock&,
                                                     FileSystem&, observe::Metrics&) {
  return std::unique_ptr<Wiring>(new Wiring());
}

const rpc::Authority& Wiring::authority() const { return impl_->authority; }
void Wiring::Register(rpc::MethodTable&) {}
void Wiring::Reload() {}
void Wiring::Stop() {}

}  // namespace holdfast::daemon
