// SPDX-License-Identifier: Apache-2.0
// What the parts of the gateway's work cost by themselves, on this machine and at this moment.
//
// Each does the bytes and no more: no ledger, no decisions, no keys of its own. A sum of them is
// what a gateway that costs nothing would take.
//
// When to use  gateway_bench, right before or after what is compared with them.
// Threads      EchoPeer may be used concurrently; the rest are functions.
// Ownership    EchoPeer owns its server and its connection.
// Errors       Fails the process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "holdfast/v1/transfer_service.pb.h"
#include "policy/gate_rules.h"
#include "policy/release_gate.h"

namespace holdfast::bench {

// All return seconds.

// XChaCha20-Poly1305 of `count` messages of `bytes`, one after another on one core.
double AeadSeconds(std::uint64_t count, std::size_t bytes, std::size_t associated_bytes);

// BLAKE2b-256 of `count` messages of `bytes`.
double HashSeconds(std::uint64_t count, std::size_t bytes);

// For each of `count` keys: so many ChaCha20 blocks on the way to its leaf, one BLAKE2b of 64
// bytes, and XChaCha20-Poly1305 of 32.
double KeyWrapSeconds(std::uint64_t count, int blocks);

// What destroying these leaves of one transfer is at least: the puncture in memory of segments that
// hold them, and one commit of the bytes of what is left. `leaves` ascend; as many of a second
// tree, since a record has a leaf for its subject and one for itself.
double PunctureSeconds(const std::string& path, std::span<const std::uint32_t> leaves);

// SQLite with synchronous=FULL: rows of 256 times `bytes`, four rows a commit.
double InsertSeconds(const std::string& path, std::uint64_t count, std::size_t bytes);

// How long each of so many fdatasync() of 4 KiB at the end of a file took.
std::vector<double> SyncTimes(const std::string& path, int times);

// The request gate's verdict on each subject.
double RequestGateSeconds(const policy::GateRules& rules,
                          std::span<const v1::SubmitSubjectsRequest> chunks,
                          std::span<const std::string> officers);

// The release gate's verdict on each finding, for subjects in the same order.
double ReleaseGateSeconds(const policy::GateRules& rules,
                          std::span<const v1::FetchSubjectsResponse> subjects,
                          std::span<const v1::DepositRecordsRequest> findings);

// The release gate's verdict on one finding.
policy::ReleaseReason JudgeFindings(const policy::GateRules& rules,
                                    const v1::AcceptedSubject& subject,
                                    const v1::Findings& findings);

// When the messages of an open loop are due: evenly, a stream after the other.
class Pace final {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(Clock::time_point start, double messages_a_second, std::size_t streams)
      : start_(start), interval_(1 / messages_a_second), streams_(streams) {}

  Clock::time_point DueAt(std::size_t stream, std::size_t message) const {
    const auto number = static_cast<double>(message * streams_ + stream);
    return start_ + std::chrono::duration_cast<Clock::duration>(number * interval_);
  }
  void WaitUntilDue(std::size_t stream, std::size_t message) const;

 private:
  const Clock::time_point start_;
  const std::chrono::duration<double> interval_;
  const std::size_t streams_;
};

// What a number of messages is like.
struct Traffic {
  std::uint64_t messages = 0;  // On all streams together.
  std::size_t request_bytes = 0;
  std::size_t reply_bytes = 0;
  std::size_t streams = 1;
  std::size_t window = 32;  // Messages that wait for their answers, a stream.
};

// A gRPC service behind mutual TLS on loopback, in this process.
class EchoPeer final {
 public:
  EchoPeer();
  EchoPeer(const EchoPeer&) = delete;
  EchoPeer& operator=(const EchoPeer&) = delete;
  ~EchoPeer();

  // Messages with an answer each.
  double Upload(const Traffic& traffic) const;

  // So many answers to one message.
  double Download(std::uint64_t messages, std::size_t reply_bytes) const;

  // The median of one message and its answer on an open stream.
  double PingPong(int times, std::size_t request_bytes, std::size_t reply_bytes) const;

  // Messages that are sent when they are due and not when an answer came: how long after its due
  // time each was answered. As many on each stream.
  std::vector<double> OpenLoop(const Traffic& traffic, double messages_a_second) const;

  // The median of a unary call.
  double Unary(int times, std::size_t request_bytes, std::size_t reply_bytes) const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace holdfast::bench
