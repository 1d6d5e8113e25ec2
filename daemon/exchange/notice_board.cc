// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/notice_board.h"

#include <string_view>

#include "base/time.h"

namespace holdfast::exchange {
namespace {

std::string Told(std::string_view matter) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string told;
  for (const char c : matter.substr(0, kMostMatterTold)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '%' && c != ';') {
      told += c;
    } else {
      told += '%';
      told += kDigits[byte >> 4U];
      told += kDigits[byte & 0xfU];
    }
  }
  return told;
}

}  // namespace

NoticeBoard NoticeBoardOf(const policy::State& state) {
  NoticeBoard board;
  if (!state.open()) return board;
  state.holds().ForEachUnacknowledged([&](const policy::Hold& hold, policy::MemberNumber requester,
                                          const policy::Notice& notice) {
    std::vector<std::string>& lines = board[state.agreement().member(requester).id];
    if (lines.size() >= kMostNoticesTold) return;
    lines.push_back("entry=" + std::to_string(notice.index) + "; hold=" + hold.id() +
                    "; due=" + FormatRfc3339(notice.due_at) + "; matter=" + Told(hold.matter()));
  });
  return board;
}

}  // namespace holdfast::exchange
