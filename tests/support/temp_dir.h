// SPDX-License-Identifier: Apache-2.0
// A folder on the real disk that is gone after the test.
//
// When to use  For what has to touch real files: PosixFileSystem, SQLite, a whole daemon.
// Everything
//              else uses MemoryFileSystem.
// Threads      Constant after construction.
// Ownership    Removes the folder and all that is in it.
// Errors       Fails the process if the folder cannot be made.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::test {

class TempDir final {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }

  // Returns the path of `name` in this folder.
  std::string File(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace holdfast::test
