// SPDX-License-Identifier: Apache-2.0
// Exports of earlier versions, in tests/vectors/ledgers: every later verifier gives the same
// answer.
//
// A folder has an export's log, the exchange's id, a receipt, a statement of non-use, and the
// answer. After a deliberate change of what a ledger holds run this program with
// HOLDFAST_WRITE_VECTORS=1 and a new kCurrent; what an old folder says is never written again.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "evidence/non_use.h"
#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/file_system.h"
#include "crypto/dsse.h"
#include "crypto/key_file.h"
#include "tests/evidence/story.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using std::chrono::hours;
using Json = nlohmann::ordered_json;

constexpr const char* kCurrent = "policy-1-witnessed";

std::filesystem::path Folder() {
  return std::filesystem::path(HF_SOURCE_DIR) / "tests/vectors/ledgers";
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Write(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// What a verifier says, as far as it must never change.
Json AnswerOf(const Verification& v) {
  Json answer;
  answer["entries"] = v.checkpoint.size;
  answer["root"] = Hex(v.checkpoint.root);
  answer["decided_again"] = v.report.decided_again;
  for (const RuleCount& rule : RulesOf(v.report)) {
    answer["rules"][rule.rule] = {rule.entries, rule.again};
  }
  answer["records"] = {v.records.active, v.records.expired, v.records.revoked, v.records.destroyed};
  answer["verdicts"] = {v.verdicts.replayable, v.verdicts.not_replayable};
  answer["holds_placed"] = v.holds_placed;
  answer["destructions"] = v.destructions;
  answer["statements"] = Json::array();
  for (const VerifiedStatement& statement : v.statements) {
    answer["statements"].push_back({{"by", statement.said.by},
                                    {"records", statement.found.records},
                                    {"released_before", statement.found.released_before}});
  }
  return answer;
}

absl::StatusOr<Verification> Verify(const std::filesystem::path& folder) {
  PosixFileSystem files;
  VerificationRequest request;
  request.folder = folder / "export";
  std::string id = Read(folder / "exchange-id");
  while (id.ends_with('\n')) id.pop_back();
  request.exchange = IdFromBytes<ExchangeId>(FromHex(id).value()).value();
  request.statements = {Read(folder / "non-use.dsse.json")};
  const auto receipt = crypto::ParseTlogProof(Read(folder / "hold.tlog-proof"));
  EXPECT_THAT(receipt, IsOk());
  request.receipts = {*receipt};
  return VerifyExport(files, request, [](std::uint64_t) {});
}

void WriteCurrent() {
  const std::filesystem::path folder = Folder() / kCurrent;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  PosixFileSystem files;
  const test::SignedWorld story = test::Whole(test::WitnessedOptions());
  test::WriteExport(files, folder / "export", story.entries, story.Checkpoint());
  const ExchangeId exchange = story.world.agreement().exchange_id();
  Write(folder / "exchange-id", Hex(BytesOf(exchange)) + "\n");
  Write(folder / "auditor.key",
        AsText(crypto::WriteUnprotectedKeyFile(test::KeyOf("audra")).value().Reveal()));

  // For programs of others: the ledger's key, and the proof of one entry
  // (tests/integration/interop).
  const auto name =
      crypto::NoteKey::Make(crypto::LedgerOrigin(exchange), crypto::NoteAlgorithm::kEd25519,
                            test::KeyOf("ledger").public_key());
  ASSERT_THAT(name, IsOk());
  Write(folder / "ledger.vkey", name->ToString() + "\n");
  const std::uint64_t hold = story.world.state().holds().Find("hold-1")->placed_index;
  LedgerVerifier verifier(exchange);
  for (const std::string& entry : story.entries) {
    ASSERT_THAT(verifier.Add(AsBytes(entry)), IsOk());
  }
  const auto path = verifier.Prove(hold, story.entries.size());
  ASSERT_THAT(path, IsOk());
  Write(folder / "hold.tlog-proof", crypto::FormatTlogProof({hold, *path, story.Checkpoint()}));

  const UnixMillis start(test::World::kStart);
  const NonUseSigned said{exchange,
                          "audra",
                          start + hours(80),
                          {test::OfPerson(4), start + hours(3), start + hours(72)},
                          story.Checkpoint()};
  NonUseSearch search(said.question);
  VerificationRequest request;
  request.folder = folder / "export";
  request.exchange = exchange;
  request.readers = {&search};
  ASSERT_THAT(VerifyExport(files, request, [](std::uint64_t) {}), IsOk());
  const auto payload = RenderNonUse(said, search.found());
  ASSERT_THAT(payload, IsOk());
  const auto signed_statement =
      crypto::SignDsse(kNonUsePayloadType, AsBytes(*payload), test::KeyOf("audra"));
  ASSERT_THAT(signed_statement, IsOk());
  Write(folder / "non-use.dsse.json", crypto::RenderDsse(*signed_statement));
  const auto verification = Verify(folder);
  ASSERT_THAT(verification, IsOk());
  Write(folder / "answer.json", AnswerOf(*verification).dump(1) + "\n");
}

TEST(FrozenLedgerTest, EveryLedgerThatWasEverWrittenGetsTheAnswerThatItGot) {
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) WriteCurrent();
  int folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++folders;
    const auto verification = Verify(entry.path());
    ASSERT_THAT(verification, IsOk());
    EXPECT_EQ(AnswerOf(*verification), Json::parse(Read(entry.path() / "answer.json")));
  }
  EXPECT_GE(folders, 1);
}

// So that a verifier that forgets a rule is noticed.
TEST(FrozenLedgerTest, TheLedgerHasEveryFactOfItsTime) {
  const Json answer = Json::parse(Read(Folder() / kCurrent / "answer.json"));
  for (const char* rule :
       {"exchange_opened",  "process_started",      "time_advanced",      "segment_opened",
        "epoch_advanced",   "epoch_erased",         "transfer_created",   "subject_judged",
        "subjects_fetched", "submission_finished",  "envelope_deposited", "transfer_closed",
        "case_shown",       "review_opened",        "verdict_rerun",      "envelopes_collected",
        "lease_opened",     "key_released",         "order_accepted",     "records_destroyed",
        "FROZEN",           "checkpoint_witnessed", "ledger_read"}) {
    EXPECT_TRUE(answer["rules"].contains(rule)) << rule;
  }
}

}  // namespace
}  // namespace holdfast::evidence
