// SPDX-License-Identifier: Apache-2.0
// The keyslot of an exchange, as the configuration describes it.
//
// When to use  By the wiring, whenever an exchange is opened.
// Threads      May be called concurrently for different exchanges.
// Ownership    The keyslot borrows what is in KeyslotSeams.
// Errors       kKeyslotFailed, also if the configuration names another set of keyslots than the one
//              that this exchange was last opened with, and two people did not order it: a member
//              that is left out of a mirror may still hold a key that was to be gone.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/random.h"
#include "holdfast/config/v1/config.pb.h"

namespace holdfast::daemon {

struct KeyslotSeams {
  const Clock* clock = nullptr;
  FileSystem* files = nullptr;
  crypto::Random* random = nullptr;
};

// Opens all keyslots of `exchange`: one, a mirror, or a move from some to others. The state folder
// exists; which kinds they are is noted there, in the file `keyslots`.
absl::StatusOr<std::unique_ptr<crypto::Keyslot>> OpenKeyslots(const config::v1::Config& config,
                                                              const config::v1::Exchange& exchange,
                                                              const KeyslotSeams& seams);

// Notes that `exchange` was opened, with keyslots of this kind.
void NoteKeyslots(const config::v1::Exchange& exchange, std::string_view kind, FileSystem& files);

}  // namespace holdfast::daemon
