// SPDX-License-Identifier: Apache-2.0
// The way to a security device: a program of ours, in a process of its own, that loads the vendor's
// code. docs/adr/0025-devices-in-a-helper-process.md.
//
// A vendor's module can hang, crash, start threads and read memory. In the helper it can do all of
// that to itself: the daemon waits for each step for so long and no longer, ends the process, and
// counts the device as down for a moment. Keys and passwords go over a socket pair, never by
// argument or environment.
//
// When to use  By Pkcs11Keyslot and Tpm2Keyslot. Tests put their own channel in between.
// Threads      Not safe for concurrent use.
// Ownership    Owns the process, and ends it. Borrows the clock.
// Errors       kKeyslotFailed: the device, or the helper, did not do it, or gave no answer in time;
//              kNotFound and kAlreadyExists as the step says.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto {

class DeviceChannel {
 public:
  DeviceChannel() = default;
  DeviceChannel(const DeviceChannel&) = delete;
  DeviceChannel& operator=(const DeviceChannel&) = delete;
  virtual ~DeviceChannel() = default;

  // What has to be said to a helper first, whenever one was started. It is asked for each time, so
  // that no password stays in the daemon's memory.
  using Opening = std::function<absl::StatusOr<WipedBuffer>()>;
  virtual void SetOpening(Opening opening) = 0;

  // Starts the helper and opens the device, unless that was done. Returns the fields of the answer
  // to the opening.
  virtual absl::StatusOr<WipedBuffer> Open() = 0;

  // Takes one step. Returns the fields of the answer.
  virtual absl::StatusOr<WipedBuffer> Call(const WipedBuffer& request) = 0;
};

class HelperChannel final : public DeviceChannel {
 public:
  HelperChannel(std::string program, std::chrono::milliseconds timeout, const Clock& clock);
  ~HelperChannel() override;

  void SetOpening(Opening opening) override { opening_ = std::move(opening); }
  absl::StatusOr<WipedBuffer> Open() override;
  absl::StatusOr<WipedBuffer> Call(const WipedBuffer& request) override;

 private:
  absl::Status Start();
  absl::StatusOr<WipedBuffer> Exchange(const WipedBuffer& request);
  void End();

  const std::string program_;
  const std::chrono::milliseconds timeout_;
  const Clock& clock_;
  Opening opening_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::chrono::milliseconds down_until_{0};
};

}  // namespace holdfast::crypto
