// SPDX-License-Identifier: Apache-2.0
// The files between a source and its own look-up, and what is explained about them.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "cli/candidate_file.h"
#include "cli/explain_subject.h"
#include "cli/subject_file.h"
#include "tests/policy/gate_fixtures.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;

const std::string kTransfer = "transfers/00112233445566778899aabbccddeeff";
constexpr char kColumns[] =
    "transfer,row,name,line1,line2,city,state,postal_code,tax_number,birth_date,wages,secret\n";

std::string Line(const std::string& rest) { return kTransfer + "," + rest + "\n"; }

v1::Person Somebody() {
  v1::Person person;
  person.set_name("Ada B. Example");
  person.mutable_address()->set_line1("123 N Main St");
  person.mutable_address()->set_city("Beverly Hills");
  person.mutable_address()->set_state("CA");
  person.mutable_address()->set_postal_code("90210");
  person.set_tax_number("531-86-4001");
  person.set_birth_date("1980-02-29");
  return person;
}

v1::FetchSubjectsResponse SomeChunk() {
  v1::FetchSubjectsResponse chunk;
  for (const std::uint32_t row : {3U, 5U, 256U}) {
    v1::AcceptedSubject& subject = *chunk.add_subjects();
    subject.set_row(row);
    *subject.mutable_person() = Somebody();
    subject.mutable_person()->set_name("Ada \"B\", Example\n" + std::to_string(row));
  }
  for (const std::uint32_t year : {2019U, 2022U}) {
    v1::TaxPeriod& period = *chunk.add_periods();
    period.set_first_year(year);
    period.set_last_year(year + 1);
  }
  return chunk;
}

std::string SomeSubjects() {
  const v1::FetchSubjectsResponse chunk = SomeChunk();
  std::string text = SubjectFileHeader();
  for (const v1::AcceptedSubject& subject : chunk.subjects()) {
    text += SubjectFileLine(kTransfer, {subject, chunk.periods()});
  }
  return text;
}

// All subjects of a file, or the first error.
absl::StatusOr<std::vector<FileSubject>> ReadSubjects(const std::string& text) {
  test::MemoryFileSystem files;
  files.Preload("/subjects.csv", AsBytes(text));
  auto file = SubjectFile::Open(files, "/subjects.csv", kTransfer);
  if (!file.ok()) return file.status();
  std::vector<FileSubject> subjects;
  for (;;) {
    auto next = (*file)->Next();
    if (!next.ok()) return next.status();
    if (!*next) return subjects;
    subjects.push_back(**std::move(next));
  }
}

class Candidates final {
 public:
  explicit Candidates(const std::string& text) {
    files.Preload("/candidates.csv", AsBytes(text));
    file = CandidateFile::Open(files, "/candidates.csv", kTransfer,
                               [](std::string_view name) { return name != "secret"; });
  }

  absl::StatusOr<client::Candidates> Find(std::uint32_t row) {
    v1::AcceptedSubject subject;
    subject.set_row(row);
    const v1::FetchSubjectsResponse chunk;
    return (*file)->Find({subject, chunk.periods()});
  }

  test::MemoryFileSystem files;
  absl::StatusOr<std::unique_ptr<CandidateFile>> file = absl::UnknownError("not opened");
};

TEST(SubjectFileTest, ReadsBackWhatItWrites) {
  const v1::FetchSubjectsResponse chunk = SomeChunk();
  const auto read = ReadSubjects(SomeSubjects());
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const FileSubject& subject = read->at(static_cast<std::size_t>(i));
    EXPECT_EQ(subject.subject.SerializeAsString(), chunk.subjects(i).SerializeAsString());
    ASSERT_EQ(subject.chunk.periods_size(), 2);
    EXPECT_EQ(subject.chunk.periods(1).SerializeAsString(), chunk.periods(1).SerializeAsString());
  }
}

