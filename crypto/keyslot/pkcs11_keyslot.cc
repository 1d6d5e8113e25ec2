// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/pkcs11_keyslot.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"
#include "crypto/keyslot/internal/device_messages.h"
#include "crypto/keyslot/internal/device_vendors.h"
#include "crypto/keyslot/internal/keyslot_folder.h"

namespace holdfast::crypto {
namespace {

using internal::DeviceOperation;
using internal::DeviceReader;
using internal::DeviceWriter;
using internal::KeyslotStatus;
using internal::SecretAccess;

constexpr std::string_view kNoteMagic = "HFP1";
constexpr std::string_view kFileMagic = "HFW1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;
constexpr char kNoteName[] = "token";
constexpr std::string_view kEpochName = "epoch-";

constexpr std::size_t kHeadBytes = 6 + 8;  // Magic, version, suite, epoch.
constexpr std::size_t kVectorBytes = 16;
constexpr std::size_t kCheckBytes = 16;
constexpr std::size_t kTextBytes = Keyslot::kRootKeyBytes + kCheckBytes;
constexpr std::size_t kFileBytes = kHeadBytes + kVectorBytes + kTextBytes;
constexpr std::size_t kMaxNoteBytes = 512;
static_assert(kTextBytes % 16 == 0, "CBC without padding");

absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }
absl::Status NotHeld() {
  return MakeError(Reason::kNotFound, "the keyslot does not hold that epoch");
}

// What follows the root key in what the token encrypts: CBC by itself would give back anything.
std::array<std::byte, kCheckBytes> CheckOf(ByteSpan slot_id, Epoch epoch, ByteSpan key) {
  std::array<std::byte, 8> number{};
  internal::Writer(number).PutInteger(epoch.value());
  std::array<std::byte, kCheckBytes> check{};
  internal::Hash("holdfast/1/pkcs11-keyslot", {slot_id, number, key}, check);
  return check;
}

Bytes EncodeHead(Epoch epoch) {
  Bytes head(kHeadBytes);
  internal::Writer writer(head);
  writer.Put(kFileMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.PutInteger(epoch.value());
  HF_CHECK(writer.full());
  return head;
}

}  // namespace

Pkcs11Keyslot::Pkcs11Keyslot(FileSystem& files, Random& random,
                             std::unique_ptr<DeviceChannel> channel, const Settings& settings,
                             std::unique_ptr<FileLock> lock)
    : files_(files),
      random_(random),
      channel_(std::move(channel)),
      folder_(settings.folder),
      lock_(std::move(lock)),
      epoch_budget_(settings.epoch_budget) {}

absl::StatusOr<std::unique_ptr<Pkcs11Keyslot>> Pkcs11Keyslot::Open(
    FileSystem& files, Random& random, std::unique_ptr<DeviceChannel> channel,
    const Settings& settings) {
  HF_RETURN_IF_ERROR(internal::MakeKeyslotFolder(files, settings.folder));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock,
                      internal::LockKeyslotFolder(files, settings.folder));
  HF_RETURN_IF_ERROR(KeyslotStatus(files.SyncDirectory(ParentPath(settings.folder))));
  channel->SetOpening([&files, settings]() -> absl::StatusOr<WipedBuffer> {
    HF_ASSIGN_OR_RETURN(const WipedBuffer pin, internal::ReadSecretFile(files, settings.pin_path));
    if (pin.empty()) return Failed("the PIN's file is empty");
    return std::move(DeviceWriter(DeviceOperation::kOpenPkcs11)
                         .Text(settings.module_path)
                         .Text(settings.token_label)
                         .Bytes(pin.Reveal()))
        .Take();
  });
  std::unique_ptr<Pkcs11Keyslot> slot(
      new Pkcs11Keyslot(files, random, std::move(channel), settings, std::move(lock)));
  HF_RETURN_IF_ERROR(slot->Meet());
  return slot;
}

