// SPDX-License-Identifier: Apache-2.0
// The top page: the key of each segment page, and the exchange's named secrets, sealed under the
// epoch's root key. docs/key-tree.md, "Top page".
//
// When to use  In the vault, which keeps one open. Within an epoch the page only gains entries
//              (invariant I2): call OnlyGainsOver() before it is sealed again. To remove or replace
//              one, Duplicate() the page, change the copy, and seal it under the next root key.
// Threads      Not safe while it is changed; const members may be called concurrently.
// Ownership    Move-only. All page keys lie in one guarded allocation, each named secret in one of
//              its own. A page key never leaves: pages are sealed and opened here.
// Errors       At each function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/segment_page.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// Names of the secrets that every exchange has.
inline constexpr std::string_view kPseudonymSecret = "pseudonym";
inline constexpr std::string_view kCheckpointSecret = "checkpoint";

// The ledger that made an epoch, the event of the epoch included.
struct Anchor {
  std::uint64_t ledger_size = 0;
  Digest32 ledger_root{};

  friend bool operator==(const Anchor&, const Anchor&) = default;
};

// What a sealed top page says in the clear. Authenticated when it is opened.
struct TopPageHeader {
  Epoch epoch;
  Anchor anchor;

  friend bool operator==(const TopPageHeader&, const TopPageHeader&) = default;
};

// Returns a new root key. It goes to the keyslot and nowhere else (invariant I3).
// Errors: kUnavailable if no guarded memory is left.
absl::StatusOr<SecretBytes> NewRootKey(Random& random);

class TopPage final {
 public:
  static constexpr std::size_t kMaxSecrets = 64;
  static constexpr std::size_t kMaxSecretBytes = 256;
  static constexpr std::size_t kMaxSecretNameBytes = 64;

  struct Segment {
    SegmentId id;
    SegmentKind kind = SegmentKind::kUnspecified;

    friend bool operator==(const Segment&, const Segment&) = default;
  };

  // Returns a page without entries.
  // Errors: kUnavailable if no guarded memory is left, as in all that need some.
  static absl::StatusOr<TopPage> Create();

  TopPage(TopPage&&) noexcept = default;
  TopPage& operator=(TopPage&&) noexcept = default;
  TopPage(const TopPage&) = delete;
  TopPage& operator=(const TopPage&) = delete;
  ~TopPage() = default;

  absl::StatusOr<TopPage> Duplicate() const;

  // The segments, in ascending order of id.
  std::span<const Segment> segments() const { return segments_; }
  bool full() const { return segments_.size() == kMaxSegments; }

  // Seals the first page of a new segment under a new page key, and names it here.
  // Errors: kStoreFull      the page is full;
  //         kAlreadyExists  it names that segment already. Neither changes anything.
  absl::StatusOr<Bytes> AddSegment(const SegmentName& name, const SegmentTree& tree,
                                   Random& random);

  // Seals a changed segment under a new page key, which takes the old one's place. The page must
  // then be sealed under another root key than before.
  // Errors: kNotFound if there is no such segment of that kind.
  absl::StatusOr<Bytes> ReplaceSegment(const SegmentName& name, const SegmentTree& tree,
                                       Random& random);

  // Forgets a segment. The page must then be sealed under another root key than before.
  // Errors: kNotFound.
  absl::Status RemoveSegment(const SegmentId& segment);

  // Opens a segment page with the key that is named here.
  // Errors: kNotFound, kStoreCorrupt.
  absl::StatusOr<SegmentTree> OpenSegment(const SegmentName& name, ByteSpan sealed) const;

  // REQUIRES: `name` is 1 to kMaxSecretNameBytes printable ASCII characters without blanks, and the
  //           secret has 1 to kMaxSecretBytes bytes.
  // Errors: kAlreadyExists, kStoreFull.
  absl::Status AddSecret(std::string_view name, SecretBytes secret);

  // Replaces or removes a secret. The page must then be sealed under another root key than before.
  // Errors: kNotFound.
  absl::Status ReplaceSecret(std::string_view name, SecretBytes secret);
  absl::Status RemoveSecret(std::string_view name);

  // Returns the secret, borrowed until this page is changed, or nullptr.
  const SecretBytes* FindSecret(std::string_view name) const;

  // The names of the secrets, in ascending order.
  std::vector<std::string> SecretNames() const;

  // Whether every entry of `before` is in this page, unchanged (invariant I2).
  bool OnlyGainsOver(const TopPage& before) const;

  // REQUIRES: root_key.size() == 32; header.epoch is not 0.
  absl::StatusOr<Bytes> Seal(const SecretBytes& root_key, const ExchangeId& exchange,
                             const TopPageHeader& header, Random& random) const;

  // Returns the header of a sealed page, not yet authenticated.
  // Errors: kStoreCorrupt if it is not a top page of version 1.
  static absl::StatusOr<TopPageHeader> Inspect(ByteSpan sealed);

  // Opens what Seal() made under the same key, exchange and header.
  // REQUIRES: root_key.size() == 32.
  // Errors: kStoreCorrupt for every other input.
  static absl::StatusOr<TopPage> Open(ByteSpan sealed, const SecretBytes& root_key,
                                      const ExchangeId& exchange, const TopPageHeader& header);

 private:
  explicit TopPage(SecretBytes keys) : keys_(std::move(keys)) {}

  // Returns the index of `segment`, or where it would be inserted.
  std::size_t LowerBound(const SegmentId& segment) const;
  bool Has(const SegmentId& segment, std::size_t at) const;
  PageKey KeyAt(std::size_t index) const;
  void SetKeyAt(std::size_t index, const PageKey& key);
  absl::Status GrowFor(std::size_t segments);
  absl::StatusOr<SecretBytes> Serialize() const;
  static absl::StatusOr<TopPage> Parse(const SecretBytes& image);

  std::vector<Segment> segments_;

  // The key of segments_[i] is the bytes [32 i, 32 i + 32); what follows them is zero.
  SecretBytes keys_;

  std::map<std::string, SecretBytes, std::less<>> secrets_;
};

}  // namespace holdfast::crypto
