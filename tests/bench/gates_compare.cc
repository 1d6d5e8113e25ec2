// SPDX-License-Identifier: Apache-2.0
// The gates beside three other ways to decide who somebody is, on people that others made:
//
//   tax number and name   a row with the tax number, and the same name; the address passes if it
//                         has any five or nine digits, and is not looked at where there is a number
//   exact equality        one row whose name and address are the same bytes
//   Jaro-Winkler          the row with the best score over all fields, if that is 0.92 or more
//
// All are given the rows that the source's own client finds (client/lookup/csv_lookup.h, over a
// file on disk), as `holdfast source serve` does.
//
// `script/bench gates` prints the tables of docs/gates.md. Arguments: --every=N asks for every N-th
// request only, --damaged=N damages so many (default 20,000 a set).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/name.h"
#include "policy/text.h"
#include "tests/client/lookup/set_lookup.h"
#include "tests/policy/gate_data.h"
#include "tests/policy/gate_measure.h"
#include "tests/support/external_data.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {
namespace {

constexpr double kThreshold = 0.92;

// A way to decide: the row to release among `rows` of the file, if any.
using Way = std::function<std::optional<std::size_t>(
    const FilePerson& request, const std::vector<std::size_t>& rows, const LinkageSet& set)>;

std::string Digits(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (policy::IsDigit(c)) digits += c;
  }
  return digits;
}

std::string Upper(std::string_view text) {
  policy::TextBuffer buffer;
  return std::string(policy::NormaliseText(text, buffer).text);
}

std::optional<std::size_t> ByTaxNumberAndName(const FilePerson& request,
                                              const std::vector<std::size_t>& rows,
                                              const LinkageSet& set) {
  const std::string number = Digits(request.tax_number);
  if (number.empty()) {
    const std::size_t digits = Digits(request.line1 + request.postal_code).size();
    if (digits != 5 && digits != 9) return std::nullopt;
  }
  for (const std::size_t row : rows) {
    const FilePerson& person = set.source[row];
    if (!number.empty() && Digits(person.tax_number) != number) continue;
    if (Upper(person.name) == Upper(request.name)) return row;
  }
  return std::nullopt;
}

std::optional<std::size_t> ByExactEquality(const FilePerson& request,
                                           const std::vector<std::size_t>& rows,
                                           const LinkageSet& set) {
  std::optional<std::size_t> found;
  for (const std::size_t row : rows) {
    const FilePerson& p = set.source[row];
    if (p.name != request.name || p.line1 != request.line1 || p.line2 != request.line2 ||
        p.city != request.city || p.state != request.state ||
        p.postal_code != request.postal_code) {
      continue;
    }
    if (found) return std::nullopt;
    found = row;
  }
  return found;
}

