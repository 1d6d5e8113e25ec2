// SPDX-License-Identifier: Apache-2.0
// Several keyslots that hold the same keys, so that the loss of one is not the loss of all.
// docs/key-tree.md, "Mirror".
//
// All or nothing: a key is held if every member holds it, and what only some of them hold is the
// rest of a step that was cut short, which Erase() finishes. So no key is gone in one member and
// alive in another once Erase() has returned, and a member that is missing, or was replaced by an
// empty one, stops everything that needs a key until it is back. Whether the others may go on
// without it is not decided here: it may still hold a key that was to be gone.
//
// Where the members hold no epoch in common, List() names all that any of them holds, so that
// nobody takes the slot for an empty one, and Read() refuses them. That is the one exception to
// invariant (1) of keyslot.h.
//
// When to use  Around two to four slots of any kinds, on devices that do not fail together.
// Threads      Not safe for concurrent use.
// Ownership    Owns its members.
// Errors       The members' own, with metadata `keyslot`: the number, from 1, and the kind of the
//              member. kKeyslotFailed also if members hold different keys of one epoch, and from
//              Read() if they hold no epoch in common.
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

class MirrorKeyslot final : public Keyslot {
 public:
  static constexpr std::size_t kMaxMembers = 4;

  // REQUIRES: 2 <= members.size() <= kMaxMembers, none of them null.
  explicit MirrorKeyslot(std::vector<std::unique_ptr<Keyslot>> members);

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override;
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override;
  absl::Status Erase(Epoch epoch) override;
  absl::StatusOr<std::vector<Epoch>> List() override;

  // `mirror(file,tpm2)`.
  std::string_view kind() const override { return kind_; }

  // What the least of them promises.
  ErasureClass erasure_class() const override;

  // What the slowest of them bears.
  std::chrono::milliseconds erase_interval() const override;

  // What the weakest of them bears.
  std::optional<std::uint64_t> epoch_budget() const override;

  std::vector<KeyslotPart> parts() const override;
  std::function<void()> Prepare(Epoch next) override;

 private:
  // `status`, if it is an error, with the member that it came from.
  absl::Status Of(std::size_t member, absl::Status status) const;

  const std::vector<std::unique_ptr<Keyslot>> members_;
  std::string kind_;
};

}  // namespace holdfast::crypto
