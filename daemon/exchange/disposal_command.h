// SPDX-License-Identifier: Apache-2.0
// Destroys what has become due: the sweeper's command.
//
// When to use  By the writer, when something is due.
// Threads      The writer's.
// Ownership    None.
// Errors       None: what the policy does not allow is left alone.
#pragma once

#include <cstdint>

#include "daemon/exchange/command.h"

namespace holdfast::exchange {

class DestroyDue final : public Command {
 public:
  // Records of one expiry that are destroyed at once; the rest follows at the next sweep.
  static constexpr std::uint64_t kMostRecords = std::uint64_t{1} << 22;

  bool changes_epoch() const override { return true; }
  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

  // How many records were destroyed, once it is done.
  std::uint64_t destroyed() const { return destroyed_; }

 private:
  std::uint64_t proposed_ = 0;
  std::uint64_t destroyed_ = 0;
};

}  // namespace holdfast::exchange
