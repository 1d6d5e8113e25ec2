// SPDX-License-Identifier: Apache-2.0
// What the daemon counts, for Prometheus.
//
// When to use  One object a process, handed by reference to whoever counts. A new number needs a
//              function here: no label ever names a subject, record, matter or officer, and with
//              this interface none can.
// Threads      Every function may be called concurrently.
// Ownership    Borrowed by everybody; must outlive them. Nothing passed in is kept by reference.
// Errors       Serve() fails with kConfigInvalid. The others do not fail.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "base/clock.h"
#include "base/time.h"

namespace holdfast::observe {

enum class HoldKind { kFreeze, kPreserve };
enum class QueueLane { kOrdinary, kRestricting };
// A witness that cannot be reached or does not sign, and one that has seen another ledger.
enum class WitnessFailure { kNoAnswer, kConflict };

// Whether `address` is HOST:PORT of this machine's loopback, in numbers.
bool IsLoopback(std::string_view address);

class Metrics final {
 public:
  // `clock` gives the ages; `version` is the label of holdfast_build_info.
  Metrics(const Clock& clock, std::string_view version);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // Serves http://ADDRESS/metrics until the object dies. `address` is HOST:PORT of this machine's
  // loopback, and nothing else: numbers about holds are nobody else's business. Port 0 takes one.
  absl::Status Serve(std::string_view address);
  // The port that Serve() took; 0 before.
  int port() const;

  // Calls: holdfast_rpc_duration_seconds{method,code}, holdfast_rpc_active,
  // holdfast_rpc_bytes_in_flight, holdfast_refusals_total{reason}.
  void RpcDone(std::string_view method, std::string_view code, std::chrono::nanoseconds duration);
  void RpcActive(std::int64_t calls);
  void RpcBytesInFlight(std::int64_t bytes);
  // A refusal of the gate or of the policy, by the wire name of its reason.
  void Refused(std::string_view reason, std::uint64_t count = 1);

  // What an exchange reports. The label `exchange` is its configured name.
  void KeysReleased(std::string_view exchange, std::uint64_t keys);  // ..._keys_released_total
  void HoldsActive(std::string_view exchange, HoldKind kind, std::uint64_t holds);
  void NoticesOverdue(std::string_view exchange, std::uint64_t notices);
  void LeasesOpen(std::string_view exchange, std::uint64_t leases);
  void ExpiredUndestroyed(std::string_view exchange, std::uint64_t records);
  void DestroyLag(std::string_view exchange, std::chrono::milliseconds lag);
  void Epoch(std::string_view exchange, std::uint64_t epoch);
  // holdfast_keyslot_epochs, and ..._budget: how many the device bears; 0 if that is not known.
  void KeyslotEpochs(std::string_view exchange, std::uint64_t epochs, std::uint64_t budget);
  void BackupEpoch(std::string_view exchange, std::uint64_t epoch);  // ..._backup_epoch
  void LedgerSize(std::string_view exchange, std::uint64_t entries);
  void CheckpointSigned(std::string_view exchange, UnixMillis when);  // ..._checkpoint_age_seconds
  // ..._witness_quorum_age_seconds: since one witness of each side had signed. kMinTime: never.
  void WitnessQuorum(std::string_view exchange, UnixMillis when);
  // holdfast_witness_failures_total{exchange,witness,kind}. `witness` is a key name.
  void WitnessFailed(std::string_view exchange, std::string_view witness, WitnessFailure kind);
  void ClockTrusted(std::string_view exchange, bool trusted);
  void QueueDepth(std::string_view exchange, QueueLane lane, std::uint64_t commands);
  // Commands that one durable transaction carried: holdfast_commit_group_commands,
  // holdfast_commit_duration_seconds.
  void Committed(std::string_view exchange, std::uint64_t commands,
                 std::chrono::nanoseconds duration);

  // Certificates: holdfast_tls_credentials_valid,
  // holdfast_certificate_expiry_timestamp_seconds{kind}.
  void TlsCredentialsValid(bool valid);
  void CertificateExpiry(std::string_view kind, UnixMillis when);

  // What a scrape would get, in the text format. For tests.
  std::string Text() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::observe
