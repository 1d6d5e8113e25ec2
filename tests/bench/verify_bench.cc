// SPDX-License-Identifier: Apache-2.0
// How long it takes to verify a whole ledger: one transfer of N records, each judged, deposited and
// released, so three entries a record. Everything is signed and decided as in a real one.
//
//   verify_bench [--records=N]      default 1,300,000, which is about 3.9 million entries
//
// Writes the export into a temporary folder, and verifies it once as `holdfast-verify` does.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "evidence/export_folder.h"
#include "evidence/verification.h"

#include "base/check.h"
#include "crypto/closing_statement.h"
#include "crypto/merkle.h"
#include "crypto/random.h"
#include "policy/apply.h"
#include "policy/opened_order.h"
#include "policy/request_gate.h"
#include "tests/bench/require.h"
#include "tests/evidence/story.h"
#include "tests/policy/policy_world.h"
#include "tests/support/temp_dir.h"

namespace holdfast::bench {
namespace {

using test::EntryOf;

constexpr std::uint32_t kOfficers = 40;

test::AgreementOptions Wide() {
  test::AgreementOptions options;
  options.brakes =
      "officer_open_cases: 4000000 officer_share_basis_points: 10000 open_records: 4000000 "
      "transfer_subjects: 2000000 daily_subjects: 4000000 total_subjects: 4000000";
  return options;
}

// Writes a ledger without keeping its entries.
class Writer final {
 public:
  Writer(FileSystem& files, const std::string& folder, std::uint32_t records)
      : world_(Wide()),
        state_(world_.state()),
        writer_(Take(evidence::ExportWriter::Open(files, folder), "open the export")),
        records_(records) {
    for (const auto& applied : world_.ledger()) Write(applied.entry.SerializeAsString());
  }

  const ExchangeId exchange() const { return world_.agreement().exchange_id(); }
  std::uint64_t entries() const { return frontier_.size(); }

  void Run() {
    ledger::v1::TransferCreated created;
    created.set_transfer(std::string(16, 't'));
    created.set_requester("ice");
    created.set_authority("statute");
    created.set_purpose("A reason that is specific.");
    created.set_requesting_official("director");
    for (std::uint32_t i = 0; i < kOfficers; ++i) {
      created.add_officers("officer-" + std::to_string(i));
    }
    created.add_periods()->set_first_year(2024);
    created.mutable_periods(0)->set_last_year(2024);
    created.set_attestation_digest(std::string(32, 'a'));
    created.set_binding_nonce(std::string(32, 'b'));
    created.set_request_id(std::string(16, 'r'));
    Do(EntryOf(created));
    Judge();
    ledger::v1::SubmissionFinished finished;
    finished.set_rows(records_);
    Do(EntryOf(finished));
    DoOrder("paula", world_.ApproveAct(0));
    Deposit();
    Close();
    Do(EntryOf(test::RealLease(world_, 0)));
    ledger::v1::KeyReleased released;
    for (std::uint32_t row = 0; row < records_; ++row) {
      released.set_row(row);
      Do(EntryOf(released));
    }
    const std::string origin = crypto::LedgerOrigin(exchange());
    const crypto::SigningKey key = test::KeyOf("ledger");
    const auto name = Take(
        crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519, key.public_key()), "name");
    Require(writer_.Finish(
                Take(crypto::SignCheckpoint({origin, entries(), frontier_.Root(), {}}, {name, key}),
                     "sign the checkpoint")),
            "finish the export");
  }

 private:
  void Do(ledger::v1::Entry entry) {
    random_.Fill(std::as_writable_bytes(std::span(salt_)));
    entry.set_salt(salt_);
    Write(entry.SerializeAsString());
    Require(policy::Apply(state_, entry, nullptr, state_.ledger_size()), "apply");
  }

  void DoOrder(std::string_view person, const order::v1::Order& act) {
    order::v1::Order order = world_.Order(person, act).order;
    order.mutable_head()->set_size(entries());
    order.mutable_head()->set_root(Hex(frontier_.Root()));
    ledger::v1::OrderAccepted fact;
    fact.set_order_dsse(test::SignOrder(order, person));
    auto opened =
        Take(policy::OpenOrder(AsBytes(fact.order_dsse()), world_.agreement()), "open the order");
    const ledger::v1::Entry entry = EntryOf(fact);
    Write(entry.SerializeAsString());
    Require(policy::Apply(state_, entry, &opened, state_.ledger_size()), "apply an order");
  }

