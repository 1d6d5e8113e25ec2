// SPDX-License-Identifier: Apache-2.0
// The names of keyslots, as a start puts them into the ledger: `file`, `mirror(file,tpm2)`,
// `moving(file,mirror(file,tpm2))`.
//
// When to use  By Decide() and Apply(), and by whoever signs that a member of a mirror is lost.
// Threads      Pure functions: may be called concurrently.
// Ownership    Values.
// Errors       None; what cannot be is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::policy {

// Whether a process may start with the keyslots `next` where the last one had `last`, and nobody
// ordered anything: with the same ones, or with those of a move that begins, goes on or ends. A
// member that is merely left out may still hold a key that was to be gone.
bool KeyslotsMayFollow(std::string_view last, std::string_view next);

// Returns what is left of `keyslots` without these members, by place, from 1, counted over all of
// its mirrors: nullopt if one of them is in no mirror, or if nothing would be left of one.
// REQUIRES: `members` is ascending, without one twice.
std::optional<std::string> KeyslotsWithout(std::string_view keyslots,
                                           std::span<const std::uint32_t> members);

}  // namespace holdfast::policy
