// SPDX-License-Identifier: Apache-2.0
// The entries of an export in order, read, hashed and parsed ahead of whoever folds them.
//
//   ParsedBundles bundles(files, folder, size);
//   while (true) {
//     const ParsedBundle* bundle = bundles.Next();
//     if (bundle == nullptr) break;
//     ... bundle->parsed ...
//     HF_RETURN_IF_ERROR(bundle->error);
//   }
//
// When to use  Where a whole ledger is verified: folding takes one core, and this another one.
// Threads      Next() belongs to one thread; a thread of its own reads ahead, some bundles at most.
// Ownership    Borrows the file system. A bundle is valid until the next call of Next().
// Errors       In the bundle: those of ReadBundle() and of policy::ParseEntry(). Nothing follows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "google/protobuf/arena.h"
#include "holdfast/ledger/v1/entry.pb.h"

namespace holdfast::evidence {

struct ParsedBundle {
  ParsedBundle();

  std::uint64_t first = 0;        // The ledger index of the first entry.
  std::vector<ByteSpan> entries;  // Into `bytes`.
  std::vector<Digest32> leaves;   // Their hashes in the tree.

  // As policy::ParseEntry() reads them for a verification. Fewer than there are where one could not
  // be read; then `error` says why.
  std::vector<const ledger::v1::Entry*> parsed;
  absl::Status error;

  Bytes bytes;
  std::vector<char> block;        // The arena's first, which it keeps for the next entries.
  google::protobuf::Arena arena;  // Has what `parsed` leads to.
};

class ParsedBundles final {
 public:
  ParsedBundles(FileSystem& files, std::string folder, std::uint64_t size);
  ParsedBundles(const ParsedBundles&) = delete;
  ParsedBundles& operator=(const ParsedBundles&) = delete;
  ~ParsedBundles();

  // Waits for the next bundle. Null after the last one.
  // REQUIRES: the one before had no error.
  const ParsedBundle* Next();

 private:
  void Loop();
  std::unique_ptr<ParsedBundle> Empty();
  absl::Status Read(ParsedBundle& bundle);

  FileSystem& files_;
  const std::string folder_;
  const std::uint64_t size_;
  std::uint64_t taken_ = 0;                // Entries.
  std::unique_ptr<ParsedBundle> current_;  // What Next() returned.

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::unique_ptr<ParsedBundle>> ahead_ HF_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ParsedBundle>> spent_ HF_GUARDED_BY(mutex_);  // To be used again.
  bool stop_ HF_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace holdfast::evidence
