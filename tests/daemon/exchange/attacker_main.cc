// SPDX-License-Identifier: Apache-2.0
// The attacker as a program of its own: what it finds is in no other process's memory.
//
//   destruction_attacker EXCHANGE DATABASE SEGMENT:LEAF... [FILE...]
//
// Prints every key that the files give away, and every secret on the way to each leaf: one a line,
// in hexadecimal, each byte XORed with 0x5a, so that whoever reads them has not got them.
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "base/check.h"
#include "tests/daemon/exchange/attacker.h"

int main(int argc, char** argv) {
  using holdfast::test::Attacker;
  HF_CHECK(argc >= 3);
  const auto exchange =
      holdfast::IdFromBytes<holdfast::ExchangeId>(holdfast::FromHex(argv[1]).value());
  Attacker attacker(*exchange);
  attacker.TakeDatabase(argv[2]);
  std::set<Attacker::Leaf> leaves;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t colon = argument.find(':');
    if (colon == std::string::npos) {
      std::ostringstream text;
      text << std::ifstream(argument, std::ios::binary).rdbuf();
      attacker.TakeFile(holdfast::AsBytes(text.str()));
      continue;
    }
    const auto segment = holdfast::IdFromBytes<holdfast::SegmentId>(
        holdfast::FromHex(argument.substr(0, colon)).value());
    leaves.emplace(*segment, static_cast<std::uint32_t>(std::stoul(argument.substr(colon + 1))));
  }
  attacker.Work();
  std::set<Attacker::Key> secrets = attacker.keys();
  for (const auto& [segment, leaf] : leaves) {
    for (const Attacker::Key& secret : attacker.SecretsOf(segment, leaf)) secrets.insert(secret);
  }
  for (const Attacker::Key& secret : secrets) {
    for (const unsigned char byte : secret) std::printf("%02x", byte ^ 0x5aU);
    std::printf("\n");
  }
  return 0;
}
