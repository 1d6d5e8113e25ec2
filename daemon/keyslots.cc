// SPDX-License-Identifier: Apache-2.0
#include "daemon/keyslots.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "crypto/keyslot/device_channel.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/keyslot/mirror_keyslot.h"
#include "crypto/keyslot/moving_keyslot.h"
#include "crypto/keyslot/pkcs11_keyslot.h"
#include "crypto/keyslot/tpm2_keyslot.h"
#include "daemon/observe/log.h"
#include "policy/joint_order.h"
#include "policy/keyslot_strike_off.h"

namespace holdfast::daemon {
namespace {

using config::v1::Config;
using config::v1::Exchange;
using crypto::FileKeyslot;
using crypto::Keyslot;

constexpr std::chrono::milliseconds kPkcs11Timeout{3'000};
constexpr std::chrono::milliseconds kTpm2Timeout{10'000};
constexpr char kDefaultTcti[] = "device:/dev/tpmrm0";
constexpr std::uint32_t kDefaultSrkHandle = 0x81000001;

constexpr char kNoteName[] = "keyslots";
constexpr std::size_t kMaxNoteBytes = 256;

absl::StatusOr<std::unique_ptr<Keyslot>> OpenFile(const std::string& folder, bool any_medium,
                                                  const KeyslotSeams& seams) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileKeyslot> keyslot,
                      FileKeyslot::Open(*seams.files, folder, *seams.random,
                                        any_medium ? FileKeyslot::MediumCheck::kNoneForTests
                                                   : FileKeyslot::MediumCheck::kOverwritesInPlace));
  return keyslot;
}

// The helper of one keyslot.
std::unique_ptr<crypto::DeviceChannel> Channel(const Config& config, std::uint32_t configured,
                                               std::chrono::milliseconds otherwise,
                                               const KeyslotSeams& seams) {
  return std::make_unique<crypto::HelperChannel>(
      config.keyslot_helper_path().empty() ? HF_KEYSLOT_HELPER : config.keyslot_helper_path(),
      configured == 0 ? otherwise : std::chrono::milliseconds(configured), *seams.clock);
}

absl::StatusOr<std::unique_ptr<Keyslot>> OpenOne(const Config& config,
                                                 const config::v1::Keyslot& keyslot,
                                                 const Exchange& exchange,
                                                 const KeyslotSeams& seams) {
  if (keyslot.has_file()) {
    return OpenFile(
        keyslot.file().directory(),
        keyslot.file().allow_any_file_system() || exchange.keyslot_allow_any_file_system(), seams);
  }
  if (keyslot.has_pkcs11()) {
    const auto& pkcs11 = keyslot.pkcs11();
    crypto::Pkcs11Keyslot::Settings settings;
    settings.folder = pkcs11.directory();
    settings.module_path = pkcs11.module_path();
    settings.token_label = pkcs11.token_label();
    settings.pin_path = pkcs11.pin_path();
    if (pkcs11.epoch_budget() != 0) settings.epoch_budget = pkcs11.epoch_budget();
    HF_ASSIGN_OR_RETURN(
        std::unique_ptr<crypto::Pkcs11Keyslot> slot,
        crypto::Pkcs11Keyslot::Open(
            *seams.files, *seams.random,
            Channel(config, pkcs11.timeout_milliseconds(), kPkcs11Timeout, seams), settings));
    return slot;
  }
  const auto& tpm2 = keyslot.tpm2();
  crypto::Tpm2Keyslot::Settings settings;
  settings.folder = tpm2.directory();
  settings.tcti = tpm2.tcti().empty() ? kDefaultTcti : tpm2.tcti();
  settings.first_index = tpm2.nv_index();
  settings.srk_handle = tpm2.srk_handle() == 0 ? kDefaultSrkHandle : tpm2.srk_handle();
  HF_ASSIGN_OR_RETURN(settings.srk_name, FromHex(tpm2.srk_name()));
  settings.owner_auth_path = tpm2.owner_auth_path();
  for (const std::uint32_t pcr : tpm2.pcr_policy().pcrs()) settings.pcr_mask |= 1u << pcr;
  settings.pcr_public_key_path = tpm2.pcr_policy().public_key_path();
  settings.pcr_signature_path = tpm2.pcr_policy().signature_path();
  HF_ASSIGN_OR_RETURN(
      std::unique_ptr<crypto::Tpm2Keyslot> slot,
      crypto::Tpm2Keyslot::Open(*seams.files, *seams.random,
                                Channel(config, tpm2.timeout_milliseconds(), kTpm2Timeout, seams),
                                settings));
  return slot;
}

// One slot, or a mirror of several.
template <typename Keyslots>
absl::StatusOr<std::unique_ptr<Keyslot>> OpenSet(const Config& config, const Keyslots& keyslots,
                                                 const Exchange& exchange,
                                                 const KeyslotSeams& seams) {
  std::vector<std::unique_ptr<Keyslot>> members;
  for (const config::v1::Keyslot& keyslot : keyslots) {
    auto member = OpenOne(config, keyslot, exchange, seams);
    if (!member.ok()) {
      if (keyslots.size() == 1) return member.status();
      return AddMetadata(MakeError(*ReasonOf(member.status()),
                                   "member " + std::to_string(members.size() + 1) +
                                       " of the mirror: " + std::string(member.status().message())),
                         "keyslot", std::to_string(members.size() + 1));
    }
    members.push_back(*std::move(member));
  }
  if (members.size() == 1) return std::move(members.front());
  return std::make_unique<crypto::MirrorKeyslot>(std::move(members));
}

// Which kinds of keyslots an exchange was last opened with. Whoever can write into the state folder
// can change it: it keeps an operator from a mistake, and the erasure of keys does not rest on it.
class KeyslotNote final {
 public:
  KeyslotNote(FileSystem& files, const Exchange& exchange)
      : files_(files), path_(JoinPath(exchange.state_directory(), kNoteName)) {}

