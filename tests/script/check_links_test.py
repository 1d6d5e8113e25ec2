#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""script/check_links finds what is named and is not there, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "script/check_links"


class CheckLinksTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.write("docs/there.md", "# There", "", "## When it refuses, `why`", "", '<a id="mark"></a>')
        self.write("policy/scope.h", "// See docs/there.md#mark.")
        self.write("tests/a_test.cc", "TEST(ScopeTest, CoversNothing) {}",
                   "TEST_F(LiftTest, TakesTwo) {}")

    def write(self, path, *lines):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def found(self):
        result = subprocess.run([sys.executable, str(SCRIPT), str(self.root)], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.returncode, 1 if result.stdout else 0)
        return result.stdout.splitlines()

    def test_what_is_there_is_no_finding(self):
        self.write("README.md", "[a](docs/there.md), [b](docs/there.md#when-it-refuses-why),",
                   "[c](docs/there.md#mark), [d](#here), [e](https://example.org/docs/gone.md),",
                   "`policy/scope.h`, `policy/`, `policy/scope.*`, ![](gone.png)", "", "# Here", "",
                   "```", "[x](docs/gone.md)", "```")
        self.write("docs/other.md", "[a](there.md), [b](../README.md#here), `tests/a_test.cc`")
        self.assertEqual(self.found(), [])

    def test_a_link_to_a_file_that_is_gone_is_found(self):
        self.write("docs/other.md", "", "[a](gone.md)")
        self.assertEqual(self.found(), ["docs/other.md:2: there is no docs/gone.md"])

    def test_a_link_to_a_heading_that_is_gone_is_found(self):
        self.write("docs/other.md", "[a](there.md#gone)")
        self.assertEqual(self.found(), ["docs/other.md:1: docs/there.md has no heading #gone"])

    def test_a_path_in_code_that_is_gone_is_found(self):
        self.write("docs/other.md", "`policy/gone.h`")
        self.assertEqual(self.found(), ["docs/other.md:1: there is no policy/gone.h"])

    def test_a_document_that_a_source_names_is_looked_for(self):
        self.write("crypto/lease.h", "// docs/gone.md has the bytes.", "// docs/there.md#gone")
        self.assertEqual(self.found(), ["crypto/lease.h:1: there is no docs/gone.md",
                                        "crypto/lease.h:2: docs/there.md has no heading #gone"])

    def test_a_test_that_the_threat_model_names_has_to_exist(self):
        self.write("docs/threat_model.md", "`ScopeTest.CoversNothing`, `LiftTest.TakesTwo`",
                   "`LiftTest.TakesOne`")
        self.assertEqual(self.found(),
                         ["docs/threat_model.md:2: there is no test LiftTest.TakesOne"])

    def test_each_row_of_a_table_that_says_what_shows_it_names_a_test(self):
        self.write("docs/holds.md", "| if | shown by |", "| --- | --- |",
                   "| one | `LiftTest.TakesTwo`, `ScopeTest.CoversNothing` |", "| two | |",
                   "| three | `LiftTest.TakesOne` |", "| `LiftTest.TakesTwo` | nothing |", "",
                   "| else | |", "| --- | --- |", "| a | b |")
        self.assertEqual(self.found(), ["docs/holds.md:4: no test shows this row",
                                        "docs/holds.md:5: there is no test LiftTest.TakesOne",
                                        "docs/holds.md:6: no test shows this row"])


if __name__ == "__main__":
    unittest.main()
