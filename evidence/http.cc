// SPDX-License-Identifier: Apache-2.0
#include "evidence/http.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "crypto/text_lines.h"

namespace holdfast::evidence {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point Now() { return std::chrono::steady_clock::now(); }

constexpr std::size_t kMaxHeadBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 10;
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kBetweenLooks{500};
constexpr int kBacklog = 16;
constexpr std::string_view kUnreachableKey = "unreachable";

class Socket final {
 public:
  explicit Socket(int number) : number_(number) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Socket() {
    if (number_ >= 0) close(number_);
  }

  int number() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

absl::Status Unreachable(const std::string& what) {
  return AddMetadata(MakeError(Reason::kUnavailable, what), kUnreachableKey, "yes");
}

// Whether `socket` is ready for `events` before `end`.
bool Ready(int socket, short events, Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Now());
  if (left.count() <= 0) return false;
  pollfd what{socket, events, 0};
  return poll(&what, 1, static_cast<int>(left.count())) == 1;
}

// Reads more to the end of `text`. False at the end, after an error, or when the time is over.
bool ReadMore(int socket, std::string& text, Clock::time_point end) {
  std::array<char, 16 << 10> buffer;
  if (!Ready(socket, POLLIN, end)) return false;
  const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

bool WriteAll(int socket, std::string_view text, Clock::time_point end) {
  while (!text.empty()) {
    if (!Ready(socket, POLLOUT, end)) return false;
    const ssize_t sent = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// The value of a header in `head`, without white space around it. Nullopt if it is not there, or
// there twice.
std::optional<std::string> Header(std::string_view head, std::string_view name) {
  std::optional<std::string> found;
  std::size_t at = head.find("\r\n");
  while (at != std::string_view::npos && at + 2 < head.size()) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line =
        head.substr(begin, at == std::string_view::npos ? at : at - begin);
    const std::size_t colon = line.find(':');
    if (colon != name.size()) continue;
    const bool same = std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
      return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
    });
    if (!same) continue;
    if (found) return std::nullopt;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
      value.remove_prefix(1);
    }
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    found = std::string(value);
  }
  return found;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    default:
      return "Internal Server Error";
  }
}

HttpAnswer Plain(int status) {
  return {status, "text/plain; charset=utf-8", std::string(ReasonPhrase(status)) + "\n"};
}

void Send(int socket, const HttpAnswer& answer, Clock::time_point end) {
  const std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                           std::string(ReasonPhrase(answer.status)) +
                           "\r\nContent-Type: " + answer.content_type +
                           "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                           "\r\nConnection: close\r\n\r\n" + answer.body;
  static_cast<void>(WriteAll(socket, text, end));
}

// One request and its answer.
HttpAnswer Answer(int socket, std::string_view path, std::size_t max_body_bytes,
                  const std::function<HttpAnswer(std::string_view)>& handle,
                  Clock::time_point end) {
  std::string text;
  std::size_t head = std::string::npos;
  while ((head = text.find("\r\n\r\n")) == std::string::npos) {
    if (text.size() > kMaxHeadBytes) return Plain(413);
    if (!ReadMore(socket, text, end)) return Plain(400);
  }
  const std::string_view line = std::string_view(text).substr(0, text.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos ||
      !line.substr(second + 1).starts_with("HTTP/1.")) {
    return Plain(400);
  }
  if (line.substr(first + 1, second - first - 1) != path) return Plain(404);
  if (line.substr(0, first) != "POST") return Plain(405);
  const auto length = Header(std::string_view(text).substr(0, head), "content-length");
  const auto size = length ? crypto::ParseDecimal(*length) : std::nullopt;
  // A body in chunks has no length, and nobody who asks a witness needs one.
  if (!size) return Plain(411);
  if (*size > max_body_bytes) return Plain(413);
  const std::size_t body = head + 4;
  while (text.size() < body + *size) {
    if (!ReadMore(socket, text, end)) return Plain(400);
  }
  return handle(std::string_view(text).substr(body, static_cast<std::size_t>(*size)));
}

struct Url {
  std::string host;
  std::string port;
  std::string path;
};

