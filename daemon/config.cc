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

void CheckExchange(const Checker& check, const config::v1::Exchange& exchange) {
  if (!IsName(exchange.name())) check.Fault("name", "is not 1 to 63 of a-z, 0-9 and hyphen");
  const auto id = FromHex(exchange.exchange_id());
  if (!id.ok() || id->size() != kExchangeIdBytes) {
    check.Fault("exchange_id", "is not 64 lower-case hexadecimal digits");
  }
  check.Require("agreement_path", exchange.agreement_path());
  check.Require("state_directory", exchange.state_directory());
  check.Require("keyslot_directory", exchange.keyslot_directory());
  check.RequireRange("reserve_bytes", exchange.reserve_bytes(), std::uint64_t{1} << 20,
                     kMaxReserveBytes);
  // A backup of the state must never hold the key that opens it.
  if (!exchange.state_directory().empty() && !exchange.keyslot_directory().empty()) {
    const std::string state = Normal(exchange.state_directory());
    const std::string keyslot = Normal(exchange.keyslot_directory());
    if (IsInside(keyslot, state) || IsInside(state, keyslot)) {
      check.Fault("keyslot_directory", "is inside of the state_directory, or around it");
    }
  }
}

void CheckExchanges(const Checker& top, const Config& config) {
  if (config.exchanges().empty()) top.Fault("exchanges", "there is none");
  std::set<std::string> names;
  std::set<std::string> ids;
  std::set<std::string> folders;
  for (int i = 0; i < config.exchanges_size(); ++i) {
    const auto& exchange = config.exchanges(i);
    const Checker check = top.In("exchanges", exchange, i);
    CheckExchange(check, exchange);
    if (!names.insert(exchange.name()).second) check.Fault("name", "is there twice");
    if (!ids.insert(exchange.exchange_id()).second) check.Fault("exchange_id", "is there twice");
    for (const auto& [field, folder] :
         {std::pair("state_directory", exchange.state_directory()),
          std::pair("keyslot_directory", exchange.keyslot_directory())}) {
      if (!folder.empty() && !folders.insert(Normal(folder)).second) {
        check.Fault(field, "is another folder of this daemon");
      }
    }
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
