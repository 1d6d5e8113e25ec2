// SPDX-License-Identifier: Apache-2.0
//
// Ledgers in which everything that people do happens once, and their exports.
//
// When to use  In tests of what reads an export.
// Threads      One thread.
// Ownership    Values.
// Errors       Fails the test where the policy refuses.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "evidence/cosignatures.h"
#include "evidence/export_folder.h"
#include "gtest/gtest.h"

#include "base/file_system.h"
#include "crypto/lease.h"
#include "crypto/signed_note.h"
#include "tests/policy/signed_world.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {

// A document of ours, with one blank wherever it has white space: lines break where they like.
inline std::string Prose(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string text;
  for (std::string word; file >> word;) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The lines of `text` behind `heading`, each without its "- ".
inline std::vector<std::string> LinesUnder(const std::string& text, const std::string& heading) {
  std::vector<std::string> lines;
  const std::size_t at = text.rfind(heading);
  EXPECT_NE(at, std::string::npos) << text;
  if (at == std::string::npos) return lines;
  std::istringstream rest(text.substr(at + heading.size()));
  for (std::string line; std::getline(rest, line);) {
    const std::size_t dash = line.find("- ");
    if (dash != std::string::npos) lines.push_back(line.substr(dash + 2));
  }
  EXPECT_FALSE(lines.empty()) << text;
  return lines;
}

// A transfer, approved and deposited; a hold, lifted by two; a revocation, and its destruction.
inline SignedWorld Story() {
  SignedWorld s;
  World& w = s.world;
  const std::uint32_t t = w.FinishedTransfer(3);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  for (std::uint32_t row = 0; row < 3; ++row) w.Deposit(t, row);
  EXPECT_EQ(s.Submit("carol", w.HoldAct("hold-1", OfPerson(1))), Refusal::kAllowed);
  w.AdvanceEpoch();
  LiftAndDestroy(s, t);
  return s;
}

// A lease of `transfer` as its requester's machine opens it: the opening says what the entry says.
inline ledger::v1::LeaseOpened RealLease(World& w, std::uint32_t transfer) {
  crypto::LeaseOpening opening;
  opening.exchange = w.agreement().exchange_id();
  opening.transfer = w.state().transfer(transfer)->id;
  opening.opened_at = w.state().now().late;
  opening.member = "ice";
  SeededCryptoRandom random(7);
  const auto request = crypto::LeaseRequest::Create(opening, KeyOf("ice"), random);
  EXPECT_THAT(request, IsOk());
  ledger::v1::LeaseOpened fact = w.LeaseFact(transfer);
  fact.set_recipient_key(ToString(BytesOf(request->opening().recipient_key)));
  fact.set_opening(ToString(request->opening_bytes()));
  fact.set_signature(ToString(request->signature()));
  return fact;
}

inline std::uint32_t OpenRealLease(SignedWorld& s, std::uint32_t transfer) {
  s.world.Do(RealLease(s.world, transfer));
  return s.world.state().lease_count() - 1;
}

// An agreement that demands a witness of each side, once a week.
inline AgreementOptions WitnessedOptions() {
  AgreementOptions options;
  options.terms = "witness_max_age { seconds: 604800 }\n";
  for (const auto& [name, side] : {std::pair("source.example/witness", "SOURCE"),
                                   std::pair("requester.example/witness", "REQUESTER")}) {
    options.more += std::string("witnesses { name: \"") + name + "\" side: " + side +
                    " public_key: \"" + KeyOf(name).public_key().ToBase64() + "\" }\n";
  }
  return options;
}

// Has each witness of the agreement sign the ledger as it is, and records that.
inline void Cosign(SignedWorld& s) {
  s.Collect();
  std::string note = s.Checkpoint();
  for (const crypto::NoteKey& key : evidence::WitnessKeys(s.world.agreement())) {
    const auto cosigned =
        crypto::AddNoteSignature(note, {key, KeyOf(key.name())}, s.world.state().now().late);
    EXPECT_THAT(cosigned, IsOk());
    note = *cosigned;
  }
  s.world.Do(evidence::CosignaturesIn(note, s.world.agreement()));
  s.Collect();
}

// A transfer of six rows of the persons 0 to 5, of which one is released by a custodian and the
// last was not found. An hour after the start the keys of the rows 0, 1 and 5 leave, that of row 0
// twice. Two days after it, row 1 is frozen and asked for in vain, and the key of row 2 leaves. It
// ends a day later.
inline SignedWorld Disclosures(const AgreementOptions& options = {}) {
  using std::chrono::hours;
  SignedWorld s(options);
  World& w = s.world;
  const std::uint32_t t = w.FinishedTransfer(6);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(t)), Refusal::kAllowed);
  ledger::v1::SubjectsFetched fetched;
  fetched.set_transfer(t);
  fetched.set_source("irs");
  w.Do(fetched);
  for (const std::uint32_t row : {0U, 1U, 2U, 4U}) w.Deposit(t, row);
  w.Deposit(t, 5, 10);
  w.Do(w.Doubt(t, 3));
  ledger::v1::CaseShown shown;
  shown.set_transfer(t);
  shown.set_row(3);
  shown.set_custodian("paula");
  w.Do(shown);
  EXPECT_EQ(s.Submit("paula", w.ReleaseCaseAct(t, 3)), Refusal::kAllowed);
  w.Deposit(t, 3, 2);
  w.Close(t);
  ledger::v1::EnvelopesCollected collected;
  collected.set_transfer(t);
  collected.set_requester("ice");
  w.Do(collected);
  w.Pass(hours(1));
  if (!w.agreement().witnesses().empty()) Cosign(s);
  const std::uint32_t first = OpenRealLease(s, t);
  for (const std::uint32_t row : {0U, 1U, 5U, 0U}) w.Do(World::Release(first, row));
  w.Pass(hours(47));
  EXPECT_EQ(s.Submit("carol", w.HoldAct("hold-1", OfPerson(1))), Refusal::kAllowed);
  w.AdvanceEpoch();
  const std::uint32_t second = OpenRealLease(s, t);
  ledger::v1::Refused refused;
  refused.set_member("ice");
  refused.set_act(ledger::v1::Refused::RELEASE_KEYS);
  refused.set_refusal(static_cast<std::uint32_t>(Refusal::kFrozen));
  refused.set_transfer(t);
  refused.set_has_transfer(true);
  refused.set_hold_index(w.state().holds().Find("hold-1")->placed_index);
  policy::RowRuns rows{t, {}};
  rows.Append(1);
  *refused.mutable_rows() = policy::ToLedgerRows(rows);
  w.Do(refused);
  w.Do(World::Release(second, 2));
  w.Pass(hours(24));
  s.Collect();
  return s;
}

