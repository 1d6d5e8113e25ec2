// SPDX-License-Identifier: Apache-2.0
// Tpm2Keyslot with swtpm: what somebody sees who reads all that goes to the TPM, and what its owner
// can do. What it has in common with the other kinds is in keyslot_contract_test.cc.
#include "crypto/keyslot/tpm2_keyslot.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/internal/secret_access.h"
#include "crypto/sha256.h"
#include "crypto/top_page.h"
#include "tests/crypto/keyslot/soft_devices.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using test::HasReason;
using test::IsOk;
using test::IsOkAndHolds;
using test::Swtpm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::chrono::milliseconds kPatience{60'000};

// The owner of the TPM, at its keyboard.
class Owner final {
 public:
  explicit Owner(const Swtpm& tpm) {
    EXPECT_EQ(Tss2_TctiLdr_Initialize(tpm.tcti().c_str(), &tcti_), TSS2_RC_SUCCESS);
    EXPECT_EQ(Esys_Initialize(&esys_, tcti_, nullptr), TSS2_RC_SUCCESS);
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() {
    Esys_Finalize(&esys_);
    Tss2_TctiLdr_Finalize(&tcti_);
  }

  TPM2B_NV_PUBLIC PublicOf(std::uint32_t index) {
    const ESYS_TR handle = Handle(index);
    TPM2B_NV_PUBLIC* found = nullptr;
    EXPECT_EQ(Esys_NV_ReadPublic(esys_, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &found,
                                 nullptr),
              TSS2_RC_SUCCESS);
    const TPM2B_NV_PUBLIC copy = *found;
    Esys_Free(found);
    return copy;
  }

  bool CanRead(std::uint32_t index) {
    TPM2B_MAX_NV_BUFFER* data = nullptr;
    const TSS2_RC rc = Esys_NV_Read(esys_, ESYS_TR_RH_OWNER, Handle(index), ESYS_TR_PASSWORD,
                                    ESYS_TR_NONE, ESYS_TR_NONE, 64, 0, &data);
    Esys_Free(data);
    return rc == TSS2_RC_SUCCESS;
  }

  bool CanWrite(std::uint32_t index) {
    TPM2B_MAX_NV_BUFFER data = {};
    data.size = 64;
    return Esys_NV_Write(esys_, ESYS_TR_RH_OWNER, Handle(index), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, &data, 0) == TSS2_RC_SUCCESS;
  }

  // Removes an index and defines it again, with more attributes and an empty password.
  void Redefine(std::uint32_t index, TPMA_NV more) {
    TPM2B_NV_PUBLIC area = PublicOf(index);
    EXPECT_EQ(Esys_NV_UndefineSpace(esys_, ESYS_TR_RH_OWNER, Handle(index), ESYS_TR_PASSWORD,
                                    ESYS_TR_NONE, ESYS_TR_NONE),
              TSS2_RC_SUCCESS);
    area.nvPublic.attributes = (area.nvPublic.attributes & ~TPMA_NV_WRITTEN) | more;
    const TPM2B_AUTH none = {};
    ESYS_TR made = ESYS_TR_NONE;
    EXPECT_EQ(Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &none, &area, &made),
              TSS2_RC_SUCCESS);
    if ((more & TPMA_NV_OWNERWRITE) != 0) {
      EXPECT_TRUE(CanWrite(index));
    }
  }

  // Sets the password of the owner, who has had none.
  void SetOwnerPassword(std::string_view password) {
    const TPM2B_AUTH auth = Auth(password);
    EXPECT_EQ(Esys_HierarchyChangeAuth(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &auth),
              TSS2_RC_SUCCESS);
  }

  // Fills the memory with indices of its own. Returns them.
  std::vector<std::uint32_t> FillMemory() {
    std::vector<std::uint32_t> defined;
    std::uint32_t index = kOwnIndex;
    for (const std::uint16_t size : {std::uint16_t{2048}, std::uint16_t{256}, std::uint16_t{1}}) {
      for (TSS2_RC rc = TSS2_RC_SUCCESS; rc != TPM2_RC_NV_SPACE; ++index) {
        rc = Define(index, size, TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE, "");
        if (rc == TSS2_RC_SUCCESS) defined.push_back(index);
        if (rc != TSS2_RC_SUCCESS && rc != TPM2_RC_NV_SPACE && rc != TPM2_RC_NV_DEFINED) {
          ADD_FAILURE() << "TPM2_NV_DefineSpace: " << rc;
          return defined;
        }
      }
    }
    return defined;
  }

  void Undefine(std::uint32_t index) {
    EXPECT_EQ(Esys_NV_UndefineSpace(esys_, ESYS_TR_RH_OWNER, Handle(index), ESYS_TR_PASSWORD,
                                    ESYS_TR_NONE, ESYS_TR_NONE),
              TSS2_RC_SUCCESS);
  }

  // Guesses a password until the TPM takes no more guesses, of anybody.
  void LockItOut() {
    EXPECT_EQ(Esys_DictionaryAttackParameters(esys_, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD,
                                              ESYS_TR_NONE, ESYS_TR_NONE, /*newMaxTries=*/1,
                                              /*newRecoveryTime=*/1000, /*lockoutRecovery=*/1000),
              TSS2_RC_SUCCESS);
    EXPECT_EQ(Define(kOwnIndex, 8, TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE, "right"), TSS2_RC_SUCCESS);
    EXPECT_EQ(WriteWith(kOwnIndex, "right"), TSS2_RC_SUCCESS);
    EXPECT_NE(WriteWith(kOwnIndex, "wrong"), TSS2_RC_SUCCESS);
    EXPECT_EQ(WriteWith(kOwnIndex, "right"), TPM2_RC_LOCKOUT);
  }

  // Whether there is a key at the handle of the storage root key.
  bool HasSrk() {
    ESYS_TR handle = ESYS_TR_NONE;
    return Esys_TR_FromTPMPublic(esys_, Swtpm::kSrkHandle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &handle) == TSS2_RC_SUCCESS;
  }

  bool HasIndex(std::uint32_t index) {
    ESYS_TR handle = ESYS_TR_NONE;
    return Esys_TR_FromTPMPublic(esys_, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle) ==
           TSS2_RC_SUCCESS;
  }

  Bytes SrkName() {
    TPM2B_NAME* name = nullptr;
    EXPECT_EQ(Esys_TR_GetName(esys_, Handle(Swtpm::kSrkHandle), &name), TSS2_RC_SUCCESS);
    const auto* begin = reinterpret_cast<const std::byte*>(name->name);
    Bytes bytes(begin, begin + name->size);
    Esys_Free(name);
    return bytes;
  }

  void ExtendPcr16() {
    TPML_DIGEST_VALUES values = {};
    values.count = 1;
    values.digests[0].hashAlg = TPM2_ALG_SHA256;
    EXPECT_EQ(Esys_PCR_Extend(esys_, ESYS_TR_PCR16, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                              &values),
              TSS2_RC_SUCCESS);
  }

 private:
  // Where the keyslot has nothing.
  static constexpr std::uint32_t kOwnIndex = 0x01810000;

  static TPM2B_AUTH Auth(std::string_view password) {
    TPM2B_AUTH auth = {};
    auth.size = static_cast<UINT16>(password.size());
    std::copy(password.begin(), password.end(), auth.buffer);
    return auth;
  }

  TSS2_RC Define(std::uint32_t index, std::uint16_t size, TPMA_NV attributes,
                 std::string_view password) {
    TPM2B_NV_PUBLIC area = {};
    area.nvPublic.nvIndex = index;
    area.nvPublic.nameAlg = TPM2_ALG_SHA256;
    area.nvPublic.attributes = attributes;
    area.nvPublic.dataSize = size;
    const TPM2B_AUTH auth = Auth(password);
    ESYS_TR made = ESYS_TR_NONE;
    const TSS2_RC rc = Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &auth, &area, &made);
    if (rc == TSS2_RC_SUCCESS) Esys_TR_Close(esys_, &made);
    return rc;
  }

  TSS2_RC WriteWith(std::uint32_t index, std::string_view password) {
    const ESYS_TR handle = Handle(index);
    const TPM2B_AUTH auth = Auth(password);
    EXPECT_EQ(Esys_TR_SetAuth(esys_, handle, &auth), TSS2_RC_SUCCESS);
    TPM2B_MAX_NV_BUFFER data = {};
    data.size = 8;
    return Esys_NV_Write(esys_, handle, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                         0);
  }

  ESYS_TR Handle(std::uint32_t index) {
    ESYS_TR handle = ESYS_TR_NONE;
    EXPECT_EQ(
        Esys_TR_FromTPMPublic(esys_, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle),
        TSS2_RC_SUCCESS);
    return handle;
  }

  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
};

