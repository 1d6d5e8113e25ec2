// SPDX-License-Identifier: Apache-2.0
#include "cli/hold_certificate.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "evidence/verification.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "cli/exchange_view.h"
#include "cli/scope_options.h"
#include "cli/version.h"

namespace holdfast::cli {
namespace {

struct Verified {
  ExchangeId exchange;
  evidence::HoldRecord record;
  crypto::Checkpoint checkpoint;
};

absl::StatusOr<Verified> Verify(Session& session, const CertificateOptions& options) {
  evidence::VerificationRequest request;
  request.folder = options.folder;
  if (options.exchange_id.empty()) {
    HF_ASSIGN_OR_RETURN(request.exchange, session.exchange_id());
  } else {
    const auto bytes = FromHex(options.exchange_id);
    if (!bytes.ok() || bytes->size() != sizeof(ExchangeId)) {
      return MakeError(Reason::kRequestMalformed, "--exchange-id must be 64 hexadecimal digits");
    }
    HF_ASSIGN_OR_RETURN(request.exchange, IdFromBytes<ExchangeId>(*bytes));
  }
  evidence::HoldRecorder recorder(options.hold);
  request.readers = {&recorder};
  HF_ASSIGN_OR_RETURN(const std::uint64_t size,
                      evidence::ClaimedExportSize(session.files(), options.folder));
  Progress progress(session.out(), "verifying", size);
  HF_ASSIGN_OR_RETURN(const evidence::Verification verification,
                      evidence::VerifyExport(session.files(), request,
                                             [&](std::uint64_t index) { progress.Update(index); }));
  HF_ASSIGN_OR_RETURN(evidence::HoldRecord record, recorder.Record());
  return Verified{request.exchange, std::move(record), verification.checkpoint};
}

std::string StateText(const Output& out, const evidence::HoldRecord& record) {
  if (record.state == policy::HoldState::kLifted) return "lifted";
  if (record.state == policy::HoldState::kLiftConfirmed) {
    return "in force until " + out.Time(record.lift_at) + ", if no counsel cancels the lift";
  }
  return record.state == policy::HoldState::kInForce
             ? "in force"
             : "in force; what one person has proposed about it waits for another";
}

std::string KindText(order::v1::HoldKind kind) {
  return kind == order::v1::FREEZE     ? "no deposit, collection or release (FREEZE)"
         : kind == order::v1::PRESERVE ? "no destruction (PRESERVE)"
                                       : "no deposit, collection, release (FREEZE) or "
                                         "destruction (PRESERVE)";
}

bool Freezes(const evidence::HoldRecord& record) {
  return record.order.place_hold().kind() != order::v1::PRESERVE;
}
bool Preserves(const evidence::HoldRecord& record) {
  return record.order.place_hold().kind() != order::v1::FREEZE;
}

// Digests in groups of four: people compare them by eye.
std::string Grouped(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 4 == 0) text += i == hex.size() / 2 ? '\n' : ' ';
    text += hex[i];
  }
  return text;
}

// A page of labelled lines, 80 columns wide.
class Page final {
 public:
  void Title(const std::string& text) {
    text_ += text + "\n" + std::string(text.size(), '=') + "\n";
  }
  void Break() { text_ += "\n"; }

  // Further lines of `value` stand below its first.
  void Row(const std::string& label, const std::string& value) {
    std::string rest = value.empty() ? "(not given)" : value;
    std::string head = label;
    while (!rest.empty() || !head.empty()) {
      std::string line = TakeLine(rest);
      text_ += fmt::format("{:<22} {}\n", head, line);
      head.clear();
    }
  }
  void Line(const std::string& text) { text_ += text + "\n"; }

  std::string Take() { return std::move(text_); }

 private:
  static constexpr std::size_t kWidth = 57;

  // Up to a line break, or to the last space that fits.
  static std::string TakeLine(std::string& rest) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::size_t next = end + 1;
    if (end > kWidth) {
      const std::size_t space = rest.rfind(' ', kWidth);
      end = space == std::string::npos || space == 0 ? kWidth : space;
      next = end + (end == space ? 1 : 0);
    }
    std::string line = rest.substr(0, end);
    rest.erase(0, std::min(next, rest.size()));
    return line;
  }

  std::string text_;
};

std::string Both(const Output& out, UnixMillis at) {
  const std::string local = out.Time(at);
  const std::string utc = FormatRfc3339(at);
  return local == utc ? utc : local + "\n" + utc;
}

