// SPDX-License-Identifier: Apache-2.0
#include "cli/ledger_witness.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "evidence/witness.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/http.h"
#include "cli/session.h"
#include "client/ledger_client.h"
#include "crypto/signed_note.h"
#include "crypto/text_lines.h"

namespace holdfast::cli {
namespace {

constexpr std::string_view kPath = "/add-checkpoint";

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
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> server, HttpServer::Listen(options.listen));
  JsonObject object("LedgerWitness");
  object.Set("key", verifier)
      .Set("port", std::uint64_t{server->port()})
      .Set("cosigned", witness->known());
  session.out().Result(
      object, fmt::format("listening on port {}; {} entries were cosigned last\n{}", server->port(),
                          witness->known(), verifier));
  HF_RETURN_IF_ERROR(server->Serve(
      kPath, evidence::kMaxWitnessRequestBytes,
      [&](std::string_view body) -> HttpAnswer {
        evidence::WitnessAnswer answer = witness->Add(body, session.clock().WallNow());
        session.out().Note(fmt::format("{}, {} entries", answer.status, witness->known()));
        return {answer.status, std::move(answer.content_type), std::move(answer.body)};
      },
      [] { return false; }));
  return ExitStatus::kDone;
}

constexpr int kMostAttempts = 20;

// A witness that is asked, and the size that it said it knows.
struct Asked {
  std::string url;
  crypto::NoteKey key;
  std::uint64_t known = 0;
};

absl::Status Refused(const crypto::NoteKey& witness, const std::string& what) {
  return AddMetadata(MakeError(Reason::kLedgerInconsistent,
                               fmt::format("the witness {} {}", witness.name(), what)),
                     "witness", witness.name());
}

// Has one witness cosign `verified`. Returns `note` with the cosignature, or nothing if the ledger
// has grown meanwhile.
absl::StatusOr<std::optional<std::string>> Ask(Session& session, client::LedgerClient& ledger,
                                               const client::VerifiedCheckpoint& verified,
                                               const std::string& note, Asked& asked) {
  // What it knows it says itself: it takes no checkpoint from another size.
  for (int attempt = 0; attempt < 2; ++attempt) {
    evidence::AddCheckpoint request;
    request.note = verified.note;
    request.old_size = asked.known;
    if (asked.known > 0 && asked.known < verified.checkpoint.size) {
      HF_ASSIGN_OR_RETURN(const v1::Checkpoint from, ledger.CheckpointFrom(asked.known));
      if (from.note() != verified.note) return std::optional<std::string>();
      for (const std::string& hash : from.consistency()) {
        HF_ASSIGN_OR_RETURN(const Digest32 digest, ArrayFromBytes<Digest32>(AsBytes(hash)));
        request.proof.push_back(digest);
      }
    }
    HF_ASSIGN_OR_RETURN(
        const HttpAnswer answer,
        HttpPost(asked.url, kPath, evidence::FormatAddCheckpoint(request), session.timeout()));
    if (answer.status == 200) {
      HF_ASSIGN_OR_RETURN(std::string cosigned,
                          evidence::AddCosignature(note, answer.body, asked.key));
      return std::optional<std::string>(std::move(cosigned));
    }
    std::string text = answer.body;
    while (text.ends_with('\n')) text.pop_back();
    const auto known = crypto::ParseDecimal(text);
    if (answer.status != 409 || !known) {
      return Refused(asked.key,
                     fmt::format("does not cosign: {} {}", answer.status, EscapeForLog(text, 200)));
    }
    if (*known > verified.checkpoint.size) {
      return Refused(asked.key, fmt::format("has seen {} entries, and the gateway shows {}", *known,
                                            verified.checkpoint.size));
    }
    if (*known == asked.known) return Refused(asked.key, "has seen another ledger of that size");
    asked.known = *known;
  }
  // Somebody else has it sign at the same time.
  return std::optional<std::string>();
}

absl::StatusOr<ExitStatus> Cosign(Session& session, const CosignOptions& options) {
  std::vector<Asked> asked;
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
    for (Asked& one : asked) {
      HF_ASSIGN_OR_RETURN(const std::optional<std::string> cosigned,
                          Ask(session, ledger, verified, note, one));
      done = cosigned.has_value();
      if (!done) break;
      note = *cosigned;
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
