// SPDX-License-Identifier: Apache-2.0
#include "evidence/cosignatures.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "crypto/checkpoint.h"

namespace holdfast::evidence {
namespace {

// A cosignature is a time and an Ed25519 signature (docs/ledger-format.md, "Checkpoints").
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kCosignatureBytes = kTimeBytes + 64;

std::uint64_t ReadTime(ByteSpan bytes) {
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    time = time << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return time;
}

void AppendTime(std::uint64_t time, Bytes& out) {
  for (std::size_t i = kTimeBytes; i-- > 0;) {
    out.push_back(static_cast<std::byte>(time >> (8 * i) & 0xffU));
  }
}

}  // namespace

std::vector<crypto::NoteKey> WitnessKeys(const policy::OpenedAgreement& agreement) {
  std::vector<crypto::NoteKey> keys;
  for (const policy::WitnessTerm& witness : agreement.witnesses()) {
    auto key = crypto::NoteKey::Make(witness.name, crypto::NoteAlgorithm::kCosignatureV1,
                                     witness.public_key);
    // A name that no note can carry has signed none.
    if (key.ok()) keys.push_back(*std::move(key));
  }
  return keys;
}

ledger::v1::CheckpointWitnessed CosignaturesIn(std::string_view note,
                                               const policy::OpenedAgreement& agreement) {
  ledger::v1::CheckpointWitnessed fact;
  const auto parsed = crypto::ParseNote(note);
  if (!parsed.ok()) return fact;
  const auto checkpoint = crypto::ParseCheckpointText(parsed->text);
  if (!checkpoint.ok()) return fact;
  fact.set_size(checkpoint->size);
  fact.set_root(ToString(checkpoint->root));
  for (const crypto::NoteKey& key : WitnessKeys(agreement)) {
    const auto by = std::find_if(parsed->signatures.begin(), parsed->signatures.end(),
                                 [&](const crypto::NoteSignature& signature) {
                                   return signature.name == key.name() &&
                                          signature.key_hash == key.hash() &&
                                          signature.bytes.size() == kCosignatureBytes;
                                 });
    if (by == parsed->signatures.end()) continue;
    ledger::v1::Cosignature& out = *fact.add_cosignatures();
    out.set_witness(key.name());
    out.set_time(static_cast<std::int64_t>(ReadTime(by->bytes)));
    out.set_signature(ToString(ByteSpan(by->bytes).subspan(kTimeBytes)));
  }
  return fact;
}

bool CosignaturesAgree(const ledger::v1::CheckpointWitnessed& fact, const ExchangeId& exchange,
                       const policy::OpenedAgreement& agreement) {
  const auto root = ArrayFromBytes<Digest32>(AsBytes(fact.root()));
  if (!root.ok() || fact.cosignatures().empty()) return false;
  const std::string text =
      crypto::CheckpointText({crypto::LedgerOrigin(exchange), fact.size(), *root, {}});
  const std::vector<crypto::NoteKey> keys = WitnessKeys(agreement);
  return std::all_of(
      fact.cosignatures().begin(), fact.cosignatures().end(),
      [&](const ledger::v1::Cosignature& by) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const crypto::NoteKey& one) {
          return one.name() == by.witness();
        });
        if (key == keys.end() || by.time() < 0) return false;
        Bytes bytes(key->hash().begin(), key->hash().end());
        AppendTime(static_cast<std::uint64_t>(by.time()), bytes);
        const ByteSpan signature = AsBytes(by.signature());
        bytes.insert(bytes.end(), signature.begin(), signature.end());
        const std::string note = text + "\n\u2014 " + key->name() + " " + Base64(bytes) + "\n";
        return crypto::OpenNote(note, std::span(&*key, 1)).ok();
      });
}

}  // namespace holdfast::evidence
