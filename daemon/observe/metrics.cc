// SPDX-License-Identifier: Apache-2.0
#include "daemon/observe/metrics.h"

#include <exception>
#include <limits>
#include <map>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/exposer.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

#include "base/check.h"
#include "base/error.h"
#include "base/mutex.h"

namespace holdfast::observe {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// Seconds: from a commit's floor to a client's patience.
const Histogram::BucketBoundaries& DurationBuckets() {
  static const Histogram::BucketBoundaries buckets = {
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};
  return buckets;
}

const Histogram::BucketBoundaries& GroupBuckets() {
  static const Histogram::BucketBoundaries buckets = {1, 2, 4, 8, 16, 32, 64, 128, 256};
  return buckets;
}

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

double SecondsOf(UnixMillis when) { return static_cast<double>(when.value()) / 1000.0; }

std::string Own(std::string_view view) { return std::string(view); }

}  // namespace

bool IsLoopback(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return false;
  const std::string_view port = address.substr(colon + 1);
  if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) {
    return false;
  }
  const std::string_view host = address.substr(0, colon);
  return host == "127.0.0.1" || host == "[::1]";
}

// Ages are a matter of the moment of the scrape, so they are set when one comes.
class Metrics::Impl final : public prometheus::Collectable {
 public:
  Impl(const Clock& clock, std::string_view version)
      : clock_(clock), registry_(std::make_shared<prometheus::Registry>()) {
    MakeGauge("holdfast_build_info", "1; the labels say what runs")
        .Add({{"version", Own(version)}})
        .Set(1);
  }

