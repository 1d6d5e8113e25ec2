// SPDX-License-Identifier: Apache-2.0
// A page for paper: HTML without scripts, black on white, for Letter and A4 alike.
//
//   HtmlPage page;
//   page.Heading("Who");
//   page.Begin();
//   page.Row("Performed by", name);
//   page.End();
//   std::string text = page.Finish("Certificate of cryptographic erase");
//
// When to use  For what is printed, filed or handed to a court. Nothing is loaded from anywhere.
// Threads      One thread.
// Ownership    Owns its text.
// Errors       None: what is put in is escaped.
//
// What it keeps of WCAG 2.0 AA: a language and a title, headings without a gap, each row with a
// header cell of its own scope, black on white, nothing that only a colour says, text that reflows
// and scales.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::evidence {

class HtmlPage final {
 public:
  void Heading(std::string_view text);

  // A table of rows, between Begin() and End().
  void Begin();
  void Row(std::string_view name, std::string_view value);
  void Row(std::string_view name, std::uint64_t value) { Row(name, std::to_string(value)); }
  // A digest in hex, in groups of four: people compare them by eye.
  void DigestRow(std::string_view name, std::string_view hex);
  void End();

  void Item(std::string_view text);

  std::string Finish(std::string_view title) const;

 private:
  std::string body_;
};

// Returns `hex` in groups of four digits with a space between them.
std::string InGroupsOfFour(std::string_view hex);

}  // namespace holdfast::evidence
