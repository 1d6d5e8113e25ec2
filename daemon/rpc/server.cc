// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/server.h"

#include <string_view>
#include <utility>

#include "grpc/grpc.h"
#include "grpc/support/log.h"
#include "grpcpp/server_builder.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/observe/log.h"
#include "daemon/observe/log_limiter.h"
#include "google/protobuf/stubs/logging.h"

namespace holdfast::rpc {
namespace {

// A message just over the method's limit reaches the gate, which says so in our words; one far over
// the largest is stopped by gRPC before it takes memory.
constexpr std::size_t kOverLargestBytes = 4096;
constexpr int kMaxHeaderBytes = 8192;
constexpr int kKeepaliveMillis = 60'000;
constexpr int kKeepaliveTimeoutMillis = 10'000;
constexpr int kMaxPingStrikes = 2;

int Millis(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

void SetLimits(const ServerOptions& options, std::size_t largest_request,
               grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(largest_request + kOverLargestBytes));
  // Replies are ours: the gate counts them, and nothing else need stop them.
  builder.SetMaxSendMessageSize(-1);
  const auto set = [&](const char* name, int value) { builder.AddChannelArgument(name, value); };
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options.max_streams_per_connection));
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Millis(options.min_ping_interval));
  set(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxPingStrikes);
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, Millis(options.max_connection_age));
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Millis(options.max_connection_grace));
  set(GRPC_ARG_MAX_METADATA_SIZE, kMaxHeaderBytes);
  // Two daemons on one port would each get half of the calls.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A few kilobytes of zeros compressed are gigabytes: the limits are on what was sent.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

void LogFromLibrary(std::string_view library, observe::Level level, std::string_view path, int line,
                    std::string_view text) {
  static observe::LogLimiter limiter(10, std::chrono::seconds(1));
  const auto left_out = limiter.Admit();
  if (!left_out.has_value()) return;
  path.remove_prefix(path.rfind('/') + 1);
  observe::Log(level, library, "library_said", "a library reported something",
               {{"file", path}, {"line", line}, {"text", text}, {"left_out", *left_out}});
}

void LogFromGrpc(gpr_log_func_args* args) {
  const auto level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? observe::Level::kWarning : observe::Level::kDebug;
  LogFromLibrary("grpc", level, args->file, args->line, args->message);
}

void LogFromProtobuf(google::protobuf::LogLevel severity, const char* file, int line,
                     const std::string& text) {
  const auto level = severity >= google::protobuf::LOGLEVEL_ERROR ? observe::Level::kWarning
                                                                  : observe::Level::kDebug;
  LogFromLibrary("protobuf", level, file, line, text);
}

}  // namespace

Server::Server(const ServerOptions& options, const Clock& clock, observe::Metrics& metrics,
               std::unique_ptr<RequestGate> gate)
    : options_(options), clock_(clock), metrics_(metrics), gate_(std::move(gate)) {}

Server::~Server() { Drain(std::chrono::milliseconds(0)); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      MethodTable table, const Authority& authority,
                                                      const Clock& clock, FileSystem& files,
                                                      observe::Metrics& metrics) {
  HF_RETURN_IF_ERROR(table.Check());
  // gRPC would start without them, and refuse everybody.
  HF_RETURN_IF_ERROR(CheckTlsFiles(options.tls, clock.WallNow()).status());
  const std::size_t largest_request = table.LargestRequestBytes();
  std::unique_ptr<Server> server(new Server(
      options, clock, metrics,
      std::make_unique<RequestGate>(std::move(table), authority, metrics, options.gate)));
  server->CheckCredentials();

  grpc::ServerBuilder builder;
  SetLimits(options, largest_request, builder);
  builder.AddListeningPort(options.address, MakeServerCredentials(options.tls), &server->port_);
  builder.RegisterCallbackGenericService(server->gate_.get());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return AddMetadata(MakeError(Reason::kConfigInvalid, "cannot listen on " + options.address),
                       "address", options.address);
  }
  if (!options.port_file.empty()) {
    // Whoever waits for the file never reads half of it.
    HF_RETURN_IF_ERROR(
        ReplaceFile(files, options.port_file, AsBytes(std::to_string(server->port_) + "\n")));
  }
  return server;
}

void Server::CheckCredentials() {
  const auto expiry = CheckTlsFiles(options_.tls, clock_.WallNow());
  metrics_.TlsCredentialsValid(expiry.ok());
  if (!expiry.ok()) {
    observe::Error("rpc", "tls_credentials_invalid",
                   "new connections are refused until the certificate files are mended",
                   {{"text", std::string_view(expiry.status().message().data(),
                                              expiry.status().message().size())}});
    return;
  }
  metrics_.CertificateExpiry("server", expiry->certificate);
  metrics_.CertificateExpiry("client_ca", expiry->client_ca);
}

void Server::Drain(std::chrono::milliseconds bound) {
  if (server_ == nullptr) return;
  gate_->Drain();
  server_->Shutdown(std::chrono::system_clock::now() + bound);
  server_->Wait();
  server_.reset();
}

void RouteLibraryLogs() {
  google::protobuf::SetLogHandler(&LogFromProtobuf);
  gpr_set_log_function(&LogFromGrpc);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

}  // namespace holdfast::rpc