std::uint64_t ByCourtOrder(const evidence::HoldRecord& record) {
  return std::accumulate(
      record.court_orders.begin(), record.court_orders.end(), std::uint64_t{0},
      [](std::uint64_t sum, const evidence::HoldCourtOrder& order) { return sum + order.records; });
}

std::string DestroyedText(const evidence::HoldRecord& record) {
  const std::uint64_t ordered = ByCourtOrder(record);
  if (record.destructions_under == 0) return "0";
  return fmt::format("{}; of these {} because a court ordered it, {} otherwise",
                     record.destructions_under, ordered, record.destructions_under - ordered);
}

// What a court ordered to be destroyed although this hold preserved it.
std::string CourtOrderText(const evidence::HoldCourtOrder& order) {
  return fmt::format(
      "{} records, ledger entry {}\n{}, {}, {}\nits document, SHA-256\n{}\n"
      "authorised by {} (entry {})\nand {} (entry {})",
      order.records, order.index, order.matter, order.court, order.order_reference,
      Grouped(order.document_sha256), order.first_by, order.first_index, order.second_by,
      order.second_index);
}

JsonArray CourtOrdersJson(const evidence::HoldRecord& record) {
  JsonArray orders;
  for (const evidence::HoldCourtOrder& order : record.court_orders) {
    JsonObject one;
    one.Set("ledger_index", order.index)
        .Set("records", order.records)
        .Set("matter", order.matter)
        .Set("court", order.court)
        .Set("order_reference", order.order_reference)
        .Set("document_sha256", order.document_sha256)
        .Set("first_index", order.first_index)
        .Set("first_by", order.first_by)
        .Set("second_index", order.second_index)
        .Set("second_by", order.second_by);
    orders.AddRaw(one.text());
  }
  return orders;
}

std::string PageText(const Output& out, const Verified& v) {
  const evidence::HoldRecord& r = v.record;
  const order::v1::PlaceHold& hold = r.order.place_hold();
  Page page;
  page.Title("CERTIFICATE OF A LEGAL HOLD");
  page.Row("Hold", EscapeForLog(hold.hold_id()));
  page.Row("Matter", hold.matter());
  page.Row("Court", hold.court());
  page.Row("Order", hold.order_reference());
  page.Row("Its document, SHA-256",
           hold.document_sha256().empty() ? "" : Grouped(hold.document_sha256()));
  page.Row("Stops", KindText(hold.kind()));
  page.Row("Covers", DescribeScope(hold.scope()) + "; also what comes into it later");
  page.Break();
  page.Row("Ordered by", r.placed_by);
  page.Row("Signed", Both(out, ToMillis(r.order.issued_at())));
  page.Row("In force since", Both(out, r.placed_at));
  page.Row("Ledger entry", fmt::format("{}, leaf hash", r.placed_index));
  page.Row("", Grouped(Hex(r.leaf_hash)));
  page.Row("Signed order, SHA-256", Grouped(Hex(r.payload_digest)));
  page.Row("Anchored", r.epoch_index
                           ? fmt::format("ledger entry {}: the root key was replaced, an older "
                                         "database no longer opens",
                                         *r.epoch_index)
                           : "not in this ledger: nothing is released before it is");
  page.Row("At the ledger's end", StateText(out, r));
  page.Break();
  page.Row("Records covered then",
           fmt::format("{}; keys of {} had left", r.covered, r.released_before));
  page.Row("Last release before",
           r.last_release
               ? fmt::format("ledger entry {}, row {} of {},\nto {}, {}", r.last_release->index,
                             r.last_release->row, r.last_release->transfer,
                             r.last_release->requester, FormatRfc3339(r.last_release->at))
               : "none");
  std::string leases;
  // A page is a page: all of them are in the JSON form.
  constexpr std::size_t kShown = 6;
  for (std::size_t i = 0; i < std::min(kShown, r.open_leases.size()); ++i) {
    const evidence::HoldLease& lease = r.open_leases[i];
    leases += fmt::format("{}{}: keys of {} records until {}", i == 0 ? "" : "\n", lease.requester,
                          lease.records, FormatRfc3339(lease.not_after));
  }
  if (r.open_leases.size() > kShown) {
    leases += fmt::format("\nand {} more", r.open_leases.size() - kShown);
  }
  page.Row("Leases open then", leases.empty() ? "none" : leases);
  page.Row("Releases after",
           Freezes(r) ? fmt::format("{}", r.releases_under) : "(this hold does not stop releases)");
  page.Row("Collections after",
           Freezes(r) ? fmt::format("{}", r.collections_under) : "(this hold does not stop them)");
  page.Row("Destroyed after",
           Preserves(r) ? DestroyedText(r) : "(this hold does not stop destruction)");
  for (const evidence::HoldCourtOrder& order : r.court_orders) {
    page.Row("By a court's order", CourtOrderText(order));
  }
  page.Row("Refused for it", fmt::format("{} requests", r.refused_under));
  page.Break();
  page.Row("Exchange", Grouped(Hex(BytesOf(v.exchange))));
  page.Row("Checkpoint", fmt::format("{} entries, root", v.checkpoint.size));
  page.Row("", Grouped(Hex(v.checkpoint.root)));
  page.Break();
  page.Line("How to check it, without the gateway, with the exchange's id from elsewhere:");
  page.Line("  holdfast-verify EXPORT --exchange-id ID");
  page.Line("  holdfast hold certificate " + EscapeForLog(hold.hold_id()) +
            " EXPORT --exchange-id ID --out PAGE");
  page.Break();
  page.Line("What it rests on:");
  page.Row("- verified", "each entry, signature and decision up to the checkpoint, by holdfast " +
                             std::string(kVersion));
  for (const std::string& line : evidence::VerificationAssumptions()) {
    page.Row("- assumed", line);
  }
  return page.Take();
}

