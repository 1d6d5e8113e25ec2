// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/keyslot/keyslot_bench.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/keyslot/internal/device_messages.h"
#include "crypto/keyslot/mirror_keyslot.h"
#include "crypto/keyslot/moving_keyslot.h"
#include "crypto/keyslot/pkcs11_keyslot.h"
#include "crypto/keyslot/tpm2_keyslot.h"
#include "crypto/random.h"
#include "tests/crypto/keyslot/soft_devices.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::test {
namespace {

using crypto::Keyslot;
using crypto::SecretBytes;
using crypto::WipedBuffer;
using crypto::internal::DeviceOperation;
using crypto::internal::DeviceOutcome;
using crypto::internal::DeviceReader;
using crypto::internal::DeviceWriter;

// Whatever takes longer is stuck, also under sanitizers on a machine with other work.
constexpr std::chrono::milliseconds kPatience{60'000};

absl::Status KeyslotFault(const absl::Status& status) {
  if (status.ok()) return status;
  return MakeError(Reason::kKeyslotFailed, std::string(status.message()));
}

// A slot with what it borrows.
class OwningKeyslot final : public Keyslot {
 public:
  OwningKeyslot(std::unique_ptr<FileSystem> files, std::unique_ptr<Keyslot> slot)
      : files_(std::move(files)), slot_(std::move(slot)) {}

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override {
    return slot_->Stage(epoch, key);
  }
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override { return slot_->Read(epoch); }
  absl::Status Erase(Epoch epoch) override { return slot_->Erase(epoch); }
  absl::StatusOr<std::vector<Epoch>> List() override { return slot_->List(); }
  std::string_view kind() const override { return slot_->kind(); }
  crypto::ErasureClass erasure_class() const override { return slot_->erasure_class(); }
  std::chrono::milliseconds erase_interval() const override { return slot_->erase_interval(); }
  std::vector<crypto::KeyslotPart> parts() const override { return slot_->parts(); }
  bool wants_epoch() const override { return slot_->wants_epoch(); }

 private:
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Keyslot> slot_;
};

// What a slot's files lie on: memory, or a real folder.
class SlotDisk final {
 public:
  SlotDisk() : memory_(std::make_unique<MemoryFileSystem>()) {}
  explicit SlotDisk(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directory(folder_);
  }

  FileSystem& files() { return real() ? static_cast<FileSystem&>(posix_) : *memory_; }
  bool real() const { return memory_ == nullptr; }
  std::string Path(std::string_view name) const { return JoinPath(folder_, name); }

  // The file that a slot reads a PIN from.
  std::string PutPin(std::string_view pin) {
    const std::string path = Path("pin");
    if (real()) {
      std::ofstream(path) << pin;
      std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    } else {
      memory_->Preload(path, AsBytes(pin));
    }
    return path;
  }

  // What is in a real folder is there as it was: nothing here takes power away.
  void Stop(KeyslotBench::End end) {
    if (real()) return;
    switch (end) {
      case KeyslotBench::End::kKilled:
        return memory_->KillProcess();
      case KeyslotBench::End::kPowerLost:
        return memory_->LoseUnsyncedWrites();
      case KeyslotBench::End::kTorn:
        return memory_->TearUnsyncedWrites();
    }
  }

 private:
  const std::string folder_ = "/";
  const std::unique_ptr<MemoryFileSystem> memory_;
  PosixFileSystem posix_;
};

class FileBench final : public KeyslotBench {
 public:
  FileBench() = default;
  explicit FileBench(const std::string& folder) : disk_(folder) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    auto files = std::make_unique<FaultyFileSystem>(disk_.files(), plan);
    // A temporary folder may be on anything.
    using Check = crypto::FileKeyslot::MediumCheck;
    const Check check = disk_.real() ? Check::kNoneForTests : Check::kOverwritesInPlace;
    HF_ASSIGN_OR_RETURN(std::unique_ptr<crypto::FileKeyslot> slot,
                        crypto::FileKeyslot::Open(*files, disk_.Path("slot"), random_, check));
    return std::make_unique<OwningKeyslot>(std::move(files), std::move(slot));
  }
  void Stop(End end) override { disk_.Stop(end); }

 private:
  SlotDisk disk_;
  crypto::SystemRandom random_;
};

// The least that keeps the contract, for what is made of slots: sweeps over real ones take their
// number of operations squared. Each step may fail before it was done and after.
class MemoryBench final : public KeyslotBench {
 public:
  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    HF_RETURN_IF_ERROR(KeyslotFault(plan.Next("open")));
    if (open_) return MakeError(Reason::kKeyslotFailed, "the keyslot is open already");
    return std::make_unique<Slot>(*this, plan);
  }
  void Stop(End) override {
    ++process_;
    open_ = false;
  }

