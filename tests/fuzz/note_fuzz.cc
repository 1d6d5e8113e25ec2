// SPDX-License-Identifier: Apache-2.0
// Signed notes, checkpoints, keys and tile paths, as anyone may hand them to a client or a witness.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/checkpoint.h"
#include "crypto/key_file.h"
#include "crypto/merkle.h"
#include "crypto/signed_note.h"
#include "crypto/tiles.h"

namespace crypto = holdfast::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)crypto::ParseNote(text);
  (void)crypto::ParseCheckpointText(text);
  (void)crypto::NoteKey::Parse(text);
  (void)crypto::ParseTilePath(text);
  (void)crypto::ReadPublicKeyFile(text);
  (void)crypto::UnverifiedPublicKeyOf(holdfast::AsBytes(text));
  (void)crypto::Frontier::Parse(holdfast::AsBytes(text));
  HF_CHECK(!crypto::OpenNote(text, {}).ok());
  return 0;
}
