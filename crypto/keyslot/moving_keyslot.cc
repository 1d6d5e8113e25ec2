// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/moving_keyslot.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::crypto {
namespace {

absl::Status Of(const char* side, absl::Status status) {
  if (status.ok()) return status;
  return AddMetadata(std::move(status), "keyslot", side);
}

}  // namespace

MovingKeyslot::MovingKeyslot(std::unique_ptr<Keyslot> from, std::unique_ptr<Keyslot> to,
                             std::function<void()> moved)
    : from_(std::move(from)),
      to_(std::move(to)),
      moved_(std::move(moved)),
      kind_("moving(" + std::string(from_->kind()) + "," + std::string(to_->kind()) + ")") {
  HF_CHECK(from_ != nullptr && to_ != nullptr);
}

absl::Status MovingKeyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_ASSIGN_OR_RETURN(const std::vector<Epoch> held, List());
  if (std::find(held.begin(), held.end(), epoch) != held.end()) {
    return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
  }
  if (held.size() >= 2) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot holds two epochs already");
  }
  return Of("to", to_->Stage(epoch, key));
}

absl::StatusOr<SecretBytes> MovingKeyslot::Read(Epoch epoch) {
  auto key = to_->Read(epoch);
  if (key.ok()) return key;
  if (ReasonOf(key.status()) != Reason::kNotFound) return Of("to", key.status());
  key = from_->Read(epoch);
  if (!key.ok() && ReasonOf(key.status()) != Reason::kNotFound) return Of("from", key.status());
  return key;
}

absl::Status MovingKeyslot::Erase(Epoch epoch) {
  absl::Status to = Of("to", to_->Erase(epoch));
  absl::Status from = Of("from", from_->Erase(epoch));
  if (from.ok() && from_holds_) from = List().status();
  return to.ok() ? from : to;
}

absl::StatusOr<std::vector<Epoch>> MovingKeyslot::List() {
  auto to = to_->List();
  if (!to.ok()) return Of("to", to.status());
  auto from = from_->List();
  if (!from.ok()) return Of("from", from.status());
  from_holds_ = !from->empty();
  if (!from_holds_ && !to->empty() && moved_) moved_();
  std::vector<Epoch> epochs = *std::move(to);
  epochs.insert(epochs.end(), from->begin(), from->end());
  std::sort(epochs.begin(), epochs.end());
  epochs.erase(std::unique(epochs.begin(), epochs.end()), epochs.end());
  return epochs;
}

ErasureClass MovingKeyslot::erasure_class() const {
  return from_->erasure_class() == ErasureClass::kDevice ? to_->erasure_class()
                                                         : from_->erasure_class();
}

std::chrono::milliseconds MovingKeyslot::erase_interval() const {
  return std::max(from_->erase_interval(), to_->erase_interval());
}

std::vector<KeyslotPart> MovingKeyslot::parts() const {
  std::vector<KeyslotPart> parts = from_->parts();
  for (KeyslotPart& part : to_->parts()) parts.push_back(std::move(part));
  return parts;
}

}  // namespace holdfast::crypto