absl::StatusOr<Url> ParseUrl(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  const absl::Status bad =
      MakeError(Reason::kRequestMalformed, "not http://HOST[:PORT][/PATH]: " + EscapeForLog(text));
  if (!text.starts_with(kScheme)) return bad;
  std::string rest = text.substr(kScheme.size());
  Url url;
  const std::size_t slash = rest.find('/');
  if (slash != std::string::npos) {
    url.path = rest.substr(slash);
    rest.resize(slash);
  }
  while (url.path.ends_with('/')) url.path.pop_back();
  const std::size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string::npos && rest.find(']', colon) == std::string::npos;
  url.host = rest.substr(0, has_port ? colon : rest.size());
  url.port = has_port ? rest.substr(colon + 1) : "80";
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  const auto clean = [](const std::string& part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c > ' ' && c < 0x7f; });
  };
  if (url.host.empty() || url.port.empty() || !clean(rest) || !clean(url.path)) return bad;
  return url;
}

struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressDeleter>;

absl::StatusOr<Socket> Connect(const Url& url, Clock::time_point end) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &raw) != 0) {
    return Unreachable("there is no host " + EscapeForLog(url.host));
  }
  const Addresses list(raw);
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    Socket socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.number() < 0) continue;
    if (connect(socket.number(), one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      continue;
    }
    int error = 0;
    socklen_t size = sizeof(error);
    if (!Ready(socket.number(), POLLOUT, end)) continue;
    if (getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
      return socket;
    }
  }
  return Unreachable("nobody answers at " + EscapeForLog(url.host + ":" + url.port));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const absl::Status bad =
      MakeError(Reason::kRequestMalformed, "not an address and a port: " + EscapeForLog(address));
  if (colon == std::string::npos) return bad;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* raw = nullptr;
  if (getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &raw) != 0) return bad;
  const Addresses list(raw);
  Socket socket(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  if (socket.number() < 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      bind(socket.number(), list->ai_addr, list->ai_addrlen) != 0 ||
      listen(socket.number(), kBacklog) != 0) {
    return MakeError(Reason::kUnavailable, "cannot listen at " + EscapeForLog(address));
  }
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  std::uint16_t port = 0;
  if (getsockname(socket.number(), reinterpret_cast<sockaddr*>(&own), &size) == 0) {
    port = ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(own).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(own).sin_port);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(socket.Release(), port));
}

HttpServer::~HttpServer() { close(socket_); }

absl::Status HttpServer::Serve(std::string_view path, std::size_t max_body_bytes,
                               const std::function<HttpAnswer(std::string_view)>& handle,
                               const std::function<bool()>& stop) {
  while (!stop()) {
    if (!Ready(socket_, POLLIN, Now() + kBetweenLooks)) continue;
    const Socket client(accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client.number() < 0) continue;
    const auto end = Now() + kPatience;
    Send(client.number(), Answer(client.number(), path, max_body_bytes, handle, end), end);
    shutdown(client.number(), SHUT_WR);
  }
  return absl::OkStatus();
}

absl::StatusOr<HttpAnswer> HttpPost(const std::string& url_text, std::string_view path,
                                    std::string_view body, std::chrono::milliseconds timeout) {
  HF_ASSIGN_OR_RETURN(const Url url, ParseUrl(url_text));
  const auto end = Now() + timeout;
  HF_ASSIGN_OR_RETURN(const Socket socket, Connect(url, end));
  const std::string request =
      "POST " + url.path + std::string(path) + " HTTP/1.1\r\nHost: " + url.host + ":" + url.port +
      "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nConnection: close\r\n\r\n" + std::string(body);
  if (!WriteAll(socket.number(), request, end)) return Unreachable("the witness does not listen");
  std::string text;
  while (ReadMore(socket.number(), text, end)) {
    if (text.size() > kMaxAnswerBytes) break;
  }
  const absl::Status bad = MakeError(Reason::kRequestMalformed, "the witness's answer is not HTTP");
  const std::size_t head = text.find("\r\n\r\n");
  if (text.empty()) return Unreachable("the witness does not answer");
  if (head == std::string::npos || !text.starts_with("HTTP/1.") || text.size() < 12) return bad;
  HttpAnswer answer;
  const auto status = crypto::ParseDecimal(std::string_view(text).substr(9, 3));
  if (!status) return bad;
  answer.status = static_cast<int>(*status);
  const std::string_view headers = std::string_view(text).substr(0, head);
  answer.content_type = Header(headers, "content-type").value_or("");
  answer.body = text.substr(head + 4);
  const auto length = Header(headers, "content-length");
  // Whatever else frames a body, such as chunks, we did not ask for.
  const auto size = length ? crypto::ParseDecimal(*length) : std::nullopt;
  if (!size || answer.body.size() != *size) return bad;
  return answer;
}

}  // namespace holdfast::evidence
