// SPDX-License-Identifier: Apache-2.0
#include "evidence/companions.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "evidence/explain.h"
#include "evidence/export_folder.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_batch.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "crypto/checkpoint.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "google/protobuf/util/json_util.h"
#include "policy/replay.h"

namespace holdfast::evidence {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::string_view kSums = "SHA256SUMS";
constexpr std::string_view kEvents = "events.jsonl";
constexpr std::string_view kReadme = "README.md";
constexpr std::string_view kKeys = "keys.txt";
constexpr std::string_view kAgreement = "agreement.textproto";
constexpr std::string_view kAgreementSigned = "agreement.dsse.json";
constexpr std::string_view kOrders = "orders";
constexpr std::string_view kOrderSuffix = ".dsse.json";
constexpr std::string_view kFreshOrderSuffix =
    ".dsse.json.new";  // Of an attempt that was cut short.

// A file that grows line by line and has its name only when it is whole.
class GrowingFile final {
 public:
  static absl::StatusOr<GrowingFile> Open(FileSystem& files, std::string path) {
    const std::string part = path + ".part";
    if (files.Stat(part).ok()) HF_RETURN_IF_ERROR(files.Remove(part));
    HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(part, OpenMode::kCreateNew));
    return GrowingFile(files, std::move(path), std::move(file));
  }

  absl::Status Add(std::string_view text) {
    buffer_ += text;
    return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
  }

  absl::Status Finish() {
    HF_RETURN_IF_ERROR(Flush());
    HF_RETURN_IF_ERROR(file_->Sync());
    HF_RETURN_IF_ERROR(file_->Close());
    HF_RETURN_IF_ERROR(files_->Rename(path_ + ".part", path_));
    return files_->SyncDirectory(ParentPath(path_));
  }

 private:
  GrowingFile(FileSystem& files, std::string path, std::unique_ptr<File> file)
      : files_(&files), path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Flush() {
    HF_RETURN_IF_ERROR(file_->Append(AsBytes(buffer_)));
    buffer_.clear();
    return absl::OkStatus();
  }

  FileSystem* files_;
  std::string path_;
  std::unique_ptr<File> file_;
  std::string buffer_;
};

absl::StatusOr<std::string> Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return MakeError(Reason::kInternal, "an entry has no JSON form");
  return json;
}

absl::StatusOr<std::string> EventLine(std::uint64_t index, ByteSpan bytes,
                                      const ledger::v1::Entry& entry, const std::string& text) {
  HF_ASSIGN_OR_RETURN(const std::string json, Json(entry));
  return "{\"schema\":\"holdfast.ledger.v1.Event\",\"index\":" + std::to_string(index) +
         ",\"leaf_hash\":\"" + Hex(crypto::LeafHash(bytes)) + "\",\"fact\":\"" +
         policy::FactName(entry) + "\",\"text\":" + JsonQuote(text) + ",\"entry\":" + json + "}\n";
}

// Who may sign what, as the agreement says: for whoever checks a signature by hand.
absl::StatusOr<std::string> Keys(const policy::State& state) {
  const policy::OpenedAgreement& agreement = state.agreement();
  HF_ASSIGN_OR_RETURN(const crypto::PublicKey checkpoint,
                      crypto::PublicKey::FromBytes(state.checkpoint_key()));
  HF_ASSIGN_OR_RETURN(const crypto::NoteKey note,
                      crypto::NoteKey::Make(crypto::LedgerOrigin(agreement.exchange_id()),
                                            crypto::NoteAlgorithm::kEd25519, checkpoint));
  std::string text = "# what the agreement in entry 0 says; verify it there\n";
  text += "exchange " + Hex(BytesOf(agreement.exchange_id())) + "\n";
  text += "checkpoint " + note.ToString() + "\n";
  for (const policy::Principal& principal : agreement.principals()) {
    text += "principal " + agreement::v1::Side_Name(principal.side) + " " +
            Base64(principal.public_key.bytes()) + "\n";
  }
  for (const policy::Member& member : agreement.members()) {
    for (const policy::MemberKey& key : member.keys) {
      text += "member " + member.id + " " + agreement::v1::Role_Name(member.role) + " " +
              Base64(key.public_key.bytes()) + "\n";
    }
  }
  return text;
}

std::string Readme(const policy::State& state, std::uint64_t size) {
  const std::string id = Hex(BytesOf(state.agreement().exchange_id()));
  return "# The ledger of exchange " + state.agreement().name() +
         "\n\n"
         "Exchange id: `" +
         id +
         "`. Compare it with what a principal, or a filing, says; do not believe this file.\n\n" +
         std::to_string(size) +
         " entries, laid out as a tiled log (https://c2sp.org/tlog-tiles):\n\n"
         "| | |\n| --- | --- |\n"
         "| `checkpoint` | how many entries, and their root, signed by the ledger's key |\n"
         "| `tile/entries/` | the entries, 256 to a file |\n"
         "| `tile/` | the hashes of the tree |\n"
         "| `events.jsonl` | the same entries for reading: index, leaf hash, a sentence, the "
         "fields |\n"
         "| `orders/` | each accepted order as its person signed it (DSSE), by ledger index |\n"
         "| `agreement.textproto`, `agreement.dsse.json` | the agreement, and its signatures |\n"
         "| `keys.txt` | the public keys that it names |\n"
         "| `SHA256SUMS` | of every other file here: `sha256sum -c SHA256SUMS` |\n\n"
         "Verify the log, with nothing but the exchange's id from elsewhere:\n\n"
         "    holdfast-verify . --exchange-id ID\n\n"
         "That reads only `checkpoint` and `tile/`; everything else here was made from them for "
         "convenience, and proves nothing by itself. There is no personal data in a ledger: people "
         "who were asked about appear as keyed pseudonyms.\n";
}

