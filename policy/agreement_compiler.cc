// SPDX-License-Identifier: Apache-2.0
#include "policy/agreement_compiler.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

#include "base/escape.h"
#include "crypto/sha256.h"
#include "google/protobuf/io/tokenizer.h"
#include "policy/permissions.h"
#include "policy/proto_time.h"

namespace holdfast::policy {
namespace {

namespace pb = google::protobuf;
using agreement::v1::Agreement;
using std::chrono::milliseconds;

constexpr std::size_t kMaxMembers = 4'096;
constexpr std::size_t kMaxAuthorities = 1'024;
constexpr std::size_t kMaxKeysOfMember = 16;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxDefects = 50;

// No key outlives this; so sums of times stay in range.
constexpr std::chrono::hours kMaxPeriod{24 * 365 * 100};

constexpr bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), IsIdCharacter);
}

bool IsTrustDomain(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return IsIdCharacter(c) || c == '.' || c == '_';
  });
}

std::string Line(int line, int column, std::string_view what) {
  // Protobuf counts from 0, editors from 1.
  std::string text = std::to_string(line + 1);
  text += ':';
  text += std::to_string(column + 1);
  text += ": ";
  text += what;
  return text;
}

class Collector final : public pb::io::ErrorCollector {
 public:
  explicit Collector(std::vector<std::string>& lines) : lines_(lines) {}

  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    // Protobuf quotes what it read.
    if (lines_.size() < kMaxDefects) lines_.push_back(Line(line, column, EscapeForLog(message)));
  }

 private:
  std::vector<std::string>& lines_;
};

std::string Quoted(std::string_view text) { return "\"" + EscapeForLog(text) + "\""; }

}  // namespace

absl::StatusOr<OpenedAgreement> AgreementCompiler::Compile(std::string_view text) {
  AgreementCompiler compiler;
  if (text.size() > kMaxAgreementBytes) {
    return MakeError(Reason::kAgreementInvalid, "the agreement is too large");
  }
  if (compiler.Parse(text)) compiler.Run();
  if (compiler.defects_.empty()) return std::move(compiler.out_);
  std::string all;
  for (const std::string& line : compiler.defects_) {
    if (!all.empty()) all += '\n';
    all += line;
  }
  return MakeError(Reason::kAgreementInvalid, std::move(all));
}

bool AgreementCompiler::Parse(std::string_view text) {
  int line = 0;
  int column = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // A control character can make a file look different from what it says.
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      defects_.push_back(Line(line, column, "control character"));
      return false;
    }
    ++column;
    if (c == '\n') {
      ++line;
      column = 0;
    }
  }
  Collector collector(defects_);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&root_);
  out_.text_ = std::string(text);
  out_.digest_ = crypto::Sha256Of(AsBytes(text));
  const bool parsed = parser.ParseFromString(out_.text_, &out_.message_);
  if (!parsed && defects_.empty()) defects_.push_back("1:1: cannot be read");
  return parsed;
}

void AgreementCompiler::Run() {
  CompileHead();
  CompilePrincipals();
  CompileMembers();
  CompileAuthorities();
  CompileTerms();
  CompileBrakes();
  CheckGate();
  CompileDocuments();
  CompileWitnesses();
  CheckNumbersOfPeople();
}

void AgreementCompiler::Defect(const Place& place, int field, std::string what, int index) {
  if (defects_.size() >= kMaxDefects) return;
  const pb::FieldDescriptor* descriptor =
      field == 0 ? nullptr : place.message.GetDescriptor()->FindFieldByNumber(field);
  if (descriptor != nullptr) what = std::string(descriptor->name()) + ": " + what;
  pb::TextFormat::ParseLocation location(-1, -1);
  if (place.tree != nullptr && descriptor != nullptr) {
    location =
        place.tree->GetLocation(descriptor, descriptor->is_repeated() ? std::max(index, 0) : -1);
    if (location.line < 0) {
      // Not in the text: the message's first field that is tells where to look.
      const pb::Descriptor& type = *place.message.GetDescriptor();
      for (int i = 0; i < type.field_count() && location.line < 0; ++i) {
        location = place.tree->GetLocation(type.field(i), type.field(i)->is_repeated() ? 0 : -1);
      }
    }
  }
  defects_.push_back(location.line < 0 ? std::move(what)
                                       : Line(location.line, location.column, what));
}

