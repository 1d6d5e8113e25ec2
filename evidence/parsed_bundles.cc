// SPDX-License-Identifier: Apache-2.0
#include "evidence/parsed_bundles.h"

#include <utility>

#include "evidence/export_folder.h"

#include "base/check.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "policy/replay.h"

namespace holdfast::evidence {
namespace {

constexpr std::size_t kMostAhead = 4;  // Each may have 64 MiB, in an export that somebody made up.

// What the messages of a bundle of common entries take.
constexpr std::size_t kArenaBytes = std::size_t{256} << 10;

google::protobuf::ArenaOptions Starting(std::vector<char>& block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  return options;
}

}  // namespace

ParsedBundle::ParsedBundle() : block(kArenaBytes), arena(Starting(block)) {}

ParsedBundles::ParsedBundles(FileSystem& files, std::string folder, std::uint64_t size)
    : files_(files), folder_(std::move(folder)), size_(size), thread_([this] { Loop(); }) {}

ParsedBundles::~ParsedBundles() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

absl::Status ParsedBundles::Read(ParsedBundle& bundle) {
  HF_ASSIGN_OR_RETURN(bundle.entries,
                      ReadBundle(files_, folder_, size_, bundle.first, bundle.bytes));
  bundle.leaves.resize(bundle.entries.size());
  crypto::LeafHashes(bundle.entries, bundle.leaves);
  bundle.parsed.reserve(bundle.entries.size());
  for (const ByteSpan bytes : bundle.entries) {
    auto* entry = google::protobuf::Arena::CreateMessage<ledger::v1::Entry>(&bundle.arena);
    HF_RETURN_IF_ERROR(policy::ParseEntry(bytes, bundle.first + bundle.parsed.size(),
                                          policy::Replayer::Mode::kDecideAgain, *entry));
    bundle.parsed.push_back(entry);
  }
  return absl::OkStatus();
}

// One that was spent is emptied here: what this thread allocated, no other one has to free.
std::unique_ptr<ParsedBundle> ParsedBundles::Empty() {
  std::unique_ptr<ParsedBundle> bundle;
  {
    MutexLock lock(mutex_);
    if (!spent_.empty()) {
      bundle = std::move(spent_.back());
      spent_.pop_back();
    }
  }
  if (bundle == nullptr) return std::make_unique<ParsedBundle>();
  bundle->entries.clear();
  bundle->leaves.clear();
  bundle->parsed.clear();
  bundle->arena.Reset();
  return bundle;
}

void ParsedBundles::Loop() {
  for (std::uint64_t first = 0; first < size_; first += crypto::kTileWidth) {
    std::unique_ptr<ParsedBundle> bundle = Empty();
    bundle->first = first;
    bundle->error = Read(*bundle);
    const bool last = !bundle->error.ok();
    MutexLock lock(mutex_);
    while (ahead_.size() >= kMostAhead && !stop_) changed_.Wait(mutex_);
    if (stop_) return;
    ahead_.push_back(std::move(bundle));
    changed_.NotifyAll();
    if (last) return;
  }
}

const ParsedBundle* ParsedBundles::Next() {
  if (taken_ == size_) return nullptr;
  HF_CHECK(current_ == nullptr || current_->error.ok());
  MutexLock lock(mutex_);
  while (ahead_.empty()) changed_.Wait(mutex_);
  if (current_ != nullptr) spent_.push_back(std::move(current_));
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  changed_.NotifyAll();
  taken_ += current_->entries.size();
  return current_.get();
}

}  // namespace holdfast::evidence
