// SPDX-License-Identifier: Apache-2.0
// What gateway_bench measures, each against its baseline of the same moment.
//
// When to use  In the order of a record's life: a transfer, its keys, destruction, holds. A hold in
//              force ends everything else.
// Threads      One thread calls; several are used inside.
// Ownership    Borrows world, peer and table.
// Errors       Fails the process: what is refused was not measured.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/lookup/csv_lookup.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "policy/gate_rules.h"
#include "policy/place_table.h"
#include "tests/bench/gateway_baselines.h"
#include "tests/bench/gateway_table.h"
#include "tests/bench/gateway_world.h"

namespace holdfast::bench {

struct Sizes {
  std::uint64_t records = 10'000;  // Of one transfer.
  int lone_calls = 200;            // Of one caller.
  std::size_t streams = 64;        // Of many callers,
  int calls_a_stream = 50;         // each with so many.
  double paced_a_second = 10'000;  // Of callers who do not wait,
  double paced_seconds = 2;        // for so long.
  int paced_syncs = 1000;
  std::size_t idle_streams = 10'000;
  int holds = 20;
};

// A transfer that is closed and collected.
struct Carried {
  std::string name;
  std::vector<std::uint32_t> rows;  // Those that have an envelope.
};

class Steps final {
 public:
  Steps(GatewayWorld& world, const EchoPeer& peer, Table& table, const Sizes& sizes);
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;
  ~Steps();

  // Submits, fetches, deposits and collects a transfer of its own, over so many streams.
  Carried Carry(std::size_t streams);

  // Keys in batches of 1,024: in order of row, or in random order.
  enum class Order { kByRow = 0, kRandom };
  void ReleaseBatches(const Carried& transfer, Order order);

  // Keys one by one: of one caller who waits, and of many at a time.
  void ReleaseLone(const Carried& transfer);
  void ReleaseFromMany(const Carried& transfer);

  // Keys one by one at a fixed rate, whether or not the answers keep up.
  void ReleaseOnTime(const Carried& transfer);

  // What streams cost on which nothing happens.
  void KeepIdleStreams();

  // One record, and a random share of them by one order.
  void Destroy(const Carried& transfer);

  // Holds over everything, which stay. Returns the median of placing one.
  double PlaceHolds();

  // Two people agree to lift what PlaceHolds() placed last. Returns the median of both orders of
  // one. It takes effect days later, in a commit for which nobody waits.
  double LiftHolds();

  // The ledger as others check it: an export as a whole, and one receipt.
  void VerifyLedger();

 private:
  // How many bytes go each way, and in how many messages.
  struct Load;

  std::vector<v1::SubmitSubjectsRequest> ReadList(const v1::Transfer& transfer) const;
  Load Submit(const v1::Transfer& transfer, std::vector<v1::SubmitSubjectsRequest> chunks,
              std::size_t streams);
  std::vector<v1::FetchSubjectsResponse> Fetch(const std::string& transfer);
  std::vector<v1::DepositRecordsRequest> LookUp(
      const std::string& transfer, std::span<const v1::FetchSubjectsResponse> subjects) const;
  // Adds to `load`.
  void Deposit(std::vector<v1::DepositRecordsRequest> chunks, std::size_t streams, Load& load);
  void Close(const std::string& transfer, const Load& load);
  std::vector<std::uint32_t> Collect(const std::string& transfer);
  // Rows from `first` to `last`, of which so many have an envelope.
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint64_t records = 0;
  };
  double SecondsToDestroy(const std::string& transfer, const std::vector<Run>& runs);
  double SyncNow() const;

  GatewayWorld& world_;
  const EchoPeer& peer_;
  Table& table_;
  const Sizes sizes_;
  std::unique_ptr<policy::PlaceTable> places_;
  std::unique_ptr<policy::GateRules> rules_;
  std::unique_ptr<client::CsvLookup> people_;
  std::uint32_t hold_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> placed_;  // Last: id and ledger entry.
  std::chrono::steady_clock::time_point destroyed_at_;  // When the last destruction was seen.
};

}  // namespace holdfast::bench
