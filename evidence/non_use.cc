// SPDX-License-Identifier: Apache-2.0
#include "evidence/non_use.h"

#include <utility>

#include "evidence/ledger_verifier.h"

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/strict_json.h"
#include "google/protobuf/util/json_util.h"
#include "policy/queries.h"

namespace holdfast::evidence {
namespace {

constexpr std::string_view kStatement = "holdfast non-use";
constexpr std::int64_t kVersion = 1;

// The texts of version 1. A verifier makes them again, so they never change.
constexpr std::string_view kSays =
    "In this period no key of these records left the gateway. Every entry of the ledger between "
    "the two that are named was looked at.";
constexpr std::string_view kAssumptions[] = {
    "The gateway's machine ran this protocol and nothing else: what somebody with root on it took, "
    "no ledger shows.",
    "Times are those of the gateway's clock, written before a key leaves; up to a minute was "
    "allowed for its way.",
    "This is the only ledger of the exchange: a checkpoint that another party kept shows it up to "
    "there.",
    "Keys that left before the period may have been used in it by whoever has them.",
};

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "not a statement of non-use, version 1");
}

absl::StatusOr<JsonValue> ScopeJson(const v1::Scope& scope) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(scope, &text).ok()) return Malformed();
  return ParseStrictJson(text);
}

JsonValue EntryJson(const TimeEntry& entry) {
  JsonValue::Array path;
  for (const Digest32& hash : entry.path) path.push_back(JsonValue::OfText(Base64(hash)));
  return JsonValue::OfObject(
      {{"index", JsonValue::OfInteger(static_cast<std::int64_t>(entry.index))},
       {"entry", JsonValue::OfText(Base64(entry.bytes))},
       {"path", JsonValue::OfArray(std::move(path))}});
}

JsonValue Number(std::uint64_t number) {
  return JsonValue::OfInteger(static_cast<std::int64_t>(number));
}

const std::string* Text(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  return value != nullptr && value->is_text() ? &value->text() : nullptr;
}

}  // namespace

NonUseSearch::NonUseSearch(NonUseQuestion question, std::optional<std::uint64_t> size)
    : question_(std::move(question)), size_(size) {}

void NonUseSearch::Take(std::uint64_t index, ByteSpan bytes, const ledger::v1::Entry& entry,
                        const policy::State& before) {
  if (finished_) return;
  if (size_ && index == *size_) {
    Finish(before);
    return;
  }
  if (entry.has_time_advanced()) TakeTime(index, bytes, entry.time_advanced());
  if (!entry.has_key_released()) return;
  const policy::Now& now = before.now();
  if (now.late + kOnTheWay < question_.from || now.early >= question_.to) return;
  const auto lease = before.open_leases().find(entry.key_released().lease());
  // Of a key without a lease the verification has much to say.
  if (lease == before.open_leases().end()) return;
  released_.push_back({index, lease->second.transfer, entry.key_released().row(), now.late});
}

void NonUseSearch::TakeTime(std::uint64_t index, ByteSpan bytes,
                            const ledger::v1::TimeAdvanced& fact) {
  trusted_ = fact.trusted();
  if (UnixMillis(fact.late_ms()) + kOnTheWay < question_.from) {
    found_.opens = TimeEntry{index, Bytes(bytes.begin(), bytes.end()), {}};
    found_.clock_was_untrusted = !trusted_;
  } else if (!found_.closes) {
    if (UnixMillis(fact.early_ms()) >= question_.to) {
      found_.closes = TimeEntry{index, Bytes(bytes.begin(), bytes.end()), {}};
    } else if (!trusted_) {
      found_.clock_was_untrusted = true;
    }
  }
}

void NonUseSearch::Finish(const policy::State& state) {
  finished_ = true;
  found_.size = state.ledger_size();
  if (!found_.opens) {
    found_.answer = NonUseAnswer::kNotCovered;
    found_.gap =
        "the ledger does not say what was before the period: it has no time that is more "
        "than a minute earlier than " +
        FormatRfc3339(question_.from);
    return;
  }
  if (!found_.closes) {
    found_.answer = NonUseAnswer::kNotCovered;
    found_.gap = "the ledger ends before the period does, at " + FormatRfc3339(state.now().early) +
                 ": export it again after " + FormatRfc3339(question_.to);
    return;
  }
  const policy::ScopeResult scope = policy::CompileScope(state, question_.scope);
  if (!scope.ok()) {
    found_.answer = NonUseAnswer::kNoSuchRecords;
    return;
  }
  const policy::RecordList covered = policy::ListCovered(state, scope.scope);
  found_.records = covered.count;
  found_.records_digest = covered.digest;
  for (const policy::RowRuns& rows : covered.transfers) {
    for (const policy::RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        const policy::Record* record = state.FindRecord({rows.transfer, row});
        if (record != nullptr && record->first_released_at != 0 &&
            UnixMillis(std::int64_t{record->first_released_at} * 1'000) < question_.from) {
          ++found_.released_before;
        }
      }
    }
  }
  for (const LeftKey& key : released_) {
    const policy::Transfer* transfer = state.transfer(key.transfer);
    const policy::Record* record = state.FindRecord({key.transfer, key.row});
    if (transfer == nullptr || record == nullptr ||
        !scope.scope.Covers(transfer->FactsOf(key.row, *record))) {
      ++found_.others;
      continue;
    }
    ++found_.left_count;
    if (found_.left.size() < kMostNamed) found_.left.push_back(key);
  }
  found_.answer = found_.left_count == 0 ? NonUseAnswer::kShown : NonUseAnswer::kKeysLeft;
}

