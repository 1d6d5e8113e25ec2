// SPDX-License-Identifier: Apache-2.0
// Who a person or machine is towards one gateway: a file of `name = value` lines.
//
// Profiles lie in the folder `profiles` of $HOLDFAST_HOME, or of ~/.config/holdfast where that is
// not set. A path in one is relative to the profile's own folder. docs/requesters.md has the names.
//
// Threads      Values.
// Ownership    Values.
// Errors       kConfigInvalid, with file and line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/file_system.h"

namespace holdfast::cli {

// Empty means: not set.
struct Profile {
  std::string name;
  std::string path;  // Of the file itself.

  std::string server;         // HOST:PORT
  std::string server_name;    // The name in the server's certificate; default `localhost`.
  std::string exchange;       // Its name; needed where the gateway hosts several.
  std::string exchange_id;    // 64 hexadecimal digits, obtained out of band.
  std::string agreement;      // Path of the signed agreement.
  std::string member;         // The member id in the agreement.
  std::string certificate;    // Path, PEM.
  std::string key;            // Path, PEM.
  std::string ca;             // Path, PEM.
  std::string signing_key;    // Path of the person's or machine's Ed25519 key file.
  std::string signing_agent;  // In its place: the public key, in base64, of a key in an ssh-agent.
  std::string state;          // Folder for remembered checkpoints; default beside the profiles.
};

// Reads what a profile's file says. Paths are made relative to `folder`.
absl::StatusOr<Profile> ParseProfile(std::string_view text, const std::string& name,
                                     const std::string& path);

// Returns the folder in which profiles and state are, from the two environment variables.
std::string HomeFolder(const std::optional<std::string>& holdfast_home,
                       const std::optional<std::string>& home);

// Reads the profile `name` from `home`. A name with a slash is a path.
absl::StatusOr<Profile> LoadProfile(FileSystem& files, const std::string& home,
                                    const std::string& name);

}  // namespace holdfast::cli
