// SPDX-License-Identifier: Apache-2.0
#include "cli/erasure_certificate.h"

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "evidence/erasure_certificate.h"
#include "evidence/erasure_search.h"
#include "evidence/export_folder.h"
#include "evidence/ledger_verifier.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/session.h"
#include "cli/verified_export.h"

namespace holdfast::cli {
namespace {

struct CreateOptions {
  std::uint64_t index = 0;
  VerifiedExport source;
  std::string out;
};

struct ReadOptions {
  std::string file;
  std::string page;    // Of show.
  std::string folder;  // Of verify: an export.
  VerifiedExport source;
};

JsonArray Members(const std::vector<evidence::ErasurePart>& parts) {
  JsonArray members;
  for (const evidence::ErasurePart& part : parts) {
    JsonObject one;
    one.Set("member", part.member).Set("index", part.index);
    members.AddRaw(one.text());
  }
  return members;
}

JsonArray Media(const std::vector<evidence::ErasureMedium>& media) {
  JsonArray array;
  for (const evidence::ErasureMedium& medium : media) {
    JsonObject one;
    one.Set("kind", medium.kind)
        .Set("erasure_class", medium.erasure_class)
        .Set("device", medium.device);
    array.AddRaw(one.text());
  }
  return array;
}

JsonArray Lost(const std::vector<evidence::LostKeyslots>& lost) {
  JsonArray array;
  for (const evidence::LostKeyslots& of : lost) {
    JsonArray members;
    for (const std::uint32_t member : of.members) members.AddRaw(std::to_string(member));
    JsonObject one;
    one.Set("index", of.index)
        .Set("epoch", of.epoch)
        .Set("keyslots", of.keyslots)
        .Set("members", members);
    array.AddRaw(one.text());
  }
  return array;
}

// Requesters or leases; what sums up the others has an empty `requester` and no `lease`.
JsonArray Released(const std::vector<evidence::PriorRelease>& releases,
                   const std::optional<evidence::PriorRelease>& more) {
  JsonArray array;
  const auto add = [&array](const evidence::PriorRelease& release) {
    JsonObject one;
    one.Set("requester", release.requester)
        .Set("lease_index", release.lease)
        .Set("leases", release.leases)
        .Set("records", release.records)
        .Set("first", FormatRfc3339(release.first))
        .Set("last", FormatRfc3339(release.last));
    array.AddRaw(one.text());
  };
  for (const evidence::PriorRelease& release : releases) add(release);
  if (more) add(*more);
  return array;
}

// What of a certificate a whole ledger was asked for.
struct AgainstLedger {
  bool asked = false;
  std::optional<evidence::ErasureSearch::StrikeOff> struck_off;  // Who verified, later.
};

JsonObject CertificateJson(const evidence::ErasureCertificate& certificate, const std::string& file,
                           const std::optional<AgainstLedger>& against_ledger = std::nullopt) {
  const evidence::ErasureEvents& events = certificate.events;
  JsonObject object("ErasureCertificate");
  object.Set("file", file)
      .Set("records", events.records)
      .Set("records_digest", Hex(events.records_digest))
      .Set("performed_by", Members(events.performed_by))
      .Set("approved_by", Members(events.approved_by))
      .Set("authorised_by", Members(events.authorised_by))
      .Set("verified_by", certificate.asserted.verified_by)
      .Set("verified_at", FormatRfc3339(certificate.asserted.verified_at))
      .Set("destroyed_index", events.destroyed_index)
      .Set("destroyed_at", FormatRfc3339(events.destroyed_at))
      .Set("epoch", events.epoch)
      .Set("erased_index", events.erased_index)
      .Set("keyslot", events.keyslot_kind)
      .Set("erasure_class", events.erasure_class)
      .Set("released_before", certificate.asserted.released_before)
      .Set("under_open_leases", certificate.asserted.under_open_leases)
      .Set("holds_in_force", certificate.asserted.holds_in_force)
      .Set("holds_overridden", certificate.asserted.overridden)
      .Set("checkpoint_size", events.checkpoint.size)
      .Set("checkpoint_root", Hex(events.checkpoint.root));
  if (against_ledger) object.Set("against_ledger", against_ledger->asked);
  object.Set("keyslots_erased", Media(events.media)).Set("keyslots_struck_off", Lost(events.lost));
  const evidence::PriorReleases& prior = certificate.asserted.prior;
  JsonArray cosigned;
  for (const crypto::NoteSigned& by : events.cosigned) cosigned.Add(by.key.name());
  object.Set("version", static_cast<std::uint64_t>(certificate.version))
      .Set("released_to", Released(prior.requesters, prior.more_requesters))
      .Set("released_under", Released(prior.leases, prior.more_leases))
      .Set("checkpoint_cosigned_by", cosigned);
  if (against_ledger && against_ledger->struck_off) {
    object.Set("verifier_struck_off_index", against_ledger->struck_off->index);
  }
  return object;
}

// With headings that stand out on a terminal.
std::string TextFor(const Output& out, const evidence::ErasureCertificate& certificate) {
  std::istringstream lines(evidence::DescribeErasure(certificate));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!text.empty()) text += '\n';
    text += line.starts_with(' ') ? line : out.Strong(line);
  }
  return text;
}

