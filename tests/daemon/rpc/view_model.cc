// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/rpc/view_model.h"

#include <vector>

#include "daemon/rpc/person_view.h"
#include "daemon/rpc/request_views.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/unknown_field_set.h"

namespace holdfast::test {
namespace {

template <typename Message>
void ReducePersonOf(Message& message) {
  if (!message.has_person()) return;
  Reduce(*message.mutable_person());
  if (message.person().ByteSizeLong() == 0) message.clear_person();
}

template <typename Message>
void FillPersonOf(const policy::PersonView& view, Message& message) {
  if (rpc::PersonBytes(view) > 0) rpc::FillPerson(view, *message.mutable_person());
}

v1::SubmitSubjectsRequest MessageOf(const rpc::SubmitView& view) {
  v1::SubmitSubjectsRequest message;
  message.set_transfer(std::string(view.transfer()));
  message.set_chunk(view.chunk());
  for (const rpc::SubjectView& subject : view.subjects()) {
    v1::Subject& out = *message.add_subjects();
    FillPersonOf(subject.person, out);
    out.set_officer(subject.officer);
    out.set_case_number(std::string(subject.case_number));
    out.set_client_reference(std::string(subject.client_reference));
  }
  return message;
}

v1::DepositRecordsRequest MessageOf(const rpc::DepositView& view) {
  v1::DepositRecordsRequest message;
  message.set_transfer(std::string(view.transfer()));
  message.set_chunk(view.chunk());
  for (const rpc::FindingsView& findings : view.findings()) {
    v1::Findings& out = *message.add_findings();
    out.set_row(findings.row);
    for (const rpc::CandidateView& candidate : findings.candidates) {
      v1::Candidate& found = *out.add_candidates();
      FillPersonOf(candidate.person, found);
      for (const rpc::RecordFieldView& field : candidate.fields) {
        v1::RecordField& record = *found.add_fields();
        record.set_name(std::string(field.name));
        record.set_value(std::string(field.value));
      }
    }
  }
  return message;
}

// Whether a field that the message does not know is a group, here or further in.
bool HasGroup(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).type() == google::protobuf::UnknownField::TYPE_GROUP) return true;
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (HasGroup(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                        : reflection.GetMessage(message, field))) {
        return true;
      }
    }
  }
  return false;
}

template <typename View>
std::string Difference(std::string_view bytes) {
  const google::protobuf::LogSilencer no_complaints;
  google::protobuf::Arena arena;
  typename View::Message parsed;
  const bool accepted = parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const View* view = View::Read(bytes, arena);
  if (view == nullptr && accepted && HasGroup(parsed)) return {};
  if ((view != nullptr) != accepted) {
    return accepted ? "only the parser accepts" : "only the view accepts";
  }
  if (view == nullptr) return {};
  Reduce(parsed);
  if (MessageOf(*view).SerializeAsString() == parsed.SerializeAsString()) return {};
  return "they read: " + MessageOf(*view).ShortDebugString() + " and " + parsed.ShortDebugString();
}

}  // namespace

void Reduce(v1::Person& person) {
  person.DiscardUnknownFields();
  if (person.has_address() && person.address().ByteSizeLong() == 0) person.clear_address();
}

void Reduce(v1::SubmitSubjectsRequest& request) {
  request.DiscardUnknownFields();
  for (v1::Subject& subject : *request.mutable_subjects()) ReducePersonOf(subject);
}

void Reduce(v1::DepositRecordsRequest& request) {
  request.DiscardUnknownFields();
  for (v1::Findings& findings : *request.mutable_findings()) {
    for (v1::Candidate& candidate : *findings.mutable_candidates()) ReducePersonOf(candidate);
  }
}

std::string DifferenceAsSubmit(std::string_view bytes) {
  return Difference<rpc::SubmitView>(bytes);
}

std::string DifferenceAsDeposit(std::string_view bytes) {
  return Difference<rpc::DepositView>(bytes);
}

}  // namespace holdfast::test
