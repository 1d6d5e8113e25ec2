// SPDX-License-Identifier: Apache-2.0
// holdfast doctor: one check after the other, and what to do about each that fails.
#include <functional>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/hints.h"
#include "cli/signer.h"
#include "client/ledger_client.h"
#include "crypto/key_file.h"
#include "crypto/library.h"

namespace holdfast::cli {
namespace {

using Check = std::function<absl::StatusOr<std::string>(Session&)>;

absl::StatusOr<std::string> CheckMemory(Session&) {
  HF_ASSIGN_OR_RETURN(const crypto::LibraryState state, crypto::InitLibrary());
  return std::string(state.memory_locking == crypto::MemoryLocking::kAvailable
                         ? "secrets are locked in memory"
                         : "secrets cannot be locked in memory (ulimit -l), and may reach the swap "
                           "device");
}

absl::StatusOr<std::string> CheckProfile(Session& session) {
  HF_ASSIGN_OR_RETURN(const Profile* const profile, session.profile());
  return profile->path;
}

absl::StatusOr<std::string> CheckAgreement(Session& session) {
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  return fmt::format("{}, version {}, signed by both principals", agreement.name(),
                     agreement.version());
}

// The key that the profile signs with, without its passphrase.
absl::StatusOr<crypto::PublicKey> PublicKeyOf(Session& session, const Profile& profile) {
  if (!profile.signing_agent.empty()) {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<Signer> signer,
                        OpenAgentSigner(session, profile.signing_agent));
    return signer->public_key();
  }
  HF_ASSIGN_OR_RETURN(Bytes text,
                      session.files().ReadWhole(profile.signing_key, crypto::kMaxKeyFileBytes));
  auto key = crypto::UnverifiedPublicKeyOf(text);
  crypto::Wipe(text);
  return key;
}

// That the key belongs to the member.
absl::StatusOr<std::string> CheckSigningKey(Session& session) {
  HF_ASSIGN_OR_RETURN(const Profile* const profile, session.profile());
  if (profile->signing_key.empty() && profile->signing_agent.empty()) {
    return std::string("none: this profile signs nothing");
  }
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement, AgreementOfProfile(session));
  HF_ASSIGN_OR_RETURN(const crypto::PublicKey key, PublicKeyOf(session, *profile));
  const policy::Member* member = agreement.FindMember(profile->member);
  if (member == nullptr) {
    return MakeError(Reason::kConfigInvalid, "the agreement has no member " + profile->member);
  }
  const UnixMillis now = session.clock().WallNow();
  for (const policy::MemberKey& enrolled : member->keys) {
    if (enrolled.public_key != key) continue;
    if (enrolled.ValidAt(now)) return "the one that is enrolled for " + member->id;
    return MakeError(Reason::kConfigInvalid, "the signing key is not valid now");
  }
  return MakeError(Reason::kConfigInvalid,
                   "the signing key is not one that is enrolled for " + member->id);
}

absl::StatusOr<std::string> CheckGateway(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const v1::Exchange exchange, client::LedgerClient(channel).GetExchange());
  if (!exchange.serving()) {
    return MakeError(Reason::kExchangeStopped, "the exchange does not serve");
  }
  if (!exchange.clock_trusted()) {
    return MakeError(Reason::kClockUntrusted, "the gateway does not trust its clock");
  }
  const auto apart = ToMillis(exchange.time()) - session.clock().WallNow();
  return fmt::format("serving, version {}; its clock and ours are {} ms apart", exchange.version(),
                     apart.count());
}

absl::StatusOr<std::string> CheckLedger(Session& session) {
  HF_ASSIGN_OR_RETURN(const client::VerifiedCheckpoint head, VerifyCheckpoint(session));
  return fmt::format("{} entries, an extension of the {} that were seen before",
                     head.checkpoint.size, head.followed_from);
}

absl::StatusOr<ExitStatus> Examine(Session& session) {
  const std::pair<std::string_view, Check> checks[] = {
      {"memory", CheckMemory},          {"profile", CheckProfile}, {"agreement", CheckAgreement},
      {"signing key", CheckSigningKey}, {"gateway", CheckGateway}, {"ledger", CheckLedger}};
  ExitStatus exit = ExitStatus::kDone;
  for (const auto& [name, check] : checks) {
    const absl::StatusOr<std::string> found = check(session);
    JsonObject object("DoctorCheck");
    object.Set("check", name).Set("ok", found.ok());
    if (found.ok()) {
      object.Set("text", *found);
      session.out().Result(object, fmt::format("ok    {}: {}", name, *found));
      continue;
    }
    const std::string message(found.status().message());
    const std::string hint = HintFor(found.status());
    object.Set("text", message).Set("help", hint);
    session.out().Result(object, fmt::format("WRONG {}: {}{}{}", name, message,
                                             hint.empty() ? "" : "\n      ", hint));
    exit = ExitStatus::kDefectFound;
  }
  return exit;
}

}  // namespace

void DeclareDoctor(Command root) {
  root.Sub("doctor", "find out why it does not work, and what to do").Runs(Examine);
}

}  // namespace holdfast::cli
