// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/tpm2_keyslot.h"

#include <algorithm>
#include <optional>
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

constexpr std::string_view kNoteMagic = "HFN1";
constexpr std::string_view kContentMagic = "HFX1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;
constexpr char kNoteName[] = "tpm";

constexpr std::size_t kAuthBytes = 32;
constexpr std::size_t kNameBytes = 34;  // The algorithm's number, and a SHA-256.
constexpr std::size_t kNoteBytes = 6 + 8 + kAuthBytes + 1 + 3 * kNameBytes;
constexpr std::size_t kMaxKeyFileBytes = 16 << 10;

constexpr std::size_t kCheckBytes = 16;
constexpr std::size_t kContentBytes = 64;
constexpr std::size_t kPaddingBytes = kContentBytes - 6 - 8 - Keyslot::kRootKeyBytes - kCheckBytes;

absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }
absl::Status NotHeld() {
  return MakeError(Reason::kNotFound, "the keyslot does not hold that epoch");
}
absl::Status OtherHelper() { return Failed("the keyslot's helper is of another version"); }

std::array<std::byte, kCheckBytes> CheckOf(Epoch epoch, ByteSpan key) {
  std::array<std::byte, 8> number{};
  internal::Writer(number).PutInteger(epoch.value());
  std::array<std::byte, kCheckBytes> check{};
  internal::Hash("holdfast/1/tpm2-keyslot", {number, key}, check);
  return check;
}

}  // namespace

// What the slot's file says: with which objects of the TPM it is used. It is written once before
// anything is defined, so that a first use that was cut short finds its own indices again, and once
// with their names.
struct Tpm2Keyslot::Note {
  std::uint32_t first_index = 0;
  std::uint32_t srk_handle = 0;
  WipedBuffer auth;
  Bytes srk_name;  // Empty, like the indices', until the first use is over.
  std::array<Bytes, kIndices> index_names;

  static absl::StatusOr<Note> Parse(ByteSpan bytes) {
    internal::Reader reader(bytes);
    if (!reader.TakeText(kNoteMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
        reader.TakeInteger<std::uint8_t>() != kSuite) {
      return Failed("the keyslot's note of its TPM is damaged");
    }
    Note note;
    note.first_index = reader.TakeInteger<std::uint32_t>();
    note.srk_handle = reader.TakeInteger<std::uint32_t>();
    const ByteSpan auth = reader.Take(kAuthBytes);
    note.auth = WipedBuffer(auth.size());
    std::copy(auth.begin(), auth.end(), note.auth.Mutable().begin());
    const auto whole = reader.TakeInteger<std::uint8_t>();
    const Bytes names[] = {ToBytes(reader.Take(kNameBytes)), ToBytes(reader.Take(kNameBytes)),
                           ToBytes(reader.Take(kNameBytes))};
    if (!reader.done() || whole > 1) return Failed("the keyslot's note of its TPM is damaged");
    if (whole == 1) {
      note.srk_name = names[0];
      note.index_names = {names[1], names[2]};
    }
    return note;
  }

  WipedBuffer Encode() const {
    WipedBuffer bytes(kNoteBytes);
    internal::Writer writer(bytes.Mutable());
    writer.Put(kNoteMagic);
    writer.PutInteger(kVersion);
    writer.PutInteger(kSuite);
    writer.PutInteger(first_index);
    writer.PutInteger(srk_handle);
    writer.Put(auth.Reveal());
    writer.PutInteger(static_cast<std::uint8_t>(srk_name.empty() ? 0 : 1));
    const Bytes none(kNameBytes);
    for (const Bytes* name : {&srk_name, &index_names[0], &index_names[1]}) {
      writer.Put(name->empty() ? none : *name);
    }
    HF_CHECK(writer.full());
    return bytes;
  }
};

// What an index holds; epoch 0 if that is nothing, or nothing whole.
struct Tpm2Keyslot::Content {
  bool blank = false;
  Epoch claim{0};  // What it says, also if it is not whole.
  std::optional<SecretBytes> key;
};

Tpm2Keyslot::Tpm2Keyslot(FileSystem& files, std::unique_ptr<DeviceChannel> channel,
                         Settings settings, std::unique_ptr<FileLock> lock)
    : files_(files),
      channel_(std::move(channel)),
      settings_(std::move(settings)),
      lock_(std::move(lock)) {}

absl::StatusOr<std::unique_ptr<Tpm2Keyslot>> Tpm2Keyslot::Open(
    FileSystem& files, Random& random, std::unique_ptr<DeviceChannel> channel,
    const Settings& settings) {
  HF_RETURN_IF_ERROR(internal::MakeKeyslotFolder(files, settings.folder));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock,
                      internal::LockKeyslotFolder(files, settings.folder));
  HF_RETURN_IF_ERROR(KeyslotStatus(files.SyncDirectory(ParentPath(settings.folder))));
  std::unique_ptr<Tpm2Keyslot> slot(
      new Tpm2Keyslot(files, std::move(channel), settings, std::move(lock)));
  slot->channel_->SetOpening([raw = slot.get()] { return raw->Opening(); });
  HF_RETURN_IF_ERROR(slot->Meet(random));
  return slot;
}

