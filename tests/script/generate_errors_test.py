#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""script/generate_errors says everything that its sources say, and notices when one has changed."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "script/generate_errors"
SOURCES = ("proto/holdfast/v1/error_reason.proto", "base/error.cc", "daemon/rpc/errors.cc",
           "policy/refusal.h", "policy/refusal.cc", "policy/request_gate.h",
           "policy/release_gate.h", "policy/gate_reasons.cc", "cli/exit_status.h",
           "cli/exit_status.cc")


class GenerateErrorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in SOURCES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "docs").mkdir()

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, str(SCRIPT), *arguments, str(self.root)],
                              capture_output=True, text=True, check=False)

    def names(self, source, pattern):
        return re.findall(pattern, (self.root / source).read_text(encoding="utf-8"))

    def test_every_name_of_the_sources_is_in_the_document(self):
        self.assertEqual(self.run_script().returncode, 0)
        text = (self.root / "docs/errors.md").read_text(encoding="utf-8")
        wanted = (self.names("base/error.cc", r'Row\{Reason::k\w+, "(\w+)"') +
                  self.names("policy/refusal.cc", r'\{Refusal::k\w+, "(\w+)"') +
                  self.names("policy/gate_reasons.cc", r'return "(\w+)";'))
        self.assertGreater(len(wanted), 150)
        missing = set(wanted) - set(re.findall(r"`(\w+)`", text))
        comparisons = set(self.names("policy/gate_reasons.cc",
                                     r'AddressComparison::k\w+:\s+return "(\w+)";'))
        self.assertEqual(len(comparisons), 4)  # Part of a finding, and no verdict.
        self.assertEqual(missing, {"UNDECIDED", "ALLOWED", "UNSPECIFIED"} | comparisons)

    def test_a_document_that_is_behind_its_sources_is_noticed(self):
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual(self.run_script("--check").returncode, 0)
        refusal = self.root / "policy/refusal.cc"
        refusal.write_text(refusal.read_text(encoding="utf-8").replace(
            "the order's time is over", "the order is too old"), encoding="utf-8")
        behind = self.run_script("--check")
        self.assertEqual(behind.returncode, 1)
        self.assertIn("+| 72 | `ORDER_VOID` | `ORDER_REJECTED` | The order is too old.", behind.stdout)

    def test_a_source_in_another_form_is_an_error_and_changes_nothing(self):
        reasons = self.root / "proto/holdfast/v1/error_reason.proto"
        reasons.write_text(reasons.read_text(encoding="utf-8").replace("INVALID_ARGUMENT", "BAD"),
                           encoding="utf-8")
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("REQUEST_MALFORMED: not one gRPC code in its comment", result.stderr)
        self.assertFalse((self.root / "docs/errors.md").exists())


if __name__ == "__main__":
    unittest.main()
