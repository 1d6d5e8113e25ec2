#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What holdfast says when it cannot do what was asked: to the shell, to programs, and to people.

Usage: cli_errors_test.py HOLDFAST HOLDFASTD
"""
import base64
import hashlib
import pathlib
import random
import tempfile
import time
import unittest

import nacl.signing

import gateway
from gateway import (BAD_INPUT, CONFIGURATION, DEFECT, DISK, NOT_PERMITTED, REFUSED, UNREACHABLE,
                     USAGE)

RECORDS = 40


def another_ledger(exchange_id):
    """What somebody remembers who saw a ledger of this exchange that another key signed."""
    key = nacl.signing.SigningKey(b"k" * 32)
    origin = f"holdfast.dev/exchange/{exchange_id}"
    public = b"\x01" + bytes(key.verify_key)
    name = hashlib.sha256(origin.encode() + b"\n" + public).digest()[:4]
    text = f"{origin}\n3\n{base64.b64encode(b'r' * 32).decode()}\n"
    signature = base64.b64encode(name + key.sign(text.encode()).signature).decode()
    verifier = f"{origin}+{name.hex()}+{base64.b64encode(public).decode()}"
    return f"{verifier}\n{text}\n\u2014 {origin} {signature}\n"


class CliErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(pathlib.Path(folder.name), records=RECORDS)
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()
        cls.transfer, _ = cls.world.submit()
        cls.world.deliver(cls.transfer)

    def expect(self, want, reason, who, *arguments):
        """Runs it for a program and for a person; returns the error as an object."""
        failed = self.world.cli(who, *arguments, want=want)
        error = failed.object
        self.assertEqual(failed.err, "", failed)
        self.assertEqual(error["schema"], "holdfast.cli.v1.Error")
        self.assertEqual(set(error), {"schema", "reason", "message", "retryable", "metadata", "help",
                                      "exit_status"})
        reasons = reason if isinstance(reason, tuple) else (reason,)
        self.assertIn(error["reason"], reasons, error)
        self.assertEqual(error["exit_status"], want)
        self.assertGreater(len(error["message"]), 10)
        people = self.world.cli(who, *arguments, want=want, json_form=False)
        self.assertEqual(people.out, "", people)
        self.assertIn(f"holdfast: {error['message']} ({error['reason']})", people.err)
        return error

    def test_a_wrong_command_line_is_a_matter_of_usage(self):
        for arguments in (["no-such-command"], ["hold"], ["hold", "place"], ["transfer", "show"],
                          ["status", "--no-such-option"], ["sample"],
                          ["pki", "issue", "--ca", "pki", "--role", "king", "--id", "x"],
                          ["disposal", "approve", "seven"],
                          ["status", "--timeout", "soon"], ["status", "--timeout", "0s"],
                          ["status", "--quiet", "--verbose"]):
            with self.subTest(arguments=arguments):
                self.expect(USAGE, "REQUEST_MALFORMED", "requester-1", *arguments)
        self.assertIn("holdfast hold place --help", self.world.cli(
            None, "hold", "place", want=USAGE, json_form=False).err)

    def test_bad_input_is_named(self):
        world = self.world
        lines = world.read("sample/requests.csv").splitlines()
        world.write("no-case.csv", "\n".join(lines).replace(",case,", ",cause,") + "\n")
        world.write("ragged.csv", "\n".join([lines[0], lines[1] + ",one,two"]) + "\n")
        world.write("quote.csv", "\n".join([lines[0], lines[1].replace(",", ',"', 1)]) + "\n")
        world.write("empty.csv", "")
        world.write("headed.csv", lines[0] + "\n")
        world.write("terms.txt", world.read("sample/terms.txt") + "colour: 1\n")
        for name in ("no-case.csv", "ragged.csv", "quote.csv", "empty.csv", "headed.csv"):
            with self.subTest(name=name):
                self.expect(BAD_INPUT, "REQUEST_MALFORMED", "requester-1", "transfer", "create",
                            name, "--terms", "sample/terms.txt", "--attestation",
                            "sample/attestation.txt")
        error = self.expect(BAD_INPUT, "REQUEST_MALFORMED", "requester-1", "transfer", "create",
                            "sample/requests.csv", "--terms", "terms.txt", "--attestation",
                            "sample/attestation.txt")
        line = len(world.read("terms.txt").splitlines())
        self.assertIn(f"terms.txt:{line}:", error["message"])
        error = self.expect(BAD_INPUT, "NOT_FOUND", "requester-1", "transfer", "create",
                            "nowhere.csv", "--terms", "sample/terms.txt", "--attestation",
                            "sample/attestation.txt")
        self.assertIn("nowhere.csv", error["message"])
        for arguments in (["transfer", "show", "transfers/00"], ["transfer", "show", "x"],
                          ["transfer", "show", "transfers/" + "0" * 32],
                          ["envelope", "open", "sample/envelopes", "--rows", "9-1", "--out", "x"]):
            with self.subTest(arguments=arguments):
                self.expect(BAD_INPUT, ("REQUEST_MALFORMED", "TRANSFER_NOT_FOUND"), "requester-1",
                            *arguments)
        self.expect(BAD_INPUT, "NOT_FOUND", "counsel-1", "hold", "lift", "hold-7", "--reason", "x",
                    "--yes")
        # Nobody is there to be asked, and nothing is signed unasked.
        self.expect(BAD_INPUT, "REQUEST_MALFORMED", "counsel-1", "hold", "place", "--matter", "m",
                    "--court", "c", "--order-reference", "r", "--document", "agreement.txt",
                    "--everything")
        self.assertEqual(world.cli("counsel-1", "hold", "list").objects, [])

    def test_what_is_not_permitted_says_so(self):
        for who, arguments in (("requester-1", ["hold", "preview", "--everything"]),
                               ("requester-1", ["ledger", "export", "--out", "mine"]),
                               ("auditor-1", ["disposal", "preview", "--everything"]),
                               ("source-1", ["transfer", "create", "sample/requests.csv", "--terms",
                                             "sample/terms.txt", "--attestation",
                                             "sample/attestation.txt"])):
            with self.subTest(who=who, arguments=arguments):
                error = self.expect(NOT_PERMITTED, "PERMISSION_DENIED", who, *arguments)
                self.assertFalse(error["retryable"])
                self.assertIn("--profile", error["help"])
        self.expect(CONFIGURATION, "EXCHANGE_NOT_FOUND", "requester-1", "--exchange", "other",
                    "transfer", "list")
        # An order of somebody whose role has no such order is refused, whoever carries it.
        self.expect(NOT_PERMITTED, "PERMISSION_DENIED", "custodian-1", "hold", "place", "--matter",
                    "m", "--court", "c", "--order-reference", "r", "--document", "agreement.txt",
                    "--everything", "--yes")

    def test_every_client_is_a_witness_of_the_ledger(self):
        """Each of them, shown a ledger that is not the one it saw, says so and keeps both."""
        world = self.world
        world.cli("auditor-1", "ledger", "checkpoint")
        state = world.path(f"home/state/{world.exchange_id}.checkpoint")
        seen = state.read_text(encoding="utf-8")
        state.write_text(another_ledger(world.exchange_id), encoding="utf-8")
        try:
            for who, arguments in (
                    ("requester-1", ["transfer", "list"]),
                    ("requester-1", ["envelope", "collect", self.transfer, "--out", "again"]),
                    ("source-1", ["source", "serve", self.transfer, "--people",
                                  "sample/people.csv"]),
                    ("source-1", ["source", "pull", self.transfer, "--out", "pulled"]),
                    ("counsel-1", ["hold", "list"]),
                    ("custodian-1", ["transfer", "dossier", self.transfer]),
                    ("custodian-1", ["disposal", "list"]),
                    ("custodian-1", ["review", "list"]),
                    ("auditor-1", ["ledger", "export", "--out", "forked"]),
                    ("auditor-1", ["ledger", "watch"])):
                with self.subTest(who=who, arguments=arguments):
                    error = self.expect(DEFECT, "LEDGER_INCONSISTENT", who, *arguments)
                    kept = pathlib.Path(world.path(error["metadata"]["kept"]))
                    refused = pathlib.Path(world.path(error["metadata"]["refused"]))
                    self.assertEqual(kept.read_text(encoding="utf-8"),
                                     another_ledger(world.exchange_id))
                    self.assertIn(world.exchange_id, refused.read_text(encoding="utf-8"))
        finally:
            state.write_text(seen, encoding="utf-8")
        world.cli("requester-1", "transfer", "list")

    def test_a_gateway_that_is_not_there_may_be_asked_again(self):
        for server in ("127.0.0.1:1", "localhost:1"):
            before = time.monotonic()
            error = self.expect(UNREACHABLE, "UNAVAILABLE", "requester-1", "--timeout", "1s",
                                "--server", server, "transfer", "list")
            self.assertTrue(error["retryable"])
            self.assertIn("holdfastd", error["help"])
            # Twice, and each of them soon.
            self.assertLess(time.monotonic() - before, 60)

    def test_who_waits_for_a_gateway_is_told_why(self):
        arguments = ("--timeout", "2s", "--server", "127.0.0.1:1", "transfer", "list")
        asked = self.world.cli("requester-1", *arguments, want=UNREACHABLE, json_form=False)
        notes = [line for line in asked.err.splitlines() if "trying again for up to 2 s" in line]
        self.assertEqual(len(notes), 1, asked)
        self.assertIn("(UNAVAILABLE)", notes[0])
        # Before the end, not with it: the error follows.
        self.assertLess(asked.err.index(notes[0]), asked.err.index("holdfast: "), asked)
        quiet = self.world.cli("requester-1", "--quiet", *arguments, want=UNREACHABLE,
                               json_form=False)
        self.assertNotIn("trying again", quiet.err)

    def test_a_profile_that_does_not_fit_is_a_matter_of_configuration(self):
        world = self.world
        error = self.expect(CONFIGURATION, "CONFIG_INVALID", "nobody", "status")
        self.assertIn("profiles/nobody", error["message"])
        self.expect(CONFIGURATION, "CONFIG_INVALID", None, "status")
        world.write("home/profiles/odd", "server = 127.0.0.1:1\ncolour = red\n")
        error = self.expect(CONFIGURATION, "CONFIG_INVALID", "odd", "status")
        self.assertIn("profiles/odd:2:", error["message"])
        self.assertEqual(error["metadata"]["line"], "2")
        world.write_profile("requester-1", world.port, name="far", exchange_id="ab" * 32)
        self.expect(CONFIGURATION, "AGREEMENT_MISMATCH", "far", "envelope", "open",
                    "sample/envelopes", "--out", "far.csv")
        world.write_profile("requester-1", world.port, name="keyless", key="../../pki/none.key")
        error = self.expect(BAD_INPUT, "NOT_FOUND", "keyless", "transfer", "list")
        self.assertIn("none.key", error["message"])

    def test_what_cannot_be_written_is_named(self):
        error = self.expect(DISK, "STORE_FAILED", "requester-1", "envelope", "open",
                            "sample/envelopes", "--out", "agreement.txt/records.csv")
        self.assertIn("agreement.txt/records.csv", error["message"])
        self.expect(BAD_INPUT, "ALREADY_EXISTS", None, "pki", "init", "--domain", "x.example",
                    "--out", "pki")

    def test_envelopes_that_were_altered_never_open(self):
        world = self.world
        whole = world.path("sample/envelopes").read_bytes()
        dice = random.Random(7)
        header = world.cli(None, "envelope", "inspect", "sample/envelopes").object
        for size in (0, 1, 7, len(whole) // 2, len(whole) - 1):
            self.try_altered(f"its first {size} bytes", whole[:size])
        self.try_altered("more at its end", whole + b"\0")
        places = [dice.randrange(len(whole)) for _ in range(8)] + [0, 5, 9, 30, 60]
        for at in places:
            altered = bytearray(whole)
            altered[at] ^= 1 << dice.randrange(8)
            self.try_altered(f"bit at {at} of {len(whole)}", bytes(altered))
        self.assertTrue(header["complete"])

    def try_altered(self, what, data):
        """It is an error that says so, or all that opens is as it was sealed."""
        world = self.world
        world.path("altered").write_bytes(data)
        world.path("altered.csv").unlink(missing_ok=True)
        with self.subTest(what=what):
            opened = world.cli("requester-1", "envelope", "open", "altered", "--list",
                               "sample/requests.csv", "--out", "altered.csv", want=None)
            self.assertIn(opened.status, (DEFECT, BAD_INPUT, DISK, CONFIGURATION, REFUSED), opened)
            self.assertFalse(world.path("altered.csv").exists(), opened)
            self.assertNotEqual(opened.object["reason"], "INTERNAL")
            inspected = world.cli(None, "envelope", "inspect", "altered", want=None)
            self.assertIn(inspected.status, (0, DEFECT, BAD_INPUT, DISK), inspected)


if __name__ == "__main__":
    gateway.main()
