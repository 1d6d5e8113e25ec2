// SPDX-License-Identifier: Apache-2.0
// What requesters are told of holds with each of their calls.
//
// When to use  Made by the writer whenever notices have changed; read by the request gate.
// Threads      NoticeBoardOf() reads the state: on the writer's thread. A board never changes.
// Ownership    Values.
// Errors       None.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "policy/state.h"

namespace holdfast::exchange {

// At most so many a requester, and so much of a matter: a client bounds the trailers that it takes.
// It gets all of them from WatchNotices.
inline constexpr std::size_t kMostNoticesTold = 4;
inline constexpr std::size_t kMostMatterTold = 100;

// By member id: a line for each notice that nobody has acknowledged,
// `entry=81203; hold=hold-1; due=2026-03-01T00:00:00.000Z; matter=1:26-cv-00001`. What a trailer
// cannot say of a matter is percent-encoded.
using NoticeBoard = std::map<std::string, std::vector<std::string>, std::less<>>;

NoticeBoard NoticeBoardOf(const policy::State& state);

}  // namespace holdfast::exchange