JsonArray LeasesJson(const evidence::HoldRecord& record) {
  JsonArray leases;
  for (const evidence::HoldLease& lease : record.open_leases) {
    JsonObject one;
    one.Set("requester", lease.requester)
        .Set("transfer", lease.transfer)
        .Set("records", lease.records)
        .Set("opened_index", lease.opened_index)
        .Set("not_after", FormatRfc3339(lease.not_after));
    leases.AddRaw(one.text());
  }
  return leases;
}

}  // namespace

absl::StatusOr<ExitStatus> WriteHoldCertificate(Session& session,
                                                const CertificateOptions& options) {
  HF_ASSIGN_OR_RETURN(const Verified verified, Verify(session, options));
  const evidence::HoldRecord& r = verified.record;
  const std::string page = PageText(session.out(), verified);
  HF_RETURN_IF_ERROR(session.WriteFile(options.out, AsBytes(page), Overwrite::kRefuse));
  JsonObject object("HoldCertificate");
  object.Set("file", options.out)
      .Set("hold", r.order.place_hold().hold_id())
      .Set("matter", r.order.place_hold().matter())
      .Set("placed_index", r.placed_index)
      .Set("leaf_hash", Hex(r.leaf_hash))
      .Set("payload_sha256", Hex(r.payload_digest))
      .Set("placed_at", FormatRfc3339(r.placed_at))
      .Set("placed_by", r.placed_by)
      .Set("in_force", r.state != policy::HoldState::kLifted)
      .Set("covered", r.covered)
      .Set("released_before", r.released_before)
      .Set("open_leases", LeasesJson(r))
      .Set("releases_after", r.releases_under)
      .Set("collections_after", r.collections_under)
      .Set("destroyed_after", r.destructions_under)
      .Set("refused", r.refused_under)
      .Set("checkpoint_size", verified.checkpoint.size)
      .Set("checkpoint_root", Hex(verified.checkpoint.root));
  if (r.epoch_index) object.Set("epoch_index", *r.epoch_index);
  if (r.last_release) object.Set("last_release_index", r.last_release->index);
  object.Set("destroyed_by_court_order", ByCourtOrder(r)).Set("court_orders", CourtOrdersJson(r));
  session.out().Result(object, page + "\nwritten to " + options.out);
  return ExitStatus::kDone;
}

absl::StatusOr<ExitStatus> ShowVerifiedHistory(Session& session,
                                               const CertificateOptions& options) {
  HF_ASSIGN_OR_RETURN(const Verified verified, Verify(session, options));
  for (const evidence::HoldAct& act : verified.record.acts) {
    JsonObject object("HoldAct");
    object.Set("index", act.index)
        .Set("act", act.act)
        .Set("person", act.person)
        .Set("at", FormatRfc3339(act.at))
        .Set("verified", true);
    session.out().Result(
        object, fmt::format("{:>10}  {}  {}{}", act.index, session.out().Time(act.at), act.act,
                            act.person.empty() ? "" : ", " + act.person));
  }
  session.out().Note(fmt::format("verified in a ledger of {} entries", verified.checkpoint.size));
  return ExitStatus::kDone;
}

}  // namespace holdfast::cli
