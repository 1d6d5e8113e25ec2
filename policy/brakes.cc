// SPDX-License-Identifier: Apache-2.0
#include "policy/brakes.h"

#include <algorithm>

#include "policy/request_gate.h"

namespace holdfast::policy {
namespace {

using order::v1::Brake;

constexpr std::uint64_t kWhole = 10'000;
constexpr std::int64_t kDayMillis = 86'400'000;

// From this many subjects on an officer's share counts (R6).
constexpr std::uint32_t kShareFromSubjects = 1'000;

}  // namespace

std::int64_t DayNumber(UnixMillis time) {
  const std::int64_t millis = time.value();
  return millis / kDayMillis - (millis % kDayMillis < 0 ? 1 : 0);
}

BrakeBits BrakesAtTheEnd(const OpenedAgreement& agreement, const Transfer& transfer,
                         const State::Volume& volume) {
  const Brakes& limits = agreement.brakes();
  const std::uint64_t rows = transfer.rows;
  std::uint64_t refused = 0;
  std::uint64_t placeholders = 0;
  for (const auto& [verdict, count] : transfer.request_verdicts) {
    const auto reason = static_cast<RequestReason>(verdict);
    if (reason == RequestReason::kAccepted) continue;
    refused += count;
    if (IsPlaceholder(reason)) placeholders += count;
  }
  BrakeBits bits = 0;
  const auto trip = [&](Brake brake, bool on) {
    if (on) bits |= BrakeBit(brake);
  };
  trip(order::v1::OFFICER_LOAD, transfer.request_verdicts.contains(static_cast<std::uint8_t>(
                                    RequestReason::kOfficerLoadExceeded)));
  trip(order::v1::OFFICER_SHARE,
       rows > kShareFromSubjects &&
           std::any_of(transfer.accepted_by_officer.begin(), transfer.accepted_by_officer.end(),
                       [&](std::uint32_t accepted) {
                         return accepted * kWhole >
                                std::uint64_t{limits.officer_share_basis_points} * rows;
                       }));
  trip(order::v1::REFUSED_SHARE,
       refused * kWhole > std::uint64_t{limits.refused_basis_points} * rows);
  trip(order::v1::PLACEHOLDER_SHARE,
       placeholders * kWhole > std::uint64_t{limits.placeholder_basis_points} * rows);
  trip(order::v1::DAILY_VOLUME, volume.on_day > limits.daily_subjects);
  trip(order::v1::TOTAL_VOLUME, volume.total > limits.total_subjects);
  trip(order::v1::SECOND_ADDRESS, transfer.second_addresses > 0);
  return bits;
}

std::vector<Brake> BrakesOf(BrakeBits bits) {
  std::vector<Brake> brakes;
  for (int number = order::v1::Brake_MIN + 1; number <= order::v1::Brake_MAX; ++number) {
    const auto brake = static_cast<Brake>(number);
    if ((bits & BrakeBit(brake)) != 0) brakes.push_back(brake);
  }
  return brakes;
}

std::string BrakeName(Brake brake) { return order::v1::Brake_Name(brake); }

}  // namespace holdfast::policy
