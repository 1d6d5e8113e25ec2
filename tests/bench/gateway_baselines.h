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

// For each of `count` keys: one BLAKE2b of 64 bytes, and XChaCha20-Poly1305 of 32.
double KeyWrapSeconds(std::uint64_t count);

// SQLite with synchronous=FULL: rows of 256 times `bytes`, four rows a commit.
double InsertSeconds(const std::string& path, std::uint64_t count, std::size_t bytes);

// Medians of small waits, in seconds.
double SyncSeconds(const std::string& path, int times);

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

  // The median of a unary call.
  double Unary(int times, std::size_t request_bytes, std::size_t reply_bytes) const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace holdfast::bench
