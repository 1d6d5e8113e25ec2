// SPDX-License-Identifier: Apache-2.0
// holdfast notices: what a requester was told about holds, and that it was heard.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/orders.h"
#include "client/order_client.h"

namespace holdfast::cli {
namespace {

struct ListOptions {
  bool all = false;
};

struct WatchOptions {
  bool once = false;
};

struct AcknowledgeOptions {
  std::string hold;
  std::string requester;
  OrderOptions order;
};

void Show(Session& session, const v1::Notice& notice) {
  Output& out = session.out();
  JsonObject object("Notice");
  object.Set("hold", notice.hold_id())
      .Set("matter", notice.matter())
      .Set("requester", notice.requester())
      .Set("freezes", notice.freezes())
      .Set("preserves", notice.preserves())
      .Set("placed_index", notice.placed_index())
      .Set("placed_at", FormatRfc3339(ToMillis(notice.placed_at())))
      .Set("notice_index", notice.notice_index())
      .Set("due_at", FormatRfc3339(ToMillis(notice.due_at())))
      .Set("overdue", notice.overdue())
      .Set("acknowledged_index", notice.acknowledged_index())
      .Set("acknowledged_by", notice.acknowledged_by());
  std::string text = fmt::format(
      "hold {}, matter {}: {}\n  notice to {}, ledger entry {}", notice.hold_id(), notice.matter(),
      notice.freezes() && notice.preserves()
          ? "use nothing that you got, and destroy nothing"
          : (notice.freezes() ? "use nothing that you got" : "destroy nothing that you got"),
      notice.requester(), notice.notice_index());
  if (notice.acknowledged_index() != 0) {
    text += fmt::format("\n  acknowledged by {}, ledger entry {}", notice.acknowledged_by(),
                        notice.acknowledged_index());
  } else {
    text += fmt::format("\n  {} by {}: holdfast notices acknowledge {}",
                        notice.overdue() ? "OVERDUE: was to be acknowledged" : "to be acknowledged",
                        out.Time(ToMillis(notice.due_at())), notice.hold_id());
  }
  out.Result(object, text);
}

absl::StatusOr<std::vector<v1::Notice>> Notices(Session& session) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Hold> holds,
                      client::OrderClient(channel).ListHolds(client::LiftedHolds::kLeaveOut));
  std::vector<v1::Notice> notices;
  for (const v1::Hold& hold : holds) {
    notices.insert(notices.end(), hold.notices().begin(), hold.notices().end());
  }
  return notices;
}

absl::StatusOr<ExitStatus> List(Session& session, const ListOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Notice> notices, Notices(session));
  std::uint64_t shown = 0;
  for (const v1::Notice& notice : notices) {
    if (!options.all && notice.acknowledged_index() != 0) continue;
    Show(session, notice);
    ++shown;
  }
  if (shown == 0) session.out().Line("no notice waits for an acknowledgement");
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Watch(Session& session, const WatchOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, session.channel());
  HF_RETURN_IF_ERROR(
      client::OrderClient(channel).WatchNotices([&](const v1::WatchNoticesResponse& now) {
        for (const v1::Notice& notice : now.notices()) Show(session, notice);
        session.out().Note(fmt::format("{} notices wait for an acknowledgement", now.total()));
        return options.once ? client::Watching::kStop : client::Watching::kGoOn;
      }));
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> Acknowledge(Session& session, const AcknowledgeOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::vector<v1::Notice> notices, Notices(session));
  std::vector<v1::Notice> found;
  std::copy_if(notices.begin(), notices.end(), std::back_inserter(found),
               [&](const v1::Notice& notice) {
                 return notice.hold_id() == options.hold &&
                        (options.requester.empty() || notice.requester() == options.requester);
               });
  if (found.empty()) {
    return MakeError(Reason::kNotFound, "there is no notice of the hold " + options.hold);
  }
  if (found.size() > 1) {
    return MakeError(Reason::kRequestMalformed,
                     "several requesters got notice: say whose with --requester");
  }
  if (found[0].acknowledged_index() != 0) {
    Show(session, found[0]);
    return ExitStatus::kDone;
  }
  order::v1::Order act;
  order::v1::AcknowledgeNotice& acknowledge = *act.mutable_acknowledge_notice();
  acknowledge.set_hold_id(found[0].hold_id());
  acknowledge.set_placed_index(found[0].placed_index());
  acknowledge.set_requester(found[0].requester());
  return CarryOut(session, std::move(act), options.order);
}

}  // namespace

void DeclareNotices(Command root) {
  Command notices =
      root.Sub("notices", "list, watch, acknowledge: what holds a requester hears of");
  {
    auto options = std::make_shared<ListOptions>();
    Command list = notices.Sub("list", "show the notices that wait for an acknowledgement");
    list.Flag("--all", options->all, "also those that were acknowledged");
    list.Runs([options](Session& session) { return List(session, *options); });
  }
  {
    auto options = std::make_shared<WatchOptions>();
    Command watch = notices.Sub("watch", "wait for notices, and print them as they come");
    watch.Flag("--once", options->once, "end after the first answer");
    watch.Runs([options](Session& session) { return Watch(session, *options); });
  }
  {
    auto options = std::make_shared<AcknowledgeOptions>();
    Command acknowledge =
        notices.Sub("acknowledge", "say that a notice was received (counsel of the requester)");
    acknowledge.Required("hold", options->hold, "the hold's id")
        .Optional("--requester", options->requester, "whose notice, where several got one");
    options->order.Declare(acknowledge);
    acknowledge.Runs([options](Session& session) { return Acknowledge(session, *options); });
  }
}

}  // namespace holdfast::cli