void NonUseSearch::End(const LedgerVerifier& ledger) {
  if (!finished_) Finish(ledger.state());
  for (std::optional<TimeEntry>* entry : {&found_.opens, &found_.closes}) {
    if (!entry->has_value()) continue;
    auto path = ledger.Prove((*entry)->index, found_.size);
    HF_CHECK(path.ok());  // The entry is one of those that were searched.
    (*entry)->path = *std::move(path);
  }
}

absl::StatusOr<std::string> RenderNonUse(const NonUseSigned& statement, const NonUse& found) {
  HF_CHECK(found.answer == NonUseAnswer::kShown);
  HF_ASSIGN_OR_RETURN(JsonValue scope, ScopeJson(statement.question.scope));
  JsonValue::Array assumptions;
  for (const std::string_view line : kAssumptions) {
    assumptions.push_back(JsonValue::OfText(std::string(line)));
  }
  return WriteJson(JsonValue::OfObject({
      {"statement", JsonValue::OfText(std::string(kStatement))},
      {"version", JsonValue::OfInteger(kVersion)},
      {"exchangeId", JsonValue::OfText(Hex(BytesOf(statement.exchange)))},
      {"by", JsonValue::OfText(statement.by)},
      {"madeAt", JsonValue::OfText(FormatRfc3339(statement.made_at))},
      {"says", JsonValue::OfText(std::string(kSays))},
      {"scope", std::move(scope)},
      {"from", JsonValue::OfText(FormatRfc3339(statement.question.from))},
      {"to", JsonValue::OfText(FormatRfc3339(statement.question.to))},
      {"records", Number(found.records)},
      {"recordsDigest", JsonValue::OfText(Hex(found.records_digest))},
      {"recordsReleasedBefore", Number(found.released_before)},
      {"keysOfOtherRecords", Number(found.others)},
      {"clockWasUntrusted", JsonValue::OfBoolean(found.clock_was_untrusted)},
      {"checkpoint", JsonValue::OfText(Base64(AsBytes(statement.checkpoint)))},
      {"opens", EntryJson(*found.opens)},
      {"closes", EntryJson(*found.closes)},
      {"assumptions", JsonValue::OfArray(std::move(assumptions))},
  }));
}

absl::StatusOr<NonUseSigned> ParseNonUse(ByteSpan payload) {
  HF_ASSIGN_OR_RETURN(const JsonValue value, ParseStrictJson(AsText(payload)));
  const std::string* exchange = Text(value, "exchangeId");
  const std::string* by = Text(value, "by");
  const std::string* made_at = Text(value, "madeAt");
  const std::string* from = Text(value, "from");
  const std::string* to = Text(value, "to");
  const std::string* checkpoint = Text(value, "checkpoint");
  const JsonValue* scope = value.Find("scope");
  if (exchange == nullptr || by == nullptr || made_at == nullptr || from == nullptr ||
      to == nullptr || checkpoint == nullptr || scope == nullptr) {
    return Malformed();
  }
  NonUseSigned statement;
  const auto id = FromHex(*exchange);
  if (!id.ok() || id->size() != sizeof(ExchangeId)) return Malformed();
  HF_ASSIGN_OR_RETURN(statement.exchange, IdFromBytes<ExchangeId>(*id));
  statement.by = *by;
  HF_ASSIGN_OR_RETURN(statement.made_at, ParseRfc3339(*made_at));
  HF_ASSIGN_OR_RETURN(statement.question.from, ParseRfc3339(*from));
  HF_ASSIGN_OR_RETURN(statement.question.to, ParseRfc3339(*to));
  // The library forgives a lot. What it understood is said again by RenderNonUse() and compared.
  if (!google::protobuf::util::JsonStringToMessage(WriteJson(*scope), &statement.question.scope)
           .ok()) {
    return Malformed();
  }
  const auto note = FromBase64(*checkpoint);
  if (!note.ok()) return Malformed();
  statement.checkpoint = ToString(*note);
  return statement;
}

std::string DescribeNonUse(const NonUseSigned& statement, const NonUse& found) {
  std::string text = std::string(kSays);
  text += "\n  from " + FormatRfc3339(statement.question.from) + " to " +
          FormatRfc3339(statement.question.to);
  text += "\n  records " + std::to_string(found.records) + ", list " + Hex(found.records_digest);
  text += "\n  of these, keys that had left before the period: " +
          std::to_string(found.released_before);
  text += "\n  keys of other records that left in the period: " + std::to_string(found.others);
  text += "\n  entries " + std::to_string(found.opens->index) + " to " +
          std::to_string(found.closes->index) + " of a ledger of " + std::to_string(found.size);
  if (found.clock_was_untrusted) {
    text +=
        "\n  the gateway's clock was not trusted at some time of the period; no key can leave "
        "then";
  }
  text += "\nAssumed:";
  for (const std::string_view line : kAssumptions) text += "\n- " + std::string(line);
  return text;
}

std::string WhyNoStatement(const NonUse& found) {
  switch (found.answer) {
    case NonUseAnswer::kKeysLeft:
      return std::to_string(found.left_count) + (found.left_count == 1 ? " key" : " keys") +
             " of these records left in the period";
    case NonUseAnswer::kNotCovered:
      return found.gap;
    case NonUseAnswer::kNoSuchRecords:
      return "the scope names a transfer, an authority or rows that this exchange does not have";
    case NonUseAnswer::kShown:
      break;
  }
  HF_CHECK(false);
  return {};
}

}  // namespace holdfast::evidence
