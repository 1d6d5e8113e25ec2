// SPDX-License-Identifier: Apache-2.0
// A program that runs beside this one, with a pipe to its standard input and one from its output.
//
// It is started by its path, without a shell and without a search. It inherits the environment and
// standard error, and no other open file. It has a process group of its own, so that what it starts
// ends with it, and a Ctrl-C at the terminal reaches it as the end of its input.
//
// When to use  In client/lookup/ only. Nothing else but `holdfast drill` starts a program.
// Threads      Used by one thread at a time. Writing to a program that has ended raises SIGPIPE,
//              which that thread has to block.
// Ownership    Owns the pipes. The destructor kills what still runs.
// Errors       kNotFound, kPermissionDenied, kStoreFailed if it cannot be started.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace holdfast::client::internal {

class ChildProcess final {
 public:
  // `command` is the program's path and its arguments. They are seen by everybody on the machine.
  // REQUIRES: not empty.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(std::span<const std::string> command);

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Both do not block.
  int input() const { return input_; }
  int output() const { return output_; }

  // Closes the pipes, waits so long for its end, and then kills it and all in its group. Returns
  // how it ended, such as "exit status 0" or "signal 9". Does nothing the second time.
  std::string End(std::chrono::milliseconds patience);

 private:
  ChildProcess(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}

  pid_t pid_;
  int input_;
  int output_;
  std::string ended_;
};

}  // namespace holdfast::client::internal