// Jaro similarity, with Winkler's bonus for a common beginning of up to four letters.
double JaroWinkler(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return 0.0;
  const std::size_t longer = std::max(a.size(), b.size());
  const std::size_t reach = longer / 2 > 0 ? longer / 2 - 1 : 0;
  std::vector<bool> used(b.size(), false);
  std::string from_a;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t begin = i > reach ? i - reach : 0;
    const std::size_t end = std::min(b.size(), i + reach + 1);
    for (std::size_t k = begin; k < end; ++k) {
      if (used[k] || a[i] != b[k]) continue;
      used[k] = true;
      from_a += a[i];
      break;
    }
  }
  if (from_a.empty()) return 0.0;
  std::string from_b;
  for (std::size_t k = 0; k < b.size(); ++k) {
    if (used[k]) from_b += b[k];
  }
  std::size_t swapped = 0;
  for (std::size_t i = 0; i < from_a.size(); ++i) {
    if (from_a[i] != from_b[i]) ++swapped;
  }
  const double matches = static_cast<double>(from_a.size());
  const double jaro =
      (matches / static_cast<double>(a.size()) + matches / static_cast<double>(b.size()) +
       (matches - static_cast<double>(swapped) / 2) / matches) /
      3;
  std::size_t prefix = 0;
  while (prefix < 4 && prefix < a.size() && prefix < b.size() && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

std::optional<std::size_t> ByJaroWinkler(const FilePerson& request,
                                         const std::vector<std::size_t>& rows,
                                         const LinkageSet& set) {
  double best = 0;
  std::optional<std::size_t> found;
  for (const std::size_t row : rows) {
    const FilePerson& p = set.source[row];
    double sum = JaroWinkler(Upper(request.name), Upper(p.name)) +
                 JaroWinkler(Upper(request.line1), Upper(p.line1)) +
                 JaroWinkler(Upper(request.city + " " + request.state + " " + request.postal_code),
                             Upper(p.city + " " + p.state + " " + p.postal_code));
    double fields = 3;
    if (!request.tax_number.empty() && !p.tax_number.empty()) {
      sum += JaroWinkler(Digits(request.tax_number), Digits(p.tax_number));
      ++fields;
    }
    if (!request.birth_date.empty() && !p.birth_date.empty()) {
      sum += JaroWinkler(request.birth_date, p.birth_date);
      ++fields;
    }
    if (sum / fields > best) {
      best = sum / fields;
      found = row;
    }
  }
  return best >= kThreshold ? found : std::nullopt;
}

struct Line {
  std::size_t asked = 0, right = 0, wrong = 0, wrong_removed = 0, wrong_damaged = 0;
  std::size_t review = 0, refused = 0, nothing = 0;
};

std::vector<std::size_t> Rows(const LinkageSet& set, const CandidateFinder& index,
                              const FilePerson& request, Presence presence) {
  std::vector<std::size_t> rows = index.Candidates(request);
  if (presence == Presence::kRemoved) {
    rows.erase(
        std::remove_if(rows.begin(), rows.end(),
                       [&](std::size_t row) { return set.source[row].truth == request.truth; }),
        rows.end());
  }
  return rows;
}

Line MeasureWay(const LinkageSet& set, const CandidateFinder& index, const Way& way,
                std::size_t every, std::size_t damaged) {
  Line line;
  const auto ask = [&](const FilePerson& request, Presence presence) {
    return way(request, Rows(set, index, request, presence), set);
  };
  for (std::size_t i = 0; i < set.requests.size(); i += every) {
    const FilePerson& request = set.requests[i];
    ++line.asked;
    const auto row = ask(request, Presence::kInFile);
    if (!row) {
      ++line.nothing;
    } else {
      ++(set.source[*row].truth == request.truth ? line.right : line.wrong);
    }
    if (ask(request, Presence::kRemoved)) ++line.wrong_removed;
  }
  SeededRandom random(1);
  const auto people = set.Certain();
  for (std::size_t i = 0; i < damaged; ++i) {
    const FilePerson request = Damage(random.Pick(people), people, random);
    const auto row = ask(request, random.OneIn(2) ? Presence::kInFile : Presence::kRemoved);
    if (row && set.source[*row].truth != request.truth) ++line.wrong_damaged;
  }
  return line;
}

Line MeasureGates(const LinkageSet& set, const CandidateFinder& index,
                  const policy::GateConfig& config, std::size_t every, std::size_t damaged,
                  Counts& counts) {
  counts = AskAll(set, index, config, Presence::kInFile, every);
  Line line;
  line.asked = counts.asked;
  line.right = counts.right;
  line.wrong = counts.wrong;
  line.review = counts.review;
  line.refused = counts.refused;
  line.nothing = counts.not_found;
  const Counts removed = AskAll(set, index, config, Presence::kRemoved, every);
  line.wrong_removed = removed.wrong + removed.right;
  auto rules = policy::GateRules::Compile(config);
  if (!rules.ok()) std::abort();
  SeededRandom random(1);
  const auto people = set.Certain();
  for (std::size_t i = 0; i < damaged; ++i) {
    const FilePerson request = Damage(random.Pick(people), people, random);
    const auto presence = random.OneIn(2) ? Presence::kInFile : Presence::kRemoved;
    const Asked asked = Ask(*rules, set, index, request, presence);
    if (asked.released && !asked.right) ++line.wrong_damaged;
  }
  return line;
}

void Print(const std::string& set, const char* way, const Line& line) {
  std::printf("| %s | %s | %zu | %zu | %zu | %zu | %zu | %zu | %zu | %zu |\n", set.c_str(), way,
              line.asked, line.right, line.wrong, line.wrong_removed, line.wrong_damaged,
              line.review, line.refused, line.nothing);
}

// What the gates made of a set.
struct Judged {
  std::string set;
  bool tolerant = false;
  Counts counts;
};

std::string Share(std::size_t part, std::size_t whole) {
  char text[64];
  std::snprintf(text, sizeof text, "%zu of %zu (%.1f %%)", part, whole,
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

// How many of those who can be told for certain were released, and of those with an address.
void PrintShares(const std::vector<Judged>& judged) {
  std::printf(
      "\n| set | rules | complete, unique and equal | those included whom the request gate refuses "
      "|"
      " all true pairs with a complete address |\n|---|---|--:|--:|--:|\n");
  for (const Judged& each : judged) {
    std::printf("| %s | %s | %s | %s | %s |\n", each.set.c_str(),
                each.tolerant ? "tolerant" : "default",
                Share(each.counts.sure_released, each.counts.sure_pairs).c_str(),
                Share(each.counts.sure_released, each.counts.equal_pairs).c_str(),
                Share(each.counts.right, each.counts.complete_pairs).c_str());
  }
}

// Why, by the default rules: a row a reason, a column a set.
void PrintReasons(const std::vector<Judged>& judged) {
  std::set<std::string> reasons;
  std::string head = "\n| by default |";
  std::string rule = "|---|";
  for (const Judged& each : judged) {
    if (each.tolerant) continue;
    head += " " + each.set + " |";
    rule += "--:|";
    for (const auto& [reason, count] : each.counts.reasons) reasons.insert(reason);
  }
  std::printf("%s\n%s\n", head.c_str(), rule.c_str());
  for (const std::string& reason : reasons) {
    std::string line = "| " + reason + " |";
    for (const Judged& each : judged) {
      if (each.tolerant) continue;
      const auto count = each.counts.reasons.find(reason);
      line +=
          " " + (count == each.counts.reasons.end() ? "" : std::to_string(count->second)) + " |";
    }
    std::printf("%s\n", line.c_str());
  }
}

std::size_t Argument(int argc, char** argv, std::string_view name, std::size_t otherwise) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, name.size()) == name) {
      return static_cast<std::size_t>(std::atol(argv[i] + name.size()));
    }
  }
  return otherwise;
}

