// SPDX-License-Identifier: Apache-2.0
#include "evidence/html_page.h"

namespace holdfast::evidence {
namespace {

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

void HtmlPage::Heading(std::string_view text) { body_ += "<h2>" + Escape(text) + "</h2>\n"; }

void HtmlPage::Begin() { body_ += "<table>\n"; }

void HtmlPage::Row(std::string_view name, std::string_view value) {
  body_ += "<tr><th scope=\"row\">" + Escape(name) + "</th><td>" + Escape(value) + "</td></tr>\n";
}

void HtmlPage::DigestRow(std::string_view name, std::string_view hex) {
  body_ += "<tr><th scope=\"row\">" + Escape(name) + "</th><td class=\"digest\">" +
           Escape(InGroupsOfFour(hex)) + "</td></tr>\n";
}

void HtmlPage::End() { body_ += "</table>\n"; }

void HtmlPage::Item(std::string_view text) { body_ += "<p>" + Escape(text) + "</p>\n"; }

std::string HtmlPage::Finish(std::string_view title) const {
  // The width of neither paper is named: margins alone, so that Letter and A4 both hold it.
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" "
         "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>" +
         Escape(title) +
         "</title>\n<style>\n"
         "@page { margin: 20mm; }\n"
         "body { color: #000; background: #fff; font: 11pt/1.5 serif; max-width: 46em; "
         "margin: 2em auto; }\n"
         "@media print { body { margin: 0; max-width: none; } }\n"
         "table { border-collapse: collapse; width: 100%; }\n"
         "th, td { border: thin solid #000; padding: 0.2em 0.5em; text-align: left; "
         "vertical-align: top; overflow-wrap: anywhere; }\n"
         "th { width: 14em; font-weight: normal; }\n"
         ".digest { font-family: monospace; }\n"
         "h2 { font-size: 12pt; margin: 1.2em 0 0.3em; break-after: avoid; }\n"
         "tr { break-inside: avoid; }\n"
         "</style>\n</head>\n<body>\n<main>\n<h1>" +
         Escape(title) + "</h1>\n" + body_ + "</main>\n</body>\n</html>\n";
}

std::string InGroupsOfFour(std::string_view hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 4 == 0) text += ' ';
    text += hex[i];
  }
  return text;
}

}  // namespace holdfast::evidence
