// SPDX-License-Identifier: Apache-2.0
// The exchange's keys, opened: the top page of the present epoch and every segment's tree.
//
// The vault plans what is to be stored and checks what it planned; the writer commits it. Workers
// derive keys from a VaultView, an immutable picture that they hold for one message. After an epoch
// change a new view takes its place, and the old one is wiped when its last user has let go.
//
// When to use  By the writer (Vault) and by workers (VaultView). docs/key-tree.md, "Epochs", has
// the
//              protocol and the invariants, which are cited here by their numbers.
// Threads      A Vault belongs to the writer's thread. A VaultView is immutable.
// Ownership    Views share the trees. Borrows the random source.
// Errors       kStoreCorrupt where a page does not open, kStoreFull where the top page is full,
//              kInternal where a check of our own fails: nothing may be committed then.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/segment_page.h"
#include "crypto/top_page.h"
#include "daemon/exchange/leaf_ref.h"

namespace holdfast::exchange {

// One segment of the key tree, opened.
struct VaultSegment {
  std::uint32_t number = 0;  // In the ledger's order.
  crypto::SegmentName name;
  std::shared_ptr<const crypto::SegmentTree> tree;
};

// What becomes of the key that makes pseudonyms in the next epoch.
enum class PseudonymKey { kKeep = 0, kDestroy };

// What workers derive from.
class VaultView final {
 public:
  VaultView(std::vector<VaultSegment> segments,
            std::shared_ptr<const crypto::SecretBytes> pseudonym_key);

  // REQUIRES: `number` is below segments().
  const VaultSegment& segment(std::uint32_t number) const;
  std::size_t segments() const { return segments_.size(); }

  // Null if there is no such segment.
  const VaultSegment* Find(const SegmentId& id) const;

  // Null once it was destroyed.
  const crypto::SecretBytes* pseudonym_key() const { return pseudonym_key_.get(); }

 private:
  std::vector<VaultSegment> segments_;  // By number.
  absl::flat_hash_map<SegmentId, std::uint32_t> by_id_;
  std::shared_ptr<const crypto::SecretBytes> pseudonym_key_;
};

// A sealed page of one segment, to be stored.
struct SealedPage {
  std::uint32_t segment = 0;
  Bytes bytes;
};

// An epoch that has been built and not yet committed.
struct EpochPlan {
  Epoch epoch;
  crypto::SecretBytes root_key;
  crypto::TopPage top;
  std::vector<VaultSegment> changed;
  std::vector<SealedPage> pages;
};

class Vault final {
 public:
  // A new vault with its named secrets, as the plan of epoch 1.
  static absl::StatusOr<EpochPlan> PlanFirst(crypto::Random& random);

  // The vault after PlanFirst() was committed.
  Vault(const ExchangeId& exchange, EpochPlan first, const crypto::Anchor& anchor,
        crypto::Random& random);

  // Opens what is stored. `segments` are in order of number, trees not set; `pages` in the same
  // order.
  static absl::StatusOr<Vault> Open(const ExchangeId& exchange, ByteSpan sealed_top,
                                    crypto::SecretBytes root_key,
                                    const crypto::TopPageHeader& header,
                                    std::vector<VaultSegment> segments,
                                    std::span<const Bytes> pages, crypto::Random& random);

  Vault(Vault&&) = default;
  Vault& operator=(Vault&&) = default;
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;
  ~Vault() = default;

  Epoch epoch() const { return epoch_; }
  const crypto::Anchor& anchor() const { return anchor_; }
  const crypto::SecretBytes* FindSecret(std::string_view name) const {
    return top_.FindSecret(name);
  }
  const std::vector<VaultSegment>& segments() const { return segments_; }

  // Adds segments within the epoch (I2) and returns their pages; the top page must be stored too.
  // REQUIRES: the numbers go on from segments().size().
  absl::StatusOr<std::vector<SealedPage>> AddSegments(std::span<const VaultSegment> added);

  // The top page, sealed for the present epoch.
  absl::StatusOr<Bytes> SealTop() const;

  // Builds the next epoch, in which `destroyed` cannot be derived, and shows that it is so (I6).
  // Leaves that are gone already may be named again, and so may the pseudonym key.
  absl::StatusOr<EpochPlan> PlanNext(std::span<const LeafRef> destroyed,
                                     PseudonymKey pseudonym_key = PseudonymKey::kKeep) const;

  // The top page of a plan, sealed under its root key and the anchor that its commit will have.
  absl::StatusOr<Bytes> SealTop(const EpochPlan& plan, const crypto::Anchor& anchor) const;

  // The plan was committed: it is what this vault holds from now on.
  void Adopt(EpochPlan plan, const crypto::Anchor& anchor);

  // Shows that `sealed_top`, as read back, opens with `root_key`, as read back (I8).
  absl::Status CheckOpens(ByteSpan sealed_top, const crypto::SecretBytes& root_key,
                          const crypto::TopPageHeader& header) const;

  // Errors: kUnavailable if no guarded memory is left.
  absl::StatusOr<std::shared_ptr<const VaultView>> MakeView() const;

 private:
  Vault(const ExchangeId& exchange, Epoch epoch, const crypto::Anchor& anchor,
        crypto::SecretBytes root_key, crypto::TopPage top, std::vector<VaultSegment> segments,
        crypto::Random& random);

  ExchangeId exchange_;
  Epoch epoch_;
  crypto::Anchor anchor_;
  crypto::SecretBytes root_key_;
  crypto::TopPage top_;
  std::vector<VaultSegment> segments_;
  crypto::Random* random_;
};

}  // namespace holdfast::exchange
