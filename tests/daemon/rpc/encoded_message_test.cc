// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/encoded_message.h"

#include <string>

#include "gtest/gtest.h"

#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::test {
namespace {

using rpc::EncodedMessage;

TEST(EncodedMessage, IsItsPartsOneAfterTheOther) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 70'000U}) {
    v1::CollectEnvelopesResponse before;
    before.set_chunk(7);
    before.add_rows(300);
    v1::CollectEnvelopesResponse behind;
    behind.set_last(true);
    const std::string envelopes(size, 'e');
    v1::CollectEnvelopesResponse middle;
    middle.set_envelopes(envelopes);
    EncodedMessage message;
    message.Append(before);
    message.Append(ToBytes("not these" + middle.SerializeAsString()), 9);
    message.Append(behind);
    std::string all;
    for (const EncodedMessage::Part& part : message.TakeParts()) {
      all += ToString(ByteSpan(part.bytes).subspan(part.from));
    }
    v1::CollectEnvelopesResponse read;
    ASSERT_TRUE(read.ParseFromString(all));
    EXPECT_EQ(read.chunk(), 7U);
    EXPECT_EQ(read.rows(0), 300U);
    EXPECT_EQ(read.envelopes(), envelopes);
    EXPECT_TRUE(read.last());
  }
}

}  // namespace
}  // namespace holdfast::test
