// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "base/check.h"
#include "daemon/config.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

namespace holdfast::daemon {

// The compiled schema with its comments, which the generated code leaves out. Made by the build.
extern const unsigned char kConfigDescriptor[];
extern const unsigned long kConfigDescriptorBytes;

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void AppendComment(const std::string& comment, const std::string& indent, std::string& out) {
  std::size_t begin = 0;
  while (begin < comment.size()) {
    std::size_t end = comment.find('\n', begin);
    if (end == std::string::npos) end = comment.size();
    out += indent + "#" + comment.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
}

template <typename Element>
void AppendCommentOf(const Element& element, const std::string& indent, std::string& out) {
  google::protobuf::SourceLocation location;
  if (element.GetSourceLocation(&location)) {
    AppendComment(location.leading_comments, indent, out);
  }
}

std::string TypeName(const FieldDescriptor& field) {
  std::string name = field.is_repeated() ? "repeated " : "";
  if (field.type() != FieldDescriptor::TYPE_ENUM) return name + field.type_name();
  std::string values;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    if (i > 0) values += " | ";
    values += field.enum_type()->value(i)->name();
  }
  return name + values;
}

void AppendMessage(const Descriptor& message, const std::string& indent, std::string& out) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (i > 0) out += "\n";
    AppendCommentOf(field, indent, out);
    if (field.message_type() == nullptr) {
      out += indent + field.name() + ": <" + TypeName(field) + ">\n";
      continue;
    }
    out += indent + field.name() + " {" + (field.is_repeated() ? "  # repeated" : "") + "\n";
    AppendMessage(*field.message_type(), indent + "  ", out);
    out += indent + "}\n";
  }
}

}  // namespace

std::string ConfigReference() {
  google::protobuf::FileDescriptorSet set;
  HF_CHECK(set.ParseFromArray(kConfigDescriptor, static_cast<int>(kConfigDescriptorBytes)));
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) HF_CHECK(pool.BuildFile(file) != nullptr);
  const Descriptor* top = pool.FindMessageTypeByName("holdfast.config.v1.Config");
  HF_CHECK(top != nullptr);
  std::string out = "# holdfastd's configuration, as protobuf text.\n\n";
  AppendMessage(*top, "", out);
  return out;
}

}  // namespace holdfast::daemon