absl::Status Pkcs11Keyslot::Meet() {
  HF_ASSIGN_OR_RETURN(const WipedBuffer answer, channel_->Open());
  DeviceReader reader(answer.Reveal());
  const std::string vendor = reader.Text();
  const std::string model = reader.Text();
  const std::string serial = reader.Text();
  if (!reader.done()) return Failed("the keyslot's helper is of another version");
  const std::string token = EscapeForLog(vendor, 64) + ", " + EscapeForLog(model, 64) +
                            ", serial number " + EscapeForLog(serial, 64);

  const std::string path = JoinPath(folder_, kNoteName);
  auto note = files_.ReadWhole(path, kMaxNoteBytes);
  if (ReasonOf(note.status()) == Reason::kNotFound) {
    const auto names = files_.List(folder_);
    HF_RETURN_IF_ERROR(KeyslotStatus(names.status()));
    if (std::any_of(names->begin(), names->end(),
                    [](const std::string& name) { return name.starts_with(kEpochName); })) {
      return Failed("the keyslot's folder does not say which token it is of");
    }
    Bytes made(6 + kSlotIdBytes + token.size());
    internal::Writer writer(made);
    writer.Put(kNoteMagic);
    writer.PutInteger(kVersion);
    writer.PutInteger(kSuite);
    writer.Put(Draw<kSlotIdBytes>(random_));
    writer.Put(token);
    HF_CHECK(writer.full());
    HF_RETURN_IF_ERROR(KeyslotStatus(ReplaceFile(files_, path, made)));
    note = std::move(made);
  }
  HF_RETURN_IF_ERROR(KeyslotStatus(note.status()));
  internal::Reader noted(*note);
  if (!noted.TakeText(kNoteMagic) || noted.TakeInteger<std::uint8_t>() != kVersion ||
      noted.TakeInteger<std::uint8_t>() != kSuite || noted.left() < kSlotIdBytes) {
    return Failed("the keyslot's note of its token is damaged");
  }
  slot_id_ = noted.TakeArray<std::array<std::byte, kSlotIdBytes>>();
  const std::string first(AsText(noted.Take(noted.left())));
  if (first != token) {
    return MakeError(Reason::kKeyslotFailed, "the token is another one (" + token +
                                                 ") than at the first use (" +
                                                 EscapeForLog(first, 220) + ")");
  }
  device_ = token;
  erasure_class_ = internal::ErasureClassOfToken(vendor, model, serial);
  return absl::OkStatus();
}

Bytes Pkcs11Keyslot::KeyId(Epoch epoch) const {
  Bytes id(kSlotIdBytes + 8);
  internal::Writer writer(id);
  writer.Put(slot_id_);
  writer.PutInteger(epoch.value());
  return id;
}

std::string Pkcs11Keyslot::PathOf(Epoch epoch) const {
  return JoinPath(folder_, std::string(kEpochName) + std::to_string(epoch.value()));
}

absl::Status Pkcs11Keyslot::DestroyKey(Epoch epoch) {
  return channel_
      ->Call(std::move(DeviceWriter(DeviceOperation::kDestroyKey).Bytes(KeyId(epoch))).Take())
      .status();
}

absl::Status Pkcs11Keyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_CHECK(epoch.value() != 0 && key.size() == kRootKeyBytes);
  HF_ASSIGN_OR_RETURN(const std::vector<Epoch> held, List());
  if (std::find(held.begin(), held.end(), epoch) != held.end()) {
    return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
  }
  if (held.size() >= 2) return Failed("the keyslot holds two epochs already");

  const auto vector = Draw<kVectorBytes>(random_);
  WipedBuffer text(kTextBytes);
  internal::Writer plain(text.Mutable());
  plain.Put(SecretAccess::Read(key));
  plain.Put(CheckOf(slot_id_, epoch, SecretAccess::Read(key)));
  HF_CHECK(plain.full());
  const WipedBuffer request = std::move(DeviceWriter(DeviceOperation::kCreateKey)
                                            .Bytes(KeyId(epoch))
                                            .Bytes(vector)
                                            .Bytes(text.Reveal()))
                                  .Take();
  const auto stage = [&]() -> absl::Status {
    auto answer = channel_->Call(request);
    if (ReasonOf(answer.status()) == Reason::kAlreadyExists) {
      // Of a staging or an erasure that was cut short: what it encrypted is not held.
      HF_RETURN_IF_ERROR(DestroyKey(epoch));
      answer = channel_->Call(request);
    }
    if (!answer.ok()) return KeyslotStatus(answer.status());
    DeviceReader reader(answer->Reveal());
    const ByteSpan ciphertext = reader.Bytes();
    if (!reader.done() || ciphertext.size() != kTextBytes) {
      return Failed("the keyslot's helper is of another version");
    }
    Bytes file = EncodeHead(epoch);
    file.insert(file.end(), vector.begin(), vector.end());
    file.insert(file.end(), ciphertext.begin(), ciphertext.end());
    HF_RETURN_IF_ERROR(KeyslotStatus(ReplaceFile(files_, PathOf(epoch), file)));
    const auto found = Read(epoch);
    if (!found.ok()) return KeyslotStatus(found.status());
    if (ConstantTimeEquals(*found, key)) return absl::OkStatus();
    return Failed("a staged key cannot be read back");
  };
  const absl::Status staged = stage();
  // The first error is the caller's. If this fails too, the caller's Erase() will find it.
  if (!staged.ok()) (void)Erase(epoch);
  return staged;
}

