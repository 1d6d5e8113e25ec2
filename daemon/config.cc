// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace holdfast::daemon {
namespace {

using config::v1::Config;
using google::protobuf::Message;
using google::protobuf::TextFormat;
using Tree = TextFormat::ParseInfoTree;

// More would scroll the first one away.
constexpr std::size_t kMaxFaults = 20;
constexpr std::size_t kMaxFaultBytes = 300;
constexpr std::size_t kMaxNameBytes = 63;
constexpr std::size_t kExchangeIdBytes = 32;

constexpr std::size_t kMaxKeyslots = 4;
constexpr std::size_t kMaxTokenLabelBytes = 32;

// The range that TCG's registry leaves to whoever owns the machine.
constexpr std::uint32_t kFirstNvIndex = 0x01800000;
constexpr std::uint32_t kLastNvIndex = 0x01bfffff;

// Below this the largest message has no room beside others.
constexpr std::uint64_t kMinBytesInFlight = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxBytesInFlight = std::uint64_t{64} << 30;
constexpr std::uint64_t kMaxReserveBytes = std::uint64_t{1} << 40;

class Faults final {
 public:
  explicit Faults(std::string_view name) : name_(name) {}

  // Positions count from 0, as protobuf does; -1 is "somewhere".
  void Add(int line, int column, std::string_view what) {
    if (++count_ > kMaxFaults) return;
    if (!text_.empty()) text_ += '\n';
    text_ += name_;
    if (line >= 0) {
      text_ += ':' + std::to_string(line + 1) + ':' + std::to_string(column + 1);
    }
    text_ += ": ";
    text_ += EscapeForLog(what, kMaxFaultBytes);
  }

  absl::Status status() const {
    if (count_ == 0) return absl::OkStatus();
    std::string text = text_;
    if (count_ > kMaxFaults) text += "\n(and " + std::to_string(count_ - kMaxFaults) + " more)";
    return MakeError(Reason::kConfigInvalid, text);
  }

 private:
  const std::string name_;
  std::string text_;
  std::size_t count_ = 0;
};

class Collector final : public google::protobuf::io::ErrorCollector {
 public:
  explicit Collector(Faults& faults) : faults_(faults) {}
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    // It quotes names; a quote would be escaped.
    std::string text = message;
    std::replace(text.begin(), text.end(), '"', '`');
    faults_.Add(line, column, text);
  }

 private:
  Faults& faults_;
};

// One message of the configuration, with the places of its fields in the text.
class Checker final {
 public:
  Checker(Faults& faults, const Message& message, const Tree* tree)
      : faults_(faults), message_(message), tree_(tree) {}

  void Fault(const char* field, std::string_view what) const {
    const auto* descriptor = message_.GetDescriptor()->FindFieldByName(field);
    TextFormat::ParseLocation place(-1, -1);
    if (tree_ != nullptr) {
      place = tree_->GetLocation(descriptor, descriptor->is_repeated() ? 0 : -1);
    }
    if (place.line < 0) place = fallback_;
    faults_.Add(place.line, place.column, std::string(field) + ": " + std::string(what));
  }

  void Require(const char* field, const std::string& value) const {
    if (value.empty()) Fault(field, "is missing");
  }

  template <typename Number>
  void RequireRange(const char* field, Number value, Number low, Number high) const {
    // 0 is the default.
    if (value == 0 || (value >= low && value <= high)) return;
    Fault(field, "is not from " + std::to_string(low) + " to " + std::to_string(high));
  }

  // The message in `field`. A missing one has its faults reported where its parent begins.
  Checker In(const char* field, const Message& message, int index = -1) const {
    const auto* descriptor = message_.GetDescriptor()->FindFieldByName(field);
    const bool present = tree_ != nullptr && index < Count(descriptor);
    Checker inner(faults_, message, present ? tree_->GetTreeForNested(descriptor, index) : nullptr);
    inner.fallback_ = present ? tree_->GetLocation(descriptor, index) : fallback_;
    if (inner.fallback_.line < 0) inner.fallback_ = fallback_;
    return inner;
  }

 private:
  int Count(const google::protobuf::FieldDescriptor* field) const {
    const auto* reflection = message_.GetReflection();
    if (field->is_repeated()) return reflection->FieldSize(message_, field);
    return reflection->HasField(message_, field) ? 1 : 0;
  }

  Faults& faults_;
  const Message& message_;
  const Tree* const tree_;
  TextFormat::ParseLocation fallback_{-1, -1};
};