  void Write(const std::string& bytes) {
    Require(writer_.Add(AsBytes(bytes)), "write an entry");
    frontier_.Append(crypto::LeafHash(AsBytes(bytes)));
  }

  std::uint32_t Segment(ledger::v1::SegmentKind kind) {
    const auto number = static_cast<std::uint32_t>(state_.segments().size());
    ledger::v1::SegmentOpened opened;
    std::string id(16, '\0');
    random_.Fill(std::as_writable_bytes(std::span(id)));
    opened.set_segment(id);
    opened.set_kind(kind);
    Do(EntryOf(opened));
    return number;
  }

  void Judge() {
    ledger::v1::SubjectJudged fact;
    fact.set_verdict(1);
    fact.set_gate_version(policy::kGateVersion);
    fact.set_commitment(std::string(32, 'c'));
    fact.set_address_tag("address1");
    for (std::uint32_t row = 0; row < records_; ++row) {
      if (row % kLeavesPerSegment == 0) fact.set_segment(Segment(ledger::v1::SUBJECT));
      fact.set_row(row);
      fact.set_officer(row % kOfficers);
      fact.set_pseudonym(ToString(BytesOf(test::PseudonymOf(row))));
      fact.set_leaf(row % kLeavesPerSegment);
      Do(EntryOf(fact));
    }
  }

  void Deposit() {
    ledger::v1::EnvelopeDeposited fact;
    fact.set_verdict(1);
    fact.set_gate_version(policy::kGateVersion);
    fact.set_commitment(std::string(32, 'c'));
    fact.set_address(1);
    std::string digest(32, 'd');
    for (std::uint32_t row = 0; row < records_; ++row) {
      if (row % kLeavesPerSegment == 0) fact.set_segment(Segment(ledger::v1::RECORD));
      fact.set_row(row);
      fact.set_leaf(row % kLeavesPerSegment);
      random_.Fill(std::as_writable_bytes(std::span(digest)));
      fact.set_envelope_digest(digest);
      Do(EntryOf(fact));
    }
  }

  void Close() {
    const policy::Transfer& transfer = state_.transfers()[0];
    const Digest32 root = transfer.envelopes.Root();
    ledger::v1::TransferClosed fact;
    fact.set_source("irs");
    fact.set_envelopes(records_);
    fact.set_envelopes_root(std::string(AsText(root)));
    fact.set_signature(ToString(test::KeyOf("irs").Sign(
        crypto::ClosingStatement(exchange(), transfer.id, records_, root))));
    Do(EntryOf(fact));
  }

  test::World world_;
  policy::State& state_;
  evidence::ExportWriter writer_;
  crypto::Frontier frontier_;
  crypto::SystemRandom random_;
  std::string salt_ = std::string(16, '\0');
  const std::uint32_t records_;
};

int Main(std::uint32_t records) {
  const test::TempDir temp;
  PosixFileSystem files;
  evidence::VerificationRequest request;
  request.folder = temp.path() + "/export";
  std::uint64_t entries = 0;
  {
    Writer writer(files, request.folder, records);
    writer.Run();
    request.exchange = writer.exchange();
    entries = writer.entries();
  }
  std::printf("%llu entries of %u records\n", static_cast<unsigned long long>(entries), records);
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  const auto verification =
      Take(evidence::VerifyExport(files, request, [](std::uint64_t) {}), "verify");
  const double seconds = SecondsSince(start);
  const double cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  HF_CHECK(verification.report.decided_again == entries);
  std::printf("verified in %.2f s, %.2f s of CPU: %.2f us an entry\n", seconds, cpu_seconds,
              cpu_seconds * 1e6 / static_cast<double>(entries));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  std::uint32_t records = 1'300'000;
  constexpr std::string_view kRecords = "--records=";
  for (const std::string_view argument :
       std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    const std::string_view value =
        argument.starts_with(kRecords) ? argument.substr(kRecords.size()) : std::string_view();
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), records);
    if (error != std::errc() || end != value.data() + value.size() || records == 0) {
      std::fprintf(stderr, "usage: verify_bench [--records=N]\n");
      return 64;
    }
  }
  return holdfast::bench::Main(records);
}