const AgreementCompiler::Tree* AgreementCompiler::Nested(const Tree* tree,
                                                         const pb::Message& message, int field,
                                                         int index) const {
  if (tree == nullptr) return nullptr;
  return tree->GetTreeForNested(message.GetDescriptor()->FindFieldByNumber(field), index);
}

std::optional<crypto::PublicKey> AgreementCompiler::Key(const Place& place, int field,
                                                        const std::string& text) {
  auto key = crypto::PublicKey::FromBase64(text);
  if (key.ok()) return *key;
  Defect(place, field, "no Ed25519 public key in standard base64");
  return std::nullopt;
}

bool AgreementCompiler::CheckId(const Place& place, int field, std::string_view id) {
  if (IsId(id)) return true;
  Defect(place, field, "must be 1 to 63 characters of [a-z0-9-]");
  return false;
}

bool AgreementCompiler::CheckSide(const Place& place, int field, Side side) {
  if (!SideName(side).empty()) return true;
  Defect(place, field, "must be SOURCE, REQUESTER or COURT");
  return false;
}

UnixMillis AgreementCompiler::Time(const Place& place, int field, bool present,
                                   const pb::Timestamp& time, UnixMillis otherwise) {
  if (!present) return otherwise;
  const auto value = FromProto(time);
  if (value) return *value;
  Defect(place, field, "no time in whole milliseconds of the years 1 to 9999");
  return otherwise;
}

milliseconds AgreementCompiler::Period(const Place& place, int field, bool present,
                                       const pb::Duration& duration,
                                       std::optional<milliseconds> otherwise) {
  if (!present && otherwise) return *otherwise;
  const auto value = present ? FromProto(duration) : std::nullopt;
  if (value && *value > milliseconds(0) && *value <= kMaxPeriod) return *value;
  Defect(place, field,
         present ? "must be more than 0, in whole milliseconds, at most 100 years" : "must be set");
  return milliseconds(1);
}

void AgreementCompiler::CompileHead() {
  const Agreement& a = out_.message_;
  const Place place{a, &root_};
  CheckId(place, Agreement::kNameFieldNumber, a.name());
  if (a.version() == 0) Defect(place, Agreement::kVersionFieldNumber, "must be 1 or more");
  if (a.suite() != 1) Defect(place, Agreement::kSuiteFieldNumber, "the only suite is 1");
  if (!IsTrustDomain(a.trust_domain())) {
    Defect(place, Agreement::kTrustDomainFieldNumber, "must be 1 to 255 characters of [a-z0-9._-]");
  }
}

void AgreementCompiler::CompilePrincipals() {
  using agreement::v1::Principal;
  const Agreement& a = out_.message_;
  bool source = false;
  bool requester = false;
  for (int i = 0; i < a.principals_size(); ++i) {
    const Principal& principal = a.principals(i);
    const Place place{principal, Nested(&root_, a, Agreement::kPrincipalsFieldNumber, i)};
    bool* const seen = principal.side() == agreement::v1::SOURCE      ? &source
                       : principal.side() == agreement::v1::REQUESTER ? &requester
                                                                      : nullptr;
    if (seen == nullptr) {
      Defect(place, Principal::kSideFieldNumber, "must be SOURCE or REQUESTER");
    } else if (std::exchange(*seen, true)) {
      Defect(place, Principal::kSideFieldNumber, "the side has a principal already");
    }
    if (principal.name().size() > kMaxNameBytes) {
      Defect(place, Principal::kNameFieldNumber, "too long");
    }
    const auto key = Key(place, Principal::kPublicKeyFieldNumber, principal.public_key());
    if (!key) continue;
    for (const auto& other : out_.principals_) {
      if (other.public_key == *key) {
        Defect(place, Principal::kPublicKeyFieldNumber, "both principals have this key");
      }
    }
    out_.principals_.push_back({principal.side(), principal.name(), *key});
  }
  if (!source || !requester) {
    Defect({a, &root_}, Agreement::kPrincipalsFieldNumber,
           "exactly two are needed, one for SOURCE and one for REQUESTER");
  }
}

