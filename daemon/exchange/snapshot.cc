// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/snapshot.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"
#include "base/freed_memory.h"
#include "base/status_macros.h"
#include "policy/decide.h"
#include "policy/state_snapshot.h"

namespace holdfast::exchange {
namespace {

constexpr std::string_view kMagic = "holdfast-snapshot\n";
constexpr std::string_view kSignedAs = "holdfast/1/snapshot";
constexpr std::size_t kSignatureBytes = sizeof(crypto::Signature);

absl::Status Corrupt() { return MakeError(Reason::kStoreCorrupt, "this is no snapshot"); }

void Append(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void AppendNumber(Bytes& out, std::uint64_t number) {
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(number >> (shift - 8) & 0xff));
  }
}

void AppendSized(Bytes& out, ByteSpan bytes) {
  AppendNumber(out, bytes.size());
  Append(out, bytes);
}

// What has to be the same for a snapshot to be used at all.
Bytes Preamble(const SnapshotPlace& place) {
  Bytes out;
  Append(out, BytesOf(place.exchange));
  AppendSized(out, AsBytes(place.version));
  AppendNumber(out, policy::kPolicyVersion);
  return out;
}

Bytes SignedMessage(ByteSpan header, ByteSpan state_digest) {
  Bytes message = ToBytes(AsBytes(kSignedAs));
  Append(message, header);
  Append(message, state_digest);
  return message;
}

// Takes `count` bytes off `rest`; fewer where there are not so many.
ByteSpan Take(ByteSpan& rest, std::uint64_t count) {
  const ByteSpan bytes =
      rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(count, rest.size())));
  rest = rest.subspan(bytes.size());
  return bytes;
}

std::uint64_t TakeNumber(ByteSpan& rest) {
  std::uint64_t number = 0;
  for (const std::byte byte : Take(rest, sizeof(number))) {
    number = number << 8 | std::to_integer<std::uint64_t>(byte);
  }
  return number;
}

}  // namespace

SnapshotDraft DraftSnapshot(const SnapshotPlace& place, const policy::State& state,
                            const crypto::Frontier& frontier, const crypto::Anchor& anchor) {
  Bytes room;
  room.reserve(policy::SnapshotRoom(state));
  InLargePages(room);
  SnapshotDraft draft{Preamble(place), policy::BeginSnapshot(state, std::move(room))};
  AppendNumber(draft.header, anchor.ledger_size);
  Append(draft.header, anchor.ledger_root);
  AppendSized(draft.header, frontier.Serialize());
  return draft;
}

Bytes SealSnapshot(SnapshotDraft draft, const crypto::SigningKey& key) {
  const Bytes state = policy::EndSnapshot(std::move(draft.state));
  Bytes out;
  out.reserve(kMagic.size() + kSignatureBytes + draft.header.size() + state.size());
  Append(out, AsBytes(kMagic));
  Append(out, key.Sign(SignedMessage(draft.header, ByteSpan(state).last(sizeof(Digest32)))));
  Append(out, draft.header);
  Append(out, state);
  return out;
}

absl::StatusOr<Snapshot> OpenSnapshot(ByteSpan bytes, const SnapshotPlace& place,
                                      const crypto::PublicKey& key,
                                      std::shared_ptr<const policy::OpenedAgreement> agreement) {
  ByteSpan rest = bytes;
  if (AsText(Take(rest, kMagic.size())) != kMagic) return Corrupt();
  const ByteSpan signature = Take(rest, kSignatureBytes);
  const ByteSpan signed_part = rest;
  const Bytes preamble = Preamble(place);
  const ByteSpan found = Take(rest, preamble.size());
  if (!std::equal(found.begin(), found.end(), preamble.begin(), preamble.end())) {
    return MakeError(Reason::kStoreCorrupt,
                     "the snapshot is of another exchange, or of another version of this program");
  }
  crypto::Anchor anchor;
  anchor.ledger_size = TakeNumber(rest);
  const ByteSpan root = Take(rest, anchor.ledger_root.size());
  const ByteSpan frontier_bytes = Take(rest, TakeNumber(rest));
  if (root.size() != anchor.ledger_root.size() || rest.size() < sizeof(Digest32)) return Corrupt();
  std::copy(root.begin(), root.end(), anchor.ledger_root.begin());
  const ByteSpan header = signed_part.first(signed_part.size() - rest.size());
  HF_RETURN_IF_ERROR(key.Verify(SignedMessage(header, rest.last(sizeof(Digest32))), signature));

  HF_ASSIGN_OR_RETURN(crypto::Frontier frontier, crypto::Frontier::Parse(frontier_bytes));
  HF_ASSIGN_OR_RETURN(policy::State state, policy::StateFromSnapshot(rest, std::move(agreement)));
  if (state.ledger_size() != frontier.size() || frontier.size() < anchor.ledger_size) {
    return Corrupt();
  }
  return Snapshot{std::move(state), std::move(frontier), anchor};
}

}  // namespace holdfast::exchange