  // Empty if there is none yet.
  absl::StatusOr<std::string> Read() const {
    const auto text = files_.ReadWhole(path_, kMaxNoteBytes);
    if (ReasonOf(text.status()) == Reason::kNotFound) return std::string();
    HF_RETURN_IF_ERROR(text.status());
    std::string kinds = ToString(*text);
    if (kinds.ends_with('\n')) kinds.pop_back();
    return kinds;
  }

  absl::Status Write(std::string_view kinds) const {
    HF_ASSIGN_OR_RETURN(const std::string noted, Read());
    if (noted == kinds) return absl::OkStatus();
    return ReplaceFile(files_, path_, AsBytes(std::string(kinds) + "\n"));
  }

 private:
  FileSystem& files_;
  const std::string path_;
};

// A full disk, say, keeps nobody from opening an exchange: a hold may be waiting for it.
void Keep(const KeyslotNote& note, const std::string& kinds, const std::string& exchange) {
  const absl::Status written = note.Write(kinds);
  if (written.ok()) return;
  observe::Error("daemon", "keyslot_note_not_written",
                 "which keyslots there are could not be noted; leave the configuration as it is "
                 "until the next start",
                 {{"exchange", exchange}, {"detail", std::string(written.message())}});
}

// Whether two people ordered, in a file of the state folder, that the exchange goes on with `left`
// where it had `noted`. Whether that counts, the policy says before anything is written.
absl::StatusOr<bool> IsStruckOff(FileSystem& files, const std::string& folder,
                                 std::string_view noted, std::string_view left) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(policy::kKeyslotStrikeOffPrefix)) continue;
    HF_ASSIGN_OR_RETURN(const Bytes text,
                        files.ReadWhole(JoinPath(folder, name), policy::kMaxJointOrderBytes));
    const auto order = policy::ReadKeyslotStrikeOff(AsText(text));
    if (order.ok() && order->terms.keyslots == noted && order->left == left) return true;
  }
  return false;
}

absl::Status OtherSet(const std::string& noted, std::string_view configured) {
  return MakeError(Reason::kKeyslotFailed,
                   "the configuration names other keyslots (" + std::string(configured) +
                       ") than this exchange was last opened with (" + EscapeForLog(noted, 100) +
                       "); migrate_from moves from one to another, and two people strike a lost "
                       "member off. See docs/operations.md");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Keyslot>> OpenKeyslots(const Config& config,
                                                      const Exchange& exchange,
                                                      const KeyslotSeams& seams) {
  HF_ASSIGN_OR_RETURN(
      std::unique_ptr<Keyslot> keyslot,
      exchange.keyslots().empty()
          ? OpenFile(exchange.keyslot_directory(), exchange.keyslot_allow_any_file_system(), seams)
          : OpenSet(config, exchange.keyslots(), exchange, seams));
  const KeyslotNote note(*seams.files, exchange);
  HF_ASSIGN_OR_RETURN(const std::string noted, note.Read());
  const std::string kind(keyslot->kind());
  if (exchange.migrate_from().empty()) {
    if (noted.empty() || noted == kind) {
      Keep(note, kind, exchange.name());
      return keyslot;
    }
    HF_ASSIGN_OR_RETURN(const bool struck_off,
                        IsStruckOff(*seams.files, exchange.state_directory(), noted, kind));
    if (!struck_off) return OtherSet(noted, kind);
    return keyslot;  // The note follows once the ledger says so: NoteKeyslots().
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Keyslot> from,
                      OpenSet(config, exchange.migrate_from(), exchange, seams));
  if (!noted.empty() && noted != kind && noted != from->kind()) {
    return OtherSet(noted, from->kind());
  }
  Keep(note, noted == kind ? kind : std::string(from->kind()), exchange.name());
  // The last step of a move. If it fails, the next start with `migrate_from` takes it again.
  const auto moved = [note, kind, name = exchange.name()] { Keep(note, kind, name); };
  return std::make_unique<crypto::MovingKeyslot>(std::move(from), std::move(keyslot), moved);
}

void NoteKeyslots(const Exchange& exchange, std::string_view kind, FileSystem& files) {
  if (!exchange.migrate_from().empty()) return;  // The move notes its own end.
  Keep(KeyslotNote(files, exchange), std::string(kind), exchange.name());
}

}  // namespace holdfast::daemon
