// SPDX-License-Identifier: Apache-2.0
#include "cli/profile.h"

#include <array>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxProfileBytes = 64 << 10;

enum class ValueKind { kText = 0, kPath };

struct Field {
  std::string_view name;
  std::string Profile::*member;
  ValueKind kind;
};

constexpr std::array kFields = {
    Field{"server", &Profile::server, ValueKind::kText},
    Field{"server_name", &Profile::server_name, ValueKind::kText},
    Field{"exchange", &Profile::exchange, ValueKind::kText},
    Field{"exchange_id", &Profile::exchange_id, ValueKind::kText},
    Field{"agreement", &Profile::agreement, ValueKind::kPath},
    Field{"member", &Profile::member, ValueKind::kText},
    Field{"certificate", &Profile::certificate, ValueKind::kPath},
    Field{"key", &Profile::key, ValueKind::kPath},
    Field{"ca", &Profile::ca, ValueKind::kPath},
    Field{"signing_key", &Profile::signing_key, ValueKind::kPath},
    Field{"signing_agent", &Profile::signing_agent, ValueKind::kText},
    Field{"state", &Profile::state, ValueKind::kPath},
};

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

absl::Status Malformed(const std::string& path, std::size_t line, const std::string& what) {
  return AddMetadata(AddMetadata(MakeError(Reason::kConfigInvalid,
                                           path + ":" + std::to_string(line) + ": " + what),
                                 "file", path),
                     "line", std::to_string(line));
}

const Field* Find(std::string_view name) {
  for (const Field& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Profile> ParseProfile(std::string_view text, const std::string& name,
                                     const std::string& path) {
  Profile profile;
  profile.name = name;
  profile.path = path;
  std::set<std::string_view> seen;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return Malformed(path, number, "expected `name = value`");
    }
    const std::string_view key = Trim(line.substr(0, equals));
    const std::string_view value = Trim(line.substr(equals + 1));
    const Field* field = Find(key);
    if (field == nullptr) {
      return Malformed(path, number, "unknown name " + EscapeForLog(key));
    }
    if (value.empty()) return Malformed(path, number, EscapeForLog(key) + " has no value");
    if (!seen.insert(field->name).second) {
      return Malformed(path, number, EscapeForLog(key) + " is set twice");
    }
    std::string& target = profile.*(field->member);
    target = std::string(value);
    if (field->kind == ValueKind::kPath && target.front() != '/') {
      target = JoinPath(ParentPath(path), target);
    }
  }
  if (!profile.signing_key.empty() && !profile.signing_agent.empty()) {
    return AddMetadata(MakeError(Reason::kConfigInvalid,
                                 path + " sets both signing_key and signing_agent: one key signs"),
                       "file", path);
  }
  if (profile.server_name.empty()) profile.server_name = "localhost";
  return profile;
}

std::string HomeFolder(const std::optional<std::string>& holdfast_home,
                       const std::optional<std::string>& home) {
  if (holdfast_home && !holdfast_home->empty()) return *holdfast_home;
  return JoinPath(home.value_or("."), ".config/holdfast");
}

absl::StatusOr<Profile> LoadProfile(FileSystem& files, const std::string& home,
                                    const std::string& name) {
  const std::string path =
      name.find('/') == std::string::npos ? JoinPath(JoinPath(home, "profiles"), name) : name;
  auto bytes = files.ReadWhole(path, kMaxProfileBytes);
  if (!bytes.ok()) {
    return AddMetadata(
        MakeError(Reason::kConfigInvalid, "the profile cannot be read: " + path + ": " +
                                              std::string(bytes.status().message())),
        "file", path);
  }
  HF_ASSIGN_OR_RETURN(Profile profile, ParseProfile(AsText(*bytes), name, path));
  if (profile.state.empty()) profile.state = JoinPath(home, "state");
  return profile;
}

}  // namespace holdfast::cli