absl::StatusOr<SecretBytes> Pkcs11Keyslot::Read(Epoch epoch) {
  const auto file = files_.ReadWhole(PathOf(epoch), kFileBytes + 1);
  if (ReasonOf(file.status()) == Reason::kNotFound ||
      ReasonOf(file.status()) == Reason::kRequestTooLarge) {
    return NotHeld();
  }
  HF_RETURN_IF_ERROR(KeyslotStatus(file.status()));
  const Bytes head = EncodeHead(epoch);
  if (file->size() != kFileBytes || !std::equal(head.begin(), head.end(), file->begin())) {
    return NotHeld();
  }
  const ByteSpan rest = ByteSpan(*file).subspan(kHeadBytes);
  const auto answer = channel_->Call(std::move(DeviceWriter(DeviceOperation::kDecrypt)
                                                   .Bytes(KeyId(epoch))
                                                   .Bytes(rest.first(kVectorBytes))
                                                   .Bytes(rest.subspan(kVectorBytes)))
                                         .Take());
  if (ReasonOf(answer.status()) == Reason::kNotFound) return NotHeld();
  HF_RETURN_IF_ERROR(KeyslotStatus(answer.status()));
  DeviceReader reader(answer->Reveal());
  const ByteSpan text = reader.Bytes();
  if (!reader.done() || text.size() != kTextBytes) {
    return Failed("the keyslot's helper is of another version");
  }
  if (!internal::EqualInConstantTime(CheckOf(slot_id_, epoch, text.first(kRootKeyBytes)),
                                     text.subspan(kRootKeyBytes))) {
    return NotHeld();
  }
  HF_ASSIGN_OR_RETURN(SecretBytes key, SecretBytes::Zeroed(kRootKeyBytes));
  std::copy_n(text.begin(), kRootKeyBytes, SecretAccess::Write(key).begin());
  return key;
}

absl::Status Pkcs11Keyslot::Erase(Epoch epoch) {
  HF_CHECK(epoch.value() != 0);
  // The key first: a file without its key is worth nothing, a key without its file is found again
  // only here.
  HF_RETURN_IF_ERROR(KeyslotStatus(DestroyKey(epoch)));
  bool removed = false;
  for (const char* suffix :
       {"", ".new"}) {  // The second one is of a replacement that was cut short.
    const absl::Status gone = files_.Remove(PathOf(epoch) + suffix);
    if (!gone.ok() && ReasonOf(gone) != Reason::kNotFound) return KeyslotStatus(gone);
    removed |= gone.ok();
  }
  return removed ? KeyslotStatus(files_.SyncDirectory(folder_)) : absl::OkStatus();
}

absl::StatusOr<std::vector<Epoch>> Pkcs11Keyslot::List() {
  const auto names = files_.List(folder_);
  HF_RETURN_IF_ERROR(KeyslotStatus(names.status()));
  std::vector<Epoch> epochs;
  for (const std::string& name : *names) {
    if (!name.starts_with(kEpochName)) continue;
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + kEpochName.size(), end, number);
    if (error != std::errc() || stop != end || number == 0) continue;
    const auto key = Read(Epoch(number));
    if (key.ok()) {
      epochs.push_back(Epoch(number));
    } else if (ReasonOf(key.status()) != Reason::kNotFound) {
      return key.status();
    }
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

}  // namespace holdfast::crypto
