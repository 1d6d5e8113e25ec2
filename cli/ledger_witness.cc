// SPDX-License-Identifier: Apache-2.0
#include "cli/ledger_witness.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "evidence/http.h"
#include "evidence/witness.h"
#include "evidence/witness_client.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/session.h"
#include "client/ledger_client.h"
#include "crypto/signed_note.h"

namespace holdfast::cli {
namespace {

struct WitnessOptions {
  std::string listen = "127.0.0.1:0";
  std::string name;
  std::string key;
  std::string passphrase_file;
  std::string ledger;
  std::string state;
};

struct CosignOptions {
  std::vector<std::string> witnesses;
  std::string out;
};

absl::StatusOr<ExitStatus> Witness(Session& session, const WitnessOptions& options) {
  HF_ASSIGN_OR_RETURN(crypto::NoteKey ledger, crypto::NoteKey::Parse(options.ledger));
  if (ledger.algorithm() != crypto::NoteAlgorithm::kEd25519) {
    return MakeError(Reason::kRequestMalformed, "--ledger is a ledger's verifier key");
  }
  HF_ASSIGN_OR_RETURN(crypto::SigningKey key,
                      session.ReadSigningKey(options.key, options.passphrase_file));
  HF_ASSIGN_OR_RETURN(
      crypto::NoteKey name,
      crypto::NoteKey::Make(options.name, crypto::NoteAlgorithm::kCosignatureV1, key.public_key()));
  const std::string verifier = name.ToString();
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<evidence::Witness> witness,
                      evidence::Witness::Open(session.files(), options.state, std::move(ledger),
                                              std::move(name), std::move(key)));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<evidence::HttpServer> server,
                      evidence::HttpServer::Listen(options.listen));
  JsonObject object("LedgerWitness");
  object.Set("key", verifier)
      .Set("port", std::uint64_t{server->port()})
      .Set("cosigned", witness->known());
  session.out().Result(
      object, fmt::format("listening on port {}; {} entries were cosigned last\n{}", server->port(),
                          witness->known(), verifier));
  HF_RETURN_IF_ERROR(server->Serve(
      evidence::kWitnessPath, evidence::kMaxWitnessRequestBytes,
      [&](std::string_view body) -> evidence::HttpAnswer {
        evidence::WitnessAnswer answer = witness->Add(body, session.clock().WallNow());
        session.out().Note(fmt::format("{}, {} entries", answer.status, witness->known()));
        return {answer.status, std::move(answer.content_type), std::move(answer.body)};
      },
      [] { return false; }));
  return ExitStatus::kDone;
}

constexpr int kMostAttempts = 20;

// The proofs of `verified`, as long as that is the newest checkpoint.
evidence::ProofFrom ProofsOf(client::LedgerClient& ledger,
                             const client::VerifiedCheckpoint& verified) {
  return [&](std::uint64_t size) -> absl::StatusOr<std::optional<crypto::MerkleProof>> {
    HF_ASSIGN_OR_RETURN(const v1::Checkpoint from, ledger.CheckpointFrom(size));
    if (from.note() != verified.note) return std::optional<crypto::MerkleProof>();
    crypto::MerkleProof proof;
    for (const std::string& hash : from.consistency()) {
      HF_ASSIGN_OR_RETURN(const Digest32 digest, ArrayFromBytes<Digest32>(AsBytes(hash)));
      proof.push_back(digest);
    }
    return std::optional(std::move(proof));
  };
}

absl::StatusOr<ExitStatus> Cosign(Session& session, const CosignOptions& options) {
  std::vector<evidence::AskedWitness> asked;
  std::vector<crypto::NoteKey> keys;
  for (const std::string& text : options.witnesses) {
    const std::size_t comma = text.find(',');
    const auto key = comma == std::string::npos
                         ? absl::StatusOr<crypto::NoteKey>(MakeError(Reason::kRequestMalformed, ""))
                         : crypto::NoteKey::Parse(std::string_view(text).substr(comma + 1));
    if (!key.ok() || key->algorithm() != crypto::NoteAlgorithm::kCosignatureV1) {
      return MakeError(Reason::kRequestMalformed,
                       "--witness is URL,KEY with the key that the witness prints, not " +
                           EscapeForLog(text, 200));
    }
    asked.push_back({text.substr(0, comma), *key, 0});
    keys.push_back(*key);
  }
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  client::LedgerClient ledger(channel);
  client::VerifiedCheckpoint verified;
  std::string note;
  bool done = false;
  for (int attempt = 0; attempt < kMostAttempts && !done; ++attempt) {
    HF_ASSIGN_OR_RETURN(verified, VerifyCheckpoint(session));
    note = verified.note;
    done = true;
    for (evidence::AskedWitness& one : asked) {
      HF_ASSIGN_OR_RETURN(const std::optional<std::string> lines,
                          evidence::AskWitness(one, verified.note, verified.checkpoint.size,
                                               ProofsOf(ledger, verified), session.timeout()));
      done = lines.has_value();
      if (!done) break;
      note += *lines;
    }
  }
  if (!done) return MakeError(Reason::kUnavailable, "the ledger grows faster than witnesses sign");
  HF_ASSIGN_OR_RETURN(const crypto::OpenedNote opened, crypto::OpenNote(note, keys));
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(note), Overwrite::kPermit));
  JsonArray witnesses;
  std::string text = fmt::format("{} entries, root {}: {}", verified.checkpoint.size,
                                 Hex(verified.checkpoint.root), options.out);
  for (const crypto::NoteSigned& by : opened.by) {
    JsonObject one;
    const UnixMillis at = by.at.value_or(UnixMillis(0));
    one.Set("name", by.key.name()).Set("time", FormatRfc3339(at));
    witnesses.AddRaw(one.text());
    text += "\n  cosigned by " + by.key.name() + " at " + session.out().Time(at);
  }
  JsonObject object("LedgerCosigned");
  object.Set("size", verified.checkpoint.size)
      .Set("root", Hex(verified.checkpoint.root))
      .Set("file", options.out)
      .Set("witnesses", witnesses);
  session.out().Result(object, text);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareLedgerWitness(Command ledger) {
  {
    auto options = std::make_shared<WitnessOptions>();
    Command command =
        ledger.Sub("witness", "be a witness: cosign every checkpoint that extends the last one");
    command.Required("--name", options->name, "this witness's name, such as audit.example/witness")
        .Required("--key", options->key, "its signing key (holdfast identity create)")
        .Optional("--passphrase-file", options->passphrase_file, "where that key's passphrase is")
        .Required("--ledger", options->ledger,
                  "the ledger's verifier key, as `keys.txt` in an export has it")
        .Required("--state", options->state, "a folder of its own: what it cosigned last")
        .Optional("--listen", options->listen,
                  "ADDRESS:PORT; default 127.0.0.1 and any port, which is printed");
    command.Footer(
        "Speaks C2SP tlog-witness over HTTP, without TLS: all of it is public and signed. Needs "
        "no\n"
        "profile and no gateway. Runs until it is ended.");
    command.Runs([options](Session& session) { return Witness(session, *options); });
  }
  {
    auto options = std::make_shared<CosignOptions>();
    Command command = ledger.Sub("cosign", "have witnesses cosign the newest checkpoint");
    command
        .RequiredSeveral("--witness", options->witnesses, "URL,KEY of a witness; may be repeated")
        .Required("--out", options->out, "the cosigned checkpoint, for `ledger verify --earlier`");
    command.Runs([options](Session& session) { return Cosign(session, *options); });
  }
}

}  // namespace holdfast::cli
