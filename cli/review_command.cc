// SPDX-License-Identifier: Apache-2.0
// holdfast review: doubtful cases, one by one, and verdicts run again.
//
// Personal data go to standard output only, of the commands `show` and `release`, and to nothing
// else: no note, no progress, no error.
#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/exchange_view.h"
#include "cli/orders.h"
#include "client/review_client.h"
#include "policy/review.h"

namespace holdfast::cli {
namespace {

using v1::FieldComparison;
using v1::ReviewCandidate;
using v1::ReviewCase;
using v1::WaitingCase;

struct ListOptions {
  std::string transfer;
  std::string officer;
};

struct RowOptions {
  std::string transfer;
  std::uint64_t row = 0;

  void Declare(Command& command) {
    command.Required("transfer", transfer, "transfers/ID")
        .RequiredNumber("row", row, "the row, as `review list` names it");
  }
};

struct ReleaseOptions {
  RowOptions row;
  std::uint64_t candidate = 0;
  std::string digest;
  std::string reason;
  OrderOptions order;
};

struct RefuseOptions {
  std::string transfer;
  std::vector<std::string> rows;
  bool all = false;
  std::string reason;
  OrderOptions order;
};

JsonObject CaseJson(const WaitingCase& one) {
  JsonObject object("ReviewCaseSummary");
  object.Set("transfer", one.transfer())
      .Set("row", one.row())
      .Set("officer", one.officer())
      .Set("verdict", one.verdict())
      .Set("address", one.address())
      .Set("candidates", one.candidates())
      .Set("releasable", one.releasable())
      .Set("opened_at", FormatRfc3339(ToMillis(one.opened_at())))
      .Set("expires_at", FormatRfc3339(ToMillis(one.expires_at())))
      .Set("shown", one.shown())
      .Set("digest", one.digest())
      .Set("frozen_by", one.frozen_by());
  return object;
}

std::string CaseText(const Output& output, const WaitingCase& one) {
  std::string text = fmt::format(
      "{} row {}  {}, address {}\n  officer {}; {} candidates, {} of them can be released\n"
      "  expires {}; shown {} times",
      one.transfer(), one.row(), one.verdict(), one.address(), one.officer(), one.candidates(),
      one.releasable(), output.Time(ToMillis(one.expires_at())), one.shown());
  if (!one.frozen_by().empty()) text += "\n  frozen in matter " + one.frozen_by();
  return text;
}

absl::StatusOr<ExitStatus> List(Session& session, const ListOptions& options) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::ReviewClient reviews(channel);
  v1::ListReviewCasesRequest request;
  request.set_transfer(options.transfer);
  request.set_officer(options.officer);
  std::uint64_t shown = 0;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const v1::ListReviewCasesResponse page, reviews.List(request));
    for (const WaitingCase& one : page.cases()) {
      session.out().Result(CaseJson(one), CaseText(session.out(), one));
      ++shown;
    }
    if (!page.next_page_token().empty()) {
      request.set_page_token(page.next_page_token());
      continue;
    }
    JsonObject by_verdict;
    std::string text = fmt::format("{} of {} cases that wait", shown, page.waiting());
    for (const v1::ReasonCount& count : page.by_verdict()) {
      by_verdict.Set(count.reason(), count.count());
      text += fmt::format("\n  {:>8} {}", count.count(), count.reason());
    }
    JsonObject total("ReviewCases");
    total.Set("listed", shown).Set("waiting", page.waiting()).Set("by_verdict", by_verdict);
    session.out().Result(total, text);
    return ExitStatus::kDone;
  }
}

std::string ResultName(FieldComparison::Result result) {
  switch (result) {
    case FieldComparison::SAME:
      return "same";
    case FieldComparison::COMPATIBLE:
      return "compatible";
    case FieldComparison::CONTRADICTS:
      return "CONTRADICTS";
    default:
      return "unknown";
  }
}

std::string AddressText(const v1::Address& address) {
  std::string text;
  for (const std::string* part : {&address.line1(), &address.line2(), &address.city(),
                                  &address.state(), &address.postal_code()}) {
    if (part->empty()) continue;
    if (!text.empty()) text += ", ";
    text += *part;
  }
  return text;
}

std::string FieldOf(const v1::Person& person, const std::string& field) {
  if (field == "name") return person.name();
  if (field == "address") return AddressText(person.address());
  if (field == "tax_number") return person.tax_number();
  return field == "birth_date" ? person.birth_date() : std::string();
}