 private:
  class Slot final : public Keyslot {
   public:
    Slot(MemoryBench& bench, FaultPlan& plan)
        : bench_(bench), plan_(plan), process_(bench.process_) {
      bench_.open_ = true;
    }
    ~Slot() override {
      if (process_ == bench_.process_) bench_.open_ = false;
    }

    absl::Status Stage(Epoch epoch, const SecretBytes& key) override {
      HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("stage")));
      if (bench_.held_.contains(epoch)) {
        return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
      }
      if (bench_.held_.size() >= 2) {
        return MakeError(Reason::kKeyslotFailed, "the keyslot holds two epochs already");
      }
      bench_.held_.emplace(epoch, key.Duplicate().value());
      return KeyslotFault(plan_.Next("staged"));
    }
    absl::StatusOr<SecretBytes> Read(Epoch epoch) override {
      HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("read")));
      const auto found = bench_.held_.find(epoch);
      if (found == bench_.held_.end()) return MakeError(Reason::kNotFound, "not held");
      return found->second.Duplicate();
    }
    absl::Status Erase(Epoch epoch) override {
      HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("erase")));
      bench_.held_.erase(epoch);
      return KeyslotFault(plan_.Next("erased"));
    }
    absl::StatusOr<std::vector<Epoch>> List() override {
      HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("list")));
      std::vector<Epoch> epochs;
      for (const auto& [epoch, key] : bench_.held_) epochs.push_back(epoch);
      return epochs;
    }
    std::string_view kind() const override { return "memory"; }
    crypto::ErasureClass erasure_class() const override { return crypto::ErasureClass::kMedium; }
    std::chrono::milliseconds erase_interval() const override {
      return std::chrono::milliseconds(1);
    }

   private:
    MemoryBench& bench_;
    FaultPlan& plan_;
    const int process_;
  };

  std::map<Epoch, SecretBytes> held_;
  bool open_ = false;
  int process_ = 0;
};

// A device in memory. A step may fail before it was done, and after: then its answer is lost.
class MemoryDevice {
 public:
  MemoryDevice() = default;
  MemoryDevice(const MemoryDevice&) = delete;
  MemoryDevice& operator=(const MemoryDevice&) = delete;
  virtual ~MemoryDevice() = default;

  // Returns the fields of the answer.
  virtual absl::StatusOr<WipedBuffer> Do(DeviceReader& reader, DeviceOperation operation) = 0;
};

// Fields without the outcome before them, as a channel hands them on.
WipedBuffer Fields(DeviceWriter writer) {
  WipedBuffer whole = std::move(writer).Take();
  return WipedBuffer::TakeFrom(whole.Mutable().subspan(1));
}

class MemoryChannel final : public crypto::DeviceChannel {
 public:
  MemoryChannel(MemoryDevice& device, FaultPlan& plan, const Tamper* tamper)
      : device_(device), plan_(plan), tamper_(tamper) {}

  void SetOpening(Opening opening) override { opening_ = std::move(opening); }
  absl::StatusOr<WipedBuffer> Open() override {
    HF_ASSIGN_OR_RETURN(const WipedBuffer opening, opening_());
    return Call(opening);
  }
  absl::StatusOr<WipedBuffer> Call(const WipedBuffer& request) override {
    HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("a step of the device")));
    DeviceReader reader(request.Reveal());
    const auto operation = reader.First<DeviceOperation>();
    auto answer = device_.Do(reader, operation);
    HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("its answer")));
    if (answer.ok() && tamper_ != nullptr && *tamper_) return (*tamper_)(*std::move(answer));
    return answer;
  }

 private:
  MemoryDevice& device_;
  FaultPlan& plan_;
  const Tamper* const tamper_;
  Opening opening_;
};