  Family<Gauge>& MakeGauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(*registry_);
  }
  Family<Counter>& MakeCounter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
  }
  Family<Histogram>& MakeHistogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_);
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    const double now = SecondsOf(clock_.WallNow());
    {
      MutexLock lock(mutex_);
      for (const auto& [exchange, when] : checkpoints_) {
        checkpoint_age_.Add({{"exchange", exchange}}).Set(now - SecondsOf(when));
      }
      for (const auto& [exchange, when] : quorums_) {
        quorum_age_.Add({{"exchange", exchange}})
            .Set(when == kMinTime ? std::numeric_limits<double>::infinity()
                                  : now - SecondsOf(when));
      }
    }
    return registry_->Collect();
  }

  void SetCheckpoint(std::string_view exchange, UnixMillis when) {
    MutexLock lock(mutex_);
    checkpoints_[Own(exchange)] = when;
  }

  void SetQuorum(std::string_view exchange, UnixMillis when) {
    MutexLock lock(mutex_);
    quorums_[Own(exchange)] = when;
  }

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, UnixMillis> checkpoints_ HF_GUARDED_BY(mutex_);
  std::map<std::string, UnixMillis> quorums_ HF_GUARDED_BY(mutex_);
  const std::shared_ptr<prometheus::Registry> registry_;

 public:
  Family<Histogram>& rpc_duration =
      MakeHistogram("holdfast_rpc_duration_seconds", "How long calls took");
  Gauge& rpc_active = MakeGauge("holdfast_rpc_active", "Calls and streams that run now").Add({});
  Gauge& rpc_bytes =
      MakeGauge("holdfast_rpc_bytes_in_flight", "Bytes of messages in flight").Add({});
  Family<Counter>& refusals =
      MakeCounter("holdfast_refusals_total", "Refusals by the name of the reason");
  Family<Counter>& keys_released =
      MakeCounter("holdfast_keys_released_total", "Record keys that were let out");
  Family<Gauge>& holds_active = MakeGauge("holdfast_holds_active", "Holds in force");
  Family<Gauge>& notices_overdue =
      MakeGauge("holdfast_notices_overdue", "Notices that nobody acknowledged in time");
  Family<Gauge>& leases_open = MakeGauge("holdfast_leases_open", "Leases that have not ended");
  Family<Gauge>& expired_undestroyed = MakeGauge(
      "holdfast_expired_undestroyed", "Records whose keys are expired and not yet destroyed");
  Family<Gauge>& destroy_lag = MakeGauge(
      "holdfast_destroy_lag_seconds", "How long the oldest key that is due has not been destroyed");
  Family<Gauge>& epoch = MakeGauge("holdfast_epoch", "The epoch of the vault");
  Family<Gauge>& keyslot_epochs =
      MakeGauge("holdfast_keyslot_epochs", "Epochs that were written to these keyslots");
  Family<Gauge>& keyslot_epochs_budget =
      MakeGauge("holdfast_keyslot_epochs_budget", "Epochs that they bear; 0 if that is not known");
  Family<Gauge>& backup_epoch =
      MakeGauge("holdfast_backup_epoch", "The epoch of the newest backup; 0 if there is none");
  Family<Gauge>& ledger_size = MakeGauge("holdfast_ledger_size", "Entries of the ledger");
  Family<Counter>& witness_failures =
      MakeCounter("holdfast_witness_failures_total",
                  "Times that a witness did not sign, by what was the matter");
  Family<Gauge>& clock_trusted =
      MakeGauge("holdfast_clock_trusted", "1 if the time is trusted, otherwise 0");
  Family<Gauge>& queue_depth =
      MakeGauge("holdfast_queue_depth", "Commands that wait for the writer");
  Family<Histogram>& group_commands =
      MakeHistogram("holdfast_commit_group_commands", "Commands that one transaction carried");
  Family<Histogram>& commit_duration =
      MakeHistogram("holdfast_commit_duration_seconds", "How long a transaction took");
  Gauge& tls_valid = MakeGauge("holdfast_tls_credentials_valid",
                               "1 if key and certificate match and new connections can be made")
                         .Add({});
  Family<Gauge>& certificate_expiry =
      MakeGauge("holdfast_certificate_expiry_timestamp_seconds", "When a certificate expires");

  // Last, so that nothing is scraped before everything exists or after it is gone.
  std::unique_ptr<prometheus::Exposer> exposer;

 private:
  Family<Gauge>& checkpoint_age_ =
      MakeGauge("holdfast_checkpoint_age_seconds", "Since the newest checkpoint was signed");
  Family<Gauge>& quorum_age_ = MakeGauge("holdfast_witness_quorum_age_seconds",
                                         "Since a witness of each side had signed the ledger");
};

Metrics::Metrics(const Clock& clock, std::string_view version)
    : impl_(std::make_shared<Impl>(clock, version)) {}

Metrics::~Metrics() { impl_->exposer.reset(); }

absl::Status Metrics::Serve(std::string_view address) {
  HF_CHECK(impl_->exposer == nullptr);
  if (!IsLoopback(address)) {
    return MakeError(Reason::kConfigInvalid,
                     "metrics_address is 127.0.0.1:PORT or [::1]:PORT and nothing else");
  }
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(Own(address), /*num_threads=*/1);
    impl_->exposer->RegisterCollectable(impl_);
  } catch (const std::exception&) {
    return MakeError(Reason::kConfigInvalid, "the metrics_address cannot be listened on");
  }
  return absl::OkStatus();
}

int Metrics::port() const {
  if (impl_->exposer == nullptr) return 0;
  return impl_->exposer->GetListeningPorts().front();
}

void Metrics::RpcDone(std::string_view method, std::string_view code,
                      std::chrono::nanoseconds duration) {
  impl_->rpc_duration.Add({{"method", Own(method)}, {"code", Own(code)}}, DurationBuckets())
      .Observe(Seconds(duration));
}

void Metrics::RpcActive(std::int64_t calls) { impl_->rpc_active.Set(static_cast<double>(calls)); }

void Metrics::RpcBytesInFlight(std::int64_t bytes) {
  impl_->rpc_bytes.Set(static_cast<double>(bytes));
}