void AgreementCompiler::CompileMembers() {
  const Agreement& a = out_.message_;
  if (static_cast<std::size_t>(a.members_size()) > kMaxMembers) {
    Defect({a, &root_}, Agreement::kMembersFieldNumber, "too many");
    return;
  }
  for (int i = 0; i < a.members_size(); ++i) {
    CompileMember(a.members(i), Nested(&root_, a, Agreement::kMembersFieldNumber, i));
  }
}

void AgreementCompiler::CompileMember(const agreement::v1::Member& member, const Tree* tree) {
  using agreement::v1::Member;
  const Place place{member, tree};
  policy::Member compiled;
  compiled.number = MemberNumber(static_cast<std::uint16_t>(out_.members_.size()));
  compiled.id = member.id();
  compiled.display_name = member.display_name();
  compiled.role = member.role();
  compiled.side = member.side();
  CheckId(place, Member::kIdFieldNumber, member.id());
  if (member.display_name().size() > kMaxNameBytes) {
    Defect(place, Member::kDisplayNameFieldNumber, "too long");
  }
  if (!CheckSide(place, Member::kSideFieldNumber, member.side())) return;
  const std::string_view role = RoleName(member.role());
  if (role.empty()) {
    Defect(place, Member::kRoleFieldNumber, "must be one of the roles");
    return;
  }
  // The sides are what the two-person rules count, so a role stands on the side that it serves.
  if (member.role() == agreement::v1::ROLE_REQUESTER && member.side() != agreement::v1::REQUESTER) {
    Defect(place, Member::kSideFieldNumber, "a requester belongs to REQUESTER");
  }
  if (member.role() == agreement::v1::ROLE_SOURCE && member.side() != agreement::v1::SOURCE) {
    Defect(place, Member::kSideFieldNumber, "a source belongs to SOURCE");
  }
  if (member.role() == agreement::v1::ROLE_CUSTODIAN && member.side() == agreement::v1::REQUESTER) {
    Defect(place, Member::kSideFieldNumber,
           "a custodian belongs to SOURCE or COURT: the requester does not approve for itself");
  }
  compiled.spiffe_id =
      "spiffe://" + out_.message_.trust_domain() + "/" + std::string(role) + "/" + member.id();
  if (static_cast<std::size_t>(member.keys_size()) > kMaxKeysOfMember) {
    Defect(place, Member::kKeysFieldNumber, "too many");
    return;
  }
  for (int i = 0; i < member.keys_size(); ++i) {
    using agreement::v1::SigningKey;
    const SigningKey& key = member.keys(i);
    const Place key_place{key, Nested(tree, member, Member::kKeysFieldNumber, i)};
    const auto public_key = Key(key_place, SigningKey::kPublicKeyFieldNumber, key.public_key());
    const UnixMillis from = Time(key_place, SigningKey::kValidFromFieldNumber, key.has_valid_from(),
                                 key.valid_from(), kMinTime);
    const UnixMillis until = Time(key_place, SigningKey::kValidUntilFieldNumber,
                                  key.has_valid_until(), key.valid_until(), kMaxTime);
    if (until <= from) {
      Defect(key_place, SigningKey::kValidUntilFieldNumber, "the key ends before it begins");
    }
    if (!public_key) continue;
    // One key in two places is one person, or one machine, in two roles.
    const auto [other, is_new] = key_owners_.emplace(*public_key, member.id());
    if (!is_new) {
      Defect(key_place, SigningKey::kPublicKeyFieldNumber,
             "member " + Quoted(other->second) + " has this key: nobody may be two members");
    }
    compiled.keys.push_back({*public_key, from, until});
  }
  const bool signs = compiled.signs_orders() || member.role() == agreement::v1::ROLE_REQUESTER ||
                     member.role() == agreement::v1::ROLE_SOURCE;
  if (signs && member.keys_size() == 0) {
    Defect(place, Member::kKeysFieldNumber, "a member of this role signs, and needs a key");
  }
  if (!out_.by_id_.emplace(member.id(), compiled.number).second) {
    Defect(place, Member::kIdFieldNumber, "another member has this id");
    return;
  }
  out_.by_spiffe_id_.emplace(compiled.spiffe_id, compiled.number);
  out_.members_.push_back(std::move(compiled));
}

