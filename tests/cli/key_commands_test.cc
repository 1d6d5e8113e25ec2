// SPDX-License-Identifier: Apache-2.0
// holdfast pki and holdfast identity.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "cli/certificates.h"
#include "crypto/key_file.h"
#include "tests/cli/cli_harness.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ReadFile(FileSystem& files, const std::string& path) {
  const auto bytes = files.ReadWhole(path, 1 << 20);
  return bytes.ok() ? ToString(*bytes) : "unreadable";
}

struct Freed {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::unique_ptr<X509, Freed> ParsePem(const std::string& pem) {
  const std::unique_ptr<BIO, Freed> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return std::unique_ptr<X509, Freed>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// The subject alternative names as "TYPE:TEXT".
std::vector<std::string> NamesOf(const std::string& pem) {
  const auto certificate = ParsePem(pem);
  std::vector<std::string> found;
  if (certificate == nullptr) return found;
  const std::unique_ptr<GENERAL_NAMES, Freed> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    const ASN1_STRING* text = name->type == GEN_URI   ? name->d.uniformResourceIdentifier
                              : name->type == GEN_DNS ? name->d.dNSName
                                                      : name->d.iPAddress;
    const std::string value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                            static_cast<std::size_t>(ASN1_STRING_length(text)));
    found.push_back(name->type == GEN_URI   ? "URI:" + value
                    : name->type == GEN_DNS ? "DNS:" + value
                                            : "IP:" + Hex(AsBytes(value)));
  }
  return found;
}

class KeyCommandsTest : public ::testing::Test {
 protected:
  CommandResult Init() {
    return cli_.Run({"pki", "init", "--domain", "holdfast.example", "--out", "/pki"});
  }
  CommandResult Issue(const std::string& role, const std::string& id) {
    return cli_.Run({"pki", "issue", "--ca", "/pki", "--role", role, "--id", id});
  }

  test::MemoryFileSystem files_;
  CliHarness cli_{files_};
};

TEST_F(KeyCommandsTest, IssuesClientsWithExactlyOneUri) {
  ASSERT_EQ(Init().exit, 0);
  ASSERT_EQ(Issue("counsel", "counsel-1").exit, 0);
  EXPECT_THAT(NamesOf(ReadFile(files_, "/pki/counsel-1.pem")),
              ElementsAre("URI:spiffe://holdfast.example/counsel/counsel-1"));
  EXPECT_THAT(NamesOf(ReadFile(files_, "/pki/server.pem")),
              ElementsAre("DNS:localhost", "IP:7f000001"));
}

TEST_F(KeyCommandsTest, SignsWithTheAuthority) {
  ASSERT_EQ(Init().exit, 0);
  ASSERT_EQ(Issue("source", "source-1").exit, 0);
  const auto authority = ParsePem(ReadFile(files_, "/pki/ca.pem"));
  const auto client = ParsePem(ReadFile(files_, "/pki/source-1.pem"));
  ASSERT_NE(authority, nullptr);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(X509_verify(client.get(), X509_get0_pubkey(authority.get())), 1);
  EXPECT_EQ(X509_verify(authority.get(), X509_get0_pubkey(client.get())), 0);
}

TEST_F(KeyCommandsTest, NeverReplacesAKey) {
  ASSERT_EQ(Init().exit, 0);
  const std::string before = ReadFile(files_, "/pki/ca.key");
  EXPECT_EQ(Init().exit, 65);
  EXPECT_EQ(ReadFile(files_, "/pki/ca.key"), before);
}

TEST_F(KeyCommandsTest, RefusesNamesThatWouldAddAnotherUri) {
  ASSERT_EQ(Init().exit, 0);
  EXPECT_EQ(Issue("counsel", "a,URI:spiffe://holdfast.example/custodian/b").exit, 65);
  EXPECT_EQ(Issue("counsel", "a/../../custodian/b").exit, 65);
  EXPECT_EQ(Issue("counsel", "").exit, 65);
  EXPECT_EQ(Issue("emperor", "a").exit, 64);
}

TEST_F(KeyCommandsTest, RefusesAnAuthorityThatWasAltered) {
  ASSERT_EQ(Init().exit, 0);
  const std::string certificate = ReadFile(files_, "/pki/ca.pem");
  const std::string key = ReadFile(files_, "/pki/ca.key");
  for (const test::Mutation& m : test::Truncations(AsBytes(key))) {
    if (m.bytes.size() + 1 >= key.size()) continue;  // The last line feed means nothing.
    EXPECT_THAT(CertificateAuthority::Load(certificate, AsText(m.bytes)).status(),
                HasReason(Reason::kRequestMalformed))
        << m.description;
  }
}