// Keeps a key for each id, and "encrypts" by hiding the text under a stream of it.
class MemoryToken final : public MemoryDevice {
 public:
  absl::StatusOr<WipedBuffer> Do(DeviceReader& reader, DeviceOperation operation) override {
    if (operation == DeviceOperation::kOpenPkcs11) {
      return Fields(
          std::move(DeviceWriter(DeviceOutcome::kOk).Text("Nobody").Text("Memory").Text("1")));
    }
    const Bytes id = ToBytes(reader.Bytes());
    if (operation == DeviceOperation::kDestroyKey) {
      keys_.erase(id);
      return Fields(DeviceWriter(DeviceOutcome::kOk));
    }
    (void)reader.Bytes();  // The vector: each key has one text.
    const ByteSpan text = reader.Bytes();
    if (operation == DeviceOperation::kCreateKey) {
      std::array<std::byte, 32> key;
      random_.Fill(key);
      if (!keys_.emplace(id, key).second) return MakeError(Reason::kAlreadyExists, "there is one");
    }
    const auto found = keys_.find(id);
    if (found == keys_.end()) return MakeError(Reason::kNotFound, "there is none");
    WipedBuffer hidden(text.size());
    crypto::internal::ExpandStream(found->second, hidden.Mutable());
    for (std::size_t i = 0; i < text.size(); ++i) hidden.Mutable()[i] ^= text[i];
    return Fields(std::move(DeviceWriter(DeviceOutcome::kOk).Bytes(hidden.Reveal())));
  }

 private:
  std::map<Bytes, std::array<std::byte, 32>> keys_;
  crypto::SystemRandom random_;
};

class MemoryTpm final : public MemoryDevice {
 public:
  absl::StatusOr<WipedBuffer> Do(DeviceReader& reader, DeviceOperation operation) override {
    if (operation == DeviceOperation::kOpenTpm2) {
      const Bytes name(34, std::byte{7});
      return Fields(std::move(DeviceWriter(DeviceOutcome::kOk)
                                  .Text("NONE")
                                  .Text("Memory")
                                  .Bytes(name)
                                  .Bytes(name)
                                  .Bytes(name)));
    }
    Bytes& content = contents_.at(reader.Number());
    if (operation == DeviceOperation::kReadIndex) {
      return Fields(std::move(DeviceWriter(DeviceOutcome::kOk).Bytes(content)));
    }
    content = ToBytes(reader.Bytes());
    return Fields(DeviceWriter(DeviceOutcome::kOk));
  }

 private:
  std::array<Bytes, 2> contents_ = {Bytes(64), Bytes(64)};
};

// What comes between a slot and its real device: the same faults as in memory.
class FaultyChannel final : public crypto::DeviceChannel {
 public:
  FaultyChannel(std::unique_ptr<crypto::DeviceChannel> inner, FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}

  void SetOpening(Opening opening) override { inner_->SetOpening(std::move(opening)); }
  absl::StatusOr<WipedBuffer> Open() override {
    HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("opening the device")));
    return inner_->Open();
  }
  absl::StatusOr<WipedBuffer> Call(const WipedBuffer& request) override {
    HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("a step of the device")));
    auto answer = inner_->Call(request);
    HF_RETURN_IF_ERROR(KeyslotFault(plan_.Next("its answer")));
    return answer;
  }

 private:
  const std::unique_ptr<crypto::DeviceChannel> inner_;
  FaultPlan& plan_;
};

template <typename Slot>
absl::StatusOr<std::unique_ptr<Keyslot>> OpenDeviceSlot(
    FileSystem& disk, crypto::Random& random, std::unique_ptr<crypto::DeviceChannel> channel,
    const typename Slot::Settings& settings, FaultPlan& plan) {
  auto files = std::make_unique<FaultyFileSystem>(disk, plan);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Slot> slot,
                      Slot::Open(*files, random, std::move(channel), settings));
  return std::make_unique<OwningKeyslot>(std::move(files), std::move(slot));
}

