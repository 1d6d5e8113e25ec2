// SPDX-License-Identifier: Apache-2.0
// Read-only connections to the store, lent to workers one at a time.
//
// When to use  By workers that read committed chunks and tiles.
// Threads      May be called concurrently; a lent reader belongs to its borrower.
// Ownership    A Lease gives its reader back when it is destroyed, or frees it if the pool is gone.
// Errors       The store's, when a new connection cannot be opened.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/mutex.h"
#include "daemon/exchange/stored_tiles.h"
#include "store/store.h"

namespace holdfast::exchange {

class ReaderPool final : public std::enable_shared_from_this<ReaderPool> {
 public:
  // Connections that are kept when nobody uses them.
  static constexpr std::size_t kKept = 8;

  class Lease final {
   public:
    Lease(std::shared_ptr<ReaderPool> pool, std::unique_ptr<store::Reader> reader)
        : pool_(std::move(pool)), reader_(std::move(reader)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (reader_ != nullptr) pool_->Return(std::move(reader_));
    }

    store::Reader* operator->() const { return reader_.get(); }
    store::Reader& operator*() const { return *reader_; }

    // Of the store that all readers of the pool read.
    TileRoots& tile_roots() const { return pool_->tile_roots_; }

   private:
    std::shared_ptr<ReaderPool> pool_;
    std::unique_ptr<store::Reader> reader_;
  };

  // `open` makes a connection; it must be safe to call from any thread.
  explicit ReaderPool(std::function<absl::StatusOr<std::unique_ptr<store::Reader>>()> open)
      : open_(std::move(open)) {}
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  absl::StatusOr<Lease> Borrow();

 private:
  void Return(std::unique_ptr<store::Reader> reader);

  const std::function<absl::StatusOr<std::unique_ptr<store::Reader>>()> open_;
  TileRoots tile_roots_;
  Mutex mutex_;
  std::vector<std::unique_ptr<store::Reader>> idle_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::exchange