void AgreementCompiler::CompileAuthorities() {
  using agreement::v1::Authority;
  const Agreement& a = out_.message_;
  if (a.authorities_size() == 0 ||
      static_cast<std::size_t>(a.authorities_size()) > kMaxAuthorities) {
    Defect({a, &root_}, Agreement::kAuthoritiesFieldNumber, "1 to 1,024 are needed");
    return;
  }
  for (int i = 0; i < a.authorities_size(); ++i) {
    const Authority& authority = a.authorities(i);
    const Place place{authority, Nested(&root_, a, Agreement::kAuthoritiesFieldNumber, i)};
    CheckId(place, Authority::kIdFieldNumber, authority.id());
    if (out_.FindAuthority(authority.id()) != nullptr) {
      Defect(place, Authority::kIdFieldNumber, "another authority has this id");
    }
    policy::Authority compiled;
    compiled.number = AuthorityNumber(static_cast<std::uint16_t>(i));
    compiled.id = authority.id();
    compiled.citation = authority.citation();
    compiled.from = Time(place, Authority::kValidFromFieldNumber, authority.has_valid_from(),
                         authority.valid_from(), kMinTime);
    compiled.until = Time(place, Authority::kValidUntilFieldNumber, authority.has_valid_until(),
                          authority.valid_until(), kMaxTime);
    if (compiled.until <= compiled.from) {
      Defect(place, Authority::kValidUntilFieldNumber, "the authority ends before it begins");
    }
    absl::flat_hash_set<std::string> names;
    for (int k = 0; k < authority.fields_size(); ++k) {
      const std::string& name = authority.fields(k);
      if (name.empty() || name.size() > kMaxNameBytes || !names.insert(name).second) {
        Defect(place, Authority::kFieldsFieldNumber, "a name is empty, too long or twice there", k);
      }
      compiled.fields.push_back(name);
    }
    out_.authorities_.push_back(std::move(compiled));
  }
}

void AgreementCompiler::CheckNumbersOfPeople() {
  std::size_t custodians = 0;
  std::size_t counsel = 0;
  for (const auto& member : out_.members_) {
    if (member.role == agreement::v1::ROLE_CUSTODIAN) ++custodians;
    if (member.role == agreement::v1::ROLE_COUNSEL) ++counsel;
  }
  const Place place{out_.message_, &root_};
  if (counsel == 0) {
    Defect(place, Agreement::kMembersFieldNumber, "nobody is counsel: nobody could place a hold");
  }
  if (custodians < out_.terms_.transfer_approvals) {
    Defect(place, Agreement::kMembersFieldNumber,
           "fewer custodians than a transfer needs approvals");
  }
  if (custodians < std::uint64_t{1} + out_.terms_.destruction_approvals) {
    Defect(place, Agreement::kMembersFieldNumber,
           "fewer custodians than a destruction needs: who revokes, and who approves");
  }
}

}  // namespace holdfast::policy