template <typename Slot, typename Device>
class MemoryDeviceBench final : public KeyslotBench {
 public:
  explicit MemoryDeviceBench(const Tamper* tamper = nullptr) : tamper_(tamper) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    typename Slot::Settings settings;
    settings.folder = disk_.Path("slot");
    if constexpr (std::is_same_v<Slot, crypto::Pkcs11Keyslot>) settings.pin_path = pin_path_;
    return OpenDeviceSlot<Slot>(disk_.files(), random_,
                                std::make_unique<MemoryChannel>(device_, plan, tamper_), settings,
                                plan);
  }
  void Stop(End end) override { disk_.Stop(end); }

 private:
  SlotDisk disk_;
  const std::string pin_path_ = disk_.PutPin("1234\n");
  crypto::SystemRandom random_;
  Device device_;
  const Tamper* const tamper_;
};

class SoftHsmBench final : public KeyslotBench {
 public:
  SoftHsmBench() = default;
  explicit SoftHsmBench(const std::string& folder) : disk_(folder) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    return OpenDeviceSlot<crypto::Pkcs11Keyslot>(
        disk_.files(), random_,
        std::make_unique<FaultyChannel>(
            std::make_unique<crypto::HelperChannel>(kKeyslotHelper, kPatience, clock_), plan),
        {disk_.Path("slot"), SoftHsm::kModule, SoftHsm::kLabel, pin_path_}, plan);
  }
  void Stop(End end) override { disk_.Stop(end); }

 private:
  SlotDisk disk_;
  const std::string pin_path_ = disk_.PutPin(SoftHsm::kPin);
  crypto::SystemRandom random_;
  SystemClock clock_;
  SoftHsm token_;
};

class SwtpmBench final : public KeyslotBench {
 public:
  SwtpmBench() = default;
  explicit SwtpmBench(const std::string& folder) : disk_(folder) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    crypto::Tpm2Keyslot::Settings settings;
    settings.folder = disk_.Path("slot");
    settings.tcti = tpm_.tcti();
    settings.first_index = Swtpm::kFirstIndex;
    settings.srk_handle = Swtpm::kSrkHandle;
    return OpenDeviceSlot<crypto::Tpm2Keyslot>(
        disk_.files(), random_,
        std::make_unique<FaultyChannel>(
            std::make_unique<crypto::HelperChannel>(kKeyslotHelper, kPatience, clock_), plan),
        settings, plan);
  }
  void Stop(End end) override { disk_.Stop(end); }

 private:
  SlotDisk disk_;
  crypto::SystemRandom random_;
  SystemClock clock_;
  Swtpm tpm_;
};

template <typename Bench>
std::unique_ptr<KeyslotBench> Make() {
  return std::make_unique<Bench>();
}

class MirrorBench final : public KeyslotBench {
 public:
  explicit MirrorBench(std::vector<std::unique_ptr<KeyslotBench>> members)
      : members_(std::move(members)) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    std::vector<std::unique_ptr<Keyslot>> slots;
    for (const auto& member : members_) {
      HF_ASSIGN_OR_RETURN(std::unique_ptr<Keyslot> slot, member->Open(plan));
      slots.push_back(std::move(slot));
    }
    return std::make_unique<crypto::MirrorKeyslot>(std::move(slots));
  }
  void Stop(End end) override {
    for (const auto& member : members_) member->Stop(end);
  }

 private:
  std::vector<std::unique_ptr<KeyslotBench>> members_;
};

class MovingBench final : public KeyslotBench {
 public:
  MovingBench(std::unique_ptr<KeyslotBench> from, std::unique_ptr<KeyslotBench> to)
      : MovingBench(*from, *to) {
    owned_from_ = std::move(from);
    owned_to_ = std::move(to);
  }
  MovingBench(KeyslotBench& from, KeyslotBench& to) : from_(from), to_(to) {}

  absl::StatusOr<std::unique_ptr<Keyslot>> Open(FaultPlan& plan) override {
    HF_ASSIGN_OR_RETURN(std::unique_ptr<Keyslot> from, from_.Open(plan));
    HF_ASSIGN_OR_RETURN(std::unique_ptr<Keyslot> to, to_.Open(plan));
    return std::make_unique<crypto::MovingKeyslot>(std::move(from), std::move(to), nullptr);
  }
  void Stop(End end) override {
    from_.Stop(end);
    to_.Stop(end);
  }