absl::StatusOr<evidence::ErasureCertificate> Open(Session& session, const ReadOptions& options) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, options.source.Exchange(session));
  HF_ASSIGN_OR_RETURN(const std::string file,
                      session.ReadText(options.file, evidence::kMaxErasureBytes));
  return evidence::OpenErasure(file, exchange);
}

absl::StatusOr<ExitStatus> Create(Session& session, const CreateOptions& options) {
  HF_ASSIGN_OR_RETURN(const ExchangeId exchange, options.source.Exchange(session));
  HF_ASSIGN_OR_RETURN(const std::string member, session.ProfileValue(&Profile::member, "member"));
  HF_ASSIGN_OR_RETURN(std::string checkpoint,
                      evidence::ReadExportCheckpoint(session.files(), options.source.folder));
  evidence::ErasureSearch search(options.index);
  HF_RETURN_IF_ERROR(options.source.Verify(session, {&search}).status());
  HF_ASSIGN_OR_RETURN(evidence::ErasureSearch::Found found, search.Result(std::move(checkpoint)));
  found.asserted.verified_by = member;
  found.asserted.verified_at = session.clock().WallNow();
  HF_ASSIGN_OR_RETURN(const crypto::SigningKey key, session.signing_key());
  HF_RETURN_IF_ERROR(search.CheckVerifier(member, key.public_key(), found.asserted.verified_at));
  HF_ASSIGN_OR_RETURN(const std::string file,
                      evidence::SignErasure(exchange, found.asserted, found.evidence, key));
  HF_ASSIGN_OR_RETURN(const evidence::ErasureCertificate certificate,
                      evidence::OpenErasure(file, exchange));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(file), Overwrite::kRefuse));
  session.out().Result(
      CertificateJson(certificate, options.out),
      TextFor(session.out(), certificate) + "\nsigned by " + member + ": " + options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Show(Session& session, const ReadOptions& options) {
  HF_ASSIGN_OR_RETURN(const evidence::ErasureCertificate certificate, Open(session, options));
  if (!options.page.empty()) {
    HF_RETURN_IF_ERROR(session.WriteFile(options.page, AsBytes(evidence::ErasurePage(certificate)),
                                         Overwrite::kRefuse));
  }
  std::string text = TextFor(session.out(), certificate);
  if (!options.page.empty()) text += "\nto print: " + options.page;
  session.out().Result(CertificateJson(certificate, options.file), text);
  return ExitStatus::kDone;
}

// Holds what the signer says beyond the certificate's own entries against the whole ledger, and the
// signer too. Returns whether that person was struck off later.
absl::StatusOr<AgainstLedger> CompareWithLedger(Session& session, const ReadOptions& options,
                                                const evidence::ErasureCertificate& certificate) {
  const evidence::ErasureEvents& events = certificate.events;
  HF_ASSIGN_OR_RETURN(const std::uint64_t size,
                      evidence::ClaimedSize(certificate.evidence.checkpoint));
  evidence::ErasureSearch search(
      events.performed_by.empty() ? events.destroyed_index : events.performed_by.front().index,
      size);
  evidence::VerificationRequest request;
  request.folder = options.folder;
  HF_ASSIGN_OR_RETURN(request.exchange, options.source.Exchange(session));
  request.earlier = {certificate.evidence.checkpoint};
  request.readers = {&search};
  HF_ASSIGN_OR_RETURN(const std::uint64_t entries,
                      evidence::ClaimedExportSize(session.files(), options.folder));
  Progress progress(session.out(), "verifying", entries);
  HF_RETURN_IF_ERROR(evidence::VerifyExport(session.files(), request, [&](std::uint64_t index) {
                       progress.Update(index);
                     }).status());
  HF_ASSIGN_OR_RETURN(evidence::ErasureSearch::Found found,
                      search.Result(certificate.evidence.checkpoint));
  evidence::ErasureCertificate again = certificate;
  again.asserted = found.asserted;
  again.asserted.verified_by = certificate.asserted.verified_by;
  again.asserted.verified_at = certificate.asserted.verified_at;
  again.evidence = std::move(found.evidence);
  if (evidence::RenderErasure(again) != evidence::RenderErasure(certificate)) {
    return AddMetadata(
        MakeError(Reason::kLedgerInconsistent, "the certificate does not say what the ledger says"),
        "rule", "CERTIFICATE");
  }
  const std::string& by = certificate.asserted.verified_by;
  HF_RETURN_IF_ERROR(search.CheckVerifier(by, *certificate.key, certificate.asserted.verified_at));
  return AgainstLedger{true, search.FindStrikeOff(by, *certificate.key)};
}

std::string LedgerText(const AgainstLedger& against, const std::string& by) {
  if (!against.asked) {
    return "to whom keys had left before and how many holds were in force is the word of " + by +
           ", and nobody looked whether the ledger had struck " + by +
           " off; --export checks that too\n";
  }
  std::string text = "made again from the whole ledger, and the same\n";
  if (against.struck_off) {
    text += by + " was struck off later, in ledger entry " +
            std::to_string(against.struck_off->index) + " of " +
            FormatRfc3339(against.struck_off->at) +
            ": that this was signed before, only a copy from before shows\n";
  }
  return text;
}

absl::StatusOr<ExitStatus> Verify(Session& session, const ReadOptions& options) {
  HF_ASSIGN_OR_RETURN(const evidence::ErasureCertificate certificate, Open(session, options));
  AgainstLedger against;
  if (!options.folder.empty()) {
    HF_ASSIGN_OR_RETURN(against, CompareWithLedger(session, options, certificate));
  }
  session.out().Result(
      CertificateJson(certificate, options.file, against),
      session.out().Good("GENUINE") +
          ": every signature and proof in it holds, and it says what its ledger entries show\n" +
          LedgerText(against, certificate.asserted.verified_by) +
          TextFor(session.out(), certificate));
  return ExitStatus::kDone;
}

void DeclareExchangeId(Command& command, ReadOptions& options) {
  command.Optional("--exchange-id", options.source.exchange_id,
                   "64 hexadecimal digits, obtained from elsewhere; default that of the profile");
}

}  // namespace