void Metrics::Refused(std::string_view reason, std::uint64_t count) {
  impl_->refusals.Add({{"reason", Own(reason)}}).Increment(static_cast<double>(count));
}

void Metrics::KeysReleased(std::string_view exchange, std::uint64_t keys) {
  impl_->keys_released.Add({{"exchange", Own(exchange)}}).Increment(static_cast<double>(keys));
}

void Metrics::HoldsActive(std::string_view exchange, HoldKind kind, std::uint64_t holds) {
  const char* name = kind == HoldKind::kFreeze ? "freeze" : "preserve";
  impl_->holds_active.Add({{"exchange", Own(exchange)}, {"kind", name}})
      .Set(static_cast<double>(holds));
}

void Metrics::NoticesOverdue(std::string_view exchange, std::uint64_t notices) {
  impl_->notices_overdue.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(notices));
}

void Metrics::LeasesOpen(std::string_view exchange, std::uint64_t leases) {
  impl_->leases_open.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(leases));
}

void Metrics::ExpiredUndestroyed(std::string_view exchange, std::uint64_t records) {
  impl_->expired_undestroyed.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(records));
}

void Metrics::DestroyLag(std::string_view exchange, std::chrono::milliseconds lag) {
  impl_->destroy_lag.Add({{"exchange", Own(exchange)}}).Set(Seconds(lag));
}

void Metrics::KeyslotEpochs(std::string_view exchange, std::uint64_t epochs, std::uint64_t budget) {
  impl_->keyslot_epochs.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(epochs));
  impl_->keyslot_epochs_budget.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(budget));
}

void Metrics::BackupEpoch(std::string_view exchange, std::uint64_t epoch) {
  impl_->backup_epoch.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(epoch));
}

void Metrics::Epoch(std::string_view exchange, std::uint64_t epoch) {
  impl_->epoch.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(epoch));
}

void Metrics::LedgerSize(std::string_view exchange, std::uint64_t entries) {
  impl_->ledger_size.Add({{"exchange", Own(exchange)}}).Set(static_cast<double>(entries));
}

void Metrics::CheckpointSigned(std::string_view exchange, UnixMillis when) {
  impl_->SetCheckpoint(exchange, when);
}

void Metrics::WitnessQuorum(std::string_view exchange, UnixMillis when) {
  impl_->SetQuorum(exchange, when);
}

void Metrics::WitnessFailed(std::string_view exchange, std::string_view witness,
                            WitnessFailure kind) {
  impl_->witness_failures
      .Add({{"exchange", Own(exchange)},
            {"witness", Own(witness)},
            {"kind", kind == WitnessFailure::kConflict ? "conflict" : "no_answer"}})
      .Increment();
}

void Metrics::ClockTrusted(std::string_view exchange, bool trusted) {
  impl_->clock_trusted.Add({{"exchange", Own(exchange)}}).Set(trusted ? 1 : 0);
}

void Metrics::QueueDepth(std::string_view exchange, QueueLane lane, std::uint64_t commands) {
  const char* name = lane == QueueLane::kOrdinary ? "ordinary" : "restricting";
  impl_->queue_depth.Add({{"exchange", Own(exchange)}, {"lane", name}})
      .Set(static_cast<double>(commands));
}

void Metrics::Committed(std::string_view exchange, std::uint64_t commands,
                        std::chrono::nanoseconds duration) {
  impl_->group_commands.Add({{"exchange", Own(exchange)}}, GroupBuckets())
      .Observe(static_cast<double>(commands));
  impl_->commit_duration.Add({{"exchange", Own(exchange)}}, DurationBuckets())
      .Observe(Seconds(duration));
}

void Metrics::TlsCredentialsValid(bool valid) { impl_->tls_valid.Set(valid ? 1 : 0); }

void Metrics::CertificateExpiry(std::string_view kind, UnixMillis when) {
  impl_->certificate_expiry.Add({{"kind", Own(kind)}}).Set(SecondsOf(when));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->Collect());
}

}  // namespace holdfast::observe
