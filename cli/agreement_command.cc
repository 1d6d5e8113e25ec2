// SPDX-License-Identifier: Apache-2.0
// holdfast agreement: write, check, sign, verify and compare agreements.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/agreement_files.h"
#include "cli/agreement_sample.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/signer.h"
#include "crypto/dsse.h"
#include "crypto/key_file.h"
#include "crypto/sha256.h"
#include "policy/permissions.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kMaxPlaceTableBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxDocumentBytes = std::size_t{64} << 20;

struct InitOptions {
  std::string out;
  std::string name = "address-requests";
  std::string domain = "holdfast.example";
  std::string keys;
  std::string places;
  std::string official = "deputy-director-1";
  std::string delegation;
  std::string safeguard;
  std::string cooling = "72h";
  std::string window = "72h";
  bool without_witnesses = false;
};

struct FileOptions {
  std::string file;
};

struct SignOptions {
  std::string file;
  std::string key;
  std::string agent;
  std::string passphrase_file;
  std::string out;
};

struct VerifyOptions {
  std::string file;
  std::string exchange_id;
};

struct DiffOptions {
  std::string before;
  std::string after;
};

absl::StatusOr<std::string> SecondsOf(const std::string& duration) {
  HF_ASSIGN_OR_RETURN(const std::chrono::milliseconds value, ParseDuration(duration));
  if (value.count() % 1000 != 0 || value.count() == 0) {
    return MakeError(Reason::kRequestMalformed, "whole seconds are needed, not " + duration);
  }
  return std::to_string(value.count() / 1000);
}

// How `path` is named in a file that lies in the folder of `from`.
std::string RelativeTo(const std::string& from, const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::string folder = ParentPath(from) + "/";
  if (folder == "./") return path;
  return path.starts_with(folder) ? path.substr(folder.size()) : "";
}

// The digest of a signed document, in hex; zeros, which `agreement check` refuses, if there is none
// yet.
absl::StatusOr<std::string> DigestOfDocument(Session& session, const std::string& path) {
  if (path.empty()) return std::string(64, '0');
  HF_ASSIGN_OR_RETURN(const std::string text, session.ReadText(path, kMaxDocumentBytes));
  return Hex(crypto::Sha256Of(AsBytes(text)));
}

absl::StatusOr<ExitStatus> Init(Session& session, const InitOptions& options) {
  AgreementSample sample;
  sample.name = options.name;
  sample.trust_domain = options.domain;
  HF_ASSIGN_OR_RETURN(sample.cooling_period, SecondsOf(options.cooling));
  HF_ASSIGN_OR_RETURN(sample.destruction_window, SecondsOf(options.window));
  if (options.official.find_first_of("\"\\\n") != std::string::npos) {
    return MakeError(Reason::kRequestMalformed, "--official has a character that needs quoting");
  }
  sample.official = options.official;
  HF_ASSIGN_OR_RETURN(sample.delegation_sha256, DigestOfDocument(session, options.delegation));
  HF_ASSIGN_OR_RETURN(sample.safeguard_sha256, DigestOfDocument(session, options.safeguard));
  // From the beginning of today on: clocks differ.
  constexpr std::int64_t kDaySeconds = 86'400;
  sample.documents_from = session.clock().WallNow().value() / (kDaySeconds * 1000) * kDaySeconds;
  if (options.places.empty()) {
    sample.place_table_path = "places.csv";
    sample.place_table_sha256 = std::string(64, '0');
  } else {
    HF_ASSIGN_OR_RETURN(const std::string places,
                        session.ReadText(options.places, kMaxPlaceTableBytes));
    sample.place_table_sha256 = Hex(crypto::Sha256Of(AsBytes(places)));
    sample.place_table_path = RelativeTo(options.out, options.places);
    if (sample.place_table_path.empty()) {
      return MakeError(
          Reason::kRequestMalformed,
          "the place table must lie in the agreement's folder or below it, or be named "
          "from the root on");
    }
  }
  std::size_t missing = 0;
  sample.witnesses = !options.without_witnesses;
  for (const auto& [name, who] : SampleSigners()) {
    if (options.without_witnesses && name.starts_with("witness-")) continue;
    if (options.keys.empty()) {
      ++missing;
      continue;
    }
    const std::string path = JoinPath(options.keys, name + ".pub");
    const auto text = session.files().ReadWhole(path, crypto::kMaxKeyFileBytes);
    if (ReasonOf(text.status()) == Reason::kNotFound) {
      session.out().Note(path + " is not there: put in the public key of " + who);
      ++missing;
      continue;
    }
    HF_RETURN_IF_ERROR(text.status());
    const auto key = crypto::ReadPublicKeyFile(AsText(*text));
    if (!key.ok()) return AddMetadata(key.status(), "file", path);
    sample.keys[name] = key->key.ToBase64();
  }
  const std::string text = AgreementSampleText(sample);
  HF_RETURN_IF_ERROR(session.MakeFolder(ParentPath(options.out)));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(text), Overwrite::kRefuse));
  JsonObject object("AgreementInit");
  object.Set("file", options.out).Set("missing_keys", std::uint64_t{missing});
  session.out().Result(object,
                       "agreement " + options.out +
                           (missing == 0 ? "" : fmt::format(", {} keys to be put in", missing)));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Check(Session& session, const FileOptions& options) {
  const auto agreement = ReadAnyAgreement(session, options.file);
  if (ReasonOf(agreement.status()) == Reason::kAgreementInvalid) {
    JsonArray defects;
    std::string text;
    std::string lines(agreement.status().message());
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      defects.Add(lines.substr(0, end));
      text += (text.empty() ? "" : "\n") + options.file + ":" + lines.substr(0, end);
      lines.erase(0, end == std::string::npos ? end : end + 1);
    }
    JsonObject object("AgreementCheck");
    object.Set("valid", false).Set("defects", defects);
    session.out().Result(object, text);
    return ExitStatus::kDefectFound;
  }
  HF_RETURN_IF_ERROR(agreement.status());
  HF_RETURN_IF_ERROR(CheckPlaceTable(session, *agreement, options.file));
  JsonObject object("AgreementCheck");
  object.Set("valid", true)
      .Set("name", agreement->name())
      .Set("version", agreement->version())
      .Set("sha256", Hex(agreement->digest()));
  session.out().Result(
      object, fmt::format("{} is a valid agreement: {}, version {}, SHA-256 {}", options.file,
                          agreement->name(), agreement->version(), Hex(agreement->digest())));
  return ExitStatus::kDone;
}