TEST(SubjectFileTest, RefusesWhatPullWouldNotHaveWritten) {
  const std::string header = SubjectFileHeader();
  const auto with = [&](const std::string& row, const std::string& periods) {
    return kTransfer + "," + row + ",Ada Example,,,,,,,," + periods + "\n";
  };
  EXPECT_THAT(ReadSubjects(header + with("1", "2021-2023") + with("2", "")), IsOk());
  for (const std::string& text :
       {std::string(), std::string("row,name\n"), header + with("1", "2021"),
        header + with("1", "2021-"), header + with("1", "2021-2022  2023-2023"),
        header + with("", "2021-2021"), header + with("x", ""), header + with("01", ""),
        header + with("-1", ""), header + with("4294967296", ""),
        header + with("2", "") + with("1", ""), header + with("1", "") + with("1", ""),
        header + "transfers/0,1,Ada Example,,,,,,,,\n"}) {
    EXPECT_THAT(ReadSubjects(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(SubjectFileTest, TakesNoTruncationForAWholeFileButAtTheEndOfALine) {
  const std::string text = SomeSubjects();
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = ReadSubjects(text.substr(0, size));
    // What was cut may be the end of the last line's periods: fewer subjects, or other periods, and
    // never another person.
    if (!read.ok()) continue;
    for (std::size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ(read->at(i).subject.SerializeAsString(),
                SomeChunk().subjects(static_cast<int>(i)).SerializeAsString())
          << size;
    }
  }
}

TEST(CandidateFileTest, FindsTheCandidatesOfEachRow) {
  Candidates candidates(std::string(kColumns) + Line("7,Bea,2 Oak Ave,,,,,,,200,y") +
                        Line("3,Ada,\"1 \"\"Main\"\"\",,,,05401,1,1990-01-01,100,x") +
                        Line("5,,,,,,,,,,") + Line("7,Bea,3 Oak Ave,,,,,,,300,z"));
  ASSERT_THAT(candidates.file, IsOk());
  EXPECT_THAT((*candidates.file)->rows(), ElementsAre(3, 5, 7));
  const auto three = candidates.Find(3);
  ASSERT_THAT(three, IsOk());
  ASSERT_EQ(three->size(), 1U);
  EXPECT_EQ(three->at(0).person().address().line1(), "1 \"Main\"");
  ASSERT_EQ(three->at(0).fields_size(), 1);
  EXPECT_EQ(three->at(0).fields(0).value(), "100");
  EXPECT_TRUE(candidates.Find(5)->empty());
  const auto seven = candidates.Find(7);
  ASSERT_EQ(seven->size(), 2U);
  EXPECT_EQ(seven->at(0).person().address().line1(), "2 Oak Ave");
  EXPECT_EQ(seven->at(1).person().address().line1(), "3 Oak Ave");
  // "Nobody" is final, so a row that was forgotten is no such answer.
  EXPECT_THAT(candidates.Find(4), HasReason(Reason::kRequestMalformed));
}

TEST(CandidateFileTest, RefusesLinesThatDoNotFit) {
  const std::string header(kColumns);
  const std::string good = Line("1,Ada,,,,,,,,1,");
  for (const std::string& bad :
       {Line("x,Ada,,,,,,,,,"), Line("-1,Ada,,,,,,,,,"), Line(",Ada,,,,,,,,,"),
        Line("2,,1 Main St,,,,,,,,"), Line("2,,,,,,,,,100,"), Line("1,,,,,,,,,,"),
        std::string("transfers/0,2,Ada,,,,,,,,,\n"), std::string("2,Ada\n")}) {
    Candidates candidates(header + good + bad);
    EXPECT_THAT(candidates.file, HasReason(Reason::kRequestMalformed)) << bad;
    EXPECT_THAT(candidates.file, HasMetadata("line", "3")) << bad;
    EXPECT_EQ(candidates.file.status().ToString().find("Ada"), std::string::npos);
  }
  EXPECT_THAT(Candidates("").file, HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Candidates("transfer,name\n").file, HasReason(Reason::kRequestMalformed));
}

TEST(CandidateFileTest, NoticesAFileThatIsCutWhileItIsInUse) {
  Candidates candidates(std::string(kColumns) + Line("1,Ada,,,,,,,,1,"));
  ASSERT_THAT(candidates.file, IsOk());
  auto file = candidates.files.Open("/candidates.csv", OpenMode::kReadWrite);
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT((*file)->Truncate(5), IsOk());
  EXPECT_THAT(candidates.Find(1), HasReason(Reason::kStoreCorrupt));
}

// One candidate who is the subject but for what `change` does.
template <typename Change>
SubjectExplanation ExplainChanged(Change change) {
  client::Candidates candidates(1);
  *candidates[0].mutable_person() = Somebody();
  change(*candidates[0].mutable_person());
  return Explain(test::SomeRules(), Somebody(), candidates);
}

TEST(ExplainSubjectTest, SaysThatAllIsEqual) {
  const auto told = ExplainChanged([](v1::Person&) {});
  EXPECT_EQ(told.verdict.reason, policy::ReleaseReason::kReleased);
  EXPECT_EQ(told.name, "ACCEPTED");
  EXPECT_EQ(told.address, "ACCEPTED");
  ASSERT_EQ(told.candidates.size(), 1U);
  const CandidateExplanation& candidate = told.candidates[0];
  EXPECT_EQ(candidate.alone, policy::ReleaseReason::kReleased);
  EXPECT_EQ(candidate.name.result, "equal");
  EXPECT_EQ(candidate.address.result, "equal");
  EXPECT_EQ(candidate.address_lack, "");
  EXPECT_EQ(candidate.tax_number.result, "agrees");
  EXPECT_EQ(candidate.birth_date.result, "agrees");
}

TEST(ExplainSubjectTest, NamesWhatDiffersAndWhetherTheAgreementAcceptsIt) {
  const auto named = ExplainChanged([](v1::Person& p) { p.set_name("Ada Example"); });
  EXPECT_EQ(named.candidates[0].name.result, "compatible");
  EXPECT_THAT(named.candidates[0].name.differences, ElementsAre("middle name missing"));
  EXPECT_TRUE(named.candidates[0].name.accepted);

  const auto unit = ExplainChanged([](v1::Person& p) { p.mutable_address()->set_line2("Apt 5"); });
  EXPECT_EQ(unit.candidates[0].address.result, "compatible");
  EXPECT_THAT(unit.candidates[0].address.differences, ElementsAre("unit missing"));
  EXPECT_FALSE(unit.candidates[0].address.accepted);
  EXPECT_EQ(unit.verdict.reason, policy::ReleaseReason::kAddressDoubtful);

  const auto other = ExplainChanged([](v1::Person& p) { p.set_name("Zoe Zimmer"); });
  EXPECT_EQ(other.candidates[0].name.result, "different");
  EXPECT_FALSE(other.candidates[0].name.differences.empty());

  const auto number = ExplainChanged([](v1::Person& p) { p.set_tax_number("531-86-4002"); });
  EXPECT_EQ(number.candidates[0].tax_number.result, "contradicts");
  EXPECT_EQ(number.verdict.reason, policy::ReleaseReason::kTaxNumberContradicts);

  const auto without = ExplainChanged([](v1::Person& p) { p.clear_birth_date(); });
  EXPECT_EQ(without.candidates[0].birth_date.result, "missing");

  const auto incomplete =
      ExplainChanged([](v1::Person& p) { p.mutable_address()->clear_postal_code(); });
  EXPECT_EQ(incomplete.candidates[0].address.result, "incomplete");
  EXPECT_EQ(incomplete.candidates[0].address_lack, "POSTAL_CODE_MISSING");
}

TEST(ExplainSubjectTest, SaysWhatEachWouldBeAlone) {
  client::Candidates candidates(2);
  *candidates[0].mutable_person() = Somebody();
  *candidates[1].mutable_person() = Somebody();
  const auto told = Explain(test::SomeRules(), Somebody(), candidates);
  EXPECT_EQ(told.verdict.reason, policy::ReleaseReason::kSeveralAgree);
  EXPECT_EQ(told.candidates[0].alone, policy::ReleaseReason::kReleased);
  EXPECT_EQ(told.candidates[1].alone, policy::ReleaseReason::kReleased);
  EXPECT_TRUE(Explain(test::SomeRules(), Somebody(), {}).candidates.empty());
}

}  // namespace
}  // namespace holdfast::cli
