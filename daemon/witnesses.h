// SPDX-License-Identifier: Apache-2.0
// Has the witnesses of an exchange cosign its ledger, again and again, on a thread of its own, and
// records what they signed. Whether that is enough to release keys, the policy decides.
//
// Each witness is asked four times in the time that the agreement allows, and one that did not sign
// again after one second, then after longer and longer. So a witness that was down, and a gateway
// that was started again, need nobody.
//
// When to use  By wiring, one for each exchange whose agreement names witnesses.
// Threads      Its own. The destructor joins it: a few seconds at most.
// Ownership    Borrows exchange, clock and metrics, which must outlive it.
// Errors       None: a witness that does not sign is logged and counted. One that has seen another
//              or a longer ledger is an error in the log each time.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "daemon/exchange/exchange.h"
#include "daemon/observe/metrics.h"
#include "policy/agreement.h"

namespace holdfast::daemon {

class Witnesses final {
 public:
  // The most that one witness may take to answer.
  static constexpr std::chrono::milliseconds kPatience{3'000};

  // After the first failure, and at most.
  static constexpr std::chrono::milliseconds kFirstRetry{1'000};
  static constexpr std::chrono::milliseconds kLastRetry{60'000};

  // `urls` by the witness's name. One that the agreement names and `urls` does not is not asked,
  // which is logged once.
  Witnesses(exchange::Exchange& exchange, std::shared_ptr<const policy::OpenedAgreement> agreement,
            const std::map<std::string, std::string>& urls, const Clock& clock,
            observe::Metrics& metrics);
  Witnesses(const Witnesses&) = delete;
  Witnesses& operator=(const Witnesses&) = delete;
  ~Witnesses();

 private:
  struct One;

  void Loop();
  // Asks those that are due. Returns when the next one is.
  std::chrono::milliseconds Round();
  // The lines by which `one` signed `head`; empty if it did not.
  std::string Ask(One& one, const exchange::SignedHead& head);
  void Record(const std::string& cosigned);
  bool stopping() const;

  exchange::Exchange& exchange_;
  const std::shared_ptr<const policy::OpenedAgreement> agreement_;
  const Clock& clock_;
  observe::Metrics& metrics_;
  const std::chrono::milliseconds interval_;
  std::vector<std::unique_ptr<One>> witnesses_;  // Used by the thread alone.

  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ HF_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace holdfast::daemon