absl::StatusOr<WipedBuffer> Tpm2Keyslot::ReadNote() {
  auto file = files_.Open(JoinPath(settings_.folder, kNoteName), OpenMode::kRead);
  HF_RETURN_IF_ERROR(file.status());
  WipedBuffer bytes(kNoteBytes + 1);
  HF_ASSIGN_OR_RETURN(const std::size_t count, (*file)->ReadAt(0, bytes.Mutable()));
  bytes.Shrink(count);
  return bytes;
}

absl::StatusOr<WipedBuffer> Tpm2Keyslot::Opening() {
  const auto bytes = ReadNote();
  HF_RETURN_IF_ERROR(KeyslotStatus(bytes.status()));
  HF_ASSIGN_OR_RETURN(const Note note, Note::Parse(bytes->Reveal()));
  if (note.first_index != settings_.first_index || note.srk_handle != settings_.srk_handle) {
    return Failed("the configuration names other handles of the TPM than at the first use");
  }
  WipedBuffer owner_auth;
  if (!settings_.owner_auth_path.empty() && note.srk_name.empty()) {
    HF_ASSIGN_OR_RETURN(owner_auth, internal::ReadSecretFile(files_, settings_.owner_auth_path));
  }
  Bytes public_key;
  Bytes signature;
  if (settings_.pcr_mask != 0) {
    auto read = files_.ReadWhole(settings_.pcr_public_key_path, kMaxKeyFileBytes);
    HF_RETURN_IF_ERROR(KeyslotStatus(read.status()));
    public_key = *std::move(read);
    read = files_.ReadWhole(settings_.pcr_signature_path, kMaxKeyFileBytes);
    HF_RETURN_IF_ERROR(KeyslotStatus(read.status()));
    signature = *std::move(read);
    if (public_key.size() + signature.size() > internal::kMaxDeviceMessage / 2) {
      return Failed("the PCR policy's key or signature is too long");
    }
  }
  DeviceWriter writer(DeviceOperation::kOpenTpm2);
  writer.Text(settings_.tcti)
      .Number(settings_.first_index)
      .Number(settings_.srk_handle)
      .Bytes(note.srk_name.empty() ? settings_.srk_name : note.srk_name);
  for (const Bytes& name : note.index_names) writer.Bytes(name);
  writer.Bytes(note.auth.Reveal())
      .Bytes(owner_auth.Reveal())
      .Number(settings_.pcr_mask)
      .Bytes(public_key)
      .Bytes(signature);
  return std::move(writer).Take();
}

absl::Status Tpm2Keyslot::Meet(Random& random) {
  const std::string path = JoinPath(settings_.folder, kNoteName);
  auto bytes = ReadNote();
  if (ReasonOf(bytes.status()) == Reason::kNotFound) {
    Note begun;
    begun.first_index = settings_.first_index;
    begun.srk_handle = settings_.srk_handle;
    begun.auth = WipedBuffer(kAuthBytes);
    random.Fill(begun.auth.Mutable());
    bytes = begun.Encode();
    HF_RETURN_IF_ERROR(KeyslotStatus(ReplaceFile(files_, path, bytes->Reveal())));
  }
  HF_RETURN_IF_ERROR(KeyslotStatus(bytes.status()));
  HF_ASSIGN_OR_RETURN(Note note, Note::Parse(bytes->Reveal()));
  if (!settings_.srk_name.empty() && !note.srk_name.empty() &&
      settings_.srk_name != note.srk_name) {
    return Failed("the configuration names another storage root key than that of the first use");
  }

  HF_ASSIGN_OR_RETURN(const WipedBuffer answer, channel_->Open());
  DeviceReader reader(answer.Reveal());
  const std::string vendor = reader.Text();
  const std::string model = reader.Text();
  const Bytes srk_name = ToBytes(reader.Bytes());
  const Bytes names[] = {ToBytes(reader.Bytes()), ToBytes(reader.Bytes())};
  if (!reader.done() || srk_name.size() != kNameBytes || names[0].size() != kNameBytes ||
      names[1].size() != kNameBytes) {
    return OtherHelper();
  }
  if (note.srk_name.empty()) {
    note.srk_name = srk_name;
    note.index_names = {names[0], names[1]};
    HF_RETURN_IF_ERROR(KeyslotStatus(ReplaceFile(files_, path, note.Encode().Reveal())));
  }
  // A TPM tells no serial number; its storage root key is as good as one.
  device_ = EscapeForLog(vendor, 16) + ", " + EscapeForLog(model, 32) + ", storage root key " +
            Hex(ByteSpan(srk_name).subspan(2, 8));
  erasure_class_ = internal::ErasureClassOfTpm(vendor);
  return absl::OkStatus();
}