// The bytes that swtpm's log shows, as they follow one another.
Bytes BytesInLog(const std::string& log) {
  Bytes bytes;
  std::istringstream words(log);
  for (std::string word; words >> word;) {
    if (word.size() != 2) continue;
    std::string lower = word;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    const auto byte = FromHex(lower);
    if (byte.ok()) bytes.push_back(byte->front());
  }
  return bytes;
}

bool Contains(const Bytes& bytes, ByteSpan part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}

class Tpm2KeyslotTest : public ::testing::Test {
 protected:
  Tpm2KeyslotTest() {
    settings_.folder = "/slot";
    settings_.tcti = tpm_.tcti();
    settings_.first_index = Swtpm::kFirstIndex;
    settings_.srk_handle = Swtpm::kSrkHandle;
  }

  absl::StatusOr<std::unique_ptr<Tpm2Keyslot>> Open(
      std::chrono::milliseconds patience = kPatience) {
    return Tpm2Keyslot::Open(
        disk_, random_, std::make_unique<HelperChannel>(test::kKeyslotHelper, patience, clock_),
        settings_);
  }
  std::unique_ptr<Tpm2Keyslot> MustOpen() {
    auto slot = Open();
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }
  void ExpectFault(const absl::Status& status, const char* what) {
    EXPECT_THAT(status, HasReason(Reason::kKeyslotFailed));
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }

