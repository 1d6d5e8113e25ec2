// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mutations.h"

#include <iterator>
#include <utility>

namespace holdfast::test {
namespace {

void MoveInto(std::vector<Mutation>& all, std::vector<Mutation> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Mutation> BitFlips(ByteSpan bytes) {
  std::vector<Mutation> all;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes damaged = ToBytes(bytes);
      damaged[i] ^= std::byte{1} << bit;
      all.push_back({"bit " + std::to_string(bit) + " of byte " + std::to_string(i) + " flipped",
                     std::move(damaged)});
    }
  }
  return all;
}

std::vector<Mutation> Truncations(ByteSpan bytes) {
  std::vector<Mutation> all;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    all.push_back({"cut to " + std::to_string(size) + " bytes", ToBytes(bytes.first(size))});
  }
  return all;
}

std::vector<Mutation> Extensions(ByteSpan bytes) {
  std::vector<Mutation> all;
  for (int value = 0; value < 256; ++value) {
    Bytes longer = ToBytes(bytes);
    longer.push_back(static_cast<std::byte>(value));
    all.push_back({"byte " + std::to_string(value) + " appended", std::move(longer)});
  }
  if (!bytes.empty()) {
    Bytes twice = ToBytes(bytes);
    twice.insert(twice.end(), bytes.begin(), bytes.end());
    all.push_back({"given twice", std::move(twice)});
  }
  return all;
}

std::vector<Mutation> BitFlipsAndTruncations(ByteSpan bytes) {
  std::vector<Mutation> all = BitFlips(bytes);
  MoveInto(all, Truncations(bytes));
  MoveInto(all, Extensions(bytes));
  return all;
}

}  // namespace holdfast::test