absl::StatusOr<Tpm2Keyslot::Content> Tpm2Keyslot::ReadIndex(std::size_t number) {
  const auto answer = channel_->Call(
      std::move(
          DeviceWriter(DeviceOperation::kReadIndex).Number(static_cast<std::uint32_t>(number)))
          .Take());
  HF_RETURN_IF_ERROR(KeyslotStatus(answer.status()));
  DeviceReader message(answer->Reveal());
  const ByteSpan bytes = message.Bytes();
  if (!message.done() || bytes.size() != kContentBytes) return OtherHelper();
  internal::Reader reader(bytes);
  Content content;
  content.blank =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
  if (!reader.TakeText(kContentMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return content;
  }
  content.claim = Epoch(reader.TakeInteger<std::uint64_t>());
  const ByteSpan key = reader.Take(kRootKeyBytes);
  if (!internal::EqualInConstantTime(CheckOf(content.claim, key), reader.Take(kCheckBytes))) {
    return content;
  }
  HF_ASSIGN_OR_RETURN(content.key, SecretBytes::Zeroed(kRootKeyBytes));
  std::copy(key.begin(), key.end(), SecretAccess::Write(*content.key).begin());
  return content;
}

absl::Status Tpm2Keyslot::WriteIndex(std::size_t number, ByteSpan content) {
  const auto call = [&](WipedBuffer request) { return channel_->Call(request); };
  HF_RETURN_IF_ERROR(KeyslotStatus(call(std::move(DeviceWriter(DeviceOperation::kWriteIndex)
                                                      .Number(static_cast<std::uint32_t>(number))
                                                      .Bytes(content))
                                            .Take())
                                       .status()));
  const auto answer =
      call(std::move(
               DeviceWriter(DeviceOperation::kReadIndex).Number(static_cast<std::uint32_t>(number)))
               .Take());
  HF_RETURN_IF_ERROR(KeyslotStatus(answer.status()));
  DeviceReader message(answer->Reveal());
  if (!internal::EqualInConstantTime(message.Bytes(), content) || !message.done()) {
    return Failed("an NV index does not hold what was written to it");
  }
  return absl::OkStatus();
}

absl::Status Tpm2Keyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_CHECK(epoch.value() != 0 && key.size() == kRootKeyBytes);
  std::optional<std::size_t> free;
  bool blank = false;
  for (std::size_t number = 0; number < kIndices; ++number) {
    HF_ASSIGN_OR_RETURN(const Content content, ReadIndex(number));
    if (content.key && content.claim == epoch) {
      return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
    }
    // What is damaged is overwritten only where nothing is blank.
    if (content.key || blank) continue;
    free = number;
    blank = content.blank;
  }
  if (!free) return Failed("the keyslot holds two epochs already");

  WipedBuffer content(kContentBytes);
  internal::Writer writer(content.Mutable());
  writer.Put(kContentMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.PutInteger(epoch.value());
  writer.Put(SecretAccess::Read(key));
  writer.Put(CheckOf(epoch, SecretAccess::Read(key)));
  writer.Put(std::array<std::byte, kPaddingBytes>{});
  HF_CHECK(writer.full());
  absl::Status staged = WriteIndex(*free, content.Reveal());
  // The first error is the caller's. If this fails too, the caller's Erase() will find it.
  if (!staged.ok()) (void)Erase(epoch);
  return staged;
}

absl::StatusOr<SecretBytes> Tpm2Keyslot::Read(Epoch epoch) {
  for (std::size_t number = 0; number < kIndices; ++number) {
    HF_ASSIGN_OR_RETURN(Content content, ReadIndex(number));
    if (content.key && content.claim == epoch) return *std::move(content.key);
  }
  return NotHeld();
}

absl::Status Tpm2Keyslot::Erase(Epoch epoch) {
  HF_CHECK(epoch.value() != 0);
  const std::array<std::byte, kContentBytes> blank{};
  for (std::size_t number = 0; number < kIndices; ++number) {
    HF_ASSIGN_OR_RETURN(const Content content, ReadIndex(number));
    if (content.claim == epoch) HF_RETURN_IF_ERROR(WriteIndex(number, blank));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Epoch>> Tpm2Keyslot::List() {
  std::vector<Epoch> epochs;
  for (std::size_t number = 0; number < kIndices; ++number) {
    HF_ASSIGN_OR_RETURN(const Content content, ReadIndex(number));
    if (content.key) epochs.push_back(content.claim);
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

}  // namespace holdfast::crypto
