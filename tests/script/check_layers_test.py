#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""script/check_layers finds each kind of include that it promises to find."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        (self.root / "script").mkdir()
        self.policy = json.loads((ROOT / "script/layers.json").read_text(encoding="utf-8"))

    def run_on(self, **files):
        """Returns the lines that the script prints for `files`, {path: the line in it}."""
        (self.root / "script/layers.json").write_text(json.dumps(self.policy), encoding="utf-8")
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("// A comment.\n" + text + "\n", encoding="utf-8")
        result = subprocess.run([sys.executable, str(ROOT / "script/check_layers"), str(self.root)],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1 if result.stdout else 0, result.stderr)
        return result.stdout.splitlines()

    def assert_broken(self, rule, path, line):
        found = self.run_on(**{path: line})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:2: {rule}: {line}"), found[0])

    def assert_kept(self, path, line):
        self.assertEqual(self.run_on(**{path: line}), [])

    def test_includes_go_down(self):
        self.assert_kept("crypto/a.cc", '#include "base/error.h"')
        self.assert_kept("daemon/exchange/b.cc", '#include "policy/decide.h"')
        self.assert_kept("daemon/main.cc", '#include "daemon/rpc/request_gate.h"')
        self.assert_kept("tests/c_test.cc", '#include "daemon/rpc/request_gate.h"')

    def test_a_single_header_may_be_allowed(self):
        self.policy["layers"]["store"].append("crypto/sha256.h")
        self.assert_kept("store/a.cc", '#include "crypto/sha256.h"')
        self.assert_broken("layer", "store/a.cc", '#include "crypto/random.h"')

    def test_never_up(self):
        self.assert_broken("layer", "base/a.cc", '#include "crypto/a.h"')

    def test_never_sideways(self):
        self.assert_broken("layer", "store/a.cc", '#include "crypto/a.h"')

    def test_the_deeper_folder_counts(self):
        self.assert_broken("layer", "daemon/exchange/a.cc", '#include "daemon/rpc/a.h"')

    def test_generated_messages_are_the_protocol_layer(self):
        self.assert_kept("policy/a.cc", '#include "holdfast/ledger/v1/entry.pb.h"')

    def test_crypto_sees_no_message(self):
        self.assert_broken("layer", "crypto/a.cc", '#include "holdfast/ledger/v1/entry.pb.h"')

    def test_internal_headers_stay_inside(self):
        self.assert_kept("crypto/b.cc", '#include "crypto/internal/secret_access.h"')

    def test_their_own_tests_see_them(self):
        self.assert_kept("tests/crypto/b_test.cc", '#include "crypto/internal/secret_access.h"')

    def test_others_do_not(self):
        self.assert_broken("internal", "client/a.cc", '#include "crypto/internal/secret_access.h"')

    def test_not_even_others_tests(self):
        self.assert_broken("internal", "tests/daemon/a_test.cc",
                           '#include "crypto/internal/secret_access.h"')

    def test_libraries_stay_where_they_belong(self):
        self.assert_kept("daemon/rpc/a.cc", "#include <grpcpp/grpcpp.h>")

    def test_grpc_stays_out_of_the_writer(self):
        self.assert_broken("library", "daemon/exchange/a.cc", "#include <grpcpp/grpcpp.h>")

    def test_sodium_stays_in_crypto(self):
        self.assert_broken("library", "daemon/rpc/a.cc", "#include <sodium.h>")

    def test_a_library_that_nobody_decided_on_is_named(self):
        self.assert_broken("listed", "base/a.cc", "#include <boost/asio.hpp>")

    def test_a_folder_that_nobody_decided_on_is_named(self):
        self.assert_broken("listed", "utils/a.cc", '#include "base/error.h"')

    def test_policy_is_pure(self):
        self.assert_broken("pure", "policy/a.cc", "#include <fstream>")

    def test_policy_has_no_clock(self):
        self.assert_broken("pure", "policy/a.cc", '#include "base/clock.h"')

    def test_policy_makes_no_system_call(self):
        self.assert_broken("pure", "policy/a.cc", "#include <sys/stat.h>")

    def test_the_policy_itself_has_no_cycle(self):
        self.policy["layers"]["base"] = ["client"]
        found = self.run_on()
        self.assertEqual(len(found), 1)
        self.assertIn("cycle: base -> client -> base", found[0])


if __name__ == "__main__":
    unittest.main()
