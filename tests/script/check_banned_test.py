#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""script/check_banned finds what is banned, and only in code."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CheckBannedTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        (self.root / "script").mkdir()
        rules = json.loads((ROOT / "script/banned.json").read_text(encoding="utf-8"))
        for group in rules.values():
            for rule in group:
                rule["allowed"] = {}
        self.rules = rules
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)

    def run_on(self, path, *lines):
        """Returns what the script prints for one file."""
        (self.root / "script/banned.json").write_text(json.dumps(self.rules), encoding="utf-8")
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        result = subprocess.run([sys.executable, str(ROOT / "script/check_banned"), str(self.root)],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1 if result.stdout else 0, result.stderr)
        return result.stdout.splitlines()

    def test_each_of_these_is_found(self):
        for line in ("if (memcmp(a, b, n) == 0) {", "std::memset(p, 0, n);", "int n = rand();",
                     "const char* home = std::getenv(\"HOME\");", "std::strcpy(a, b);",
                     "auto now = std::chrono::system_clock::now();", "thread.detach();",
                     "std::this_thread::sleep_for(second);", "assert(x);", "int n = std::stoi(s);",
                     "std::mt19937_64 engine;", "auto d = SHA256(p, n, out);", "// TODO: later"):
            with self.subTest(line):
                found = self.run_on("crypto/a.cc", "// First.", line)
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith("crypto/a.cc:2: " + line), found[0])

    def test_none_of_these_is(self):
        self.assertEqual(self.run_on(
            "crypto/a.cc", "// memcmp(a, b, n) leaks by time.", 'Say("rand() is banned");',
            "const Bytes random = operand(3);", "filesystem(path);", "static_assert(sizeof(x) == 4);",
            "/* assert(x) */ Go();"), [])

    def test_tests_have_rules_of_their_own(self):
        self.assertEqual(self.run_on("tests/a_test.cc", "int n = std::stoi(s);"), [])
        self.assertEqual(len(self.run_on("tests/a_test.cc", "TEST(A, DISABLED_Runs) {}")), 1)
        self.assertEqual(len(self.run_on("tests/a_test.cc", "GTEST_SKIP() << \"slow\";")), 1)
        self.assertEqual(self.run_on("tests/a_test.cc", "GTEST_SKIP() << kNoExternalData;"), [])

    def test_an_exception_is_counted_exactly(self):
        rule = next(rule for rule in self.rules["code"] if "memcmp" in rule["pattern"])
        rule["allowed"] = {"crypto/a.cc": 1}
        self.assertEqual(self.run_on("crypto/a.cc", "memcmp(a, b, n);"), [])
        self.assertEqual(len(self.run_on("crypto/a.cc", "memcmp(a, b, n);", "memcmp(a, b, n);")), 1)
        found = self.run_on("crypto/a.cc", "std::equal(a, b, n);")
        self.assertEqual(len(found), 1)
        self.assertIn("lower the number", found[0])


if __name__ == "__main__":
    unittest.main()
