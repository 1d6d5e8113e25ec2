// SPDX-License-Identifier: Apache-2.0
//
// A ledger in which everything that people do happens once, and its export.
//
// When to use  In tests of what reads an export.
// Threads      One thread.
// Ownership    Values.
// Errors       Fails the test where the policy refuses.
#pragma once

#include <string>

#include "evidence/export_folder.h"
#include "gtest/gtest.h"

#include "base/file_system.h"
#include "tests/policy/signed_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {

// A transfer, approved and deposited; a hold, lifted by two; a revocation, and its destruction.
inline SignedWorld Story() {
  SignedWorld s;
  World& w = s.world;
  const std::uint32_t t = w.FinishedTransfer(3);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  for (std::uint32_t row = 0; row < 3; ++row) w.Deposit(t, row);
  EXPECT_EQ(s.Submit("carol", w.HoldAct("hold-1", OfPerson(1))), Refusal::kAllowed);
  w.AdvanceEpoch();
  LiftAndDestroy(s, t);
  return s;
}

// Writes `entries` and `note` as an export into `folder`.
inline void WriteExport(FileSystem& files, const std::string& folder,
                        const std::vector<std::string>& entries, const std::string& note) {
  auto writer = evidence::ExportWriter::Open(files, folder);
  ASSERT_THAT(writer, IsOk());
  for (const std::string& entry : entries) ASSERT_THAT(writer->Add(AsBytes(entry)), IsOk());
  ASSERT_THAT(writer->Finish(note), IsOk());
}

}  // namespace holdfast::test
