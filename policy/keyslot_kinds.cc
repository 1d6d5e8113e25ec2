// SPDX-License-Identifier: Apache-2.0
#include "policy/keyslot_kinds.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace holdfast::policy {
namespace {

constexpr std::string_view kMirror = "mirror";
constexpr std::string_view kMoving = "moving";

// `name(part,part)`. A name alone has no parts.
struct Kind {
  std::string_view name;
  std::vector<std::string_view> parts;
};

Kind Read(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return {text, {}};
  Kind kind{text.substr(0, open), {}};
  const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
  std::size_t depth = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < inner.size(); ++at) {
    if (inner[at] == '(') ++depth;
    if (inner[at] == ')' && depth > 0) --depth;
    if (inner[at] != ',' || depth > 0) continue;
    kind.parts.push_back(inner.substr(begin, at - begin));
    begin = at + 1;
  }
  kind.parts.push_back(inner.substr(begin));
  return kind;
}

// Those where the root key may lie: the two of a move, or the one.
std::vector<std::string_view> PlacesOf(std::string_view keyslots) {
  const Kind kind = Read(keyslots);
  if (kind.name == kMoving && kind.parts.size() == 2) return kind.parts;
  return {keyslots};
}

std::optional<std::string> Without(std::string_view text, bool in_mirror,
                                   std::span<const std::uint32_t> members, std::uint32_t& place,
                                   std::size_t& found) {
  const Kind kind = Read(text);
  if (kind.parts.empty()) {
    ++place;
    if (std::find(members.begin(), members.end(), place) == members.end()) return std::string(text);
    if (!in_mirror) return std::nullopt;
    ++found;
    return std::string();
  }
  std::vector<std::string> left;
  for (const std::string_view part : kind.parts) {
    auto rest = Without(part, kind.name == kMirror, members, place, found);
    if (!rest) return std::nullopt;
    if (!rest->empty()) left.push_back(*std::move(rest));
  }
  if (left.empty()) return std::nullopt;
  // A mirror of one is that one.
  if (kind.name == kMirror && left.size() == 1) return left.front();
  std::string out(kind.name);
  for (std::size_t i = 0; i < left.size(); ++i) out += (i == 0 ? "(" : ",") + left[i];
  return out + ")";
}

}  // namespace

bool KeyslotsMayFollow(std::string_view last, std::string_view next) {
  if (last == next) return true;
  const std::vector<std::string_view> before = PlacesOf(last);
  // A move ends where it went, or where it came from; and one may begin from either.
  const std::string_view from = PlacesOf(next).front();
  return std::find(before.begin(), before.end(), from) != before.end();
}

std::optional<std::string> KeyslotsWithout(std::string_view keyslots,
                                           std::span<const std::uint32_t> members) {
  std::uint32_t place = 0;
  std::size_t found = 0;
  auto rest = Without(keyslots, /*in_mirror=*/false, members, place, found);
  if (!rest || members.empty() || found != members.size()) return std::nullopt;
  return rest;
}

}  // namespace holdfast::policy