// What is signed so far: the envelope at `path` if it is of the same text, else a new one.
absl::StatusOr<crypto::UnverifiedDsse> Begin(Session& session, const std::string& path,
                                             ByteSpan payload) {
  crypto::UnverifiedDsse fresh;
  fresh.payload_type = std::string(crypto::kAgreementPayloadType);
  fresh.payload = ToBytes(payload);
  const auto there = session.files().ReadWhole(path, crypto::kMaxDsseBytes);
  if (ReasonOf(there.status()) == Reason::kNotFound) return fresh;
  HF_RETURN_IF_ERROR(there.status());
  HF_ASSIGN_OR_RETURN(crypto::UnverifiedDsse envelope, crypto::ParseDsse(AsText(*there)));
  if (envelope.payload_type != fresh.payload_type || envelope.payload != fresh.payload) {
    return MakeError(Reason::kAlreadyExists, path + " holds signatures of another text");
  }
  return envelope;
}

absl::StatusOr<ExitStatus> Sign(Session& session, const SignOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::string text,
                      session.ReadText(options.file, policy::kMaxAgreementBytes));
  auto agreement = policy::OpenedAgreement::CompileUnsigned(text);
  if (!agreement.ok()) return AddMetadata(agreement.status(), "file", options.file);
  HF_RETURN_IF_ERROR(CheckPlaceTable(session, *agreement, options.file));
  HF_ASSIGN_OR_RETURN(crypto::UnverifiedDsse envelope, Begin(session, options.out, AsBytes(text)));
  if (options.key.empty() == options.agent.empty()) {
    return MakeError(Reason::kRequestMalformed, "sign with --key FILE or with --agent PUBLIC-KEY");
  }
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<Signer> key,
                      options.key.empty()
                          ? OpenAgentSigner(session, options.agent)
                          : OpenFileSigner(session, options.key, options.passphrase_file));
  const policy::Principal* signer = nullptr;
  for (const policy::Principal& principal : agreement->principals()) {
    if (principal.public_key == key->public_key()) signer = &principal;
  }
  if (signer == nullptr) {
    return MakeError(Reason::kSignatureInvalid, "the key is neither principal's");
  }
  HF_RETURN_IF_ERROR(AddSignature(envelope, *key));
  const std::string rendered = crypto::RenderDsse(envelope);
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(rendered), Overwrite::kPermit));
  const std::string id = Hex(agreement->digest());
  JsonObject object("AgreementSign");
  object.Set("file", options.out)
      .Set("signed_by", signer->name)
      .Set("signatures", std::uint64_t{envelope.signatures.size()})
      .Set("sha256", id);
  session.out().Result(object, fmt::format("signed by {} ({} of 2): {}", signer->name,
                                           envelope.signatures.size(), options.out));
  if (envelope.signatures.size() == 2 && agreement->version() == 1) {
    session.out().Note("the exchange's id is " + id);
  }
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Verify(Session& session, const VerifyOptions& options) {
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement agreement,
                      ReadSignedAgreement(session, options.file));
  const std::string id = Hex(agreement.digest());
  if (!options.exchange_id.empty() && options.exchange_id != id) {
    const std::string defect = "the agreement's id is " + id + ", not the one that was given";
    JsonArray defects;
    defects.Add(defect);
    JsonObject object("AgreementCheck");
    object.Set("valid", false).Set("defects", defects);
    session.out().Result(object, defect);
    return ExitStatus::kDefectFound;
  }
  HF_RETURN_IF_ERROR(CheckPlaceTable(session, agreement, options.file));
  JsonArray members;
  std::string text = fmt::format("{}, version {}, signed by both principals\nexchange {}",
                                 agreement.name(), agreement.version(), id);
  for (const policy::Member& member : agreement.members()) {
    JsonObject one;
    one.Set("id", member.id)
        .Set("role", policy::RoleName(member.role))
        .Set("side", policy::SideName(member.side))
        .Set("display_name", member.display_name);
    members.AddRaw(one.text());
    text += fmt::format("\n  {:<14} {:<10} {:<10} {}", member.id, policy::RoleName(member.role),
                        policy::SideName(member.side), member.display_name);
  }
  JsonObject object("Agreement");
  object.Set("name", agreement.name())
      .Set("version", agreement.version())
      .Set("exchange_id", id)
      .Set("members", members);
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Diff(Session& session, const DiffOptions& options) {
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement before,
                      ReadAnyAgreement(session, options.before));
  HF_ASSIGN_OR_RETURN(const policy::OpenedAgreement after,
                      ReadAnyAgreement(session, options.after));
  JsonArray changes;
  std::string text;
  for (const std::string& line : policy::DiffAgreements(before, after)) {
    changes.Add(line);
    text += (text.empty() ? "" : "\n") + line;
  }
  JsonObject object("AgreementDiff");
  object.Set("changes", changes);
  session.out().Result(object, text.empty() ? "nothing that matters changes" : text);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareAgreement(Command root) {
  Command agreement = root.Sub("agreement", "init, check, sign, verify, diff");
  {
    auto options = std::make_shared<InitOptions>();
    Command init = agreement.Sub("init", "write a commented agreement to begin with");
    init.Required("--out", options->out, "the file to write")
        .Optional("--name", options->name, "the exchange's name; default address-requests")
        .Optional("--domain", options->domain, "the trust domain; default holdfast.example")
        .Optional("--keys", options->keys,
                  "a folder with public keys: MEMBER.pub, principal-source.pub, "
                  "principal-requester.pub, witness-source.pub, witness-requester.pub")
        .Optional("--places", options->places, "the table of ZIP,city,state")
        .Optional("--official", options->official,
                  "who may ask for records; default deputy-director-1")
        .Optional("--delegation", options->delegation, "the official's signed delegation, a file")
        .Optional("--safeguard", options->safeguard,
                  "the signed document about the requester's safeguards, a file")
        .Optional("--cooling-period", options->cooling, "how long a lift waits; default 72h")
        .Optional("--destruction-window", options->window,
                  "how long a revoked key waits; default 72h")
        .Flag("--without-witnesses", options->without_witnesses,
              "demand none: for tests, where nobody runs them");
    init.Runs([options](Session& session) { return Init(session, *options); });
  }
  {
    auto options = std::make_shared<FileOptions>();
    Command check = agreement.Sub("check", "say what is wrong, with line numbers");
    check.Required("file", options->file, "the agreement, signed or not");
    check.Runs([options](Session& session) { return Check(session, *options); });
  }
  {
    auto options = std::make_shared<SignOptions>();
    Command sign = agreement.Sub("sign", "sign as one of the principals");
    sign.Required("file", options->file, "the agreement's text")
        .Optional("--key", options->key, "the principal's key file")
        .Optional("--agent", options->agent, "in its place: the public key of a key in ssh-agent")
        .Optional("--passphrase-file", options->passphrase_file,
                  "a file with the passphrase in its first line")
        .Required("--out", options->out, "the signed file; a signature is added to what is there");
    sign.Runs([options](Session& session) { return Sign(session, *options); });
  }
  {
    auto options = std::make_shared<VerifyOptions>();
    Command verify = agreement.Sub("verify", "check both signatures and show who may act");
    verify.Required("file", options->file, "the signed agreement")
        .Optional("--exchange-id", options->exchange_id, "what its id must be");
    verify.Runs([options](Session& session) { return Verify(session, *options); });
  }
  {
    auto options = std::make_shared<DiffOptions>();
    Command diff = agreement.Sub("diff", "say what changes from one agreement to another");
    diff.Required("before", options->before, "an agreement, signed or not")
        .Required("after", options->after, "another one");
    diff.Runs([options](Session& session) { return Diff(session, *options); });
  }
}

}  // namespace holdfast::cli
