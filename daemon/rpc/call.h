// SPDX-License-Identifier: Apache-2.0
// One call or stream that the request gate has let in, as its handler sees it.
//
// When to use  In handlers, to know who asks, to notice the end of the call, and to cut it off.
// Keep
//              a copy for as long as you like: it does not keep the connection alive.
// Threads      Every function may be called from any thread at any time, also after the call's end.
// Ownership    A handle that is copied freely. The functions given to OnEnd() are freed at the end.
// Errors       None.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast::rpc {

namespace internal {
class CallCore;
}

// Names the exchange where a daemon hosts several. A request header.
inline constexpr std::string_view kExchangeHeader = "holdfast-exchange";

// Tells a requester of a hold that touches it, once a notice, until it is acknowledged. A trailer.
inline constexpr std::string_view kNoticeTrailer = "holdfast-notice";

class Call final {
 public:
  explicit Call(std::shared_ptr<internal::CallCore> core);

  // The identity in the caller's certificate: spiffe://TRUST-DOMAIN/ROLE/NAME.
  const std::string& peer() const;
  // The id under which the agreement enrolled it when the call began.
  const std::string& member() const;
  // What the caller named in kExchangeHeader; empty if it named none.
  const std::string& exchange() const;
  // Such as "/holdfast.v1.KeyService/ReleaseKeys".
  const std::string& method() const;
  // Distinguishes the calls of one process, in logs.
  std::uint64_t request_id() const;
  // The value of a request header whose name begins with "holdfast-". Peer-controlled text.
  std::optional<std::string> Header(std::string_view name) const;

  // True once no reply can reach the client any more: it went away, its deadline passed, the call
  // was cut off, or it is over.
  bool ended() const;

  // Runs `callback` once, when the call has ended, with all of its replies settled or about to be;
  // at once if it has ended already.
  void OnEnd(std::function<void()> callback) const;

  // Ends the call from outside. What is not yet on its way is dropped; a message that waits for the
  // client to make room is taken back by resetting the stream, and one with a token also by
  // resetting the connection, which ends its other calls. The client sees `why` where no message
  // was under way, and CANCELLED or UNAVAILABLE otherwise. After this function has returned no
  // further message is started; the tokens of the dropped ones settle before or soon after.
  // REQUIRES: !why.ok().
  void Cut(absl::Status why) const;

  // Calls `done` once whatever any call of this daemon wrote with a token, and whose token has
  // settled by now, has reached the client's machine or has been thrown away with its connection.
  // At once, or within half a second on a thread of gRPC.
  void WhenSent(std::function<void()> done) const;

 private:
  std::shared_ptr<internal::CallCore> core_;
};

}  // namespace holdfast::rpc
