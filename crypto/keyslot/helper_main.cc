// SPDX-License-Identifier: Apache-2.0
// holdfast-keyslot: the process in which a vendor's code runs. The daemon starts it, with one end
// of a socket pair as descriptor 3, and ends it; it has no arguments and is of no use to a person.
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/keyslot/internal/device_messages.h"
#include "crypto/keyslot/internal/pkcs11_token.h"
#include "crypto/keyslot/internal/tpm2_chip.h"
#include "crypto/library.h"

namespace holdfast::crypto {
namespace {

using internal::DeviceOperation;
using internal::DeviceOutcome;
using internal::DeviceReader;
using internal::DeviceWriter;
using internal::Pkcs11Token;
using internal::Tpm2Chip;

constexpr int kSocket = 3;

// Nobody waits for a step as long as this. If the daemon was killed while a module hangs, the
// process ends by itself.
constexpr unsigned kLongestStepSeconds = 120;

WipedBuffer Answer(const absl::Status& status) {
  switch (ReasonOf(status).value_or(Reason::kInternal)) {
    case Reason::kNotFound:
      return DeviceWriter(DeviceOutcome::kNotFound).Take();
    case Reason::kAlreadyExists:
      return DeviceWriter(DeviceOutcome::kAlreadyExists).Take();
    default:
      break;
  }
  if (status.ok()) return DeviceWriter(DeviceOutcome::kOk).Take();
  return std::move(DeviceWriter(DeviceOutcome::kFailed).Text(std::string(status.message()))).Take();
}

WipedBuffer Answer(const absl::StatusOr<WipedBuffer>& bytes) {
  if (!bytes.ok()) return Answer(bytes.status());
  return std::move(DeviceWriter(DeviceOutcome::kOk).Bytes(bytes->Reveal())).Take();
}

WipedBuffer Malformed() {
  return Answer(
      MakeError(Reason::kInternal, "the helper was asked for something that it does not know"));
}

WipedBuffer CopyOf(ByteSpan bytes) {
  WipedBuffer copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.Mutable().begin());
  return copy;
}

class Helper final {
 public:
  WipedBuffer Do(ByteSpan request) {
    DeviceReader reader(request);
    switch (reader.First<DeviceOperation>()) {
      case DeviceOperation::kNone:
        break;
      case DeviceOperation::kOpenPkcs11:
        return OpenPkcs11(reader);
      case DeviceOperation::kCreateKey:
      case DeviceOperation::kDecrypt:
      case DeviceOperation::kDestroyKey:
        if (token_ != nullptr) return UseToken(request);
        break;
      case DeviceOperation::kOpenTpm2:
        return OpenTpm2(reader);
      case DeviceOperation::kReadIndex:
      case DeviceOperation::kWriteIndex:
        if (chip_ != nullptr) return UseChip(request);
        break;
    }
    return Malformed();
  }

 private:
  WipedBuffer OpenPkcs11(DeviceReader& reader) {
    const std::string module = reader.Text();
    const std::string label = reader.Text();
    const WipedBuffer pin = CopyOf(reader.Bytes());
    if (!reader.done()) return Malformed();
    auto token = Pkcs11Token::Open(module, label, pin);
    if (!token.ok()) return Answer(token.status());
    token_ = *std::move(token);
    const Pkcs11Token::Description& about = token_->description();
    return std::move(DeviceWriter(DeviceOutcome::kOk)
                         .Text(about.vendor)
                         .Text(about.model)
                         .Text(about.serial))
        .Take();
  }

  WipedBuffer UseToken(ByteSpan request) {
    DeviceReader reader(request);
    const auto operation = reader.First<DeviceOperation>();
    const ByteSpan id = reader.Bytes();
    if (operation == DeviceOperation::kDestroyKey) {
      return reader.done() ? Answer(token_->Destroy(id)) : Malformed();
    }
    const ByteSpan vector = reader.Bytes();
    const ByteSpan text = reader.Bytes();
    if (!reader.done()) return Malformed();
    return operation == DeviceOperation::kCreateKey
               ? Answer(token_->CreateAndEncrypt(id, vector, text))
               : Answer(token_->Decrypt(id, vector, text));
  }

  WipedBuffer OpenTpm2(DeviceReader& reader) {
    Tpm2Chip::Settings settings;
    settings.tcti = reader.Text();
    settings.first_index = reader.Number();
    settings.srk_handle = reader.Number();
    settings.srk_name = ToBytes(reader.Bytes());
    for (Bytes& name : settings.index_names) name = ToBytes(reader.Bytes());
    settings.index_auth = CopyOf(reader.Bytes());
    settings.owner_auth = CopyOf(reader.Bytes());
    settings.pcr_mask = reader.Number();
    settings.pcr_public_key = ToBytes(reader.Bytes());
    settings.pcr_signature = ToBytes(reader.Bytes());
    if (!reader.done()) return Malformed();
    auto chip = Tpm2Chip::Open(std::move(settings));
    if (!chip.ok()) return Answer(chip.status());
    chip_ = *std::move(chip);
    const Tpm2Chip::Description& about = chip_->description();
    DeviceWriter answer(DeviceOutcome::kOk);
    answer.Text(about.vendor).Text(about.model).Bytes(about.srk_name);
    for (const Bytes& name : about.index_names) answer.Bytes(name);
    return std::move(answer).Take();
  }

  WipedBuffer UseChip(ByteSpan request) {
    DeviceReader reader(request);
    const auto operation = reader.First<DeviceOperation>();
    const std::uint32_t number = reader.Number();
    if (number >= Tpm2Chip::kIndices) return Malformed();
    if (operation == DeviceOperation::kReadIndex) {
      return reader.done() ? Answer(chip_->Read(number)) : Malformed();
    }
    const ByteSpan content = reader.Bytes();
    return reader.done() ? Answer(chip_->Write(number, content)) : Malformed();
  }

  std::unique_ptr<Pkcs11Token> token_;
  std::unique_ptr<Tpm2Chip> chip_;
};

bool Harden() {
  const rlimit no_core = {0, 0};
  return setrlimit(RLIMIT_CORE, &no_core) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
         InitLibrary().ok();
}

// Serves until the daemon closes its end.
int Serve() {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(kSocket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    std::fputs("holdfast-keyslot: holdfastd starts this program, and nobody else\n", stderr);
    return 64;
  }
  if (!Harden()) return 70;
  Helper helper;
  for (;;) {
    WipedBuffer request(internal::kMaxDeviceMessage);
    const auto space = request.Mutable();
    const ssize_t count = recv(kSocket, space.data(), space.size(), 0);
    if (count <= 0) return 0;
    alarm(kLongestStepSeconds);
    const WipedBuffer answer = helper.Do(request.Reveal().first(static_cast<std::size_t>(count)));
    alarm(0);
    const ByteSpan bytes = answer.Reveal();
    if (send(kSocket, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      return 0;
    }
  }
}

}  // namespace
}  // namespace holdfast::crypto

int main() {
  int status = 70;
  try {
    status = holdfast::crypto::Serve();
  } catch (const std::exception&) {
    std::fputs("holdfast-keyslot: a library threw what nobody caught\n", stderr);
  }
  // Without the vendor's exit handlers, which may hang as well as anything else of theirs.
  _exit(status);
}
