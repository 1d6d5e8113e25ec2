#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Go's golang.org/x/mod/sumdb, which shares no code with ours, verifies what we export.

Needs Debian's golang-go and golang-golang-x-mod-dev, which are large, and no part of script/packages:
skipped with a word where they are not installed.

Usage: go_test.py HOLDFAST
"""
import base64
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SOURCES = pathlib.Path("/usr/share/gocode")
FROZEN = ROOT / "tests/vectors/ledgers/policy-1"




@unittest.skipUnless(shutil.which("go") and SOURCES.joinpath("src/golang.org/x/mod").is_dir(),
                     "Go, or golang.org/x/mod, is not installed")
class GoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.program = cls.folder / "check_export"
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(SOURCES),
                       "GOCACHE": str(cls.folder / "cache"), "GOFLAGS": ""}
        subprocess.run(["go", "build", "-o", cls.program, HERE / "check_export.go"], check=True,
                       env=environment, cwd=cls.folder)
        cls.key = FROZEN.joinpath("ledger.vkey").read_text(encoding="ascii").strip()

    def check(self, export, *proofs, key=None):
        return subprocess.run([self.program, export, key or self.key, *proofs], check=False,
                              capture_output=True, text=True)

    def test_it_verifies_checkpoint_tiles_and_every_proof(self):
        done = self.check(FROZEN / "export", FROZEN / "hold.tlog-proof")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 proofs", done.stdout)

    def test_it_notices_what_was_altered(self):
        for name in ("checkpoint", "tile", "entries"):
            copy = self.folder / f"altered-{name}"
            shutil.copytree(FROZEN / "export", copy)
            path = {"checkpoint": copy / "checkpoint",
                    "tile": next((copy / "tile/0").rglob("*.p/*")),
                    "entries": next((copy / "tile/entries").rglob("*.p/*"))}[name]
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            self.assertNotEqual(self.check(copy).returncode, 0, name)
        other = bytearray(FROZEN.joinpath("hold.tlog-proof").read_bytes())
        other[other.index(b"index ") + 6] ^= 1
        path = self.folder / "other.tlog-proof"
        path.write_bytes(other)
        self.assertNotEqual(self.check(FROZEN / "export", path).returncode, 0)

    def test_it_knows_the_key_by_our_name_for_it(self):
        name, digest, key = self.key.split("+", 2)
        self.assertEqual(
            hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).digest()[:4].hex(), digest)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
