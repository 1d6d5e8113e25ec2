// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/entry_batch.h"

#include "base/check.h"
#include "crypto/merkle.h"
#include "policy/decide.h"

namespace holdfast::exchange {

EntryBatch::EntryBatch(std::size_t capacity, crypto::Random& random)
    : salts_(capacity * kSaltBytes) {
  random.Fill(salts_);
  entries_.reserve(capacity);
  skipped_.reserve(capacity);
}

ledger::v1::Entry* EntryBatch::Add() {
  HF_CHECK(offsets_.empty() && (entries_.size() + 1) * kSaltBytes <= salts_.size());
  auto* entry = google::protobuf::Arena::CreateMessage<ledger::v1::Entry>(&arena_);
  const std::string_view salts = AsText(salts_);
  entry->set_salt(std::string(salts.substr(entries_.size() * kSaltBytes, kSaltBytes)));
  entry->set_policy_version(policy::kPolicyVersion);
  entries_.push_back(entry);
  skipped_.push_back(false);
  return entry;
}

void EntryBatch::Seal() {
  HF_CHECK(offsets_.empty());
  offsets_.reserve(entries_.size() + 1);
  offsets_.push_back(0);
  for (const ledger::v1::Entry* entry : entries_) {
    offsets_.push_back(offsets_.back() + entry->ByteSizeLong());
  }
  buffer_.resize(offsets_.back());
  hashes_.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto* out = reinterpret_cast<std::uint8_t*>(buffer_.data() + offsets_[i]);
    entries_[i]->SerializeWithCachedSizesToArray(out);
    hashes_.push_back(crypto::LeafHash(bytes(i)));
  }
}

}  // namespace holdfast::exchange