TEST_F(KeyCommandsTest, LeavesNoHalfWrittenKeyWhicheverOperationFails) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    test::FaultyFileSystem flaky(disk, plan);
    const CommandResult result =
        CliHarness(flaky).Run({"identity", "create", "--out", "/keys/a", "--no-passphrase"});
    disk.LoseUnsyncedWrites();
    const auto key = disk.ReadWhole("/keys/a", 4096);
    EXPECT_TRUE(result.exit != 0 || key.ok());
    if (key.ok()) {
      EXPECT_THAT(crypto::ReadKeyFile(*key, crypto::WipedBuffer()).status(), IsOk());
    }
  });
}

TEST_F(KeyCommandsTest, CreatesAnIdentityAndShowsItsPublicKey) {
  const CommandResult created =
      cli_.Run({"identity", "create", "--out", "/keys/a", "--no-passphrase", "--comment", "A"});
  ASSERT_EQ(created.exit, 0) << created.err;
  EXPECT_EQ(created.out.size(), 45U);  // 32 bytes in base64, and a line feed.
  EXPECT_EQ(cli_.Run({"identity", "show", "/keys/a"}).out, created.out);
  EXPECT_EQ(cli_.Run({"identity", "show", "/keys/a.pub"}).out, created.out);
  EXPECT_EQ(cli_.Run({"identity", "create", "--out", "/keys/a", "--no-passphrase"}).exit, 65);
}

TEST_F(KeyCommandsTest, TakesAPassphraseFromAFileOrStandardInputAndFromNowhereElse) {
  files_.Preload("/secret", AsBytes("correct horse\n"));
  ASSERT_EQ(cli_.Run({"identity", "create", "--out", "/a", "--passphrase-file", "/secret"}).exit,
            0);
  const auto text = files_.ReadWhole("/a", 4096);
  ASSERT_THAT(text, IsOk());
  std::string passphrase = "correct horse";
  EXPECT_THAT(crypto::ReadKeyFile(*text, crypto::WipedBuffer::TakeFrom(std::as_writable_bytes(
                                             std::span(passphrase.data(), passphrase.size()))))
                  .status(),
              IsOk());
  EXPECT_EQ(cli_.Run({"identity", "create", "--out", "/b"}, "").exit, 65);
  EXPECT_EQ(cli_.Run({"identity", "create", "--out", "/c", "--passphrase", "x"}).exit, 64);
}

TEST_F(KeyCommandsTest, ReadsAPassphraseFromADescriptorAndNotAByteFurther) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const std::string lines = "correct horse\r\ncorrect horse\nbattery staple\n";
  ASSERT_EQ(write(pipe_ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  close(pipe_ends[1]);
  const std::string descriptor = std::to_string(pipe_ends[0]);
  ASSERT_EQ(cli_.Run({"identity", "create", "--out", "/a", "--passphrase-fd", descriptor}).exit, 0);
  const std::string before = ReadFile(files_, "/a");
  const CommandResult changed =
      cli_.Run({"identity", "change-passphrase", "/a", "--passphrase-fd", descriptor});
  EXPECT_EQ(changed.exit, 0) << changed.err;
  EXPECT_NE(ReadFile(files_, "/a"), before);
  // The pipe is empty, and then closed.
  EXPECT_EQ(cli_.Run({"identity", "change-passphrase", "/a", "--passphrase-fd", descriptor}).exit,
            65);
  close(pipe_ends[0]);
  EXPECT_EQ(cli_.Run({"identity", "change-passphrase", "/a", "--passphrase-fd", descriptor}).exit,
            78);
  EXPECT_EQ(cli_.Run({"identity", "create", "--out", "/b", "--passphrase-fd", "-1"}).exit, 64);
  EXPECT_EQ(cli_.Run({"agreement", "sign", "/none", "--out", "/x", "--key", "/a"}).exit, 65);
}

TEST_F(KeyCommandsTest, ShowsAPublicHalfOfOpenSsh) {
  const std::string blob = std::string("\0\0\0\x0bssh-ed25519\0\0\0 ", 19);
  ASSERT_EQ(cli_.Run({"identity", "create", "--out", "/a", "--no-passphrase"}).exit, 0);
  const std::string shown = cli_.Run({"identity", "show", "/a"}).out;
  const auto key = crypto::PublicKey::FromBase64(shown.substr(0, shown.size() - 1));
  ASSERT_THAT(key, IsOk());
  files_.Preload("/id.pub", AsBytes("ssh-ed25519 " +
                                    Base64(AsBytes(blob + ToString(key->bytes()))) + " me\n"));
  EXPECT_EQ(cli_.Run({"identity", "show", "/id.pub"}).out, shown);
}

}  // namespace
}  // namespace holdfast::cli
