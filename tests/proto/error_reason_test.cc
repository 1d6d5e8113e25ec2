// SPDX-License-Identifier: Apache-2.0
// proto/holdfast/v1/error_reason.proto and base/error.h say the same.

#include <cstddef>
#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "holdfast/v1/error_reason.pb.h"

namespace holdfast {
namespace {

TEST(ErrorReasonProtoTest, ListsTheSameNamesAsTheCode) {
  std::set<std::string> in_proto;
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) {
    if (descriptor->value(i)->number() != 0) in_proto.insert(descriptor->value(i)->name());
  }
  std::set<std::string> in_code;
  for (const Reason reason : AllReasons()) in_code.insert(std::string(ReasonName(reason)));
  EXPECT_EQ(in_proto, in_code);
}

TEST(ErrorReasonProtoTest, ZeroIsNoReason) {
  EXPECT_EQ(v1::ErrorReason_Name(v1::ERROR_REASON_UNSPECIFIED), "ERROR_REASON_UNSPECIFIED");
  EXPECT_EQ(static_cast<int>(v1::ERROR_REASON_UNSPECIFIED), 0);
}

// Each comment names the canonical code in capitals, for people who write a client.
TEST(ErrorReasonProtoTest, CommentsNameTheCodeThatIsSent) {
  std::ifstream file(HF_SOURCE_DIR "/proto/holdfast/v1/error_reason.proto");
  ASSERT_TRUE(file);
  const std::regex value(R"(^  ([A-Z_]+) = [0-9]+;$)");
  std::string line;
  std::string comment;
  int checked = 0;
  while (std::getline(file, line)) {
    std::smatch match;
    if (line.starts_with("  //")) {
      comment += line + "\n";
      continue;
    }
    if (std::regex_match(line, match, value)) {
      const auto reason = ReasonFromName(match[1].str());
      if (reason.has_value()) {
        const std::string code = absl::StatusCodeToString(ReasonCode(*reason));
        EXPECT_TRUE(std::regex_search(comment, std::regex("\\b" + code + "\\b")))
            << match[1] << " is sent as " << code << ", but its comment says:\n"
            << comment;
        ++checked;
      }
    }
    comment.clear();
  }
  EXPECT_EQ(static_cast<std::size_t>(checked), AllReasons().size());
}

}  // namespace
}  // namespace holdfast