  Swtpm tpm_;
  test::MemoryFileSystem disk_;
  test::FakeClock clock_{UnixMillis{0}, std::chrono::hours(1)};
  test::SeededCryptoRandom random_;
  Tpm2Keyslot::Settings settings_;
  const SecretBytes key_[3] = {NewRootKey(random_).value(), NewRootKey(random_).value(),
                               NewRootKey(random_).value()};
};

TEST_F(Tpm2KeyslotTest, SaysWhichTpmItIs) {
  const auto slot = MustOpen();
  ASSERT_EQ(slot->parts().size(), 1u);
  EXPECT_THAT(slot->parts()[0].device, HasSubstr("IBM, SW"));
  EXPECT_THAT(slot->parts()[0].device, HasSubstr("storage root key "));
  EXPECT_EQ(slot->erasure_class(), ErasureClass::kMedium);
  EXPECT_EQ(slot->erase_interval(), std::chrono::hours(1));
}

// swtpm logs each command and each answer, as somebody sees them who listens on the bus.
TEST_F(Tpm2KeyslotTest, WhoeverSeesEachCommandAndAnswerSeesNoKey) {
  {
    const auto slot = MustOpen();
    ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
    ASSERT_THAT(slot->Stage(Epoch(2), key_[2]), IsOk());
    EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
    ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  }
  const Bytes seen = BytesInLog(tpm_.Log());
  // The log is what it is taken for: the command that writes an index, and the index.
  EXPECT_TRUE(Contains(seen, Bytes{std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0x37},
                                   std::byte{1}, std::byte{0x80}, std::byte{1}}));
  for (const SecretBytes* key : {&key_[1], &key_[2]}) {
    const ByteSpan bytes = internal::SecretAccess::Read(*key);
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
      EXPECT_FALSE(Contains(seen, bytes.subspan(at, 4))) << at;
    }
  }
  // Nor the password of the indices, which lies in the note from byte 14 on.
  const Bytes note = disk_.ReadWhole("/slot/tpm", 4096).value();
  for (std::size_t at = 0; at + 4 <= 32; at += 4) {
    EXPECT_FALSE(Contains(seen, ByteSpan(note).subspan(14 + at, 4))) << at;
  }
  // What is not secret does stand there: the same test finds the storage root key's name and its
  // handle.
  EXPECT_TRUE(Contains(seen, ByteSpan(note).subspan(14 + 32 + 1 + 2, 32)));
  EXPECT_TRUE(Contains(seen, Bytes{std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{1}}));
}

