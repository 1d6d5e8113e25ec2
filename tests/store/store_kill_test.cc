// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"

#include "tests/store/kill_rounds.h"
#include "tests/store/memory_temp_dir.h"

namespace holdfast::store {
namespace {

TEST(StoreKillTest, KeepsWhatWasAcknowledged) {
  // A kill loses nothing that a sync would have kept. The slow form runs on the real disk.
  PutTempDirsIntoMemory();
  KillAndCheck(20);
}

}  // namespace
}  // namespace holdfast::store
