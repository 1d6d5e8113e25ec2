// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/mirror_keyslot.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::crypto {
namespace {

bool Holds(const std::vector<Epoch>& epochs, Epoch epoch) {
  return std::find(epochs.begin(), epochs.end(), epoch) != epochs.end();
}

}  // namespace

MirrorKeyslot::MirrorKeyslot(std::vector<std::unique_ptr<Keyslot>> members)
    : members_(std::move(members)) {
  HF_CHECK(members_.size() >= 2 && members_.size() <= kMaxMembers);
  for (const auto& member : members_) {
    HF_CHECK(member != nullptr);
    kind_ += kind_.empty() ? "mirror(" : ",";
    kind_ += member->kind();
  }
  kind_ += ')';
}

absl::Status MirrorKeyslot::Of(std::size_t member, absl::Status status) const {
  if (status.ok()) return status;
  return AddMetadata(std::move(status), "keyslot",
                     std::to_string(member + 1) + " " + std::string(members_[member]->kind()));
}

absl::Status MirrorKeyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_ASSIGN_OR_RETURN(const std::vector<Epoch> held, List());
  if (Holds(held, epoch)) {
    return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
  }
  absl::Status staged;
  std::size_t at = 0;
  for (; at < members_.size() && staged.ok(); ++at) {
    staged = members_[at]->Stage(epoch, key);
    if (ReasonOf(staged) == Reason::kAlreadyExists) {
      // Of a staging that was cut short. Nobody knows which key it was.
      staged = members_[at]->Erase(epoch);
      if (staged.ok()) staged = members_[at]->Stage(epoch, key);
    }
  }
  if (staged.ok()) return absl::OkStatus();
  // The first error is the caller's. If this fails too, the caller's Erase() will find it.
  for (std::size_t member = 0; member < at; ++member) (void)members_[member]->Erase(epoch);
  return Of(at - 1, std::move(staged));
}

absl::StatusOr<SecretBytes> MirrorKeyslot::Read(Epoch epoch) {
  std::optional<SecretBytes> key;
  std::optional<std::size_t> lacks;
  for (std::size_t at = 0; at < members_.size(); ++at) {
    auto found = members_[at]->Read(epoch);
    if (ReasonOf(found.status()) == Reason::kNotFound) {
      lacks = at;
      continue;
    }
    if (!found.ok()) return Of(at, found.status());
    if (key && !ConstantTimeEquals(*key, *found)) {
      return Of(at, MakeError(Reason::kKeyslotFailed,
                              "a member of the mirror holds another key than the one before it"));
    }
    key = *std::move(found);
  }
  if (!lacks) return *std::move(key);
  if (key) {
    HF_ASSIGN_OR_RETURN(const std::vector<Epoch> listed, List());
    if (Holds(listed, epoch)) {
      return Of(*lacks, MakeError(Reason::kKeyslotFailed,
                                  "member " + std::to_string(*lacks + 1) +
                                      " of the mirror does not hold epoch " +
                                      std::to_string(epoch.value()) +
                                      " as the others do: it was lost, replaced or restored"));
    }
  }
  return MakeError(Reason::kNotFound, "the keyslot does not hold that epoch");
}

absl::Status MirrorKeyslot::Erase(Epoch epoch) {
  // What one member cannot do keeps the others from nothing: what is gone is gone.
  absl::Status first;
  for (std::size_t at = 0; at < members_.size(); ++at) {
    absl::Status erased = members_[at]->Erase(epoch);
    if (first.ok()) first = Of(at, std::move(erased));
  }
  return first;
}

absl::StatusOr<std::vector<Epoch>> MirrorKeyslot::List() {
  std::vector<Epoch> common;
  std::vector<Epoch> any;
  for (std::size_t at = 0; at < members_.size(); ++at) {
    auto listed = members_[at]->List();
    if (!listed.ok()) return Of(at, listed.status());
    if (at == 0) common = *listed;
    std::erase_if(common, [&](Epoch epoch) { return !Holds(*listed, epoch); });
    any.insert(any.end(), listed->begin(), listed->end());
  }
  // Each step leaves one epoch that all of them hold, but for the first staging of all.
  if (!common.empty()) return common;
  std::sort(any.begin(), any.end());
  any.erase(std::unique(any.begin(), any.end()), any.end());
  return any;
}

ErasureClass MirrorKeyslot::erasure_class() const {
  const bool all_devices = std::all_of(members_.begin(), members_.end(), [](const auto& member) {
    return member->erasure_class() == ErasureClass::kDevice;
  });
  return all_devices ? ErasureClass::kDevice : ErasureClass::kMedium;
}

std::chrono::milliseconds MirrorKeyslot::erase_interval() const {
  std::chrono::milliseconds interval{0};
  for (const auto& member : members_) interval = std::max(interval, member->erase_interval());
  return interval;
}

std::optional<std::uint64_t> MirrorKeyslot::epoch_budget() const {
  std::optional<std::uint64_t> least;
  for (const auto& member : members_) {
    const std::optional<std::uint64_t> budget = member->epoch_budget();
    if (budget) least = std::min(least.value_or(*budget), *budget);
  }
  return least;
}

std::vector<KeyslotPart> MirrorKeyslot::parts() const {
  std::vector<KeyslotPart> parts;
  for (const auto& member : members_) {
    for (KeyslotPart& part : member->parts()) parts.push_back(std::move(part));
  }
  return parts;
}

std::function<void()> MirrorKeyslot::Prepare(Epoch next) {
  std::vector<std::function<void()>> work;
  for (const auto& member : members_) {
    if (auto of_member = member->Prepare(next)) work.push_back(std::move(of_member));
  }
  if (work.empty()) return nullptr;
  return [work = std::move(work)] {
    for (const auto& of_member : work) of_member();
  };
}

}  // namespace holdfast::crypto
