// SPDX-License-Identifier: Apache-2.0
// A keyslot that is being replaced by another one. docs/key-tree.md, "Moving".
//
// The new root key of the next epoch is staged in the new slot alone, and the old one is erased in
// the old slot. So a move is an epoch change like any other, with its crashes and its checks:
// before its commit the database's key lies in the old slot, and after it in the new one, and at no
// time in both or in neither. No root key is ever copied.
//
// When to use  While the configuration names `migrate_from`. wants_epoch() asks for the epoch that
//              makes the move.
// Threads      Not safe for concurrent use.
// Ownership    Owns both slots.
// Errors       The slots' own, with metadata `keyslot`: `from` or `to`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/secret_bytes.h"

namespace holdfast::crypto {

class MovingKeyslot final : public Keyslot {
 public:
  // Calls `moved` whenever it is seen that `to` holds all there is.
  // REQUIRES: neither slot is null.
  MovingKeyslot(std::unique_ptr<Keyslot> from, std::unique_ptr<Keyslot> to,
                std::function<void()> moved);

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override;
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override;
  absl::Status Erase(Epoch epoch) override;
  absl::StatusOr<std::vector<Epoch>> List() override;

  // `moving(file,tpm2)`: an epoch that is erased meanwhile may have lain in either.
  std::string_view kind() const override { return kind_; }
  ErasureClass erasure_class() const override;
  std::chrono::milliseconds erase_interval() const override;
  std::optional<std::uint64_t> epoch_budget() const override { return to_->epoch_budget(); }
  std::vector<KeyslotPart> parts() const override;
  std::function<void()> Prepare(Epoch next) override { return to_->Prepare(next); }
  bool wants_epoch() const override { return from_holds_; }

 private:
  const std::unique_ptr<Keyslot> from_;
  const std::unique_ptr<Keyslot> to_;
  const std::function<void()> moved_;
  const std::string kind_;
  bool from_holds_ = false;  // As of the last List().
};

}  // namespace holdfast::crypto