TEST_F(Tpm2KeyslotTest, TheOwnerCanNeitherReadNorWriteTheIndices) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  {
    Owner owner(tpm_);
    for (const std::uint32_t index : {Swtpm::kFirstIndex, Swtpm::kFirstIndex + 1}) {
      EXPECT_FALSE(owner.CanRead(index));
      EXPECT_FALSE(owner.CanWrite(index));
      const TPMA_NV attributes = owner.PublicOf(index).nvPublic.attributes;
      EXPECT_EQ(attributes & (TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD |
                              TPMA_NV_AUTHWRITE | TPMA_NV_PPREAD | TPMA_NV_PPWRITE),
                0u);
      EXPECT_NE(attributes & TPMA_NV_POLICYREAD, 0u);
      EXPECT_NE(attributes & TPMA_NV_POLICYWRITE, 0u);
    }
  }
  EXPECT_TRUE(ConstantTimeEquals(*MustOpen()->Read(Epoch(1)), key_[1]));
}

TEST_F(Tpm2KeyslotTest, AnIndexThatTheOwnerDefinedAnewIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  Owner(tpm_).Redefine(Swtpm::kFirstIndex, TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE);
  ExpectFault(Open().status(), "others may use it");
  // In the very same way, but for the password.
  Owner(tpm_).Redefine(Swtpm::kFirstIndex + 1, 0);
  ExpectFault(Open().status(), "NV index");
}

TEST_F(Tpm2KeyslotTest, AnIndexThatWasDefinedAnewInTheSameWayIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  Owner(tpm_).Redefine(Swtpm::kFirstIndex, 0);
  ExpectFault(Open().status(), "somebody defined it anew");
}

TEST_F(Tpm2KeyslotTest, AnIndexOfSomethingElseIsNotTaken) {
  MustOpen();
  ASSERT_THAT(disk_.Remove("/slot/tpm"), IsOk());
  // The same indices with a password that nobody here knows.
  EXPECT_THAT(Open(), HasReason(Reason::kKeyslotFailed));
}

TEST_F(Tpm2KeyslotTest, AFirstUseThatWasCutShortFindsItsOwnIndices) {
  MustOpen();
  Bytes note = disk_.ReadWhole("/slot/tpm", 4096).value();
  note[14 + 32] = std::byte{0};  // As it was before the names were written.
  disk_.Preload("/slot/tpm", note);
  const auto slot = MustOpen();
  EXPECT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  EXPECT_EQ(disk_.ReadWhole("/slot/tpm", 4096).value()[14 + 32], std::byte{1});
}

TEST_F(Tpm2KeyslotTest, ATpmThatIsAbsentIsAnErrorAndHasLostNothing) {
  {
    const auto slot = MustOpen();
    ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
    tpm_.Stop();
    EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kKeyslotFailed));
    EXPECT_THAT(slot->Stage(Epoch(2), key_[2]), HasReason(Reason::kKeyslotFailed));
  }
  ExpectFault(Open().status(), "the TPM is not there");
  tpm_.Start();
  EXPECT_THAT(MustOpen()->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
}

constexpr char kWrongPassword[] = "the TPM refuses the password";

TEST_F(Tpm2KeyslotTest, AnOwnerWithAPasswordIsNeededAtTheFirstUseAndNeverAgain) {
  Owner(tpm_).SetOwnerPassword("the owner's");
  // More often than the TPM has room for sessions: what fails leaves none behind.
  for (int attempt = 0; attempt < 4; ++attempt) ExpectFault(Open().status(), kWrongPassword);
  settings_.owner_auth_path = "/owner";
  ExpectFault(Open().status(), "/owner");
  disk_.Preload("/owner", AsBytes("the neighbour's\n"));
  for (int attempt = 0; attempt < 4; ++attempt) ExpectFault(Open().status(), kWrongPassword);
  {
    Owner owner(tpm_);
    EXPECT_FALSE(owner.HasSrk());
    EXPECT_FALSE(owner.HasIndex(Swtpm::kFirstIndex));
  }
  disk_.Preload("/owner", AsBytes("the owner's\n"));
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  // Neither the file, nor what it says, is of use any more.
  ASSERT_THAT(disk_.Remove("/owner"), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*MustOpen()->Read(Epoch(1)), key_[1]));
  settings_.owner_auth_path.clear();
  EXPECT_TRUE(ConstantTimeEquals(*MustOpen()->Read(Epoch(1)), key_[1]));
}

