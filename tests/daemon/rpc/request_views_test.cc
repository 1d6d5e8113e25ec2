// SPDX-License-Identifier: Apache-2.0
// Requests that are read in place say what the generated parser reads, byte for byte.
#include "daemon/rpc/request_views.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "daemon/rpc/opening.h"
#include "daemon/rpc/person_view.h"
#include "daemon/rpc/subject_at_rest.h"
#include "holdfast/record/v1/opening.pb.h"
#include "holdfast/record/v1/outcome.pb.h"
#include "holdfast/record/v1/subject_at_rest.pb.h"
#include "policy/request_gate.h"
#include "tests/daemon/rpc/view_model.h"
#include "tests/support/seeded_random.h"

namespace holdfast::rpc {
namespace {

using test::DifferenceAsDeposit;
using test::DifferenceAsSubmit;
using test::SeededRandom;

const std::vector<std::string>& Texts() {
  static const std::vector<std::string> texts = {
      "",  "7",     "SMITH, ANN",         "Łukasz Ňřš",         "\xF0\x9F\x8F\xA0 Haus",
      "x", "12345", std::string(40, 'a'), std::string(200, 'b')};
  return texts;
}

v1::Person SomePerson(SeededRandom& random) {
  v1::Person person;
  person.set_name(random.Pick(Texts()));
  if (!random.OneIn(4)) {
    v1::Address& address = *person.mutable_address();
    address.set_line1(random.Pick(Texts()));
    address.set_line2(random.Pick(Texts()));
    address.set_city(random.Pick(Texts()));
    address.set_state(random.Pick(Texts()));
    address.set_postal_code(random.Pick(Texts()));
  }
  person.set_tax_number(random.Pick(Texts()));
  person.set_birth_date(random.Pick(Texts()));
  return person;
}

v1::SubmitSubjectsRequest SomeSubmission(SeededRandom& random) {
  v1::SubmitSubjectsRequest request;
  request.set_transfer(random.Pick(Texts()));
  request.set_chunk(static_cast<std::uint32_t>(random.Next()));
  for (std::uint64_t i = random.Below(4); i > 0; --i) {
    v1::Subject& subject = *request.add_subjects();
    if (!random.OneIn(5)) *subject.mutable_person() = SomePerson(random);
    subject.set_officer(static_cast<std::uint32_t>(random.Below(300)));
    subject.set_case_number(random.Pick(Texts()));
    subject.set_client_reference(random.Pick(Texts()));
  }
  return request;
}

v1::DepositRecordsRequest SomeDeposit(SeededRandom& random) {
  v1::DepositRecordsRequest request;
  request.set_transfer(random.Pick(Texts()));
  request.set_chunk(static_cast<std::uint32_t>(random.Below(1'000)));
  for (std::uint64_t i = random.Below(4); i > 0; --i) {
    v1::Findings& findings = *request.add_findings();
    findings.set_row(static_cast<std::uint32_t>(random.Next()));
    for (std::uint64_t j = random.Below(4); j > 0; --j) {
      v1::Candidate& candidate = *findings.add_candidates();
      if (!random.OneIn(5)) *candidate.mutable_person() = SomePerson(random);
      for (std::uint64_t k = random.Below(4); k > 0; --k) {
        v1::RecordField& field = *candidate.add_fields();
        field.set_name(random.Pick(Texts()));
        field.set_value(random.Pick(Texts()));
      }
    }
  }
  return request;
}

TEST(RequestViewsTest, ReadWhatTheGeneratedParserReads) {
  SeededRandom random;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DifferenceAsSubmit(SomeSubmission(random).SerializeAsString()), "");
    EXPECT_EQ(DifferenceAsDeposit(SomeDeposit(random).SerializeAsString()), "");
  }
}

// Who adds a field to one of these adds it to its view, its writer and view_model.cc.
TEST(RequestViewsTest, KnowEveryField) {
  EXPECT_EQ(v1::Person::descriptor()->field_count(), 4);
  EXPECT_EQ(v1::Address::descriptor()->field_count(), 5);
  EXPECT_EQ(v1::Subject::descriptor()->field_count(), 4);
  EXPECT_EQ(v1::SubmitSubjectsRequest::descriptor()->field_count(), 3);
  EXPECT_EQ(v1::RecordField::descriptor()->field_count(), 2);
  EXPECT_EQ(v1::Candidate::descriptor()->field_count(), 2);
  EXPECT_EQ(v1::Findings::descriptor()->field_count(), 2);
  EXPECT_EQ(v1::DepositRecordsRequest::descriptor()->field_count(), 3);
  EXPECT_EQ(record::v1::SubjectAtRest::descriptor()->field_count(), 3);
  EXPECT_EQ(record::v1::Opening::descriptor()->field_count(), 4);
  EXPECT_EQ(record::v1::Outcome::descriptor()->field_count(), 3);
  EXPECT_EQ(record::v1::Field::descriptor()->field_count(), 2);
}

// One message after another in the same bytes is one message: what is there twice is merged.
TEST(RequestViewsTest, MergeWhatIsThereTwice) {
  SeededRandom random;
  for (int i = 0; i < 100; ++i) {
    std::string subject = SomeSubmission(random).SerializeAsString();
    subject += SomeSubmission(random).SerializeAsString();
    EXPECT_EQ(DifferenceAsSubmit(subject), "");
    std::string deposit = SomeDeposit(random).SerializeAsString();
    deposit += SomeDeposit(random).SerializeAsString();
    EXPECT_EQ(DifferenceAsDeposit(deposit), "");

    // Within a subject, a candidate and a person.
    v1::Person first = SomePerson(random);
    v1::Person second = SomePerson(random);
    const auto field = [](char number, const std::string& bytes) {
      std::string out(1, static_cast<char>(number << 3 | 2));
      for (std::size_t size = bytes.size();; size >>= 7) {
        out += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        if (size <= 0x7f) break;
      }
      return out + bytes;
    };
    const std::string twice =
        field(1, first.SerializeAsString()) + field(1, second.SerializeAsString());
    EXPECT_EQ(DifferenceAsSubmit(field(3, twice)), "");
    EXPECT_EQ(DifferenceAsDeposit(field(3, field(2, twice))), "");
    const std::string person = first.SerializeAsString() + second.SerializeAsString();
    EXPECT_EQ(DifferenceAsSubmit(field(3, field(1, person))), "");
  }
}

TEST(RequestViewsTest, EveryChangedByteIsReadAsByTheGeneratedParser) {
  SeededRandom random;
  for (int i = 0; i < 3; ++i) {
    const std::string submission = SomeSubmission(random).SerializeAsString();
    const std::string deposit = SomeDeposit(random).SerializeAsString();
    const auto each_change = [](const std::string& whole, const auto& difference) {
      for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
          std::string changed = whole;
          changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
          ASSERT_EQ(difference(changed), "") << "bit " << bit << " of byte " << at;
        }
        ASSERT_EQ(difference(whole.substr(0, at)), "") << at << " bytes";
      }
    };
    each_change(submission, [](std::string_view bytes) { return DifferenceAsSubmit(bytes); });
    each_change(deposit, [](std::string_view bytes) { return DifferenceAsDeposit(bytes); });
  }
}

TEST(RequestViewsTest, WhatIsTwoBytesDoesNotBecomeAViewWithoutEnd) {
  google::protobuf::Arena arena;
  v1::DepositRecordsRequest deposit;
  v1::Findings& findings = *deposit.add_findings();
  for (std::size_t i = 0; i < kMostCandidates; ++i) findings.add_candidates();
  const std::string most = deposit.SerializeAsString();
  ASSERT_NE(DepositView::Read(most, arena), nullptr);
  findings.add_candidates();
  const std::string more = deposit.SerializeAsString();
  EXPECT_EQ(DepositView::Read(more, arena), nullptr);

  v1::DepositRecordsRequest rows;
  for (std::size_t i = 0; i < kMostRows; ++i) rows.add_findings();
  const std::string most_rows = rows.SerializeAsString();
  ASSERT_NE(DepositView::Read(most_rows, arena), nullptr);
  rows.add_findings();
  const std::string more_rows = rows.SerializeAsString();
  EXPECT_EQ(DepositView::Read(more_rows, arena), nullptr);

  v1::SubmitSubjectsRequest submission;
  for (std::size_t i = 0; i < kMostRows; ++i) submission.add_subjects();
  const std::string most_subjects = submission.SerializeAsString();
  ASSERT_NE(SubmitView::Read(most_subjects, arena), nullptr);
  submission.add_subjects();
  const std::string more_subjects = submission.SerializeAsString();
  EXPECT_EQ(SubmitView::Read(more_subjects, arena), nullptr);
}

TEST(RequestViewsTest, APersonIsWrittenAsByTheGeneratedCode) {
  SeededRandom random;
  for (int i = 0; i < 200; ++i) {
    v1::Candidate candidate;
    *candidate.mutable_person() = SomePerson(random);
    test::Reduce(*candidate.mutable_person());
    const policy::PersonView view = ViewOf(candidate.person());
    Bytes bytes(DelimitedBytes(PersonBytes(view)));
    WireWriter writer(bytes);
    WritePerson(v1::Candidate::kPersonFieldNumber, view, writer);
    EXPECT_TRUE(writer.full());
    EXPECT_EQ(AsText(bytes), candidate.SerializeAsString());
    v1::Person filled;
    FillPerson(view, filled);
    EXPECT_EQ(filled.SerializeAsString(), candidate.person().SerializeAsString());
  }
}

TEST(RequestViewsTest, ASubjectAtRestIsWhatTheGeneratedCodeWrites) {
  SeededRandom random;
  SubjectAtRestBytes writer;
  for (int i = 0; i < 100; ++i) {
    record::v1::SubjectAtRest expected;
    expected.mutable_subject()->mutable_person()->set_name(random.Pick(Texts()));
    expected.mutable_subject()->set_case_number("B-1");
    expected.mutable_subject()->set_officer(static_cast<std::uint32_t>(random.Below(9)));
    expected.set_commitment_nonce(ToString(random.MakeBytes(32)));
    expected.set_gate_version(policy::kGateVersion);
    const std::string subject = expected.subject().SerializeAsString();
    SubjectView view;
    ASSERT_TRUE(ReadSubject(subject, view));
    const std::string written(AsText(writer.Write(view, AsBytes(expected.commitment_nonce()))));
    EXPECT_EQ(written, expected.SerializeAsString());

    SubjectAtRestView read;
    ASSERT_TRUE(ReadSubjectAtRest(written, read));
    EXPECT_EQ(read.subject.bytes, subject);
    EXPECT_EQ(read.subject.person.name, expected.subject().person().name());
    EXPECT_EQ(read.subject.officer, expected.subject().officer());
    EXPECT_EQ(read.commitment_nonce, expected.commitment_nonce());
    EXPECT_EQ(read.Commitment(),
              SubjectCommitment(AsBytes(expected.commitment_nonce()), AsBytes(subject)));
  }
}

// An opening is what was compared, as a message: with the permitted fields where a person may need
// them, and with none elsewhere.
TEST(RequestViewsTest, AnOpeningIsWhatTheGeneratedCodeWrites) {
  SeededRandom random;
  const std::vector<std::string> permitted = {"7", "SMITH, ANN"};
  for (int i = 0; i < 300; ++i) {
    v1::DepositRecordsRequest deposit = SomeDeposit(random);
    test::Reduce(deposit);
    google::protobuf::Arena arena;
    const std::string bytes = deposit.SerializeAsString();
    const DepositView* view = DepositView::Read(bytes, arena);
    ASSERT_NE(view, nullptr);
    SubjectAtRestView subject;
    const std::string nonce(32, 'n');
    subject.commitment_nonce = nonce;
    for (const OpeningFields fields : {OpeningFields::kLeftOut, OpeningFields::kPermitted}) {
      for (std::size_t row = 0; row < view->findings().size(); ++row) {
        record::v1::Opening expected;
        expected.set_commitment_nonce(nonce);
        expected.set_subject_commitment(ToString(subject.Commitment()));
        expected.set_gate_version(policy::kGateVersion);
        for (const v1::Candidate& candidate :
             deposit.findings(static_cast<int>(row)).candidates()) {
          v1::Candidate& out = *expected.add_candidates();
          // A candidate without a person is an empty one in an opening.
          *out.mutable_person() = candidate.person();
          for (const v1::RecordField& field : candidate.fields()) {
            if (fields == OpeningFields::kPermitted && IsPermitted(permitted, field.name())) {
              *out.add_fields() = field;
            }
          }
        }
        const OpeningBytes opening(subject, view->findings()[row].candidates, fields, permitted);
        Bytes written(opening.size());
        opening.Write(written);
        EXPECT_EQ(AsText(written), expected.SerializeAsString());
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::rpc