// All of that, and what else people do: the hold is lifted by two, the records are revoked and
// destroyed, and two more transfers are suspended, resumed, capped, ended and denied. Where the
// agreement demands witnesses, the ledger is read, one person accounted for, and the key that makes
// pseudonyms destroyed.
inline SignedWorld Whole(const AgreementOptions& options = {}) {
  SignedWorld s = Disclosures(options);
  World& w = s.world;
  ledger::v1::VerdictRerun rerun;
  rerun.set_transfer(0);
  rerun.set_row(3);
  rerun.set_custodian("paula");
  for (std::size_t i = 0; i < w.ledger().size(); ++i) {
    if (w.ledger()[i].entry.has_review_opened()) rerun.set_verdict_index(i);
  }
  rerun.set_gate_version(1);
  rerun.set_result(ledger::v1::VerdictRerun::SAME);
  w.Do(rerun);
  ledger::v1::PersonIdentified identified;
  identified.set_member("carol");
  identified.add_people(ToString(BytesOf(PseudonymOf(1))));
  w.Do(identified);
  LiftAndDestroy(s, 0);
  ledger::v1::EpochErased erased;
  erased.set_epoch(w.state().epoch() - 1);
  erased.set_keyslot_kind("file");
  erased.set_erasure_class("medium");
  w.Do(erased);
  const std::uint32_t second = w.FinishedTransfer(2);
  EXPECT_EQ(s.Submit("paula", w.SuspendAct(second)), Refusal::kAllowed);
  w.AdvanceEpoch();
  EXPECT_EQ(s.Submit("pete", w.ResumeAct(second)), Refusal::kAllowed);
  EXPECT_EQ(s.Submit("paula", w.ApproveAct(second)), Refusal::kAllowed);
  EXPECT_EQ(s.Submit("paula", w.CapAct(second, 1)), Refusal::kAllowed);
  w.AdvanceEpoch();
  w.Pass(std::chrono::hours(1));
  EXPECT_EQ(s.Submit("pete", w.EndAct(second, w.late() + 1'000)), Refusal::kAllowed);
  w.AdvanceEpoch();
  w.Pass(std::chrono::hours(1));
  s.Collect();
  if (w.agreement().witnesses().empty()) return s;
  Cosign(s);
  ledger::v1::LedgerRead read;
  read.set_member("audra");
  w.Do(read);
  order::v1::Order account;
  account.mutable_account_person()->add_people(std::string(31, '0') + "1");
  account.mutable_account_person()->set_reason("the person asked");
  EXPECT_EQ(s.Submit("paula", account), Refusal::kAllowed);
  order::v1::Order destroy;
  destroy.mutable_destroy_pseudonym_key()->set_reason("the exchange is over");
  destroy.mutable_destroy_pseudonym_key()->set_first_index(0);
  EXPECT_EQ(s.Submit("paula", destroy), Refusal::kAllowed);
  destroy.mutable_destroy_pseudonym_key()->set_first_index(w.state().ledger_size() - 1);
  EXPECT_EQ(s.Submit("pete", destroy), Refusal::kAllowed);
  w.AdvanceEpoch();
  s.Collect();
  return s;
}

// The old root key is erased, on a medium or in a device.
inline void EraseOldEpoch(SignedWorld& s, const std::string& kind = "file") {
  ledger::v1::EpochErased erased;
  erased.set_epoch(s.world.state().epoch() - 1);
  erased.set_keyslot_kind(kind);
  erased.set_erasure_class(kind == "file" ? "medium" : "device");
  s.world.Do(erased);
  s.Collect();
}

// The hold of Disclosures() is lifted by two, and its records expire and are destroyed. Nobody
// orders that.
inline SignedWorld Expired() {
  SignedWorld s = Disclosures();
  World& w = s.world;
  EXPECT_EQ(s.Submit("carol", w.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(s.Submit("erin", w.ConfirmAct("hold-1")), Refusal::kAllowed);
  w.Pass(w.agreement().terms().cooling_period);
  w.Pass(w.agreement().terms().record_lifetime + w.agreement().terms().destruction_window);
  w.Do(World::ExpiryOf(0, {0, 1, 2, 3, 4, 5}));
  w.AdvanceEpoch();
  EraseOldEpoch(s);
  return s;
}

// The records of Disclosures() are revoked, and destroyed under its hold because a court ordered
// it: counsel of the source and of the court say so.
inline SignedWorld Ordered() {
  SignedWorld s = Disclosures();
  World& w = s.world;
  const std::uint64_t revocation = w.state().ledger_size();
  EXPECT_EQ(s.Submit("paula", w.RevokeAct(OfTransfer(w, 0))), Refusal::kAllowed);
  w.AdvanceEpoch();
  EXPECT_EQ(s.Submit("pete", w.ApproveDestructionAct(revocation)), Refusal::kAllowed);
  const std::uint64_t first = w.state().ledger_size();
  EXPECT_EQ(s.Submit("carol", w.AuthoriseAct(revocation)), Refusal::kAllowed);
  EXPECT_EQ(s.Submit("judge", w.AuthoriseAct(revocation, first)), Refusal::kAllowed);
  w.Pass(w.agreement().terms().destruction_window);
  w.Do(w.DestructionByCourt(revocation));
  w.AdvanceEpoch();
  EraseOldEpoch(s);
  return s;
}

// Writes `entries` and `note` as an export into `folder`.
inline void WriteExport(FileSystem& files, const std::string& folder,
                        const std::vector<std::string>& entries, const std::string& note) {
  auto writer = evidence::ExportWriter::Open(files, folder);
  ASSERT_THAT(writer, IsOk());
  for (const std::string& entry : entries) ASSERT_THAT(writer->Add(AsBytes(entry)), IsOk());
  ASSERT_THAT(writer->Finish(note), IsOk());
}

}  // namespace holdfast::test
