// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/reader_pool.h"

#include "base/status_macros.h"

namespace holdfast::exchange {

absl::StatusOr<ReaderPool::Lease> ReaderPool::Borrow() {
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<store::Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(shared_from_this(), std::move(reader));
    }
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<store::Reader> reader, open_());
  return Lease(shared_from_this(), std::move(reader));
}

void ReaderPool::Return(std::unique_ptr<store::Reader> reader) {
  MutexLock lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(reader));
}

}  // namespace holdfast::exchange
