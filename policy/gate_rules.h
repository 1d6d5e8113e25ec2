// SPDX-License-Identifier: Apache-2.0
//
// An agreement's gate settings, compiled: lists normalised, addresses parsed.
//
// When to use  Compile once when an agreement is loaded, then pass to JudgeTerms,
//              JudgeSubject (policy/request_gate.h) and JudgeRelease (policy/release_gate.h).
// Threads      Immutable: may be used concurrently. Moving is not.
// Ownership    Owns its lists. Borrows the place table of the config, which must outlive it.
// Errors       Compile alone can fail.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "policy/gate_config.h"

namespace holdfast::policy {

class Markers;
class FacilityAddresses;

class GateRules final {
 public:
  // Errors: kAgreementInvalid  no scheme; the US scheme checks ZIPs and has no place table; a list
  //                           entry normalises to nothing, or to too few letters to be safe; a
  //                           facility address does not parse; a range ends before it begins.
  static absl::StatusOr<GateRules> Compile(GateConfig config);

  GateRules(GateRules&&) noexcept;
  GateRules& operator=(GateRules&&) noexcept;
  ~GateRules();

  const GateConfig& config() const { return config_; }
  const Markers& markers() const { return *markers_; }
  const FacilityAddresses& facilities() const { return *facilities_; }

 private:
  explicit GateRules(GateConfig config);

  // Constant after construction.
  GateConfig config_;
  std::unique_ptr<Markers> markers_;
  std::unique_ptr<FacilityAddresses> facilities_;
};

}  // namespace holdfast::policy