// Adds the paths of all files below `folder`, relative to `root`, in order.
absl::Status ListFiles(FileSystem& files, const std::string& root, const std::string& folder,
                       std::vector<std::string>& out) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(JoinPath(root, folder)));
  for (const std::string& name : names) {
    const std::string path = folder.empty() ? name : JoinPath(folder, name);
    HF_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(JoinPath(root, path)));
    if (info.kind == FileKind::kDirectory) {
      HF_RETURN_IF_ERROR(ListFiles(files, root, path, out));
    } else {
      out.push_back(path);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sha256OfFile(FileSystem& files, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  crypto::Sha256 hash;
  Bytes buffer(kBufferBytes);
  std::uint64_t offset = 0;
  while (true) {
    HF_ASSIGN_OR_RETURN(const std::size_t read, file->ReadAt(offset, buffer));
    hash.Update(ByteSpan(buffer).first(read));
    offset += read;
    if (read < buffer.size()) break;
  }
  return Hex(hash.Finish());
}

absl::Status WriteSums(FileSystem& files, const std::string& folder) {
  std::vector<std::string> paths;
  HF_RETURN_IF_ERROR(ListFiles(files, folder, "", paths));
  HF_ASSIGN_OR_RETURN(GrowingFile sums, GrowingFile::Open(files, JoinPath(folder, kSums)));
  for (const std::string& path : paths) {
    if (path == kSums || path.ends_with(".part") || path.ends_with(".new")) continue;
    HF_ASSIGN_OR_RETURN(const std::string digest, Sha256OfFile(files, JoinPath(folder, path)));
    HF_RETURN_IF_ERROR(sums.Add(digest + "  " + path + "\n"));
  }
  return sums.Finish();
}

absl::Status MakeFolder(FileSystem& files, const std::string& path) {
  if (files.Stat(path).ok()) return absl::OkStatus();
  return files.MakeDirectory(path);
}

}  // namespace

absl::Status RemoveCompanions(FileSystem& files, const std::string& folder) {
  const auto remove = [&files](const std::string& path) {
    const absl::Status removed = files.Remove(path);
    return ReasonOf(removed) == Reason::kNotFound ? absl::OkStatus() : removed;
  };
  for (const std::string_view name :
       {kSums, kEvents, kReadme, kKeys, kAgreement, kAgreementSigned}) {
    HF_RETURN_IF_ERROR(remove(JoinPath(folder, name)));
  }
  const std::string orders = JoinPath(folder, kOrders);
  const auto names = files.List(orders);
  if (!names.ok()) {
    return ReasonOf(names.status()) == Reason::kNotFound ? absl::OkStatus() : names.status();
  }
  // What somebody else put there stays, and the folder with it.
  bool others = false;
  for (const std::string& name : *names) {
    const bool ours = name.ends_with(kOrderSuffix) || name.ends_with(kFreshOrderSuffix);
    if (ours) HF_RETURN_IF_ERROR(remove(JoinPath(orders, name)));
    others = others || !ours;
  }
  return others ? absl::OkStatus() : remove(orders);
}

absl::Status WriteCompanions(FileSystem& files, const std::string& folder, std::uint64_t size,
                             const std::function<void(std::uint64_t)>& progress) {
  FileBatch batch(files, folder);
  const std::string orders = JoinPath(folder, kOrders);
  HF_RETURN_IF_ERROR(MakeFolder(files, orders));
  HF_ASSIGN_OR_RETURN(GrowingFile events, GrowingFile::Open(files, JoinPath(folder, kEvents)));
  policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
  const absl::Status folded =
      ReadExport(files, folder, size, [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
        progress(index);
        ledger::v1::Entry entry;
        if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
          return MakeError(Reason::kLedgerInconsistent, "an entry cannot be read");
        }
        HF_ASSIGN_OR_RETURN(const std::string line,
                            EventLine(index, bytes, entry, ExplainEntry(replayer.state(), entry)));
        HF_RETURN_IF_ERROR(events.Add(line));
        if (entry.has_order_accepted()) {
          HF_RETURN_IF_ERROR(
              batch.Add(JoinPath(orders, std::to_string(index) + std::string(kOrderSuffix)),
                        AsBytes(entry.order_accepted().order_dsse())));
        }
        if (entry.has_exchange_opened()) {
          HF_RETURN_IF_ERROR(batch.Add(JoinPath(folder, kAgreementSigned),
                                       AsBytes(entry.exchange_opened().agreement_dsse())));
        }
        return replayer.Step(bytes);
      });
  HF_RETURN_IF_ERROR(folded);
  HF_RETURN_IF_ERROR(events.Finish());
  const policy::State& state = replayer.state();
  if (!state.open()) return MakeError(Reason::kLedgerInconsistent, "the ledger has no entry");
  HF_RETURN_IF_ERROR(batch.Add(JoinPath(folder, kAgreement), AsBytes(state.agreement().text())));
  HF_ASSIGN_OR_RETURN(const std::string keys, Keys(state));
  HF_RETURN_IF_ERROR(batch.Add(JoinPath(folder, kKeys), AsBytes(keys)));
  HF_RETURN_IF_ERROR(batch.Add(JoinPath(folder, kReadme), AsBytes(Readme(state, size))));
  HF_RETURN_IF_ERROR(batch.Commit());
  HF_RETURN_IF_ERROR(files.SyncAll(folder));
  return WriteSums(files, folder);
}

}  // namespace holdfast::evidence
