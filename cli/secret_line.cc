// SPDX-License-Identifier: Apache-2.0
#include "cli/secret_line.h"

#include <cerrno>
#include <cstddef>

#include <unistd.h>

#include "base/error.h"
#include "crypto/key_file.h"

namespace holdfast::cli {

absl::StatusOr<crypto::WipedBuffer> ReadSecretLine(int descriptor) {
  crypto::WipedBuffer line(crypto::kMaxPassphraseBytes + 2);
  std::size_t size = 0;
  for (;;) {
    std::byte& next = line.Mutable()[size];
    const ssize_t got = read(descriptor, &next, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return MakeError(Reason::kConfigInvalid, "no passphrase can be read from the descriptor " +
                                                   std::to_string(descriptor));
    }
    if (got == 0 || next == std::byte{'\n'}) break;
    if (++size == line.size()) {
      return MakeError(Reason::kRequestTooLarge, "the passphrase is too long");
    }
  }
  if (size > 0 && line.Reveal()[size - 1] == std::byte{'\r'}) --size;
  if (size == 0) return MakeError(Reason::kRequestMalformed, "no passphrase was given");
  line.Shrink(size);
  return line;
}

}  // namespace holdfast::cli