// The storage root key is there, and the indices are still to be defined.
TEST_F(Tpm2KeyslotTest, AnOwnerWithAnotherPasswordDefinesNoIndex) {
  MustOpen();
  settings_.folder = "/other";
  settings_.first_index += 2;
  Owner(tpm_).SetOwnerPassword("the owner's");
  for (int attempt = 0; attempt < 4; ++attempt) ExpectFault(Open().status(), kWrongPassword);
  EXPECT_FALSE(Owner(tpm_).HasIndex(settings_.first_index));
  disk_.Preload("/owner", AsBytes("the owner's\n"));
  settings_.owner_auth_path = "/owner";
  EXPECT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
}

// Neither the indices nor the owner's hierarchy can be locked by guesses at something else.
TEST_F(Tpm2KeyslotTest, ATpmThatIsLockedOutServesTheKeyslotAllTheSame) {
  Owner(tpm_).LockItOut();
  const auto slot = MustOpen();
  ASSERT_THAT(slot->Stage(Epoch(1), key_[1]), IsOk());
  ASSERT_THAT(slot->Stage(Epoch(2), key_[2]), IsOk());
  ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(2)), key_[2]));
}

TEST_F(Tpm2KeyslotTest, ATpmWithoutRoomIsAnErrorOfTheFirstUseAlone) {
  std::vector<std::uint32_t> others = Owner(tpm_).FillMemory();
  ASSERT_GT(others.size(), 2u);
  // More often than there is room for keys and sessions.
  for (int attempt = 0; attempt < 4; ++attempt) ExpectFault(Open().status(), "the TPM is full");
  // With room for the storage root key, and then for one index, and then for two.
  int refused = 0;
  auto slot = Open();
  while (!slot.ok() && !others.empty()) {
    ++refused;
    ExpectFault(slot.status(), "the TPM is full");
    Owner(tpm_).Undefine(others.back());
    others.pop_back();
    slot = Open();
  }
  ASSERT_THAT(slot, IsOk());
  EXPECT_GE(refused, 2);
  slot->reset();
  // What it needs later it has.
  static_cast<void>(Owner(tpm_).FillMemory());
  slot = Open();
  ASSERT_THAT(slot, IsOk());
  ASSERT_THAT((*slot)->Stage(Epoch(1), key_[1]), IsOk());
  ASSERT_THAT((*slot)->Stage(Epoch(2), key_[2]), IsOk());
  ASSERT_THAT((*slot)->Erase(Epoch(1)), IsOk());
  ASSERT_THAT((*slot)->Stage(Epoch(3), key_[0]), IsOk());
  EXPECT_THAT((*slot)->List(), IsOkAndHolds(ElementsAre(Epoch(2), Epoch(3))));
}