bool IsHostAndPort(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = address.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size();
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

bool IsInside(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
}

void CheckListen(const Checker& check, const config::v1::Listen& listen) {
  if (listen.address().empty()) {
    check.Fault("address", "is missing");
  } else if (!IsHostAndPort(listen.address())) {
    check.Fault("address", "is not HOST:PORT");
  }
  check.Require("key_path", listen.key_path());
  check.Require("certificate_path", listen.certificate_path());
  check.Require("client_ca_path", listen.client_ca_path());
}

// The folder of a keyslot, or nothing where none is named.
std::string FolderOf(const config::v1::Keyslot& keyslot) {
  if (keyslot.has_file()) return keyslot.file().directory();
  if (keyslot.has_pkcs11()) return keyslot.pkcs11().directory();
  return keyslot.tpm2().directory();
}

void CheckPkcs11(const Checker& check, const config::v1::Pkcs11Keyslot& keyslot) {
  check.Require("directory", keyslot.directory());
  check.Require("module_path", keyslot.module_path());
  check.Require("pin_path", keyslot.pin_path());
  if (keyslot.token_label().empty() || keyslot.token_label().size() > kMaxTokenLabelBytes) {
    check.Fault("token_label", "is not 1 to 32 bytes");
  }
  check.RequireRange<std::uint32_t>("timeout_milliseconds", keyslot.timeout_milliseconds(), 100,
                                    60'000);
}

void CheckTpm2(const Checker& check, const config::v1::Tpm2Keyslot& keyslot) {
  check.Require("directory", keyslot.directory());
  if (keyslot.nv_index() < kFirstNvIndex || keyslot.nv_index() >= kLastNvIndex) {
    check.Fault("nv_index", "is not from 0x01800000 to 0x01bffffe");
  }
  check.RequireRange<std::uint32_t>("srk_handle", keyslot.srk_handle(), 0x81000000, 0x817fffff);
  if (!FromHex(keyslot.srk_name()).ok()) {
    check.Fault("srk_name", "is not in lower-case hexadecimal digits");
  }
  check.RequireRange<std::uint32_t>("timeout_milliseconds", keyslot.timeout_milliseconds(), 100,
                                    60'000);
  if (!keyslot.has_pcr_policy()) return;
  const auto& policy = keyslot.pcr_policy();
  const Checker inner = check.In("pcr_policy", policy);
  inner.Require("public_key_path", policy.public_key_path());
  inner.Require("signature_path", policy.signature_path());
  if (policy.pcrs().empty()) inner.Fault("pcrs", "there is none");
  for (const std::uint32_t pcr : policy.pcrs()) {
    if (pcr > 23) inner.Fault("pcrs", "is not from 0 to 23");
  }
}

void CheckKeyslot(const Checker& check, const config::v1::Keyslot& keyslot) {
  const int kinds =
      (keyslot.has_file() ? 1 : 0) + (keyslot.has_pkcs11() ? 1 : 0) + (keyslot.has_tpm2() ? 1 : 0);
  if (kinds != 1) {
    check.Fault("file", "exactly one of file, pkcs11 and tpm2 has to be set");
  } else if (keyslot.has_file()) {
    check.In("file", keyslot.file()).Require("directory", keyslot.file().directory());
  } else if (keyslot.has_pkcs11()) {
    CheckPkcs11(check.In("pkcs11", keyslot.pkcs11()), keyslot.pkcs11());
  } else {
    CheckTpm2(check.In("tpm2", keyslot.tpm2()), keyslot.tpm2());
  }
}

void CheckKeyslots(const Checker& check, const config::v1::Exchange& exchange) {
  if (exchange.keyslots().empty()) {
    check.Require("keyslot_directory", exchange.keyslot_directory());
  } else if (!exchange.keyslot_directory().empty()) {
    check.Fault("keyslot_directory", "is there beside keyslots");
  }
  // A backup of the state must never hold the key that opens it.
  const auto check_folder = [&](const char* field, const std::string& folder) {
    if (exchange.state_directory().empty() || folder.empty()) return;
    const std::string state = Normal(exchange.state_directory());
    const std::string keyslot = Normal(folder);
    if (IsInside(keyslot, state) || IsInside(state, keyslot)) {
      check.Fault(field, "is inside of the state_directory, or around it");
    }
  };
  check_folder("keyslot_directory", exchange.keyslot_directory());
  const auto check_list = [&](const char* field, const auto& keyslots) {
    if (static_cast<std::size_t>(keyslots.size()) > kMaxKeyslots) {
      check.Fault(field, "there are more than 4");
    }
    for (int i = 0; i < keyslots.size(); ++i) {
      CheckKeyslot(check.In(field, keyslots.Get(i), i), keyslots.Get(i));
      check_folder(field, FolderOf(keyslots.Get(i)));
    }
  };
  check_list("keyslots", exchange.keyslots());
  check_list("migrate_from", exchange.migrate_from());
}

void CheckWitnesses(const Checker& check, const config::v1::Exchange& exchange) {
  std::set<std::string> names;
  for (int i = 0; i < exchange.witnesses_size(); ++i) {
    const auto& witness = exchange.witnesses(i);
    const Checker inner = check.In("witnesses", witness, i);
    inner.Require("name", witness.name());
    if (!witness.name().empty() && !names.insert(witness.name()).second) {
      inner.Fault("name", "is there twice");
    }
    if (!witness.url().starts_with("http://"))
      inner.Fault("url", "is not http://HOST[:PORT][/PATH]");
  }
}

void CheckExchange(const Checker& check, const config::v1::Exchange& exchange) {
  if (!IsName(exchange.name())) check.Fault("name", "is not 1 to 63 of a-z, 0-9 and hyphen");
  const auto id = FromHex(exchange.exchange_id());
  if (!id.ok() || id->size() != kExchangeIdBytes) {
    check.Fault("exchange_id", "is not 64 lower-case hexadecimal digits");
  }
  check.Require("agreement_path", exchange.agreement_path());
  check.Require("state_directory", exchange.state_directory());
  check.RequireRange("reserve_bytes", exchange.reserve_bytes(), std::uint64_t{1} << 20,
                     kMaxReserveBytes);
  CheckKeyslots(check, exchange);
  CheckWitnesses(check, exchange);
}

void CheckExchanges(const Checker& top, const Config& config) {
  if (config.exchanges().empty()) top.Fault("exchanges", "there is none");
  std::set<std::string> names;
  std::set<std::string> ids;
  std::set<std::string> folders;
  std::set<std::pair<std::string, std::uint32_t>> indices;  // Of which TPM, and which.
  for (int i = 0; i < config.exchanges_size(); ++i) {
    const auto& exchange = config.exchanges(i);
    const Checker check = top.In("exchanges", exchange, i);
    CheckExchange(check, exchange);
    if (!names.insert(exchange.name()).second) check.Fault("name", "is there twice");
    if (!ids.insert(exchange.exchange_id()).second) check.Fault("exchange_id", "is there twice");
    const auto check_folder = [&](const char* field, const std::string& folder) {
      if (!folder.empty() && !folders.insert(Normal(folder)).second) {
        check.Fault(field, "is another folder of this daemon");
      }
    };
    check_folder("state_directory", exchange.state_directory());
    check_folder("keyslot_directory", exchange.keyslot_directory());
    for (const auto& keyslot : exchange.keyslots()) check_folder("keyslots", FolderOf(keyslot));
    for (const auto& keyslot : exchange.migrate_from()) {
      check_folder("migrate_from", FolderOf(keyslot));
    }
    const auto check_indices = [&](const char* field, const config::v1::Keyslot& keyslot) {
      if (!keyslot.has_tpm2()) return;
      const auto& tpm = keyslot.tpm2();
      for (const std::uint32_t index : {tpm.nv_index(), tpm.nv_index() + 1}) {
        if (!indices.insert({tpm.tcti(), index}).second) {
          check.Fault(field, "has an NV index of another keyslot");
        }
      }
    };
    for (const auto& keyslot : exchange.keyslots()) check_indices("keyslots", keyslot);
    for (const auto& keyslot : exchange.migrate_from()) check_indices("migrate_from", keyslot);
  }
}

void CheckLimits(const Checker& check, const config::v1::Limits& limits) {
  check.RequireRange<std::uint32_t>("calls_per_peer", limits.calls_per_peer(), 1, 100'000);
  check.RequireRange<std::uint32_t>("calls_total", limits.calls_total(), 1, 100'000);
  check.RequireRange("bytes_in_flight", limits.bytes_in_flight(), kMinBytesInFlight,
                     kMaxBytesInFlight);
  check.RequireRange<std::uint32_t>("queue_commands", limits.queue_commands(), 16, 65'536);
  check.RequireRange<std::uint32_t>("max_deadline_seconds", limits.max_deadline_seconds(), 1, 3600);
  check.RequireRange<std::uint32_t>("max_connection_age_seconds",
                                    limits.max_connection_age_seconds(), 10, 86'400);
}

void CheckAll(const Checker& top, const Config& config) {
  CheckListen(top.In("listen", config.listen()), config.listen());
  if (!config.metrics_address().empty() && !observe::IsLoopback(config.metrics_address())) {
    top.Fault("metrics_address", "is not 127.0.0.1:PORT or [::1]:PORT");
  }
  CheckExchanges(top, config);
  if (!observe::ParseLevel(config.log().level()).ok()) {
    top.In("log", config.log()).Fault("level", "is not debug, info, warning or error");
  }
  CheckLimits(top.In("limits", config.limits()), config.limits());
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view text, std::string_view name) {
  Faults faults(name);
  Collector collector(faults);
  Tree places;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&places);
  Config config;
  if (!parser.ParseFromString(std::string(text), &config)) {
    HF_RETURN_IF_ERROR(faults.status());
    return MakeError(Reason::kConfigInvalid, std::string(name) + ": cannot be read");
  }
  CheckAll(Checker(faults, config, &places), config);
  HF_RETURN_IF_ERROR(faults.status());
  return config;
}

absl::StatusOr<Config> LoadConfig(FileSystem& files, const std::string& path) {
  const auto bytes = files.ReadWhole(path, kMaxConfigBytes);
  if (!bytes.ok()) {
    return MakeError(Reason::kConfigInvalid, path + ": " + std::string(bytes.status().message()));
  }
  return ParseConfig(AsText(*bytes), path);
}

}  // namespace holdfast::daemon