// What comes from outside is shown as text, whatever bytes it has.
std::string Shown(const std::string& text) { return text.empty() ? "-" : EscapeForLog(text); }

std::string ComparisonText(const FieldComparison& comparison) {
  std::string text = ResultName(comparison.result());
  for (const std::string& difference : comparison.differences()) text += " " + difference;
  return text;
}

// Side by side: the field, what was asked for, what the source has, and what came of it.
std::string CandidateText(const v1::Person& subject, const ReviewCandidate& candidate,
                          std::size_t number) {
  std::string text =
      fmt::format("\ncandidate {}: {}{}", number, candidate.verdict(),
                  candidate.releasable() ? "" : "; nobody may release this candidate");
  for (const FieldComparison& comparison : candidate.comparisons()) {
    const std::string& field = comparison.field();
    text += fmt::format("\n  {:<11} {:<44} {:<44} {}", field, Shown(FieldOf(subject, field)),
                        Shown(FieldOf(candidate.person(), field)), ComparisonText(comparison));
  }
  for (const v1::RecordField& field : candidate.fields()) {
    text += fmt::format("\n  would leave: {} = {}", Shown(field.name()), Shown(field.value()));
  }
  return text;
}

std::string ReviewText(const Output& output, const ReviewCase& review) {
  std::string text = CaseText(output, review.summary());
  text += fmt::format("\n  case {}\n\n  {:<11} {:<44} {}", Shown(review.case_number()), "",
                      "the requester asks for", "the source has");
  for (int i = 0; i < review.candidates_size(); ++i) {
    text += CandidateText(review.subject(), review.candidates(i), static_cast<std::size_t>(i));
  }
  if (review.candidates().empty()) {
    text += "\n  " + Shown(review.subject().name()) + "\n  " +
            Shown(AddressText(review.subject().address())) + "\nnobody was found";
  }
  return text;
}

JsonObject PersonJson(const v1::Person& person) {
  const v1::Address& address = person.address();
  JsonObject out;
  out.Set("name", person.name())
      .Set("line1", address.line1())
      .Set("line2", address.line2())
      .Set("city", address.city())
      .Set("state", address.state())
      .Set("postal_code", address.postal_code())
      .Set("tax_number", person.tax_number())
      .Set("birth_date", person.birth_date());
  return out;
}

JsonObject ReviewJson(const ReviewCase& review) {
  JsonArray candidates;
  for (const ReviewCandidate& candidate : review.candidates()) {
    JsonArray comparisons;
    for (const FieldComparison& comparison : candidate.comparisons()) {
      JsonArray differences;
      for (const std::string& difference : comparison.differences()) differences.Add(difference);
      JsonObject one;
      one.Set("field", comparison.field())
          .Set("result", FieldComparison::Result_Name(comparison.result()))
          .Set("differences", differences);
      comparisons.AddRaw(one.text());
    }
    JsonObject fields;
    for (const v1::RecordField& field : candidate.fields()) fields.Set(field.name(), field.value());
    JsonObject one;
    one.Set("person", PersonJson(candidate.person()))
        .Set("verdict", candidate.verdict())
        .Set("releasable", candidate.releasable())
        .Set("comparisons", comparisons)
        .Set("fields", fields);
    candidates.AddRaw(one.text());
  }
  JsonObject object("ReviewCase");
  object.Set("summary", CaseJson(review.summary()))
      .Set("subject", PersonJson(review.subject()))
      .Set("case_number", review.case_number())
      .Set("candidates", candidates)
      .Set("ledger_index", review.ledger_index());
  return object;
}

absl::StatusOr<std::uint32_t> RowOf(std::uint64_t row) {
  if (row > 0xffff'ffff) return MakeError(Reason::kRequestMalformed, "there is no such row");
  return static_cast<std::uint32_t>(row);
}

absl::StatusOr<ReviewCase> ShowTo(Session& session, const RowOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint32_t row, RowOf(options.row));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  return client::ReviewClient(channel).Show(options.transfer, row);
}

absl::StatusOr<ExitStatus> Show(Session& session, const RowOptions& options) {
  HF_ASSIGN_OR_RETURN(const ReviewCase review, ShowTo(session, options));
  session.out().Result(ReviewJson(review), ReviewText(session.out(), review));
  return ExitStatus::kDone;
}