 private:
  KeyslotBench& from_;
  KeyslotBench& to_;
  std::unique_ptr<KeyslotBench> owned_from_;
  std::unique_ptr<KeyslotBench> owned_to_;
};

template <std::unique_ptr<KeyslotBench> (*make_a)(), std::unique_ptr<KeyslotBench> (*make_b)()>
std::unique_ptr<KeyslotBench> Mirror() {
  std::vector<std::unique_ptr<KeyslotBench>> members;
  members.push_back(make_a());
  members.push_back(make_b());
  return std::make_unique<MirrorBench>(std::move(members));
}

template <std::unique_ptr<KeyslotBench> (*make_from)(), std::unique_ptr<KeyslotBench> (*make_to)()>
std::unique_ptr<KeyslotBench> Moving() {
  return std::make_unique<MovingBench>(make_from(), make_to());
}

std::unique_ptr<KeyslotBench> MakeMemoryBench() { return std::make_unique<MemoryBench>(); }

template <typename Bench>
std::unique_ptr<KeyslotBench> MakeIn(const std::string& folder) {
  return std::make_unique<Bench>(folder);
}

std::unique_ptr<KeyslotBench> MakeDeviceMirrorIn(const std::string& folder) {
  std::filesystem::create_directory(folder);
  std::vector<std::unique_ptr<KeyslotBench>> members;
  members.push_back(MakeIn<SoftHsmBench>(JoinPath(folder, "a")));
  members.push_back(MakeIn<SwtpmBench>(JoinPath(folder, "b")));
  return std::make_unique<MirrorBench>(std::move(members));
}

}  // namespace

std::unique_ptr<KeyslotBench> MakeFileBench() { return std::make_unique<FileBench>(); }

Bytes GiveAway(const SecretBytes& key) {
  return ToBytes(crypto::internal::SecretAccess::Read(key));
}

std::unique_ptr<KeyslotBench> MakeTamperedPkcs11Bench(const Tamper& tamper) {
  return std::make_unique<MemoryDeviceBench<crypto::Pkcs11Keyslot, MemoryToken>>(&tamper);
}

std::unique_ptr<KeyslotBench> MakeTamperedTpm2Bench(const Tamper& tamper) {
  return std::make_unique<MemoryDeviceBench<crypto::Tpm2Keyslot, MemoryTpm>>(&tamper);
}

std::unique_ptr<KeyslotBench> MakeMovingBench(KeyslotBench& from, KeyslotBench& to) {
  return std::make_unique<MovingBench>(from, to);
}

std::vector<KeyslotKind> AllKeyslotKinds() {
  return {
      {"File", "file", &MakeFileBench},
      {"Mirror", "mirror(memory,memory)", &Mirror<&MakeMemoryBench, &MakeMemoryBench>},
      {"Moving", "moving(memory,memory)", &Moving<&MakeMemoryBench, &MakeMemoryBench>},
      {"Pkcs11", "pkcs11", &Make<MemoryDeviceBench<crypto::Pkcs11Keyslot, MemoryToken>>},
      {"Tpm2", "tpm2", &Make<MemoryDeviceBench<crypto::Tpm2Keyslot, MemoryTpm>>},
      {"SoftHsm", "pkcs11", &Make<SoftHsmBench>, KeyslotKind::Pace::kSlow},
      {"Swtpm", "tpm2", &Make<SwtpmBench>, KeyslotKind::Pace::kSlow},
  };
}

std::vector<LastingKeyslotKind> LastingKeyslotKinds() {
  return {
      {"File", &MakeIn<FileBench>},
      {"SoftHsm", &MakeIn<SoftHsmBench>},
      {"Swtpm", &MakeIn<SwtpmBench>},
      {"MirrorOfDevices", &MakeDeviceMirrorIn},
  };
}

std::vector<KeyslotKind> FastKeyslotKinds() {
  std::vector<KeyslotKind> kinds = AllKeyslotKinds();
  std::erase_if(kinds, [](const auto& kind) { return kind.pace == KeyslotKind::Pace::kSlow; });
  return kinds;
}

}  // namespace holdfast::test
