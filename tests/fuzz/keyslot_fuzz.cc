// SPDX-License-Identifier: Apache-2.0
// What lies in the folder of a keyslot that needs a device, and what the device answers, as anyone
// may have written them who is not the daemon: no key comes out of noise.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/pkcs11_keyslot.h"
#include "crypto/keyslot/tpm2_keyslot.h"
#include "crypto/random.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::crypto {
namespace {

// Answers with the next part of the input; its first byte says how long that is.
class NoiseChannel final : public DeviceChannel {
 public:
  explicit NoiseChannel(ByteSpan input) : input_(input) {}

  void SetOpening(Opening opening) override { opening_ = std::move(opening); }
  absl::StatusOr<WipedBuffer> Open() override {
    auto opening = opening_();
    return opening.ok() ? Next() : opening.status();
  }
  absl::StatusOr<WipedBuffer> Call(const WipedBuffer&) override { return Next(); }

 private:
  absl::StatusOr<WipedBuffer> Next() {
    if (input_.empty()) return MakeError(Reason::kKeyslotFailed, "no more");
    const std::size_t size =
        std::min(input_.size() - 1, std::to_integer<std::size_t>(input_.front()));
    Bytes answer = ToBytes(input_.subspan(1, size));
    input_ = input_.subspan(1 + size);
    return WipedBuffer::TakeFrom(answer);
  }

  ByteSpan input_;
  Opening opening_;
};

template <typename Slot>
void Try(ByteSpan input, const char* note, typename Slot::Settings settings) {
  test::MemoryFileSystem disk;
  SystemRandom random;
  disk.Preload("/pin", AsBytes("1234"));
  const std::size_t half = input.size() / 2;
  if (half % 2 == 1) disk.Preload("/slot/" + std::string(note), input.first(half));
  if (half % 3 == 1) disk.Preload("/slot/epoch-1", input.first(half));
  settings.folder = "/slot";
  const auto slot =
      Slot::Open(disk, random, std::make_unique<NoiseChannel>(input.subspan(half)), settings);
  if (!slot.ok()) return;
  HF_CHECK(!(*slot)->Read(Epoch(1)).ok());
  (void)(*slot)->List();
}

}  // namespace
}  // namespace holdfast::crypto

namespace crypto = holdfast::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const holdfast::ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  crypto::Pkcs11Keyslot::Settings token;
  token.pin_path = "/pin";
  crypto::Try<crypto::Pkcs11Keyslot>(input, "token", token);
  crypto::Try<crypto::Tpm2Keyslot>(input, "tpm", {});
  return 0;
}