// One case an order. Without --digest the case is shown before it is asked about: nobody signs for
// a person whom they have not seen.
absl::StatusOr<ExitStatus> Release(Session& session, const ReleaseOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint32_t row, RowOf(options.row.row));
  std::string digest = options.digest;
  if (digest.empty()) {
    HF_ASSIGN_OR_RETURN(const ReviewCase review, ShowTo(session, options.row));
    session.out().Result(ReviewJson(review), ReviewText(session.out(), review));
    digest = review.summary().digest();
  }
  order::v1::Order act;
  order::v1::ReleaseCase& release = *act.mutable_release_case();
  release.set_transfer(options.row.transfer);
  release.set_row(row);
  release.set_candidate(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(options.candidate, 0xffff'ffff)));
  release.set_case_digest(digest);
  release.set_reason(options.reason);
  return CarryOut(session, std::move(act), options.order);
}

// "7" or "7-12".
absl::StatusOr<v1::RowRange> ParseRows(const std::string& text) {
  std::uint32_t first = 0;
  const char* const end = text.data() + text.size();
  const auto one = std::from_chars(text.data(), end, first);
  std::uint32_t last = first;
  bool good = one.ec == std::errc();
  if (good && one.ptr != end) {
    const auto two = *one.ptr == '-' ? std::from_chars(one.ptr + 1, end, last)
                                     : std::from_chars_result{one.ptr, std::errc::invalid_argument};
    good = two.ec == std::errc() && two.ptr == end && first <= last;
  }
  if (!good) return MakeError(Reason::kRequestMalformed, "--rows is a row, or FIRST-LAST");
  v1::RowRange range;
  range.set_first(first);
  range.set_last(last);
  return range;
}

// Rows of a transfer that wait, ascending.
absl::StatusOr<std::vector<std::uint32_t>> WaitingRows(Session& session,
                                                       const std::string& transfer) {
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  client::ReviewClient reviews(channel);
  v1::ListReviewCasesRequest request;
  request.set_transfer(transfer);
  request.set_page_size(1000);
  std::vector<std::uint32_t> rows;
  do {
    HF_ASSIGN_OR_RETURN(const v1::ListReviewCasesResponse page, reviews.List(request));
    for (const WaitingCase& one : page.cases()) rows.push_back(one.row());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::sort(rows.begin(), rows.end());
  return rows;
}

// What one order may refuse: so many cases, in so many chunks of rows that are stored anew.
constexpr std::uint32_t kCasesOfAnOrder = policy::kMaxCasesPerOrder;
constexpr std::uint32_t kChunksOfAnOrder = 48;

constexpr int kRangesOfAnOrder = 512;

// Takes rows from `next` on into one order, as many as it may have. An order means every case that
// waits in its ranges, so a range ends where a case is left out.
template <typename Wanted, typename Iterator>
void FillOrder(const Wanted& wanted, Iterator end, Iterator& next, order::v1::RefuseCases& out) {
  std::uint32_t chunks = 0;
  std::uint32_t last_chunk = 0;
  v1::RowRange* range = nullptr;
  for (; next != end && out.count() < kCasesOfAnOrder; ++next) {
    if (!wanted(*next)) {
      range = nullptr;
      continue;
    }
    const std::uint32_t chunk = *next / kRowsPerChunk;
    if (out.count() == 0 || chunk != last_chunk) ++chunks;
    if (chunks > kChunksOfAnOrder || (range == nullptr && out.rows_size() == kRangesOfAnOrder)) {
      return;
    }
    last_chunk = chunk;
    if (range == nullptr) {
      range = out.add_rows();
      range->set_first(*next);
    }
    range->set_last(*next);
    out.set_count(out.count() + 1);
  }
}

absl::StatusOr<ExitStatus> Refuse(Session& session, const RefuseOptions& options) {
  if (options.all == !options.rows.empty()) {
    return MakeError(Reason::kRequestMalformed, "give --rows, or --all for every case that waits");
  }
  std::vector<v1::RowRange> ranges;
  for (const std::string& rows : options.rows) {
    HF_ASSIGN_OR_RETURN(ranges.emplace_back(), ParseRows(rows));
  }
  HF_ASSIGN_OR_RETURN(const std::vector<std::uint32_t> waiting,
                      WaitingRows(session, options.transfer));
  const auto wanted = [&](std::uint32_t row) {
    return options.all || std::any_of(ranges.begin(), ranges.end(), [row](const auto& range) {
             return range.first() <= row && row <= range.last();
           });
  };
  if (std::none_of(waiting.begin(), waiting.end(), wanted)) {
    return MakeError(Reason::kNotFound, "no case waits in these rows");
  }
  ExitStatus exit = ExitStatus::kDone;
  for (auto next = waiting.begin(); next != waiting.end();) {
    order::v1::Order act;
    FillOrder(wanted, waiting.end(), next, *act.mutable_refuse_cases());
    if (act.refuse_cases().count() == 0) break;
    act.mutable_refuse_cases()->set_transfer(options.transfer);
    act.mutable_refuse_cases()->set_reason(options.reason);
    HF_ASSIGN_OR_RETURN(exit, CarryOut(session, std::move(act), options.order));
    // A draft has to be signed and delivered before the next one can name it as the one before.
    if (options.order.changes_nothing() || exit != ExitStatus::kDone) break;
  }
  return exit;
}

absl::StatusOr<ExitStatus> Rerun(Session& session, const RowOptions& options) {
  HF_ASSIGN_OR_RETURN(const std::uint32_t row, RowOf(options.row));
  HF_ASSIGN_OR_RETURN(const auto channel, WitnessedChannel(session));
  HF_ASSIGN_OR_RETURN(const v1::RerunVerdictResponse rerun,
                      client::ReviewClient(channel).Rerun(options.transfer, row));
  const std::string result = v1::RerunVerdictResponse::Result_Name(rerun.result());
  JsonObject object("VerdictRerun");
  object.Set("transfer", options.transfer)
      .Set("row", row)
      .Set("result", result)
      .Set("verdict", rerun.verdict())
      .Set("verdict_now", rerun.verdict_now())
      .Set("address", rerun.address())
      .Set("gate_version", rerun.gate_version())
      .Set("verdict_index", rerun.verdict_index())
      .Set("ledger_index", rerun.ledger_index());
  std::string text =
      fmt::format("{}: ledger entry {} says {}, address {}, by gate version {}", result,
                  rerun.verdict_index(), rerun.verdict(), rerun.address(), rerun.gate_version());
  if (!rerun.verdict_now().empty()) text += "\nthe gate says now: " + rerun.verdict_now();
  session.out().Result(object, text);
  return rerun.result() == v1::RerunVerdictResponse::SAME ? ExitStatus::kDone
                                                          : ExitStatus::kDefectFound;
}

}  // namespace

void DeclareReview(Command root) {
  Command review =
      root.Sub("review", "list, show, release, refuse doubtful cases; rerun a verdict");
  {
    auto options = std::make_shared<ListOptions>();
    Command list = review.Sub("list", "the cases that wait, by age and officer");
    list.Optional("--transfer", options->transfer, "only those of this transfer")
        .Optional("--officer", options->officer, "only those of this officer");
    list.Runs([options](Session& session) { return List(session, *options); });
  }
  {
    auto options = std::make_shared<RowOptions>();
    Command show = review.Sub("show", "one case, side by side; that it was shown is recorded");
    options->Declare(show);
    show.Runs([options](Session& session) { return Show(session, *options); });
  }
  {
    auto options = std::make_shared<ReleaseOptions>();
    Command release =
        review.Sub("release", "say that a candidate is the person; one case an order");
    options->row.Declare(release);
    release.Number("--candidate", options->candidate, "which candidate, from 0; default 0")
        .Optional("--digest", options->digest, "the case that you were shown; else it is shown now")
        .Required("--reason", options->reason, "why this is the person; no personal data");
    options->order.Declare(release);
    release.Runs([options](Session& session) { return Release(session, *options); });
  }
  {
    auto options = std::make_shared<RefuseOptions>();
    Command refuse = review.Sub("refuse", "settle cases with nothing, one or many");
    refuse.Required("transfer", options->transfer, "transfers/ID")
        .Several("--rows", options->rows, "a row, or FIRST-LAST; may be given more than once")
        .Flag("--all", options->all, "every case of the transfer that waits")
        .Required("--reason", options->reason, "why; no personal data");
    options->order.Declare(refuse);
    refuse.Runs([options](Session& session) { return Refuse(session, *options); });
  }
  {
    auto options = std::make_shared<RowOptions>();
    Command rerun = review.Sub("rerun", "run a row's verdict again from its sealed opening");
    options->Declare(rerun);
    rerun.Runs([options](Session& session) { return Rerun(session, *options); });
  }
}

}  // namespace holdfast::cli