void DeclareErasureCertificate(Command disposal) {
  Command certificate =
      disposal.Sub("certificate", "create, show, verify the certificate of a destruction");
  {
    auto options = std::make_shared<CreateOptions>();
    Command create =
        certificate.Sub("create", "verify a ledger, and certify what it shows of a destruction");
    create.RequiredNumber("entry", options->index,
                          "the revocation's ledger entry; the destruction's where records expired");
    options->source.Declare(create);
    create.Required("--out", options->out, "the certificate; nothing is replaced");
    create.Footer(
        "Who signs has verified: a custodian, counsel or auditor, and not the one who revoked.\n"
        "Needs no network.");
    create.Runs([options](Session& session) { return Create(session, *options); });
  }
  {
    auto options = std::make_shared<ReadOptions>();
    Command show = certificate.Sub("show", "show a certificate, after checking it; or print it");
    show.Required("file", options->file, "the certificate")
        .Optional("--page", options->page, "a page for paper to write, HTML");
    DeclareExchangeId(show, *options);
    show.Footer("Needs no network. One that is not genuine is not shown.");
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
  {
    auto options = std::make_shared<ReadOptions>();
    Command verify = certificate.Sub("verify", "check a certificate offline");
    verify.Required("file", options->file, "the certificate")
        .Optional("--export", options->folder, "a ledger's export, to make it again from");
    DeclareExchangeId(verify, *options);
    verify.Footer("Needs no network, and no key but the exchange's id.");
    verify.Runs([options](Session& session) { return Verify(session, *options); });
  }
}

}  // namespace holdfast::cli