TEST_F(Tpm2KeyslotTest, ATpmThatGivesNoAnswerIsAnErrorInTimeAndHasLostNothing) {
  constexpr std::chrono::milliseconds kLittlePatience{2'000};
  auto slot = Open(kLittlePatience);
  ASSERT_THAT(slot, IsOk());
  ASSERT_THAT((*slot)->Stage(Epoch(1), key_[1]), IsOk());
  tpm_.Freeze();
  ExpectFault((*slot)->Stage(Epoch(2), key_[2]), "the device gave no answer in 2000 ms");
  // Nor is it asked again at once: a hold waits behind it.
  ExpectFault((*slot)->Read(Epoch(1)).status(), "gave no answer a moment ago");
  ExpectFault((*slot)->Erase(Epoch(1)), "gave no answer a moment ago");
  ExpectFault((*slot)->List().status(), "gave no answer a moment ago");
  slot->reset();
  // A start does not wait for ever either.
  ExpectFault(Open(std::chrono::milliseconds(100)).status(), "the device gave no answer in 100 ms");
  tpm_.Thaw();
  const auto again = MustOpen();
  EXPECT_THAT(again->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
  EXPECT_TRUE(ConstantTimeEquals(*again->Read(Epoch(1)), key_[1]));
  EXPECT_THAT(again->Stage(Epoch(2), key_[2]), IsOk());
}

TEST_F(Tpm2KeyslotTest, AStorageRootKeyThatIsKnownFromElsewhereIsNotTakenAsFound) {
  const Bytes wrong = Bytes(34, std::byte{7});
  settings_.srk_name = wrong;
  // There is none: it cannot be the one, and none is made.
  ExpectFault(Open().status(), "does not have that index or key");
  EXPECT_FALSE(Owner(tpm_).HasSrk());
  // Somebody made one.
  settings_.srk_name.clear();
  settings_.folder = "/other";
  settings_.first_index += 2;
  MustOpen();
  settings_.folder = "/slot";
  settings_.first_index -= 2;
  settings_.srk_name = wrong;
  ExpectFault(Open().status(), "storage root key is another one");
  EXPECT_FALSE(Owner(tpm_).HasIndex(Swtpm::kFirstIndex));
  settings_.srk_name = Owner(tpm_).SrkName();
  EXPECT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
}

TEST_F(Tpm2KeyslotTest, AnotherTpmIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  const Swtpm other;
  settings_.tcti = other.tcti();
  ExpectFault(Open().status(), "does not have that index or key");
}

TEST_F(Tpm2KeyslotTest, ANoteThatIsDamagedOrOfOtherHandlesIsRefused) {
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  const Bytes whole = disk_.ReadWhole("/slot/tpm", 4096).value();
  // A byte of the magic, a handle, the password, the mark, and each name.
  for (const std::size_t at : {0u, 9u, 13u, 20u, 46u, 60u, 90u, 120u}) {
    SCOPED_TRACE(at);
    Bytes damaged = whole;
    damaged.at(at) ^= std::byte{2};
    disk_.Preload("/slot/tpm", damaged);
    EXPECT_THAT(Open(), HasReason(Reason::kKeyslotFailed));
  }
  disk_.Preload("/slot/tpm", ByteSpan(whole).first(whole.size() - 1));
  EXPECT_THAT(Open(), HasReason(Reason::kKeyslotFailed));
  disk_.Preload("/slot/tpm", whole);
  settings_.first_index += 2;
  ExpectFault(Open().status(), "names other handles");
  settings_.first_index -= 2;
  settings_.srk_name = Bytes(34);
  ExpectFault(Open().status(), "another storage root key");
}

// PolicyPCR behind PolicyAuthorize: the indices are of use only in a state that was signed, and the
// signature can be replaced.
TEST_F(Tpm2KeyslotTest, APlatformInAStateThatNobodySignedCannotUseTheIndices) {
  const test::TempDir folder;
  ASSERT_TRUE(test::RunProgram({"openssl", "genrsa", "-out", folder.File("key.pem"), "2048"}));
  ASSERT_TRUE(test::RunProgram({"openssl", "rsa", "-in", folder.File("key.pem"), "-pubout", "-out",
                                folder.File("public.pem")}));
  const auto read = [](const std::string& path) {
    PosixFileSystem files;
    return files.ReadWhole(path, 1 << 16).value();
  };
  // As docs/operations.md says how: the policy's digest for PCR 16 with this value, signed.
  const auto sign = [&](const Digest32& pcr) {
    const Digest32 pcrs = Sha256Of(pcr);
    Bytes policy(32);
    for (const int byte : {0, 0, 1, 0x7f, 0, 0, 0, 1, 0, 0x0b, 3, 0, 0, 1}) {
      policy.push_back(static_cast<std::byte>(byte));
    }
    policy.insert(policy.end(), pcrs.begin(), pcrs.end());
    const Digest32 digest = Sha256Of(policy);
    std::ofstream(folder.File("policy"), std::ios::binary) << AsText(digest);
    ASSERT_TRUE(test::RunProgram({"openssl", "dgst", "-sha256", "-sign", folder.File("key.pem"),
                                  "-out", folder.File("signature"), folder.File("policy")}));
    disk_.Preload("/signature", read(folder.File("signature")));
  };
  disk_.Preload("/public.pem", read(folder.File("public.pem")));
  settings_.pcr_mask = 1u << 16;
  settings_.pcr_public_key_path = "/public.pem";
  settings_.pcr_signature_path = "/signature";
  sign(Digest32{});
  ASSERT_THAT(MustOpen()->Stage(Epoch(1), key_[1]), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*MustOpen()->Read(Epoch(1)), key_[1]));

  Owner(tpm_).ExtendPcr16();
  EXPECT_THAT(Open(), HasReason(Reason::kKeyslotFailed));
  sign(Sha256Of(Bytes(64)));  // Zeros, extended by zeros.
  EXPECT_TRUE(ConstantTimeEquals(*MustOpen()->Read(Epoch(1)), key_[1]));
  // Without the policy the indices are not what they have to be.
  settings_.pcr_mask = 0;
  ExpectFault(Open().status(), "not as a keyslot needs it");
}

}  // namespace
}  // namespace holdfast::crypto