int Main(int argc, char** argv) {
  const std::size_t every = std::max<std::size_t>(1, Argument(argc, argv, "--every=", 1));
  const std::size_t damaged = Argument(argc, argv, "--damaged=", 20'000);
  if (!LoadLinkageSet("febrl1")) {
    std::printf("%s\n", std::string(kNoExternalData).c_str());
    return 0;
  }
  std::printf(
      "| set | way | asked | right | wrong | wrong, person not in the file | wrong of %zu damaged |"
      " to review | refused | nothing |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
      damaged);
  std::size_t wrong = 0;
  std::vector<Judged> judged;
  for (const std::string& name : LinkageSetNames()) {
    const auto set = LoadLinkageSet(name);
    const SetLookup index(set->source);
    for (const bool tolerant : {false, true}) {
      Counts counts;
      const auto config = tolerant ? Tolerant(set->Config()) : set->Config();
      const Line line = MeasureGates(*set, index, config, every, damaged, counts);
      Print(name, tolerant ? "gates, tolerant" : "gates", line);
      wrong += line.wrong + line.wrong_removed + line.wrong_damaged;
      judged.push_back({name, tolerant, std::move(counts)});
    }
    Print(name, "tax number and name", MeasureWay(*set, index, ByTaxNumberAndName, every, damaged));
    Print(name, "exact equality", MeasureWay(*set, index, ByExactEquality, every, damaged));
    Print(name, "Jaro-Winkler 0.92", MeasureWay(*set, index, ByJaroWinkler, every, damaged));
  }
  PrintShares(judged);
  PrintReasons(judged);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::test

int main(int argc, char** argv) { return holdfast::test::Main(argc, argv); }
