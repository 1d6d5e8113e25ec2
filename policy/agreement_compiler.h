// SPDX-License-Identifier: Apache-2.0
//
// Reads an agreement's text and finds everything that is wrong with it, with its place.
//
// When to use  Inside policy/agreement.cc only.
// Threads      One thread.
// Ownership    Keeps what it read.
// Errors       Compile: kAgreementInvalid, one line for each defect.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "policy/agreement.h"

namespace holdfast::policy {

class AgreementCompiler final {
 public:
  static absl::StatusOr<OpenedAgreement> Compile(std::string_view text);

 private:
  using Tree = google::protobuf::TextFormat::ParseInfoTree;

  // A field of a message, for its line and column.
  struct Place {
    const google::protobuf::Message& message;
    const Tree* tree;  // Null if the message is not in the text.
  };

  AgreementCompiler() = default;

  bool Parse(std::string_view text);
  void Run();
  void CompileHead();
  void CompilePrincipals();
  void CompileMembers();
  void CompileMember(const agreement::v1::Member& member, const Tree* tree);
  void CompileAuthorities();
  void CompileTerms();
  void CompileBrakes();
  void CheckGate();
  void CompileDocuments();
  std::optional<Document> CompileDocument(const Place& place, const std::string& signed_by,
                                          const std::string& sha256,
                                          const google::protobuf::Timestamp* from,
                                          const google::protobuf::Timestamp* until);
  void CompileWitnesses();
  void CheckNumbersOfPeople();

  // Records a defect of `field` (its number), or of the message itself if it is 0.
  void Defect(const Place& place, int field, std::string what, int index = -1);

  const Tree* Nested(const Tree* tree, const google::protobuf::Message& message, int field,
                     int index) const;
  std::optional<crypto::PublicKey> Key(const Place& place, int field, const std::string& text);
  bool CheckId(const Place& place, int field, std::string_view id);
  bool CheckSide(const Place& place, int field, agreement::v1::Side side);
  UnixMillis Time(const Place& place, int field, bool present,
                  const google::protobuf::Timestamp& time, UnixMillis otherwise);
  std::chrono::milliseconds Period(const Place& place, int field, bool present,
                                   const google::protobuf::Duration& duration,
                                   std::optional<std::chrono::milliseconds> otherwise);

  OpenedAgreement out_;
  Tree root_;
  std::vector<std::string> defects_;
  std::map<crypto::PublicKey, std::string> key_owners_;
};

}  // namespace holdfast::policy
